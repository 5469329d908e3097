"""No run leaves a person's address outside what is raw: not in marts, Dagster's history, dbt's files, checks or pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.integration.helpers import Demo

PERSON = re.compile(rb"person\d+(?:@|%40)", re.IGNORECASE)
"""The addresses of the simulated people."""
RAW = ("archive", "demo_exports", "warehouse.duckdb", "warehouse.duckdb.wal")
"""Where addresses belong; a publication's own database is not of these."""


def holding(home: Path) -> Iterator[str]:
    """Files outside raw that hold an address, databases and Parquet by what they hold."""
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        if not path.is_file() or path.is_symlink() or name.parts[0] in RAW:
            continue
        if PERSON.search(path.read_bytes()) or any(PERSON.search(text.encode()) for text in _decoded(path)):
            yield name.as_posix()


def _decoded(path: Path) -> Iterator[str]:
    if path.suffix not in (".parquet", ".duckdb"):
        return
    with duckdb.connect() as connection:
        relations = [f"read_parquet('{path}')"]
        if path.suffix == ".duckdb":
            connection.execute(f"attach '{path}' as searched (read_only)")
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'searched'"
            ).fetchall()
            relations = [f'searched."{schema}"."{table}"' for schema, table in tables]
        for relation in relations:
            for (text,) in connection.execute(
                f"select to_json(entry)::varchar from {relation} as entry where contains(to_json(entry)::varchar, 'person')"
            ).fetchall():
                yield text


def test_no_file_outside_raw_holds_an_address(demo: Demo) -> None:
    assert list(holding(demo.home)) == []
    assert PERSON.search(demo.summary.encode()) is None


@pytest.mark.parametrize("place", ["dagster/history/runs.db", "published/x/marts.parquet", "published/x/marts.duckdb"])
def test_an_address_is_found_wherever_it_stands(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    rows = "select 'Person0000001@example.com' as note from range(5000)"
    with duckdb.connect() as connection:
        if path.suffix == ".parquet":
            connection.execute(f"copy ({rows}) to '{path}' (compression zstd)")
        elif path.suffix == ".duckdb":
            connection.execute(f"attach '{path}' as made; create table made.notes as {rows}")
        else:
            path.write_bytes(b"\x00said person0000001@example.com\x00")
    assert list(holding(tmp_path)) == [place]
