"""Nights after the first: loads go and come back, as a withdrawn export does and one that is late."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

PARTS = 4
"""All loads, parted by their number."""

NIGHTS: tuple[tuple[int, ...], ...] = ((0,), (1,), (1, 2))
"""Which parts each night lacks. The first night had all: so one goes, comes back while another goes, and one more goes."""


def withdraw(connection: duckdb.DuckDBPyConnection, parts: Collection[int]) -> int:
    """Take the loads of some parts from a warehouse, rows and records, as if they had not landed yet; how many."""
    tables = connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'landing' and"
        " table_catalog = current_database() and column_name in ('load_id', '_load_id')"
    ).fetchall()
    gone = f"% {PARTS} in ({', '.join(map(str, parts))})"
    removed = connection.execute(f"select count(*) from landing.loads where load_id {gone}").fetchone()
    for table, load_id in tables:
        connection.execute(f'delete from landing."{table}" where {load_id} {gone}')
    assert removed is not None
    return int(removed[0])
