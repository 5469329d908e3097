"""Every trouble that the doctor knows is found where it is planted, and a healthy home has none."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from orchestration import doctor
from orchestration.doctor import Finding, examine
from orchestration.landing.ledger import open_warehouse
from orchestration.notify import LOG, WEBHOOK
from orchestration.publication import announce, publish, switch_to
from orchestration.settings import Settings

NOW = datetime.now(UTC).replace(tzinfo=None)
NOTED = ("nobody runs at night",)
"""What is said of a home that is well, too."""
MARTS = """
create schema marts;
create table marts.fct_sales as select 1 as sale_id;
create table marts.source_freshness as
select 'shopify' as source_name, 'orders' as table_name, now()::timestamp as newest_at, 0 as days_since,
    7 as expected_within_days, 0 as refused_file_count, null::varchar as refusal_reason;
"""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a warehouse, two publications and a file in the exports folder."""
    root = tmp_path_factory.mktemp("healthy")
    settings = settings_of(root)
    settings.exports.mkdir()
    (settings.exports / "orders.csv").write_text("id\n")
    with open_warehouse(settings) as connection:
        connection.execute(MARTS)
    for run_id in ("run00001", "run00002"):
        with duckdb.connect(str(settings.warehouse)) as connection:
            publication_id = announce(settings, connection, run_id)
        publish(settings, publication_id, run_id, "state", is_demo=False)
    return root


def settings_of(root: Path) -> Settings:
    return Settings(root / "exports", root / "home", memory_limit="1GB", threads=1, kept_publications=3)


@pytest.fixture
def settings(healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("BALCONY_HASH_KEY", raising=False)
    # A test's machine may lack packages that only other groups of the lock need.
    monkeypatch.setattr(doctor, "OUTSIDE", tuple(asked for asked in doctor.OUTSIDE if asked is not doctor._versions))
    shutil.copytree(healthy, tmp_path / "copy", symlinks=True)
    return settings_of(tmp_path / "copy")


def write(settings: Settings, sql: str) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(sql)


def refuse(settings: Settings) -> None:
    write(
        settings,
        """
        insert into landing.loads by name
        select 1 as load_id, 'hash' as file_sha256, 'v' as specs_version, 'refused' as load_status, 1 as byte_count,
            'ann@example.com.csv' as file_name, 'no header bob@example.com' as refusal_reason,
            now()::timestamp as modified_at, now()::timestamp as landed_at
        """,
    )


def land_unpublished(settings: Settings) -> None:
    refuse(settings)
    write(settings, "update landing.loads set load_status = 'landed', landed_at = now()::timestamp + interval 1 hour")


def close_gate(settings: Settings) -> None:
    write(
        settings,
        """
        create table raw_balcony.layer_gates as
        select 'staging' as layer_name, 'r1' as run_id, '' as landed_state, false as is_open, now()::timestamp as changed_at;
        insert into raw_balcony.check_results by name
        select 'r1' as run_id, 'staging' as layer_name, 'dates_are_there' as check_name, 'critical' as severity,
            false as is_passed, '3 rows' as details;
        """,
    )


def make_stale(settings: Settings) -> None:
    write(settings, "update marts.source_freshness set newest_at = now()::timestamp - interval 20 day")
    with duckdb.connect(str(settings.warehouse)) as connection:
        publication_id = announce(settings, connection, "run00003")
    publish(settings, publication_id, "run00003", "state", is_demo=False)


def corrupt(settings: Settings) -> None:
    with settings.warehouse.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))
    with settings.warehouse.open("r+b") as file:
        file.write(b"x" * 64)


def history(settings: Settings, heard: datetime, runs: list[tuple[str, str, float]]) -> None:
    folder = settings.dagster_home / "history"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "runs.db")) as connection:
        connection.execute("create table daemon_heartbeats (timestamp timestamp)")
        connection.execute("create table runs (run_id, status, start_time, create_timestamp)")
        connection.execute("insert into daemon_heartbeats values (?)", [heard.isoformat(" ")])
        connection.executemany("insert into runs values (?, ?, ?, null)", runs)
        connection.commit()


def silent_daemon(settings: Settings) -> None:
    history(settings, NOW - timedelta(hours=1), [])
    (settings.home / "serve.lock").write_text(f"{os.getpid()}\n")


def stuck_run(settings: Settings) -> None:
    history(settings, NOW, [("r9", "STARTED", (NOW - timedelta(hours=9)).replace(tzinfo=UTC).timestamp())])


def dangling(settings: Settings) -> None:
    current = settings.published / "current"
    shutil.rmtree(current.resolve())


def rolled_back(settings: Settings) -> None:
    switch_to(settings, sorted(path.name for path in settings.published.iterdir())[0])


def failed_run(settings: Settings) -> None:
    settings.logs.mkdir()
    (settings.logs / LOG).write_text(
        json.dumps({"run_id": "r7", "is_success": False, "broken": ["keys_are_unique"]}) + "\n"
    )


def stale_manifest(settings: Settings) -> None:
    (settings.home / "dbt").mkdir()
    (settings.home / "dbt" / "manifest.json").write_text('{"state": "before", "manifest": {}}')


def age_publication(settings: Settings) -> None:
    manifest = settings.published / "current" / "manifest.json"
    manifest.chmod(0o644)
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"published_at": (NOW - timedelta(days=30)).isoformat()}))


class Trouble(NamedTuple):
    plant: Callable[[Settings], Any]
    what: str
    remedy: str
    is_serious: bool = True


TROUBLES = {
    "exports missing": Trouble(lambda s: shutil.rmtree(s.exports), "folder of exports is missing", "BALCONY_EXPORTS"),
    "exports empty": Trouble(
        lambda s: (s.exports / "orders.csv").unlink(), "no file was exported", "put export files there", False
    ),
    "a file refused": Trouble(refuse, "refused: no header (address)", "runbook", False),
    "a source stale": Trouble(make_stale, "shopify.orders: no file since", "export it again", False),
    "landed, not published": Trouble(land_unpublished, "are in no publication", "make run"),
    "a gate closed": Trouble(
        close_gate, "gate of staging is closed: dates_are_there (3 rows)", "expectations/staging/"
    ),
    "file corrupt": Trouble(corrupt, "cannot be read", "make run"),
    "warehouse gone": Trouble(lambda s: s.warehouse.unlink(), "the warehouse is gone", "make run"),
    "only a log left": Trouble(
        lambda s: s.warehouse.rename(f"{s.warehouse}.wal"), "the warehouse is gone, its log is not", "rm '"
    ),
    "older layout": Trouble(
        lambda s: write(s, "drop view if exists x; alter table raw_balcony.publications drop column removed_at"),
        "of another version of Balcony",
        "make run",
    ),
    "key missing": Trouble(lambda s: (s.home / "identity.key").unlink(), "key of person hashes is missing", "backup"),
    "key changed": Trouble(
        lambda s: (s.home / "identity.key").write_text("another"), "another than the last run's", "set it back"
    ),
    "key readable": Trouble(lambda s: (s.home / "identity.key").chmod(0o644), "others may read the key", "chmod 600"),
    "link dangling": Trouble(dangling, "what readers open is gone", "make rollback TO="),
    "rolled back": Trouble(rolled_back, "readers were sent back", "make rollback TO=", False),
    "unfinished": Trouble(
        lambda s: (s.published / "2026.tmp").mkdir(), "a publication was not finished: 2026.tmp", "next run", False
    ),
    "publication old": Trouble(age_publication, "is 30 days old", "logs/runs.jsonl", False),
    "daemon silent": Trouble(silent_daemon, "the daemon was last heard of", "make serve"),
    "run stuck": Trouble(stuck_run, "a run has been STARTED for more than 4 hours", "make run ends it"),
    "last run failed": Trouble(failed_run, "the last run failed: keys_are_unique", "make run"),
    "project changed": Trouble(stale_manifest, "changed since dbt last read them", "the next run reads them", False),
}


@contextmanager
def held(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_healthy_home_has_no_findings(settings: Settings) -> None:
    assert {finding.what for finding in examine(settings, NOW)} == set(NOTED)


@pytest.mark.parametrize("name", TROUBLES)
def test_a_planted_trouble_is_found_with_its_remedy(settings: Settings, name: str) -> None:
    trouble = TROUBLES[name]
    trouble.plant(settings)
    served = settings.home / "serve.lock"
    with held(served) if served.exists() else nullcontext():
        findings = [finding for finding in examine(settings, NOW) if finding.what not in NOTED]
    found = [finding for finding in findings if trouble.what in finding.what]
    assert len(found) == 1, findings
    assert trouble.remedy in found[0].remedy
    assert found[0].is_serious is trouble.is_serious
    assert "example.com" not in " ".join(map(str, findings))


def test_too_little_room_on_the_disk_is_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)
    assert any("GB are free" in finding.what for finding in examine(settings, NOW))


def test_a_folder_that_may_not_be_written_is_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and path == settings.published))
    (finding,) = [finding for finding in examine(settings, NOW) if finding.is_serious]
    assert "may not write" in finding.what
    assert str(settings.published) in finding.where


def test_packages_other_than_locked_are_found(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.lock").write_text("duckdb==0.0.1 \\\n    --hash=x\nno-such-package==1\n")
    monkeypatch.setattr(doctor, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    whats = [finding.what for finding in doctor._versions(settings, NOW)]
    assert "this is Python" in whats[0]
    assert f"duckdb {duckdb.__version__}, not 0.0.1" in whats[1]
    assert "no-such-package missing, not 1" in whats[1]


def test_a_webhook_that_is_no_address_is_found_and_not_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK, "ftp://secret-token")
    text = "\n".join(map(str, examine(settings, NOW)))
    assert "webhook is no web address" in text
    assert "secret-token" not in text


def test_who_holds_the_warehouse_is_named(settings: Settings) -> None:
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(settings.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (finding,) = [finding for finding in examine(settings, NOW) if finding.is_serious]
        assert f"process {process.pid}" in finding.what
        assert process.stdin is not None
        process.stdin.close()


def test_a_run_that_goes_on_is_not_disturbed(settings: Settings) -> None:
    lock = settings.home / "warehouse.lock"
    lock.write_text(f"{2**31 - 1}\n")  # More than any process's number.
    settings.warehouse.write_text("half written")
    with held(lock):
        findings = examine(settings, NOW)
    assert f"a run is going on (process {2**31 - 1})" in {finding.what for finding in findings}
    assert not [finding for finding in findings if finding.is_serious]


def test_a_trouble_of_the_doctor_itself_hides_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def _broken_question(settings: Settings, now: datetime) -> Iterator[Finding]:
        raise OSError("ann@example.com")

    monkeypatch.setattr(doctor, "OUTSIDE", (_broken_question, doctor._exports))
    shutil.rmtree(settings.exports)
    whats = " ".join(map(str, examine(settings, NOW)))
    assert "broken question: could not be looked at" in whats
    assert "folder of exports is missing" in whats
    assert "example.com" not in whats
