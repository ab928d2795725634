"""Dagster's PostgreSQL event log, which batches by itself, with check plans of a range as one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config

from vol_assets.instance.range_check_plans import RangeCheckPlans


class PostgresEventLog(RangeCheckPlans, PostgresEventLogStorage):
    """Configured as the stock storage: `postgres_url` or `postgres_db`."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PostgresEventLog:
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
        )
