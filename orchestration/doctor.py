"""Look for the troubles that are common, and say what to do about each: `python -m orchestration.doctor`.

Changes nothing. What is serious keeps a run from doing its work or readers from what they should see, and makes the
exit code 1. While a run holds the warehouse, what stands in it is not looked at. `docs/runbook.md` says more.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib.metadata
import os
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psutil

from orchestration.exports import exported_files
from orchestration.freshness import overdue_sources
from orchestration.inputs import project_state
from orchestration.lock import holder_of
from orchestration.notify import WEBHOOK, told_runs
from orchestration.publication import DATABASE, UNFINISHED, current_publication, finished_publications
from orchestration.serve import LOCK as SERVE_LOCK
from orchestration.settings import PROJECT_ROOT, Settings

ADDRESS = re.compile(r"[^\s,;:'\"<>/()]+(@|%40)[^\s,;:'\"<>/()]+")
LEAST_FREE_BYTES = 2_000_000_000
OLD_PUBLICATION_DAYS = 8
SILENT_DAEMON_SECONDS = 180
STUCK_HOURS = 4
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One trouble."""

    what: str
    where: str
    remedy: str
    is_serious: bool = True

    def __str__(self) -> str:
        mark = "!" if self.is_serious else "-"
        return f"{mark} {self.what}\n    where  {self.where}\n    do     {self.remedy}"


def main() -> int:
    """Print what is found; 1 if anything of it is serious."""
    argparse.ArgumentParser(prog="python -m orchestration.doctor", description=__doc__).parse_args()
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        print(Finding(f"a setting is no number: {error}", "the environment, BALCONY_*", "mend or unset it"))
        return 1
    findings = examine(settings, datetime.now(UTC).replace(tzinfo=None))
    for finding in findings:
        print(finding)
    serious = sum(finding.is_serious for finding in findings)
    print(f"{len(findings)} findings, {serious} of them serious (!)" if findings else "Nothing found.")
    return 1 if serious else 0


def examine(settings: Settings, now: datetime) -> list[Finding]:
    """All that is found, the serious first. `now` is UTC without a zone."""
    findings = [*_asked(OUTSIDE, settings, now)]
    holder = _flock_holder(settings.home / "warehouse.lock")
    if holder is not None:
        findings.append(
            Finding(
                f"a run is going on ({_named(holder)})",
                "warehouse.lock",
                "wait for it, then ask again",
                is_serious=False,
            )
        )
    elif settings.warehouse.exists() and (reader := holder_of(settings.warehouse)) is not None:
        findings.append(
            Finding(
                f"the warehouse is open in {_named(reader)}; no run can write it",
                str(settings.warehouse),
                f"close it there; readers open {settings.published / 'current'} instead",
            )
        )
    else:
        findings += _asked(WAREHOUSE, settings, now)
    return sorted(findings, key=lambda finding: not finding.is_serious)


Question = Callable[[Settings, datetime], Iterator[Finding]]


def _asked(questions: Sequence[Question], settings: Settings, now: datetime) -> Iterator[Finding]:
    for question in questions:
        try:
            yield from question(settings, now)
        # A trouble that nobody thought of must not hide the others.
        except Exception as error:
            name = question.__name__.strip("_").replace("_", " ")
            yield Finding(
                f"{name}: could not be looked at", _masked(f"{type(error).__name__}: {error}"), "see the text above"
            )


def _versions(settings: Settings, now: datetime) -> Iterator[Finding]:
    if sys.version_info[:2] != (3, 11):
        yield Finding(
            f"this is Python {sys.version.split()[0]}", sys.executable, "make setup PYTHON=/path/to/python3.11"
        )
    locked = re.findall(
        r"^([\w.-]+)(?:\[[^]]*])?==(\S+)", (PROJECT_ROOT / "requirements.lock").read_text("utf-8"), re.M
    )
    installed = {_folded(found.name): found.version for found in importlib.metadata.distributions()}
    other = [
        f"{name} {installed.get(_folded(name), 'missing')}, not {version}"
        for name, version in locked
        if installed.get(_folded(name)) != version
    ]
    if other:
        yield Finding(f"other packages than locked: {_few(other)}", "requirements.lock", "make clean setup")


def _exports(settings: Settings, now: datetime) -> Iterator[Finding]:
    folder = settings.exports
    if not folder.is_dir():
        yield Finding("the folder of exports is missing", str(folder), "create it, or name another: BALCONY_EXPORTS")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield Finding("the folder of exports cannot be read", str(folder), f"chmod u+rx '{folder}'")
    elif not (files := list(exported_files(folder))):
        yield Finding("no file was exported; a demo is shown", str(folder), "put export files there", is_serious=False)
    elif unreadable := [_masked(path.name) for path in files if not os.access(path, os.R_OK)]:
        yield Finding(f"files cannot be read: {_few(unreadable)}", str(folder), "chmod u+r them")


def _permissions(settings: Settings, now: datetime) -> Iterator[Finding]:
    paths = (
        settings.home,
        settings.archive,
        settings.published,
        settings.spill,
        settings.dagster_home,
        settings.warehouse,
    )
    for path in paths:
        if path.exists() and not os.access(path, os.W_OK):
            owner = path.stat().st_uid
            yield Finding(
                "Balcony may not write what is its own",
                f"{path}, which belongs to user {owner}",
                f"run as that user, or: chown -R {os.getuid()} '{settings.home}'",
            )


def _disk(settings: Settings, now: datetime) -> Iterator[Finding]:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    # A build may spill the warehouse's size, and a publication is at most as large again.
    needed = LEAST_FREE_BYTES + 2 * (settings.warehouse.stat().st_size if settings.warehouse.exists() else 0)
    if free < needed:
        yield Finding(
            f"{free / 1e9:.1f} GB are free, a run may need {needed / 1e9:.1f}",
            str(folder),
            "free some room there, or keep fewer publications: BALCONY_KEPT_PUBLICATIONS, BALCONY_KEPT_MONTHS",
        )


def _publication(settings: Settings, now: datetime) -> Iterator[Finding]:
    link = settings.published / "current"
    if link.is_symlink() and not (link / DATABASE).exists():
        kept = finished_publications(settings)
        remedy = f"make rollback TO={kept[-1]}" if kept else "make run"
        yield Finding(f"what readers open is gone: {os.readlink(link)}", str(link), remedy)
        return
    current = current_publication(settings)
    if current is None:
        if settings.warehouse.exists():
            yield Finding("nothing was ever published", str(settings.published), "make run")
        return
    days = (now - datetime.fromisoformat(current.published_at).replace(tzinfo=None)).days
    if days >= OLD_PUBLICATION_DAYS:
        yield Finding(
            f"the publication that readers see is {days} days old",
            current.publication_id,
            "no new export in that time is the usual reason; else look at the last runs in logs/runs.jsonl",
            is_serious=False,
        )
    if newer := [name for name in finished_publications(settings) if name > current.publication_id]:
        yield Finding(
            f"readers were sent back to {current.publication_id}",
            str(link),
            f"once the reason is gone: make rollback TO={newer[-1]}",
            is_serious=False,
        )
    if unfinished := [path.name for path in settings.published.glob(f"*{UNFINISHED}")]:
        yield Finding(
            f"a publication was not finished: {_few(unfinished)}",
            str(settings.published),
            "the next run removes it",
            is_serious=False,
        )
    with duckdb.connect(str(link / DATABASE), read_only=True) as marts:
        for source in overdue_sources(marts, None if current.is_demo else now):
            yield Finding(
                f"{source.table}: {_masked(source.text)}",
                "source_freshness",
                "export it again"
                if not source.refused_file_count
                else "see fct_landed_files, then the runbook on refused files",
                is_serious=False,
            )


def _last_run(settings: Settings, now: datetime) -> Iterator[Finding]:
    told = told_runs(settings)
    if told and not told[-1].get("is_success", True):
        broken = told[-1].get("broken") or told[-1].get("failed_steps") or ["its process was killed"]
        yield Finding(
            f"the last run failed: {_few(broken)}",
            f"run {told[-1]['run_id']} in logs/runs.jsonl and in the UI",
            "mend what the findings here name, then: make run",
        )


def _daemon(settings: Settings, now: datetime) -> Iterator[Finding]:
    served_by = _flock_holder(settings.home / SERVE_LOCK)
    history = settings.dagster_home / "history" / "runs.db"
    if served_by is None:
        yield Finding("nobody runs at night", str(settings.home / SERVE_LOCK), "make serve", is_serious=False)
    if not history.exists():
        return
    with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as connection:
        (heard,) = connection.execute("select max(timestamp) from daemon_heartbeats").fetchone()
        runs = connection.execute(
            "select run_id, status, coalesce(start_time, strftime('%s', create_timestamp)) from runs"
            " where status in ('STARTED', 'STARTING', 'QUEUED', 'NOT_STARTED', 'CANCELING')"
        ).fetchall()
    if (
        served_by is not None
        and heard
        and (now - datetime.fromisoformat(heard)).total_seconds() > SILENT_DAEMON_SECONDS
    ):
        yield Finding(
            f"the daemon was last heard of at {heard[:16]} UTC",
            f"{_named(served_by)}, make serve",
            "end it, then: make serve",
        )
    stuck = [run for run in runs if now.replace(tzinfo=UTC).timestamp() - float(run[2]) > 3600 * STUCK_HOURS]
    for run_id, status, _ in stuck:
        yield Finding(
            f"a run has been {status} for more than {STUCK_HOURS} hours, and others wait for it",
            f"run {run_id}",
            "make run ends it if its process is gone; else end it in the UI",
        )


def _manifest(settings: Settings, now: datetime) -> Iterator[Finding]:
    path = settings.home / "dbt" / "manifest.json"
    if path.exists() and f'"state": "{project_state(settings)}"'.encode() not in path.read_bytes()[:200]:
        served = _flock_holder(settings.home / SERVE_LOCK) is not None
        yield Finding(
            "models, seeds or settings changed since dbt last read them",
            str(path),
            "end make serve and start it again: it goes on with the old ones" if served else "the next run reads them",
            is_serious=served,
        )


def _webhook(settings: Settings, now: datetime) -> Iterator[Finding]:
    if not os.environ.get(WEBHOOK, "https://").startswith(("https://", "http://")):
        yield Finding(
            "the webhook is no web address, so nobody is told", WEBHOOK, "set an address that starts with https://"
        )


def _warehouse_file(settings: Settings, now: datetime) -> Iterator[Finding]:
    log = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
    if not settings.warehouse.exists():
        if log.exists():
            yield Finding("the warehouse is gone, its log is not", str(log), f"rm '{log}'; then: make run")
        elif settings.published.exists():
            yield Finding(
                "the warehouse is gone", str(settings.warehouse), "make run lands and builds everything again"
            )
        return
    try:
        duckdb.connect(str(settings.warehouse), read_only=True).close()
    except duckdb.Error as error:
        is_log = "wal" in str(error).lower()
        broken = log if is_log else settings.warehouse
        yield Finding(
            f"the warehouse's {'log does not belong to it' if is_log else 'file cannot be read'}: {_first_line(error)}",
            str(broken),
            f"make run; if it meets the same: mv '{broken}' '{broken}.broken', and make run lands again what is missing",
        )


def _warehouse_content(settings: Settings, now: datetime) -> Iterator[Finding]:
    if not settings.warehouse.exists():
        return
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.Error:
        return
    with connection:
        try:
            yield from _layout(connection, settings)
            yield from _identity_key(connection, settings)
            yield from _refused(connection)
            yield from _gates(connection)
            yield from _unpublished(connection, settings)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            yield Finding(
                f"the warehouse is of another version of Balcony: {_first_line(error)}",
                str(settings.warehouse),
                "make run; if that fails: move the file aside and make run, which lands everything again",
            )


def _layout(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Finding]:
    for table in ("landing.loads", "landing.files", "landing.rejected_rows", "raw_balcony.check_results"):
        connection.execute(f"select 1 from {table} limit 0")
    connection.execute("select removed_at from raw_balcony.publications limit 0")
    yield from ()


def _identity_key(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Finding]:
    known = connection.execute("select key_text from raw_balcony.identity_keys").fetchall()
    path = settings.home / "identity.key"
    key = os.environ.get("BALCONY_HASH_KEY") or (path.read_text("ascii").strip() if path.exists() else None)
    if known and key is None:
        yield Finding(
            "the key of person hashes is missing; a new one would change the key of every person",
            str(path),
            "bring it back from your backup, or set BALCONY_HASH_KEY to it, before the next run",
        )
    elif known and key != known[0][0]:
        yield Finding(
            "the key of person hashes is another than the last run's; the key of every person will change",
            "BALCONY_HASH_KEY" if os.environ.get("BALCONY_HASH_KEY") else str(path),
            "set it back before the next run, unless that is what you want",
        )
    if path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Finding("others may read the key of person hashes", str(path), f"chmod 600 '{path}'")


def _refused(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    rows = connection.execute(
        """
        select refusal_reason, count(*), min(coalesce(container_path || ' / ', '') || file_name)
        from landing.loads where load_status = 'refused' group by refusal_reason order by max(landed_at) desc, 1
        """
    ).fetchall()
    for reason, file_count, file_name in rows[:SHOWN]:
        yield Finding(
            f"{file_count} {'file was' if file_count == 1 else 'files were'} refused: {_masked(reason)}",
            _masked(file_name),
            "nothing, if Balcony should not read it; else see the runbook on refused files",
            is_serious=False,
        )
    if len(rows) > SHOWN:
        yield Finding(
            f"{len(rows) - SHOWN} more reasons for refusals", "fct_landed_files", "look there", is_serious=False
        )


def _gates(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    if not connection.execute("select 1 from duckdb_tables() where table_name = 'layer_gates'").fetchall():
        return
    for layer, run_id in connection.execute(
        "select layer_name, run_id from raw_balcony.layer_gates where not is_open order by changed_at"
    ).fetchall():
        broken = connection.execute(
            """
            select check_name, details from raw_balcony.check_results
            where run_id = ? and layer_name = ? and severity = 'critical' and not is_passed order by 1
            """,
            [run_id, layer],
        ).fetchall()
        yield Finding(
            f"the gate of {layer} is closed: {_few([f'{name} ({_masked(details)})' for name, details in broken])}",
            f"fct_check_results, run {run_id}",
            f"expectations/{layer}/ says why each check is there; mend the data or the check, then: make run",
        )


def _unpublished(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Finding]:
    current = current_publication(settings)
    (landed_at,) = connection.execute(
        "select max(landed_at) from landing.loads where load_status = 'landed'"
    ).fetchall()[0]
    if current and landed_at and landed_at > datetime.fromisoformat(current.published_at).replace(tzinfo=None):
        is_rolled_back = finished_publications(settings)[-1] != current.publication_id
        if not is_rolled_back:
            yield Finding(
                f"files landed at {landed_at:%Y-%m-%d %H:%M} UTC are in no publication",
                current.publication_id,
                "make run; if it fails, its last lines say at which check",
            )


OUTSIDE: tuple[Question, ...] = (
    *(_versions, _exports, _permissions, _disk, _publication, _last_run, _daemon, _manifest, _webhook),
)
WAREHOUSE: tuple[Question, ...] = (_warehouse_file, _warehouse_content)


def _flock_holder(path: Path) -> int | None:
    """The process that wrote its number into a lock that someone holds; 0 where it wrote none."""
    if not path.exists():
        return None
    with path.open("r", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return int(text) if text.isdigit() else 0
    return None


def _named(process: int) -> str:
    try:
        return f"process {process}, {psutil.Process(process).name()}"
    except psutil.Error:
        return f"process {process}"


def _few(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def _first_line(error: Exception) -> str:
    return _masked(str(error).splitlines()[0]) if str(error) else type(error).__name__


def _masked(text: str | None) -> str:
    return ADDRESS.sub("(address)", text or "")


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
