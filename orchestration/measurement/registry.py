"""Every measurement, each after those that it reads, and how their tables are filled."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pandas as pd

from orchestration.measurement import attribution, audience, entanglement, incrementality, influence, proxies
from orchestration.measurement.measurement import Measurement

SCHEMA = "measurement"

MEASUREMENTS: tuple[Measurement, ...] = (
    *attribution.MEASUREMENTS,
    *entanglement.MEASUREMENTS,
    *audience.MEASUREMENTS,
    *proxies.MEASUREMENTS,
    *incrementality.MEASUREMENTS,
    *influence.MEASUREMENTS,
)

Columns = Mapping[str, str]
"""The type of each column, in order."""


class MeasurementError(RuntimeError):
    """A measurement and what dbt declares of its table do not fit; names both and what differs."""


def declare(connection: duckdb.DuckDBPyConnection, declared: Mapping[str, Columns]) -> None:
    """Make every declared table anew, without rows. Raises `MeasurementError` unless each has one measurement."""
    measured = {measurement.table for measurement in MEASUREMENTS}
    if different := measured ^ declared.keys():
        raise MeasurementError(f"measured or declared, but not both: {', '.join(sorted(different))}")
    connection.execute(f"create schema if not exists {SCHEMA}")
    for table, columns in declared.items():
        types = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
        connection.execute(f"create or replace table {SCHEMA}.{table} ({types})")


def measure(connection: duckdb.DuckDBPyConnection, declared: Mapping[str, Columns]) -> dict[str, int]:
    """Fill every table from what stands in the warehouse, all or none; the number of rows of each."""
    connection.execute("begin")
    try:
        declare(connection, declared)
        rows = {measurement.table: _fill(connection, measurement, declared) for measurement in MEASUREMENTS}
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return rows


def _fill(connection: duckdb.DuckDBPyConnection, measurement: Measurement, declared: Mapping[str, Columns]) -> int:
    frames = [connection.execute(f"from {relation} order by all").df() for relation in measurement.reads]
    figures = measurement.measure(*frames)
    columns = declared[measurement.table]
    if different := set(figures.columns) ^ columns.keys():
        raise MeasurementError(
            f"{measurement.table}: measured or declared, but not both: {', '.join(sorted(map(str, different)))}"
        )
    if len(figures):
        # DuckDB reads NaN in a column of doubles as a number; None is what SQL calls unknown.
        unknown = figures.astype(object).where(figures.notna(), None)
        typed = ", ".join(f'"{name}"::{type_} as "{name}"' for name, type_ in columns.items())
        connection.register("measured_figures", pd.DataFrame(unknown))
        connection.execute(f"insert into {SCHEMA}.{measurement.table} by name select {typed} from measured_figures")
        connection.unregister("measured_figures")
    return len(figures)
