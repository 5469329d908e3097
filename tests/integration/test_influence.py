"""The influence marts of a demo against the conversions and the evidence that they speak of."""

from __future__ import annotations

import duckdb
import pytest

from expectations.suites import declared_marts
from orchestration.settings import PROJECT_ROOT
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


METHODS = {"method", "estimator", "test_name", "label", "leak_method", "influenced_method"}
ASSUMPTIONS = {"assumption_ids", "influenced_assumption_ids"}
BASES = {
    *("basis_count", "week_count", "exposure_count", "purchase_count", "conversion_count", "converted_count"),
    *("person_count", "referred_count"),
}
STATUSES = {
    *("status", "leak_status", "visit_status", "headline_status", "interval_status", "order_verdict", "verdict"),
    "shapley_value",  # Without a gap there is nothing to say of it.
}


def estimating_marts() -> list[str]:
    folder = PROJECT_ROOT / "dbt_project" / "models" / "marts"
    reading = {
        path.stem for path in folder.rglob("*.sql") if "source('measurement'" in path.read_text(encoding="utf-8")
    }
    return sorted({*reading, "influence_headline"})


@pytest.mark.parametrize("mart", estimating_marts())
def test_every_estimate_has_its_method_assumptions_basis_and_status(
    mart: str, marts: duckdb.DuckDBPyConnection
) -> None:
    columns = set(declared_marts()[mart])
    told = [columns & names for names in (METHODS, ASSUMPTIONS, BASES, STATUSES)]
    assert all(told), told
    said = [" or ".join(f"{name} is not null" for name in sorted(names)) for names in (told[0], told[3])]
    (silent,) = marts.execute(f"select count(*) from marts.{mart} where not (({said[0]}) and ({said[1]}))").fetchall()
    assert silent == (0,)
    (names,) = told[1]
    unknown = marts.execute(
        f"select distinct unnest(string_split({names}, ' ')) as assumption_id from marts.{mart} where {names} is not null "
        "except select assumption_id from marts.dim_assumptions"
    ).fetchall()
    assert unknown == []


def test_what_is_unknown_is_the_same_under_every_model(marts: duckdb.DuckDBPyConnection) -> None:
    shares = marts.execute(
        """
        select attribution_model_id, sum(credit_count) filter (channel_id = '(unknown)') as unknown_count
        from marts.channel_attribution_total
        where conversion_kind in ('order', 'payment')
        group by all
        """
    ).fetchall()
    (due,) = marts.execute("select unknown_count from marts.influence_headline where period = 'all'").fetchall()
    assert len(shares) > 10
    assert {int(count) for _, count in shares} == {*due}
