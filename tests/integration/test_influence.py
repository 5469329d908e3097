"""The influence marts of a demo against the conversions and the evidence that they speak of."""

from __future__ import annotations

import duckdb
import pytest

from expectations.suites import declared_marts
from tests.integration.helpers import Demo

NET = "conversion_kind in ('order', 'payment') and not is_fully_reversed"


@pytest.fixture(scope="module")
def marts(demo: Demo) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(demo.publication), read_only=True)


def test_no_mart_says_of_a_conversion_that_it_was_influenced() -> None:
    marts = declared_marts()
    single = {mart for mart, columns in marts.items() if "conversion_key" in columns}
    assert "fct_conversions" in single
    assert {(mart, column) for mart in single for column in marts[mart] if "influence" in column} == set()


def test_the_headline_counts_every_conversion_once(marts: duckdb.DuckDBPyConnection) -> None:
    headline = marts.execute(
        "select sum(conversion_count) filter (period <> 'all'), sum(conversion_count) filter (period = 'all'), "
        "sum(unknown_count) filter (period = 'all') from marts.influence_headline"
    ).fetchone()
    due = marts.execute(
        "select count(*), count(*), count(*) filter (link_state = 'unknown') "
        f"from marts.fct_conversions inner join marts.fct_conversion_links using (conversion_key) where {NET}"
    ).fetchone()
    assert headline == due
    assert due is not None
    assert due[0] > 100


def test_histories_hold_the_evidence_of_the_bridge(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select sum(conversion_count) filter (has_click), sum(conversion_count) filter (has_code), "
        "sum(conversion_count) filter (has_answer) from marts.conversion_capture_history"
    ).fetchone()
    own = "channel_id in (select channel_id from marts.dim_channels where platform_id is not null) or channel_id in "
    own += "('email', 'referral_program')"
    due = marts.execute(
        f"""
        select
            count(distinct conversion_key) filter (evidence_type in ('click_id', 'utm', 'referrer') and ({own})),
            count(distinct conversion_key) filter (evidence_type = 'coupon' and ({own})),
            count(distinct conversion_key) filter (evidence_type = 'self_report')
        from marts.bridge_conversion_evidence as evidence
        inner join (select conversion_key from marts.fct_conversions where {NET}) using (conversion_key)
        """
    ).fetchone()
    assert found == due
    assert due is not None
    assert min(due) > 0


def test_every_level_has_a_row_in_every_month(marts: duckdb.DuckDBPyConnection) -> None:
    months = marts.execute(
        "select period, string_agg(distinct level, ' ' order by level) from marts.influence_bounds "
        "where scope = 'all' and period <> 'all' group by period"
    ).fetchall()
    assert len(months) == 3
    assert {levels for _, levels in months} == {"A0 A1 A2 A3 A4 T0 T1 T2"}


def test_the_demo_has_a_canary_that_measures_its_codes_leaks(marts: duckdb.DuckDBPyConnection) -> None:
    canary = marts.execute(
        "select leak_status, exposure_count > 0, leak_rate_upper < 1 from marts.evidence_leak_rates "
        "where leak_method = 'canary'"
    ).fetchone()
    assert canary == ("measured", True, True)
