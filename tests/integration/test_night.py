"""Whole runs from the command line: nothing new, something new, and nowhere to look."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.simulation import exporters as to
from tests.integration.helpers import Demo, published_marts, run

ADDRESS = re.compile(r"[\w.+-]+@(?!social\.example|elsewhere\.example)[\w-]+\.[\w.]+")


@pytest.fixture
def copied(demo: Demo, tmp_path: Path) -> Demo:
    """A copy of the demo that a test may change, its exports in a folder of their own."""
    shutil.copytree(demo.home, tmp_path / "home", symlinks=True)
    return Demo(tmp_path / "home", demo.summary)


def test_a_night_with_nothing_new_lands_nothing_and_leaves_the_publication(copied: Demo, tmp_path: Path) -> None:
    before = os.readlink(copied.home / "published" / "current")
    (tmp_path / "exports").mkdir()
    done = run(copied.home, tmp_path / "exports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing new" in done.stdout
    assert re.search(r"files\s+0 landed", done.stdout)
    assert os.readlink(copied.home / "published" / "current") == before
    assert copied.marts() == published_marts(copied.home)


def test_an_overlapping_export_changes_only_the_days_it_restates(copied: Demo) -> None:
    """One restated day and one new one: every other row of every mart stays, also on a warehouse of another version."""
    before = copied.marts()
    with duckdb.connect(str(copied.home / "warehouse.duckdb")) as connection:
        connection.execute("alter table reference.attribution_models add column lookback_days integer")
        connection.execute("drop table intermediate.int_contents")
        connection.execute("create view intermediate.int_contents as select 'of another version' as content_key")
    counts = dict.fromkeys(to.X_OVERVIEW_HEADER[1:], 1)
    days = [{"Date": "Mon, Jun 1, 2026", **counts}, {"Date": "Sun, May 31, 2026", **counts, "Impressions": 4321}]
    (copied.exports / "x" / "later.csv").write_bytes(to.csv_file(to.X_OVERVIEW_HEADER, days))
    done = run(copied.home, copied.exports)
    assert done.returncode == 0, done.stdout + done.stderr
    after = copied.marts()
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {
        "fct_content_reception_daily",
        "fct_engagements",
        "fct_entanglement_daily",
        "fct_interactions",
        "fct_landed_files",
        "funnel_daily",
        "source_freshness",
    }
    for table in changed - {"fct_landed_files", "source_freshness"}:
        rows = {str(row) for row in before[table]} ^ {str(row) for row in after[table]}
        assert rows
        assert all("datetime.date(2026, 5, 31)" in row or "datetime.date(2026, 6, 1)" in row for row in rows), table
    with duckdb.connect(str(copied.publication), read_only=True) as connection:
        restated = (
            "select impressions_count from marts.funnel_daily where platform_id = 'x' and funnel_date = '2026-05-31'"
        )
        assert connection.execute(restated).fetchall() == [(4321,)]


def test_no_address_leaves_raw(demo: Demo) -> None:
    """Not in a mart, not in what a run prints, not in what its tools wrote."""
    texts = {table: str(rows) for table, rows in demo.marts().items()} | {"summary": demo.summary}
    for path in (demo.home / "dbt").rglob("*"):
        if path.is_file():
            texts[path.name] = path.read_text(encoding="utf-8", errors="replace")
    found = {name: set(ADDRESS.findall(text)) for name, text in texts.items()}
    people = {name: hits for name, hits in found.items() if any("person" in hit for hit in hits)}
    assert people == {}


def test_an_exports_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    done = run(tmp_path / "home", tmp_path / "nowhere")
    assert done.returncode != 0
    assert "nowhere" in done.stdout + done.stderr
