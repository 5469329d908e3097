"""Faults of runs: killed workers and daemons, several runs at once, locks, lost history, a manifest that is old."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from orchestration.lock import holder_of
from orchestration.publication import DATABASE, current_publication, finished_publications
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.simulation import exporters as to
from orchestration.transform import read_manifest
from tests.faults.fault import Fault
from tests.integration.helpers import published_marts, run
from tests.unit.test_definitions import SMALL_PROJECT

WAIT_SECONDS = 1200
"""Longer than a run takes on a machine with much else to do."""
NEVER = "0 0 1 1 *"


def _built(folder: Path) -> Path:
    """A home with the tiny demo published, made once beside the folders of all faults."""
    root = folder.parent / "built"
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "made").exists():
            shutil.rmtree(root / "home", ignore_errors=True)
            (root / "none").mkdir(exist_ok=True)
            done = run(root / "home", root / "none")
            assert done.returncode == 0, done.stdout + done.stderr
            (root / "made").touch()
    return root / "home"


def _copy(folder: Path) -> tuple[Path, Path]:
    """A home with something published and a folder of exports, both of one's own."""
    shutil.copytree(_built(folder), folder / "home", symlinks=True)
    (folder / "exports").mkdir()
    return folder / "home", folder / "exports"


def _settings(home: Path) -> Settings:
    return replace(Settings.from_environment(), home=home)


def _restate(exports: Path, impressions: int) -> None:
    """Bring something new to what has landed: a restated day of X's account. Names the demo's folder as exports."""
    counts = {**dict.fromkeys(to.X_OVERVIEW_HEADER[1:], 1), "Impressions": impressions}
    path = exports / "x" / f"later {impressions}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to.csv_file(to.X_OVERVIEW_HEADER, [{"Date": "Sun, May 31, 2026", **counts}]))


@contextmanager
def _served(home: Path, exports: Path, **environment: str) -> Iterator[psutil.Process]:
    """`make serve` in a process of its own, which looks every 5 seconds."""
    given = {
        **{
            "BALCONY_HOME": str(home),
            "BALCONY_EXPORTS": str(exports),
            "BALCONY_HASH_KEY": "the same people in every home",
        },
        **{"BALCONY_LOOK_SECONDS": "5", "BALCONY_SCHEDULE": NEVER, "BALCONY_UI_PORT": _free_port(), **environment},
    }
    with (home / "serve.txt").open("a") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "orchestration.serve"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **given},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield psutil.Process(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def _until(found: Callable[[], Any], what: str) -> Any:
    """Look once a second until there is what is looked for."""
    stop = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < stop:
        value = found()
        if value:
            return value
        time.sleep(1)
    raise AssertionError(f"not seen within {WAIT_SECONDS} s: {what}")


def _told(home: Path, started_after: str = "") -> list[dict[str, Any]]:
    log = home / "logs" / "runs.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [told for told in map(json.loads, lines) if (told["started_at"] or told["ended_at"]) > started_after]


def _child(server: psutil.Process, word: str) -> psutil.Process | None:
    """The child process of the server whose command holds a word."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return next((child for child in server.children() if word in " ".join(child.cmdline())), None)
    return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _undisturbed(home: Path, folder: Path) -> None:
    """The marts equal those of a home that nothing happened to, with the same exports."""
    calm = folder / "calm"
    shutil.copytree(_built(folder), calm, symlinks=True)
    for path in (home / "demo_exports" / "x").glob("later*"):
        shutil.copy2(path, calm / "demo_exports" / "x")
    done = run(calm, calm / "demo_exports")
    assert done.returncode == 0, done.stdout + done.stderr
    marts = published_marts(home)
    different = [name for name, rows in published_marts(calm).items() if rows != marts[name]]
    assert not different, different


def kill_the_worker(folder: Path) -> str:
    home, _ = _copy(folder)
    exports = home / "demo_exports"
    before = _now()
    with _served(home, exports):
        _restate(exports, 4321)

        def writer() -> int | None:
            """The process of the run once it writes the warehouse."""
            return holder_of(home / "warehouse.duckdb")

        worker = psutil.Process(_until(writer, "a run that writes"))
        killed_at = time.monotonic()
        worker.kill()
        first = _until(lambda: _told(home, before), "the killed run's end")[0]
        seconds = time.monotonic() - killed_at
        assert not first["is_success"], first
        again = _until(lambda: _told(home, before)[1:], "the run tried again")[0]
    assert again["started_by"] == "retry", again
    assert again["is_success"], again["text"]
    assert len(finished_publications(_settings(home))) == 2
    _undisturbed(home, folder)
    return f"told as failed after {seconds:.0f} s, tried again by itself, marts as undisturbed, one publication more"


def kill_the_daemon(folder: Path) -> str:
    home, _ = _copy(folder)
    exports = home / "demo_exports"
    before = _now()
    with _served(home, exports) as server:
        daemon = _until(lambda: _child(server, "dagster-daemon"), "the daemon")
        daemon.kill()
        again = _until(
            lambda: (found := _child(server, "dagster-daemon")) and found.pid != daemon.pid and found, "another daemon"
        )
        _restate(exports, 4321)
        _until(lambda: _told(home, before), "a run")
        # Several looks later there is still one run.
        time.sleep(20)
        assert again.is_running()
        told = _told(home, before)
    assert [(run_["started_by"], run_["is_success"]) for run_ in told] == [("sensor", True)], told
    return "started again within seconds; the folder's change made one run, which published"


def miss_a_tick(folder: Path) -> str:
    home, _ = _copy(folder)
    exports = folder / "exports"
    tick = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=3)
    cron = f"{tick.minute} {tick.hour} * * *"
    before = _now()
    with _served(home, exports, BALCONY_SCHEDULE=cron):
        database = home / "dagster" / "schedules" / "schedules.db"
        _until(lambda: _schedule_is_known(database), "the schedule")
        assert datetime.now(UTC) < tick, "the machine was too slow: the tick was not missed"
    assert not _told(home, before)
    time.sleep(max((tick - datetime.now(UTC)).total_seconds() + 30, 0))
    with _served(home, exports, BALCONY_SCHEDULE=cron):
        _until(lambda: _told(home, before), "the run of the missed tick")
        time.sleep(20)
        told = _told(home, before)
    assert [(run_["started_by"], run_["is_success"]) for run_ in told] == [("schedule", True)], told
    return "the tick that passed while nothing served was caught up once"


def _schedule_is_known(database: Path) -> bool:
    if not database.exists():
        return False
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute(
            "select count(*) from jobs where job_body like '%publish_warehouse_nightly%'"
        ).fetchone()
    return bool(count)


def start_several_at_once(folder: Path) -> str:
    home, _ = _copy(folder)
    exports = home / "demo_exports"
    before = _now()
    with _served(home, exports) as server:
        _until(lambda: _child(server, "dagster-daemon"), "the daemon")
        _restate(exports, 4321)
        by_hand = run(home, exports)
        _until(lambda: len(_told(home, before)) >= 2, "the run by hand and the sensor's")
        told = _told(home, before)
    assert by_hand.returncode == 0, by_hand.stdout
    assert all(run_["is_success"] for run_ in told), told
    published = [run_ for run_ in told if run_["is_new"]]
    assert len(published) == 1, told
    assert len(finished_publications(_settings(home))) == 2
    _undisturbed(home, folder)
    return f"{len(told)} runs, one after the other: one published, the other found nothing new"


def read_the_warehouse(folder: Path) -> str:
    home, _ = _copy(folder)
    exports = home / "demo_exports"
    _restate(exports, 4321)
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(home / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as analyst:
        assert analyst.stdout is not None
        assert analyst.stdin is not None
        analyst.stdout.readline()
        before = current_publication(_settings(home))
        refused = run(home, exports, BALCONY_PATIENCE_SECONDS="2")
        assert refused.returncode == 1
        assert f"process {analyst.pid} has" in refused.stdout, refused.stdout
        assert current_publication(_settings(home)) == before
        analyst.stdin.close()
    done = run(home, exports)
    assert done.returncode == 0, done.stdout
    assert current_publication(_settings(home)) != before
    return "the run waited, then failed naming the process and what to do; the next one published"


def change_a_model_after_the_parse(folder: Path) -> str:
    settings = replace(_settings(folder / "home"), dbt_project=folder / "project" / "dbt_project")
    for name, text in SMALL_PROJECT.items():
        path = folder / "project" / ("" if name.startswith("seeds") else "dbt_project") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).replace("seed-paths: [seeds]", "seed-paths: [../seeds]"))
    assert "model.small.fct_more" not in read_manifest(settings)["nodes"]
    (settings.dbt_project / "models" / "marts" / "fct_more.sql").write_text("select 1 as one")
    assert "model.small.fct_more" in read_manifest(settings)["nodes"]
    (settings.home / "dbt" / "manifest.json").unlink()
    assert "model.small.fct_more" in read_manifest(settings)["nodes"]
    return "a manifest older than the models, and a missing one, are made anew before anything runs"


def lose_the_history(folder: Path) -> str:
    home, exports = _copy(folder)
    before = current_publication(_settings(home))
    shutil.rmtree(home / "dagster")
    done = run(home, exports)
    assert done.returncode == 0, done.stdout + done.stderr
    assert current_publication(_settings(home)) == before
    assert "nothing new" in done.stdout
    assert (home / "published" / "current" / DATABASE).exists()
    return "the run history is gone and begins anew; nothing landed twice, the publication stays"


FAULTS = (
    Fault(
        "4",
        "kill -9 of the run's process under the daemon",
        "orchestr.",
        "told as failed, tried again, same marts",
        kill_the_worker,
    ),
    Fault("5a", "kill -9 of the daemon", "orchestr.", "started again, one run for one change", kill_the_daemon),
    Fault("5b", "no daemon when the nightly tick comes", "orchestr.", "caught up once", miss_a_tick),
    Fault(
        "7",
        "the daemon's run and one by hand at once",
        "orchestr.",
        "one after the other, no row twice",
        start_several_at_once,
    ),
    Fault(
        "8",
        "an analyst holds the working file",
        "engine",
        "an error that names the process, no partial write",
        read_the_warehouse,
    ),
    Fault("41", "a stale and a missing manifest", "orchestr.", "never built from", change_a_model_after_the_parse),
    Fault("46", "Dagster's folder is lost", "orchestr.", "history lost, data unaffected", lose_the_history),
)
