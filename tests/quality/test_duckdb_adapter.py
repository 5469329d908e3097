"""GX speaks DuckDB: each kind of expectation passes on good data, fails on bad, and fetches numbers, never rows.

Not only the kinds that suites use today: these are the ones that a suite may use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from expectations import Check, load_suites
from expectations.run import SHOWN_ROWS, run_checks
from expectations.suites import ROW_CLAIM, SQL_CLAIM

ROWS = 5_000
GOOD = "select i as id, i + 1 as later, 'EUR' as code, 'a' || i as text from range({rows}) as numbers(i)"
BAD = """
    select if(i < 3, null, i) as id, if(i = 0, i - 1, i) as later, 'e' as code, 'a@example.com' as text
    from range({rows}) as numbers(i)
"""
KINDS: dict[str, dict[str, Any]] = {
    "expect_column_values_to_not_be_null": {"column": "id"},
    "expect_column_values_to_be_between": {"column": "later", "min_value": 1},
    "expect_column_values_to_be_in_set": {"column": "code", "value_set": ["EUR"]},
    "expect_column_values_to_not_be_in_set": {"column": "code", "value_set": ["e"]},
    "expect_column_values_to_be_unique": {"column": "text"},
    "expect_compound_columns_to_be_unique": {"column_list": ["text", "code"]},
    "expect_column_values_to_match_regex": {"column": "code", "regex": "^[A-Z]{3}$"},
    "expect_column_values_to_not_match_regex": {"column": "text", "regex": "@"},
    "expect_column_values_to_match_like_pattern": {"column": "code", "like_pattern": "E%"},
    "expect_column_values_to_not_match_like_pattern": {"column": "text", "like_pattern": "%@%"},
    "expect_column_value_lengths_to_be_between": {"column": "code", "min_value": 2},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "later", "column_B": "id"},
    "expect_column_min_to_be_between": {"column": "later", "min_value": 1},
    "expect_column_unique_value_count_to_be_between": {"column": "text", "min_value": 2},
    "expect_column_sum_to_be_between": {"column": "later", "min_value": ROWS * (ROWS + 1) // 2},
    "expect_table_row_count_to_equal": {"value": ROWS},
    ROW_CLAIM: {"condition": "later < 1 or text like '%@%'"},
    SQL_CLAIM: {"unexpected_rows_query": "select id, later from {batch} where later < 1 or id is null"},
}


class CountingConnection:
    """A connection that remembers the longest answer anybody fetched from it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.most_rows = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> CountingConnection:
        self._connection.execute(*arguments)
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._counted(self._connection.fetchall())

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self._counted(self._connection.fetchmany(size))

    def _counted(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        self.most_rows = max(self.most_rows, len(rows))
        return rows


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"create schema s; create table s.good as {GOOD.format(rows=ROWS)}")
        connection.execute(f"create view s.bad as {BAD.format(rows=ROWS - 1)}")
        yield connection


def checks_of(relation: str) -> list[Check]:
    return [
        Check("raw", f"raw.{relation}", f"s.{relation}", kind, "critical", "", kind, kwargs)
        for kind, kwargs in KINDS.items()
    ]


def test_each_kind_passes_on_good_data_and_fails_on_bad(connection: duckdb.DuckDBPyConnection) -> None:
    results = run_checks(connection, checks_of("good") + checks_of("bad"), "run")
    assert [result.details for result in results if result.is_error] == []
    assert {result.name for result in results if result.is_passed} == set(KINDS)
    assert {result.name for result in results if not result.is_passed} == set(KINDS)
    assert {result.relation for result in results if result.is_passed} == {"s.good"}


def test_a_failure_tells_how_many_rows_break_the_claim(connection: duckdb.DuckDBPyConnection) -> None:
    results = {result.name: result for result in run_checks(connection, checks_of("bad"), "run")}
    assert results["expect_column_values_to_not_be_null"].unexpected_count == 3
    assert results["expect_column_values_to_not_be_null"].details == f"3 of {ROWS - 1} rows"
    assert results["expect_table_row_count_to_equal"].details == f"observed {ROWS - 1}"
    assert results[SQL_CLAIM].details == "3 found: id=None, later=-1; id=None, later=1; id=None, later=2"


def test_no_table_is_fetched(connection: duckdb.DuckDBPyConnection) -> None:
    counting = CountingConnection(connection)
    every_row = Check(
        "raw",
        "raw.bad",
        "s.bad",
        "every_row",
        "critical",
        "",
        SQL_CLAIM,
        {"unexpected_rows_query": "select id from {batch}"},
    )
    run_checks(counting, [*checks_of("bad"), every_row], "run")  # type: ignore[arg-type]
    # The columns of the relation and the rows shown are the longest answers.
    assert 0 < counting.most_rows <= SHOWN_ROWS


def test_the_suites_use_only_kinds_that_are_tried_here() -> None:
    used = {check.type for layer in ("raw", "staging", "intermediate", "marts") for check in load_suites(layer)}
    assert used <= set(KINDS)
