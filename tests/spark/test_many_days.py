"""A night that touches hundreds of days names them all to the catalog, whose parser overflows on that many."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestration.settings import PROJECT_ROOT

DAYS = [f"date '{year}-{month:02}-{day:02}'" for year in (2024, 2025) for month in range(1, 13) for day in range(1, 29)]


def counted(spark: Any) -> int:
    rows = spark.sql(f"select count(*) from many_days.table_of_days where day in ({', '.join(DAYS[1:])})").collect()
    return int(rows[0][0])


def test_hundreds_of_days_are_read_as_dbt_sets_its_session(spark: Any) -> None:
    profiles = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "profiles.yml").read_text(encoding="utf-8"))
    (setting,) = (
        pair
        for pair in profiles["balcony"]["outputs"]["spark"]["server_side_parameters"].items()
        if "metastore" in pair[0]
    )
    spark.sql("create schema many_days")
    spark.sql("create table many_days.table_of_days (row int, day date) using parquet partitioned by (day)")
    spark.sql(
        "insert overwrite table many_days.table_of_days"
        f" select 1, day from (select explode(array({', '.join(DAYS)})) as day) as days"
    )
    with pytest.raises(Exception, match="PARTITION_FILTER"):
        counted(spark)
    spark.conf.set(*setting)
    try:
        assert counted(spark) == len(DAYS) - 1
    finally:
        spark.conf.unset(setting[0])
        spark.sql("drop schema many_days cascade")
