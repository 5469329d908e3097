"""Seven nights in a row: `make nights` lets a simulated world grow under the daemon and writes docs/nights.md.

The world's exports are delivered in the order of their times, in seven parts; some come two nights late, some again under another
name, and one restates days that an earlier one told. Each part is put into the folder of exports, where `make serve`'s
sensor finds it. After the last night the marts must equal those of one run over all files at once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import PROJECT_ROOT
from orchestration.simulation import exporters as to
from orchestration.simulation.behaviour import live
from orchestration.simulation.downloads import write_exports
from orchestration.simulation.regimes import world_config
from tests.integration.helpers import mart_rows, run

LATE_BY = 2
EVERY_LATE, EVERY_AGAIN = 6, 9
ARRIVAL = ("fct_landed_files",)
"""Which of two copies landed depends on which came first; their content is compared apart."""
PARTS = ("landing", "dbt", "measurement", "checks", "publication")
DOCUMENT = PROJECT_ROOT / "docs" / "nights.md"
ABOUT = """\
A simulated world of the size {size} (seed {seed}) grows under `make serve`: each night a seventh of its exports comes, in the
order of their times; every {late}th file is {late_by} nights late, every {again}th comes again under another name, and the last
night restates ten days that an earlier export told. Written by `make nights` on {day}; the load of the machine was {load}
per processor."""
NOTE = """\
Seconds are the run's own, from its first event to its last; the processes of the daemon stand ready. At this size nearly all
of a night is fixed, whatever came: some 190 relations and 560 checks, each a fraction of a second."""


def main() -> int:
    """Live the nights and print what each cost; 1 if the marts are not those of one run over all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.nights", description=__doc__)
    parser.add_argument("--out", type=Path, default=None, help="folder to work in, where nights that broke off go on")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--nights", type=int, default=7)
    parser.add_argument("--port", type=int, default=3917, help="of the UI, which goes up with the daemon")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = asked.out or Path(temporary)
        if not (out / "world").exists():
            write_exports(live(world_config("base", asked.size), asked.seed), out / "world")
        lines: list[str] = []

        def tell(line: str) -> None:
            lines.append(line)
            print(line, flush=True)

        status = live_through(out.resolve(), deliveries(out / "world", asked.nights), asked.port, tell)
        # Nights that went on where others broke off make no whole table.
        if len(lines) == asked.nights + 3:
            load = f"{os.getloadavg()[2] / (os.cpu_count() or 1):.1f}"
            about = ABOUT.format(
                **{
                    "size": asked.size,
                    "seed": asked.seed,
                    "late": EVERY_LATE,
                    "late_by": LATE_BY,
                    "again": EVERY_AGAIN,
                },
                **{"day": f"{datetime.now(UTC):%Y-%m-%d}", "load": load},
            )
            DOCUMENT.write_text("\n\n".join(["# Nights", about, "\n".join(lines[:-1]), NOTE, lines[-1] + ".\n"]))
        return status


def deliveries(world: Path, nights: int) -> list[list[tuple[Path, str]]]:
    """What comes each night: files of the world, and the names under which they arrive."""
    files = sorted((path for path in world.rglob("*") if path.is_file()), key=lambda path: (path.stat().st_mtime, path))
    restated = _restated(world, files[-1].stat().st_mtime)
    parts: list[list[tuple[Path, str]]] = [[] for _ in range(nights)]
    for position, path in enumerate(files):
        night = position * nights // len(files)
        late = LATE_BY if position % EVERY_LATE == EVERY_LATE - 1 else 0
        name = path.relative_to(world).as_posix()
        parts[min(night + late, nights - 1)].append((path, name))
        if position % EVERY_AGAIN == 0:
            parts[min(night + 1, nights - 1)].append((path, f"again/{position} {path.name}"))
    parts[-1].append((restated, restated.relative_to(world).as_posix()))
    return parts


def _restated(world: Path, last: float) -> Path:
    """An export of X's account that restates the last ten days of the world and is the latest of all."""
    end = datetime.fromtimestamp(last, UTC) + timedelta(days=1)
    days = [
        {"Date": f"{end - timedelta(days=ago):%a, %b} {(end - timedelta(days=ago)).day}, {end.year}"}
        | dict.fromkeys(to.X_OVERVIEW_HEADER[1:], 10 + ago)
        for ago in range(1, 11)
    ]
    path = world / "x" / "restated.csv"
    path.write_bytes(to.csv_file(to.X_OVERVIEW_HEADER, days))
    os.utime(path, (end.timestamp(), end.timestamp()))
    return path


def live_through(out: Path, parts: list[list[tuple[Path, str]]], port: int, tell: Callable[[str], None]) -> int:
    """Deliver part after part to a serving Balcony, and compare in the end."""
    home, exports = out / "home", out / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    environment = {
        **{"BALCONY_HOME": str(home), "BALCONY_EXPORTS": str(exports), "BALCONY_UI_PORT": str(port)},
        **{
            "BALCONY_LOOK_SECONDS": "5",
            "BALCONY_SCHEDULE": "0 0 1 1 *",
            "BALCONY_HASH_KEY": "the same people in every home",
        },
    }
    tell("| night | files | new rows | seconds | " + " | ".join(PARTS) + " | peak MB | marts changed |")
    tell("|---|---|---|---|" + "---|" * len(PARTS) + "---|---|")
    lived, before = len(_good_runs(home)), _published(home)
    if lived:
        # A night that broke off is asked for again: what the sensor remembers is no data.
        shutil.rmtree(home / "dagster", ignore_errors=True)
    with _served(environment, out / "serve.txt"):
        for number, part in enumerate(parts[lived:], start=lived + 1):
            for path, name in part:
                (exports / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, exports / name)
            told = _next_run(home, number)
            marts = _published(home)
            changed = sorted(table for table in marts if marts[table] != before.get(table))
            before = marts
            tell(_line(number, part, told, len(changed), len(marts)))
    done = run(out / "at_once", exports)
    if done.returncode:
        print(done.stdout, done.stderr)
        return 1
    expected = _published(out / "at_once")
    different = sorted(table for table in expected if expected[table] != before[table] and table not in ARRIVAL)
    different += [] if _contents(home) == _contents(out / "at_once") else list(ARRIVAL)
    if different:
        tell(f"NOT the marts of one run over all files at once: {', '.join(different)}")
        return 1
    tell(f"{len(parts)} nights: all {len(expected)} marts equal one run over all files at once")
    return 0


@contextmanager
def _served(environment: dict[str, str], log: Path) -> Iterator[None]:
    """`make serve` in a process of its own."""
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "orchestration.serve"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _good_runs(home: Path) -> list[dict[str, Any]]:
    """Runs that published or found nothing new; one that failed is tried again by the daemon."""
    log = home / "logs" / "runs.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [told for told in map(json.loads, lines) if told["is_success"]]


def _next_run(home: Path, number: int) -> dict[str, Any]:
    """The good run that the daemon tells of next, which is the one after so many."""
    while len(good := _good_runs(home)) < number:
        time.sleep(1)
    return good[number - 1]


def _line(number: int, part: list[tuple[Path, str]], told: dict[str, Any], changed: int, marts: int) -> str:
    started, ended = (datetime.fromisoformat(told[moment]) for moment in ("started_at", "ended_at"))
    seconds = " | ".join(f"{told['seconds'][part]:.1f}" for part in PARTS)
    return (
        f"| {number} | {len(part)} ({told['landed']['landed']} landed, {told['landed']['skipped']} seen before)"
        f" | {told['landed']['rows_landed']:,} | {(ended - started).total_seconds():.0f} | {seconds}"
        f" | {told['peak_megabytes']:,} | {changed} of {marts} |"
    )


def _published(home: Path) -> dict[str, Any]:
    database = home / "published" / "current" / "balcony_marts.duckdb"
    if not database.exists():
        return {}
    with duckdb.connect(str(database), read_only=True) as marts:
        return mart_rows(marts)


def _contents(home: Path) -> list[tuple[Any, ...]]:
    """What landed of each content, whichever file brought it."""
    with duckdb.connect(str(home / "published" / "current" / "balcony_marts.duckdb"), read_only=True) as marts:
        return marts.execute(
            "select file_sha256, source_name, table_name, max(rows_landed_count), max(rows_quarantined_count)"
            " from marts.fct_landed_files group by all order by all"
        ).fetchall()


if __name__ == "__main__":
    sys.exit(main())
