"""Makes the small warehouse of clean.yml, in which every claim of every suite holds.

Raw tables and marts take their columns from the dbt project, so a suite that names a column which none has shows up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import yaml

from expectations.suites import DBT_PROJECT, declared_marts
from orchestration.landing.ledger import LINEAGE_COLUMNS
from orchestration.landing.spec import load_specs
from orchestration.settings import PROJECT_ROOT

CLEAN = yaml.safe_load(Path(__file__).with_name("clean.yml").read_text(encoding="utf-8"))
RECORDS = 30
"""Records per file; one of them is in quarantine."""
QUARANTINED = 7


def build(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the clean warehouse on an empty connection."""
    for schema in ("landing", "staging", "reference", "intermediate", "measurement", "marts"):
        connection.execute(f"create schema {schema}")
    _land(connection)
    _stage(connection)
    _transform(connection)
    _publish(connection)


def _land(connection: duckdb.DuckDBPyConnection) -> None:
    """One file per raw table, with one record in quarantine, and the ledger that says so."""
    connection.execute(
        """
        create table landing.loads (
            load_id bigint, file_sha256 varchar, source_name varchar, table_name varchar, load_status varchar,
            rows_read_count bigint, rows_landed_count bigint, rows_quarantined_count bigint, rows_erased_count bigint
        );
        create table landing.erased_rows (load_id bigint, source_row_number bigint);
        create table landing.rejected_rows (load_id bigint, source_row_number bigint, rejection_reason varchar);
        insert into landing.loads (load_id, file_sha256, load_status) values (0, 'refused', 'refused');
        """
    )
    for load_id, spec in enumerate(load_specs(DBT_PROJECT), start=1):
        names = [f'"{column.name}"' for column in spec.columns]
        declared = [f"{name} varchar" for name in names] + [
            f"{name} {type_}" for name, type_ in LINEAGE_COLUMNS.items()
        ]
        connection.execute(
            f"""
            create schema if not exists {spec.raw_schema};
            create table {spec.raw_schema}.{spec.table} ({", ".join(declared)});
            insert into {spec.raw_schema}.{spec.table} ({", ".join(names)}, _load_id, _source_row_number)
            select {", ".join("number" for _ in names)}, {load_id}, number
            from range(1, {RECORDS + 1}) as records(number)
            where number <> {QUARANTINED};
            insert into landing.rejected_rows values ({load_id}, {QUARANTINED}, 'unreadable');
            insert into landing.loads
            values ({load_id}, 'sha{load_id}', '{spec.source}', '{spec.table}', 'landed', {RECORDS}, {RECORDS - 1}, 1, null);
            """
        )
    connection.execute("create table landing.files as select load_id from landing.loads")


def _stage(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        create table staging.stg_landing__loads as
        select 1 as load_id, timestamp '2025-04-01' as exported_at, timestamp '2025-04-02' as landed_at
        """
    )
    for spec in load_specs(DBT_PROJECT):
        connection.execute(
            f"create table staging.stg_{spec.source}__{spec.table} as select * from {spec.raw_schema}.{spec.table}"
        )
    for form, platform in _staged_forms():
        relation = f"staging.stg_{platform}__{form}"
        _make(connection, relation, **CLEAN["forms"][form])
        if "platform_id" in CLEAN["forms"][form]["columns"]:
            connection.execute(f"update {relation} set platform_id = '{platform}'")


def _transform(connection: duckdb.DuckDBPyConnection) -> None:
    seeds = (
        "attribution_models",
        "measured_attribution_models",
        "channel_costs",
        "conversion_sources",
        "path_configurations",
    )
    for seed in seeds:
        connection.execute(
            f"create table reference.{seed} as select * from read_csv('{PROJECT_ROOT / 'seeds' / seed}.csv')"
        )
    for layer in ("intermediate", "measurement"):
        for name, table in CLEAN[layer].items():
            _make(connection, f"{layer}.{name}", **table)
    connection.execute(
        """
        create table splits (
            conversion_id varchar, link_state varchar, unknown_reason varchar, channel_id varchar,
            opening_share decimal(18, 12), closing_share decimal(18, 12)
        )
        """
    )
    connection.executemany("insert into splits values (?, ?, ?, ?, ?, ?)", CLEAN["splits"])
    connection.execute(
        f"""
        create table intermediate.int_contents as {_union("contents")};
        create table intermediate.int_activities as
        select *, case native_event when 'like' then 'interaction' else 'engagement' end as word
        from ({_union("activities")});
        create table intermediate.int_metrics as
        select *, case metric_id when 'views' then 'reception' else 'none' end as word from ({_union("metrics")});
        create table intermediate.int_conversions as
        select
            *,
            platform_id || ' ' || conversion_id as conversion_key,
            cast(converted_at as date) as converted_date,
            cast(reversed_at as date) as reversed_date,
            'USD' as reporting_currency_code,
            if(currency_code = 'EUR', 1.1, 1) as exchange_rate,
            if(currency_code = 'EUR', cast('2025-03-01' as date), cast(converted_at as date)) as exchange_rate_date,
            gross_amount * exchange_rate as gross_amount_reporting,
            reversed_amount * exchange_rate as reversed_amount_reporting,
            gross_amount - reversed_amount as net_amount,
            gross_amount_reporting - reversed_amount_reporting as net_amount_reporting
        from ({_union("conversions")});
        create table intermediate.int_conversion_touches as
        select path_configuration_id, conversion_key, touchpoint_key, touch_position, path_length
        from intermediate.int_conversion_paths cross join reference.path_configurations;
        create table intermediate.int_unconverted_journeys as
        select path_configuration_id, 1 as touch_count, 1 as path_length from reference.path_configurations;
        create table intermediate.int_converted_journeys as
        select
            path_configuration_id, conversion_key, link_state, net_amount_reporting,
            if(link_state in ('linked', 'direct'), 'email', '') as journey_path,
            if(link_state in ('linked', 'direct'), 1, 0) as path_length
        from intermediate.int_conversions
        inner join (select distinct conversion_id, link_state from splits) using (conversion_id)
        cross join reference.path_configurations;
        create table intermediate.int_channel_shares as
        select conversion_key, model_id as attribution_model_id, splits.* exclude (conversion_id)
        from intermediate.int_conversions
        inner join splits using (conversion_id)
        cross join reference.attribution_models;
        """
    )


def _publish(connection: duckdb.DuckDBPyConnection) -> None:
    for mart, columns in declared_marts().items():
        declared = ", ".join(f"{name} {data_type}" for name, data_type in columns.items())
        connection.execute(f"create table marts.{mart} ({declared})")
        if mart not in CLEAN["marts"]:
            connection.execute(f"insert into marts.{mart} default values")
    for mart, query in CLEAN["marts"].items():
        connection.execute(f"insert into marts.{mart} by name {query}")


def _union(form: str) -> str:
    platforms = [platform for staged_form, platform in _staged_forms() if staged_form == form]
    return " union all ".join(f"select * from staging.stg_{platform}__{form}" for platform in platforms)


def _staged_forms() -> Iterator[tuple[str, str]]:
    variables = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    for variable, platforms in variables.items():
        if variable.startswith("staged_"):
            for platform in platforms:
                yield variable.removeprefix("staged_"), platform


def _make(connection: duckdb.DuckDBPyConnection, relation: str, columns: str, rows: list[dict[str, Any]]) -> None:
    connection.execute(f"create table {relation} ({columns})")
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into {relation} ({', '.join(row)}) values ({marks})", list(row.values()))
