"""The comparison of the engines sees what it must, and nothing else. No Spark here: only its files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.spark.parity import compare_marts, verdict

MART = """
select * from (values
    ('a', 10.25::decimal(18, 2), 0.1::double, date '2026-01-01', null::varchar),
    ('b', 20.50, 1e9, date '2026-01-02', 'x'),
    ('c', null, null, null, 'x')
) as rows_of_mart (conversion_key, net_amount, credit_share, converted_date, channel_id)
"""


@pytest.fixture
def duckdb_marts() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute(f"create table marts.fct_conversions as {MART}")
    return connection


def write(folder: Path, query: str = f"select * from ({MART})", mart: str = "fct_conversions") -> Path:
    (folder / mart).mkdir()
    duckdb.execute(f"copy ({query}) to '{folder / mart / 'part-0.parquet'}' (format parquet)")
    return folder


def differences(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, tuple[str, ...]]:
    return {one.mart: one.differences for one in compare_marts(connection, "marts", folder) if one.differences}


def test_equal_marts_agree_in_whatever_order_their_rows_stand(
    duckdb_marts: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    comparisons = compare_marts(duckdb_marts, "marts", write(tmp_path, f"select * from ({MART}) order by 1 desc"))
    assert verdict(comparisons) == "1 marts compared, 3 rows: DuckDB and Spark agree"


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        (f"select * replace ((net_amount + 0.01)::decimal(18, 2) as net_amount) from ({MART})", "10.26"),
        (f"select * from ({MART}) where conversion_key <> 'b'", "1 rows only in DuckDB: ('b'"),
        (f"select * from ({MART}) union all select * from ({MART}) where conversion_key = 'b'", "1 rows only in Spark"),
        (f"select * replace (coalesce(channel_id, '') as channel_id) from ({MART})", "rows only in Spark"),
        (
            f"select * replace (credit_share * (1 + 3e-9) as credit_share) from ({MART})",
            "credit_share differs in 1 rows: ('b'",
        ),
        (
            f"select * replace (credit_share + 1e-6 as credit_share) from ({MART}) where conversion_key <> 'b' "
            f"union all select * from ({MART}) where conversion_key = 'b'",
            "credit_share differs in 1 rows: ('a'",
        ),
        (
            f"select * replace (coalesce(credit_share, 0) as credit_share) from ({MART})",
            "credit_share differs in 1 rows",
        ),
        (
            f"select * replace (net_amount::double as net_amount) from ({MART})",
            "DECIMAL(18,2) in DuckDB, DOUBLE in Spark",
        ),
        (f"select * exclude (channel_id) from ({MART})", "channel_id VARCHAR in DuckDB, missing in Spark"),
        (f"select channel_id, * exclude (channel_id) from ({MART})", "another order"),
    ],
    ids="one cent|missing row|row twice|null|double|double by 1e-6|null double|type|missing column|order of columns".split(
        "|"
    ),
)
def test_a_planted_difference_is_found(
    duckdb_marts: duckdb.DuckDBPyConnection, tmp_path: Path, planted: str, told: str
) -> None:
    comparisons = compare_marts(duckdb_marts, "marts", write(tmp_path, planted))
    assert told in "\n".join(comparisons[0].differences)
    assert verdict(comparisons) == "1 of 1 marts differ between DuckDB and Spark: fct_conversions"


def test_doubles_may_differ_in_their_last_digits(duckdb_marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    almost = f"select * replace (credit_share * (1 + 1e-13) as credit_share) from ({MART})"
    assert differences(duckdb_marts, write(tmp_path, almost)) == {}


def test_doubles_of_rows_without_a_key_are_no_pass(duckdb_marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    duckdb_marts.execute("update marts.fct_conversions set conversion_key = 'a'")
    folder = write(tmp_path, f"select * replace ('a' as conversion_key) from ({MART})")
    assert differences(duckdb_marts, folder) == {
        "fct_conversions": ("conversion_key is no key, so its doubles cannot be compared",)
    }


def test_a_mart_that_only_one_engine_has_is_a_difference(
    duckdb_marts: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    duckdb_marts.execute("create view marts.fct_publications as select 1 as publication_id")
    folder = write(write(tmp_path), "select 1 as date_day", "dim_dates")
    assert differences(duckdb_marts, folder) == {
        "dim_dates": ("not in DuckDB",),
        "fct_publications": ("not in Spark",),
    }


def test_nothing_to_compare_is_no_agreement(tmp_path: Path) -> None:
    assert "agree" not in verdict(compare_marts(duckdb.connect(), "marts", tmp_path))
