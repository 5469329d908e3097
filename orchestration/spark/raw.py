"""Sources for Spark: what landing wrote, as Parquet partitioned by load, and known to Spark's catalog by dbt's names.

Landing itself stays on one machine, and so do the measurements between the layers: both engines' marts read the same.
The folder holds what the warehouse holds, addresses and the key of person hashes included, so only its owner may read
it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.warehouse import quoted

PARTITION = "_load_id"
_WRITTEN = "_written.json"
"""Beside the partitions of a table: its columns, and a hash of the record of each load whose rows stand there. Spark passes
over names with that first letter."""
_SPARK_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
    "INTEGER": "int",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double",
    "TIMESTAMP": "timestamp_ntz",
}


@dataclass(frozen=True)
class RawTable:
    """One exported table: its schema and name, its columns with Spark's types, and where its Parquet lies."""

    schema: str
    name: str
    columns: dict[str, str]
    location: Path

    @property
    def is_partitioned(self) -> bool:
        """Whether its rows belong to loads."""
        return PARTITION in self.columns


def export_raw(
    connection: duckdb.DuckDBPyConnection, relations: Iterable[tuple[str, str]], folder: Path
) -> list[RawTable]:
    """Write each `(schema, table)` of the warehouse below `folder`, and return what stands there.

    Of a table whose rows belong to loads, those loads whose record in `landing.loads` came, went or changed since the last
    time; any other anew. Raises `KeyError` naming a type that raw tables do not have.
    """
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    tables = []
    for schema, name in relations:
        described = connection.execute(f'describe {schema}."{name}"').fetchall()
        columns = {column: _spark_type(type_) for column, type_, *_ in described}
        table = RawTable(schema, name, columns, folder / schema / name)
        if table.is_partitioned:
            _write_changed_loads(connection, table)
        else:
            _empty(table.location)
            _write(connection, table, "per_thread_output")
        tables.append(table)
    return tables


def _spark_type(duckdb_type: str) -> str:
    return duckdb_type.lower() if duckdb_type.startswith("DECIMAL(") else _SPARK_TYPES[duckdb_type]


def _write_changed_loads(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    records = connection.execute(
        f'select {PARTITION}, hash(loads)::varchar from (select distinct {PARTITION} from {table.schema}."{table.name}")'
        f" left join landing.loads as loads on load_id = {PARTITION}"
    ).fetchall()
    loads = {str(load_id): record for load_id, record in records}
    written = table.location / _WRITTEN
    before = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
    if before.get("columns") != table.columns:
        _empty(table.location)
        before = {"loads": {}}
    # Killed from here on, the next export is a whole one.
    written.unlink(missing_ok=True)
    changed = [load for load in {**before["loads"], **loads} if before["loads"].get(load) != loads.get(load)]
    for load in changed:
        shutil.rmtree(table.location / f"{PARTITION}={load}", ignore_errors=True)
    if arrived := [load for load in changed if load in loads]:
        _write(
            connection,
            table,
            f"partition_by ({PARTITION}), overwrite_or_ignore",
            f"where {PARTITION} in ({', '.join(arrived)})",
        )
    written.write_text(json.dumps({"columns": table.columns, "loads": loads}), encoding="utf-8")


def _write(connection: duckdb.DuckDBPyConnection, table: RawTable, form: str, which: str = "") -> None:
    connection.execute(
        f'copy (from {table.schema}."{table.name}" {which})'
        f" to '{quoted(table.location)}' (format parquet, compression zstd, {form})"
    )


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def registration(tables: Iterable[RawTable]) -> Iterator[str]:
    """The statements by which Spark's catalog comes to know the exported tables, instead of what it knew before."""
    for table in tables:
        relation = f"{table.schema}.{table.name}"
        columns = ", ".join(f"`{name}` {type_}" for name, type_ in table.columns.items())
        partitioned = f"partitioned by ({PARTITION})" if table.is_partitioned else ""
        yield f"create schema if not exists {table.schema}"
        yield f"drop table if exists {relation}"
        yield f"create table {relation} ({columns}) using parquet {partitioned} location '{quoted(table.location)}'"
        if table.is_partitioned:
            yield f"msck repair table {relation}"
