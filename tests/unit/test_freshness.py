"""What is overdue is said by the summary and the page, with the clock where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from expectations.suites import declared_marts
from orchestration.freshness import overdue_sources
from orchestration.overview import MARTS, write_overview
from orchestration.summary import _overdue_block

ROWS = """
insert into marts.source_freshness by name
select 's' as source_name, table_name, newest_at, days_since, expected_within_days, refused_file_count, refusal_reason
from (values
    ('daily', timestamp '2026-03-10', 0, 2, 0, null), ('lagging', timestamp '2026-03-01', 9, 2, 0, null),
    ('unexpected', timestamp '2020-01-01', 2260, null, 0, null), ('absent', null, null, 2, 0, null),
    ('refused', timestamp '2026-03-10', 0, 90, 1, 'no header <x>')
) as t (table_name, newest_at, days_since, expected_within_days, refused_file_count, refusal_reason)
"""


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """The page's marts and this one as their contracts declare them."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for mart in (*MARTS, "source_freshness"):
            columns = ", ".join(f"{name} {type_}" for name, type_ in declared_marts()[mart].items())
            connection.execute(f"create table marts.{mart} ({columns})")
        connection.execute(ROWS)
        yield connection


def test_without_a_clock_the_newest_day_in_the_data_counts(marts: duckdb.DuckDBPyConnection) -> None:
    assert {source.table: source.days_since for source in overdue_sources(marts, None)} == {
        "s.lagging": 9,
        "s.refused": 0,
    }


def test_with_a_clock_that_day_counts(marts: duckdb.DuckDBPyConnection) -> None:
    overdue = {source.table: source.text for source in overdue_sources(marts, datetime(2026, 3, 20, 23))}
    assert overdue == {
        "s.daily": "no file since 2026-03-10, 10 days, expected within 2",
        "s.lagging": "no file since 2026-03-01, 19 days, expected within 2",
        "s.refused": "no file landed since 2026-03-10: 1 file was refused (no header <x>)",
    }


def test_summary_and_page_say_it(marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (block,) = _overdue_block(marts, None)
    assert "s.lagging  no file since 2026-03-01, 9 days, expected within 2" in block
    write_overview(marts, tmp_path / "overview.html", is_demo=False)
    page = (tmp_path / "overview.html").read_text(encoding="utf-8")
    assert "What is missing by now" in page
    assert "no header &lt;x&gt;" in page
    marts.execute("delete from marts.source_freshness")
    assert list(_overdue_block(marts, None)) == []
    write_overview(marts, tmp_path / "overview.html", is_demo=False)
    assert "What is missing by now" not in (tmp_path / "overview.html").read_text(encoding="utf-8")


def test_an_older_publication_without_the_mart_has_nothing_overdue() -> None:
    with duckdb.connect() as connection:
        assert overdue_sources(connection, None) == []
