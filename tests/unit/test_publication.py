"""Readers see complete publications only, whatever happens while one is made."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration import publication
from orchestration.lock import holder_of
from orchestration.publication import (
    DATABASE,
    announce,
    current_publication,
    finished_publications,
    kept_by_rule,
    publish,
    switch_to,
)
from orchestration.rollback import RollbackError, roll_back
from orchestration.settings import PROJECT_ROOT, Settings

WAREHOUSE = """
create schema raw_balcony;
create table raw_balcony.publications (
    publication_id varchar, run_id varchar, table_count bigint, row_count bigint, published_at timestamp,
    removed_at timestamp
);
create table raw_balcony.check_results (run_id varchar, checked_at timestamp);
create schema staging;
create table staging.stg_x__posts as select 1 as post_id;
create schema marts;
create table marts.fct_sales as
    select 'sale ' || (37 * sale % 1000) as sale_id, 0 as build, sale::decimal(18, 2) as amount from range(1000) t (sale);
create table marts.fct_visits as select visit as visit_id, 0 as build from range(1000) t (visit);
create view marts.fct_publications as select * from raw_balcony.publications;
"""

READER = """
import os, sys, duckdb
current, builds, reads = sys.argv[1], set(), 0
os.set_blocking(0, False)
print("ready", flush=True)
while sys.stdin.buffer.raw.read(1) is None or not builds:
    with duckdb.connect(current, read_only=True) as connection:
        found = connection.execute('''
            select min(build), max(build), count(*) from (
                select build from marts.fct_sales union all select build from marts.fct_visits
            )
        ''').fetchone()
    assert found[0] == found[1] and found[2] == 2000, found
    builds.add(found[0])
    reads += 1
print(reads, len(builds))
"""
"""Reads until its standard input is closed."""

PUBLICATIONS = int(os.environ.get("BALCONY_PUBLICATIONS", "5"))
"""How many are read through; 100 take some minutes."""


PUBLISHER = """
import duckdb
from orchestration.publication import announce, publish
from orchestration.settings import Settings
settings = Settings.from_environment()
with duckdb.connect(str(settings.warehouse)) as connection:
    for table in ("fct_sales", "fct_visits"):
        connection.execute(f"update marts.{table} set build = 2")
    publication_id = announce(settings, connection, "run00002")
publish(settings, publication_id, "run00002", "state 2", is_demo=False)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(
        exports=tmp_path / "exports",
        home=tmp_path / "home",
        memory_limit="1GB",
        threads=2,
        kept_publications=3,
        kept_months=0,
    )
    settings.home.mkdir()
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(WAREHOUSE)
    return settings


def publish_build(settings: Settings, build: int) -> publication.Publication:
    """Publish marts that all say the same build number, under an id of their own."""
    run_id = f"run{build:05d}"
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("update marts.fct_sales set build = ?", [build])
        connection.execute("update marts.fct_visits set build = ?", [build])
        publication_id = announce(settings, connection, run_id)
    return publish(settings, publication_id, run_id, f"state {build}", is_demo=False)


def read(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published / "current" / DATABASE), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_publication_holds_every_mart_views_included_and_nothing_else(settings: Settings) -> None:
    made = publish_build(settings, 1)
    assert made.tables == {"fct_publications": 1, "fct_sales": 1000, "fct_visits": 1000}
    query = "select table_schema || '.' || table_name, table_type from information_schema.tables order by 1"
    assert read(settings, query) == [(f"marts.{table}", "BASE TABLE") for table in made.tables]
    folder = settings.published / made.publication_id
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == sorted(
        [DATABASE, "manifest.json", *(f"parquet/{table}/{table}.parquet" for table in made.tables)]
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o444}
    assert json.loads((folder / "manifest.json").read_text())["tables"] == made.tables
    assert current_publication(settings) == made
    assert os.readlink(settings.published / "current") == made.publication_id


def test_tables_are_sorted_and_parquet_equals_them(settings: Settings) -> None:
    publish_build(settings, 1)
    ids = [row[0] for row in read(settings, "select sale_id from marts.fct_sales")]
    assert ids == sorted(ids)
    parquet = settings.published / "current" / "parquet" / "fct_sales" / "fct_sales.parquet"
    assert duckdb.read_parquet(str(parquet)).fetchall() == read(settings, "from marts.fct_sales")


def test_the_file_has_a_storage_version_that_older_readers_know(settings: Settings) -> None:
    publish_build(settings, 1)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{settings.published / 'current' / DATABASE}' as marts_file (read_only)")
        (tags,) = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'marts_file'"
        ).fetchall()
    assert tags[0].startswith("v1.4.0")


def test_a_publication_stands_in_itself_with_its_counts(settings: Settings) -> None:
    first, second = publish_build(settings, 1), publish_build(settings, 2)
    assert read(settings, "select publication_id, table_count, row_count from marts.fct_publications order by 1") == [
        (first.publication_id, 3, 2001),
        (second.publication_id, 3, 2002),
    ]


def test_the_file_opens_while_the_next_build_writes_the_warehouse(settings: Settings) -> None:
    publish_build(settings, 1)
    with duckdb.connect(str(settings.warehouse)) as writer:
        writer.execute("begin")
        writer.execute("delete from marts.fct_sales")
        reader = (
            "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('from marts.fct_sales').shape)"
        )
        current = str(settings.published / "current" / DATABASE)
        printed = subprocess.run([sys.executable, "-c", reader, current], capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == "(1000, 3)"
        writer.execute("rollback")


def test_readers_in_other_processes_never_see_half_a_publication(settings: Settings) -> None:
    publish_build(settings, 0)
    command = [sys.executable, "-c", READER, str(settings.published / "current" / DATABASE)]
    readers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for build in range(1, PUBLICATIONS + 1):
        publish_build(settings, build)
    for reader in readers:
        printed, _ = reader.communicate()
        reads, seen_builds = map(int, printed.split())
        assert reader.returncode == 0
        assert reads >= seen_builds > 1


@pytest.mark.parametrize(
    ("place", "seen"),
    [("publication.before_copy", 1), ("publication.before_switch", 1), ("publication.after_switch", 2)],
)
def test_a_killed_publication_leaves_old_or_new_and_the_next_one_repairs(
    settings: Settings, place: str, seen: int
) -> None:
    publish_build(settings, 1)
    environment = {"BALCONY_HOME": str(settings.home), "BALCONY_FAULT": place, "PYTHONPATH": str(PROJECT_ROOT)}
    killed = subprocess.run([sys.executable, "-c", PUBLISHER], env=os.environ | environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read(settings, "select distinct build from marts.fct_sales") == [(seen,)]
    (settings.published / "20000101T000000Z-dead.tmp").mkdir()

    publish_build(settings, 3)

    assert read(settings, "select distinct build from marts.fct_sales") == [(3,)]
    assert not list(settings.published.glob("*.tmp"))
    known = {row[0] for row in read(settings, "select publication_id from marts.fct_publications")}
    folders = {path.name for path in settings.published.iterdir()} - {"current"}
    assert known == folders


def test_only_the_newest_are_kept_and_the_current_one_in_any_case(settings: Settings) -> None:
    ids = [publish_build(settings, build).publication_id for build in range(5)]
    assert {path.name for path in settings.published.iterdir()} == {*sorted(ids)[-3:], "current"}
    switch_to(settings, sorted(ids)[-3])
    last = publish_build(replace(settings, kept_publications=1), 5)
    assert {path.name for path in settings.published.iterdir()} == {sorted(ids)[-3], last.publication_id, "current"}


def test_a_publication_says_which_are_kept_beside_it(settings: Settings) -> None:
    ids = [publish_build(settings, build).publication_id for build in range(5)]
    query = "select publication_id from raw_balcony.publications where removed_at is null order by 1"
    with duckdb.connect(str(settings.warehouse)) as connection:
        assert [row[0] for row in connection.execute(query).fetchall()] == sorted(ids)[-3:]
    query = "select publication_id from marts.fct_publications where removed_at is null order by 1"
    assert [row[0] for row in read(settings, query)] == finished_publications(settings)


def test_results_of_checks_are_kept_for_so_many_runs(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "insert into raw_balcony.check_results"
            " select 'run ' || run, '2026-01-01'::timestamp + interval (run) day from range(5) t (run), range(3)"
        )
    publish_build(replace(settings, kept_runs=2), 1)
    with duckdb.connect(str(settings.warehouse)) as connection:
        kept = connection.execute("select run_id, count(*) from raw_balcony.check_results group by all order by 1")
        assert kept.fetchall() == [("run 3", 3), ("run 4", 3)]


def test_the_last_publication_of_each_month_is_kept_besides() -> None:
    ids = [f"2026{month:02}{day:02}T020000Z-run" for month in (1, 2, 3, 4) for day in (1, 15, 28)]
    assert sorted(kept_by_rule(ids, 2, 3)) == [ids[5], ids[8], ids[10], ids[11]]
    assert sorted(kept_by_rule(ids, 0, 0)) == [ids[-1]]


def test_a_publication_that_someone_reads_is_not_removed(settings: Settings) -> None:
    first = publish_build(settings, 1)
    holder = (
        "import duckdb, sys\nconnection = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print('open', flush=True)\nsys.stdin.read()\n"
    )
    path = settings.published / first.publication_id / DATABASE
    assert holder_of(path) is None
    command = [sys.executable, "-c", holder, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        assert holder_of(path) == reader.pid
        for build in (2, 3, 4, 5):
            publish_build(settings, build)
        assert path.exists()
        assert reader.stdin is not None
        reader.stdin.close()
    publish_build(settings, 6)
    assert not path.exists()


def test_readers_can_be_sent_back_to_an_earlier_publication(settings: Settings) -> None:
    first = publish_build(settings, 1)
    publish_build(settings, 2)
    switch_to(settings, first.publication_id)
    assert read(settings, "select distinct build from marts.fct_sales") == [(1,)]
    with pytest.raises(FileNotFoundError, match="is no publication"):
        switch_to(settings, "20000101T000000Z-never")


def test_a_rollback_goes_to_the_publication_before_or_to_a_named_one(settings: Settings) -> None:
    with pytest.raises(RollbackError, match="nothing is published yet"):
        roll_back(settings)
    ids = [publish_build(settings, build).publication_id for build in range(3)]
    assert roll_back(settings) == ids[1]
    assert roll_back(settings) == ids[0]
    with pytest.raises(RollbackError, match=f"no publication before {ids[0]}"):
        roll_back(settings)
    assert roll_back(settings, ids[2]) == ids[2]
    with pytest.raises(RollbackError, match=f"elsewhere is not kept; there are {', '.join(ids)}"):
        roll_back(settings, "elsewhere")
    current = current_publication(settings)
    assert current is not None
    assert current.publication_id == ids[2]


def test_a_copy_that_differs_from_the_warehouse_is_never_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish_build(settings, 1)
    audit = publication._audited_count

    def tampered(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> int:
        if table == "fct_visits":
            parquet = folder / "parquet" / table / f"{table}.parquet"
            duckdb.sql("select visit as visit_id, 2 as build from range(1, 1001) t (visit)").write_parquet(str(parquet))
        return audit(connection, folder, table)

    monkeypatch.setattr(publication, "_audited_count", tampered)
    with pytest.raises(publication.AuditError, match="fct_visits"):
        publish_build(settings, 2)
    assert current_publication(settings) == first
