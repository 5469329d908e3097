"""What a run asks of the tables of which each build replaces only what changed: dbt_project/macros/replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

SCHEMA = "replaced"
"""What the models remember between builds. Without it every table is built whole."""


def ask_for(connection: duckdb.DuckDBPyConnection, days: Sequence[str], *, rebuild: bool) -> None:
    """Have the builds of this run replace all rows from the first of two ISO dates to the last, or every table.

    What an earlier run asked for is forgotten. Raises `ValueError` unless there are two dates in order, or none.
    """
    asked = [date.fromisoformat(day) for day in days]
    if len(asked) not in (0, 2) or asked != sorted(asked):
        raise ValueError(f"a first and a last day, not {' '.join(days)}")
    if rebuild:
        connection.execute(f"drop schema if exists {SCHEMA} cascade")
    connection.execute(f"create schema if not exists {SCHEMA}")
    # An engine whose memory is elsewhere is to forget it too, now or when it is next used: after a rebuild, and after an
    # erasure, which leaves nothing that the models made.
    connection.execute(f"create table if not exists {SCHEMA}.forgotten as select true as is_forgotten")
    connection.execute(f"create or replace table {SCHEMA}.asked_days (first_day date, last_day date)")
    if asked:
        connection.execute(f"insert into {SCHEMA}.asked_days values (?, ?)", asked)
