"""The Dagster assets, one module a layer: thin shells over rooms that know nothing of Dagster."""
