"""A night whose layers Spark builds (`BALCONY_TARGET=spark`): what it takes from the warehouse file and gives back.

Landing, measurements, gates and the record of runs stay in that file. Spark gets what the models read of it as Parquet;
what others read of Spark's relations, measurements and publications, comes back as views on Parquet that Spark wrote.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from expectations.run import Connection
from expectations.spark_connection import SparkConnection
from expectations.suites import declared_marts
from orchestration.measurement.registry import MEASUREMENTS
from orchestration.measurement.registry import SCHEMA as MEASUREMENT
from orchestration.publication import SCHEMA as MARTS
from orchestration.publication import AuditError
from orchestration.replacing import SCHEMA as REPLACING
from orchestration.settings import Settings
from orchestration.spark.build import SparkProject
from orchestration.spark.raw import export_raw, registration
from orchestration.spark.server import PID_FILE_NAME, spark_server
from orchestration.transform import Layer, NodeResult, layer_selection
from orchestration.warehouse import connect, quoted

REMOTE = "BALCONY_SPARK_REMOTE"
RUNS = "raw_balcony"
"""Schema of what a run itself records: results of checks, publications."""


@contextmanager
def engine(settings: Settings) -> Iterator[None]:
    """What builds the layers, for as long as a run lasts: a server of its own, unless `BALCONY_SPARK_REMOTE` names one."""
    if settings.target != "spark" or os.environ.get(REMOTE):
        yield
        return
    folder = settings.home / "spark" / "server"
    was_killed = (folder / PID_FILE_NAME).exists()
    with spark_server(folder) as remote:
        os.environ[REMOTE] = remote
        try:
            if was_killed:
                _project(settings).drop_unfinished(folder / "warehouse")
            yield
        finally:
            del os.environ[REMOTE]


def build_layer(settings: Settings, layer: Layer, *, tested: bool = True) -> list[NodeResult]:
    """Build a layer on Spark and run its data tests; the marts are written and audited besides."""
    project = _project(settings)
    if layer == "staging":
        hand_over(settings, project, lambda schema: schema != MEASUREMENT)
        hand_over_what_is_asked(settings, project)
    elif layer == MARTS:
        hand_over(settings, project, lambda schema: schema in (MEASUREMENT, RUNS))
    results = project.run("build", *layer_selection(layer, tested=tested))
    if layer == MARTS and all(result.is_good for result in results):
        with connect(settings) as connection:
            bring_back(settings, project, connection, MARTS, project.relations(MARTS))
    return results


def measured_inputs(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Bring what the measurements read into the warehouse."""
    if settings.target != "spark":
        return
    project = _project(settings)
    reads = {relation for measurement in MEASUREMENTS for relation in measurement.reads}
    schemas = {relation.partition(".")[0] for relation in reads} - {MEASUREMENT}
    for schema in sorted(schemas):
        names = sorted(relation.partition(".")[2] for relation in reads if relation.startswith(f"{schema}."))
        bring_back(settings, project, connection, schema, names)


def publications_row(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Let the marts know the publication that is about to be made: what it is announced by stands in the warehouse."""
    if settings.target == "spark":
        project = _project(settings)
        exported = export_raw(connection, [(RUNS, "publications")], _folder(settings) / "raw")
        project.execute(*registration(exported))
        bring_back(settings, project, connection, MARTS, ["fct_publications"])


def guard_connection(settings: Settings, connection: duckdb.DuckDBPyConnection, layer: str) -> Connection:
    """Where the relations of a layer are: raw and what was measured stand in the warehouse."""
    if settings.target != "spark" or layer in ("raw", MEASUREMENT):
        return connection
    return SparkConnection(_project(settings).session())


def hand_over(settings: Settings, project: SparkProject, is_wanted: Callable[[str], bool]) -> None:
    """Write the sources of the wanted schemas as Parquet and tell Spark's catalog of them."""
    sources = [source for source in project.sources() if is_wanted(source[0])]
    with connect(settings) as connection:
        exported = export_raw(connection, sources, _folder(settings) / "raw")
    project.execute(*registration(exported))


def hand_over_what_is_asked(settings: Settings, project: SparkProject) -> None:
    """Let Spark's tables replace the days that this run was asked for, or forget what they remember."""
    with connect(settings) as connection:
        if connection.execute(f"select is_forgotten from {REPLACING}.forgotten").fetchall() == [(True,)]:
            project.execute(f"drop schema if exists {REPLACING} cascade")
            connection.execute(f"update {REPLACING}.forgotten set is_forgotten = false")
        exported = export_raw(connection, [(REPLACING, "asked_days")], _folder(settings) / "raw")
    project.execute(*registration(exported))


def bring_back(
    settings: Settings, project: SparkProject, connection: duckdb.DuckDBPyConnection, schema: str, names: Sequence[str]
) -> None:
    """Let Spark write relations as Parquet, audit them, and put views on them into the warehouse."""
    folder = _folder(settings) / "parquet" / schema
    project.write(schema, names, folder)
    audit(connection, folder, project.row_counts(schema, names), declared_marts() if schema == MARTS else {})
    connection.execute(f"create schema if not exists {schema}")
    for name in names:
        kinds = connection.execute(
            "select table_type from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
        ).fetchall()
        if kinds == [("BASE TABLE",)]:
            # From nights with the other engine.
            connection.execute(f'drop table {schema}."{name}"')
        connection.execute(f'create or replace view {schema}."{name}" as from {_parquet(folder, name)}')


def audit(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    row_counts: Mapping[str, int],
    declared: Mapping[str, Mapping[str, str]],
) -> None:
    """Raise `AuditError` where what was written has not the rows that Spark counts or the types of the contract."""
    for name, row_count in row_counts.items():
        written = connection.execute(f"select count(*) from {_parquet(folder, name)}").fetchone()
        if written != (row_count,):
            raise AuditError(f"{name}: Spark counts {row_count} rows, its Parquet holds {written and written[0]}")
    for name in row_counts.keys() & declared.keys():
        types = ", ".join(f'cast(null as {data_type}) as "{column}"' for column, data_type in declared[name].items())
        promised, found = (
            {column: data_type for column, data_type, *_ in connection.execute(f"describe {query}").fetchall()}
            for query in (f"select {types}", f"from {_parquet(folder, name)}")
        )
        if promised != found:
            raise AuditError(f"{name}: the contract says {promised}, its Parquet holds {found}")


def _project(settings: Settings) -> SparkProject:
    return SparkProject(settings, _folder(settings) / "dbt", os.environ[REMOTE])


def _folder(settings: Settings) -> Path:
    return settings.home / "spark"


def _parquet(folder: Path, name: str) -> str:
    path = quoted(folder / name / f"{name}.parquet")
    return f"read_parquet('{path}')"
