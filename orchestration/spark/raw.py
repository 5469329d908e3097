"""Sources for Spark: what landing wrote, as Parquet partitioned by load, and known to Spark's catalog by dbt's names.

Landing itself stays on one machine, and so do the measurements between the layers: both engines' marts read the same.
The folder holds what the warehouse holds, addresses and the key of person hashes included, so only its owner may read
it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.warehouse import quoted

PARTITION = "_load_id"
_SPARK_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
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
    """Write each `(schema, table)` of the warehouse below `folder`, anew, and return what stands there.

    Raises `KeyError` naming a type that raw tables do not have.
    """
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    tables = []
    for schema, name in relations:
        described = connection.execute(f'describe {schema}."{name}"').fetchall()
        columns = {column: _SPARK_TYPES[type_] for column, type_, *_ in described}
        table = RawTable(schema, name, columns, folder / schema / name)
        shutil.rmtree(table.location, ignore_errors=True)
        table.location.mkdir(parents=True)
        form = f"partition_by ({PARTITION}), overwrite_or_ignore" if table.is_partitioned else "per_thread_output"
        connection.execute(
            f"copy {schema}.\"{name}\" to '{quoted(table.location)}' (format parquet, compression zstd, {form})"
        )
        tables.append(table)
    return tables


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
