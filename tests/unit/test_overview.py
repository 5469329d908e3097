"""The owner's page says what the marts say, and nothing where they say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.suites import declared_marts
from orchestration.overview import MARTS, write_overview

ROWS = """
insert into marts.dim_channels by name select * from (values ('(unknown)', 'Unknown'), ('x', 'X <b>')) as t (channel_id, channel_name);
insert into marts.dim_platforms by name select 'x' as platform_id, 'X' as platform_name;
insert into marts.channel_attribution_total by name
select channel_id, 'order' as conversion_kind, 'linear_30_days' as attribution_model_id, credit_count
from (values ('(unknown)', 60), ('x', 40)) as t (channel_id, credit_count);
insert into marts.proxy_validity by name select 'x' as platform_id, 'interaction' as proxy_id, 'demand_leads' as verdict;
insert into marts.audience_ladder by name
select 'x' as platform_id, 'all' as period, step, figure, lower_bound, upper_bound
from (values ('actors_seen', 12, 12, 12), ('actors_estimated', 20.0, 14.0, 31.0), ('lurkers', null, 5, null))
    as t (step, figure, lower_bound, upper_bound);
"""
HEADLINE = """
insert into marts.influence_headline by name
select period, n as conversion_count, n * 0.6 as unknown_count, 0 as direct_count, 0 as no_touch_count,
    10.4 as proven_touched_count, 10.4 as touched_lower, 50.2 as touched_upper, 0 as influenced_lower,
    30.5 as influenced_upper, level as influenced_level, 'Said in a sentence.' as headline_sentence, month_date
from (values ('all', 100, null), ('2025-01', 50, date '2025-01-01'), ('2025-02', 50, date '2025-02-01'))
    as t (period, n, month_date), (values ('{level}')) as l (level)
"""


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """The page's marts as their contracts declare them, without rows."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for mart in MARTS:
            columns = ", ".join(f"{name} {type_}" for name, type_ in declared_marts()[mart].items())
            connection.execute(f"create table marts.{mart} ({columns})")
        yield connection


def page(marts: duckdb.DuckDBPyConnection, folder: Path) -> str:
    write_overview(marts, folder / "overview.html", is_demo=False)
    return (folder / "overview.html").read_text(encoding="utf-8")


def test_the_page_says_what_the_marts_say(marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    marts.execute(ROWS + HEADLINE.format(level="A2"))
    text = page(marts, tmp_path)
    assert "Said in a sentence." in text
    assert "10 to 51" in text
    assert "make plan draws one" in text
    assert "X &lt;b&gt;" in text
    assert "follows purchases" in text
    assert [found for found in ("12", "14 to 31", "5 or more") if f"<td>{found}</td>" not in text] == []
    # Unknown comes first, and bars of a month stand on each other up to the month's height.
    assert text.index("<td>Unknown</td>") < text.index("<td>X &lt;b&gt;</td>")
    heights = [
        float(height) for height in re.findall(r'height="([\d.]+)" fill="var\(--(?:known|unknown)\)"><title>', text)
    ]
    assert heights == pytest.approx([76, 114, 76, 114])


def test_an_experiment_is_named_as_the_source_of_the_range(marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    marts.execute(ROWS + HEADLINE.format(level="A4"))
    assert "an experiment of yours" in page(marts, tmp_path)


def test_an_experiment_is_told_as_a_range_and_what_it_shows(marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    marts.execute(
        """
        insert into marts.incrementality by name
        select * from (values
            ('a', 'switchback', 284.0, -6e-10, 729.2, 0.31, null), ('b', 'switchback', 90.0, 20.0, 160.0, 0.01, null),
            ('c', 'synthetic_control', -90.0, null, -20.0, 0.01, null),
            ('d', 'interrupted_series', null, null, null, null, 'the period is not over')
        ) as t (experiment_id, estimator, caused_count, caused_count_lower, caused_count_upper, p_value, reason)
        """
    )
    rows = re.findall(r"<tr><td>(.)</td><td>([a-z ]+)</td><td>(.+?)</td><td>(.+?)</td></tr>", page(marts, tmp_path))
    assert rows == [
        ("a", "switchback", "0 to 730", "nothing that can be told from chance"),
        ("b", "switchback", "20 to 160", "more purchases than chance explains"),
        ("c", "synthetic control", "-", "fewer purchases than chance explains"),
        ("d", "interrupted series", "-", "the period is not over"),
    ]


def test_marts_without_rows_make_a_page_that_says_so(marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = page(marts, tmp_path)
    assert "nothing can be said about influence" in text
    assert "<table>" not in text


def test_a_schema_without_these_marts_has_no_page(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        write_overview(connection, tmp_path / "overview.html", is_demo=False)
    assert list(tmp_path.iterdir()) == []
