"""GX speaks Spark: the kinds of expectation that tests/quality tries on DuckDB give the same there."""

from typing import Any

import pytest

from expectations.run import run_checks
from expectations.spark_connection import SparkConnection
from expectations.suites import SQL_CLAIM
from tests.quality.test_duckdb_adapter import KINDS, ROWS, checks_of

GOOD = f"select id, id + 1 as later, 'EUR' as code, concat('a', id) as text from range({ROWS})"
BAD = f"""
    select
        if(id < 3, null, id) as id, if(id = 0, id - 1, id) as later, 'e' as code, 'a@example.com' as text
    from range({ROWS - 1})
"""


@pytest.fixture(scope="module")
def connection(spark: Any) -> SparkConnection:
    connection = SparkConnection(spark)
    connection.execute("create schema if not exists s")
    for name, query in (("good", GOOD), ("bad", BAD)):
        connection.execute(f"create or replace view s.{name} as {query}")
    return connection


def test_each_kind_passes_on_good_data_and_fails_on_bad(connection: SparkConnection) -> None:
    results = run_checks(connection, checks_of("good") + checks_of("bad"), "run")
    assert [result.details for result in results if result.is_error] == []
    assert {result.name for result in results if result.is_passed} == set(KINDS)
    assert {result.name for result in results if not result.is_passed} == set(KINDS)
    assert {result.relation for result in results if result.is_passed} == {"s.good"}
    bad = {result.name: result for result in results if result.relation == "s.bad"}
    assert bad["expect_column_values_to_not_be_null"].details == f"3 of {ROWS - 1} rows"
    assert bad["expect_table_row_count_to_equal"].details == f"observed {ROWS - 1}"
    assert bad[SQL_CLAIM].unexpected_count == 3


def test_a_relation_that_is_not_there_and_an_unknown_column_are_told(connection: SparkConnection) -> None:
    nowhere = [check for check in checks_of("nowhere") if check.type == SQL_CLAIM]
    assert [result.details for result in run_checks(connection, nowhere, "run")] == ["s.nowhere does not exist"]
