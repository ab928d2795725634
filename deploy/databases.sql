-- Run once, by the postgres image, in a new volume. Both Dagster and MLflow keep a table named alembic_version, so
-- they cannot share the database the image makes for Dagster.
CREATE DATABASE mlflow;
