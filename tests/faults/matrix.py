"""Running the fault matrix: each fault in a process and an empty folder of its own, with a time cap, as one table."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tests.faults.fault import Fault

MODULES = ("engine", "transforming", "landing", "people", "orchestration", "publishing")
NUMBERS = range(1, 49)
"""The rows of the matrix, from `kill -9` while landing to a publication opened by an older DuckDB."""
PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations")
SHOWN_CHARACTERS = 400


@dataclass(frozen=True)
class Outcome:
    """What became of one fault."""

    fault: Fault
    happened: str
    is_expected: bool
    seconds: float


def all_faults() -> list[Fault]:
    """Every fault of every module that is there, in the order of the matrix."""
    faults = [
        fault
        for name in MODULES
        if find_spec(f"tests.faults.{name}")
        for fault in importlib.import_module(f"tests.faults.{name}").FAULTS
    ]
    return sorted(faults, key=lambda fault: (row_of(fault), fault.number))


def row_of(fault: Fault) -> int:
    """The row of the matrix that a fault belongs to."""
    found = re.match(r"\d+", fault.number)
    assert found, f"{fault.number} is no number of the matrix"
    return int(found[0])


def missing_rows(faults: Iterable[Fault]) -> list[int]:
    """Rows of the matrix that no fault injects."""
    return sorted(set(NUMBERS) - {row_of(fault) for fault in faults})


def run_faults(faults: Sequence[Fault], folder: Path, jobs: int, cap_seconds: float) -> Iterator[Outcome]:
    """Inject the faults, `jobs` at a time, below `folder`; yields as they end. One that takes too long is killed."""
    context = get_context("fork")
    waiting, running = list(faults), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            fault = waiting.pop(0)
            ours, theirs = context.Pipe(duplex=False)
            own_folder = folder / fault.number
            own_folder.mkdir(parents=True)
            process = context.Process(target=_inject, args=(fault, own_folder, theirs))
            process.start()
            theirs.close()
            running[ours] = (fault, process, time.monotonic(), own_folder)
        soonest = min(started for _, _, started, _ in running.values()) + cap_seconds
        ready = wait(list(running), timeout=max(soonest - time.monotonic(), 0))
        for ours, (fault, process, started, own_folder) in list(running.items()):
            seconds = time.monotonic() - started
            if ours in ready:
                happened, is_expected = _received(ours)
            elif seconds > cap_seconds:
                happened, is_expected = f"no end after {cap_seconds:,.0f} seconds", False
            else:
                continue
            _end(process.pid)
            process.join()
            shutil.rmtree(own_folder, ignore_errors=True)
            del running[ours]
            yield Outcome(fault, happened, is_expected, seconds)


def _inject(fault: Fault, folder: Path, theirs: Connection) -> None:
    os.setsid()  # Whatever the fault starts ends with it.
    with (folder.parent / f"{fault.number}.log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            theirs.send((fault.inject(folder), True))
        except BaseException as error:
            traceback.print_exc(file=log)
            log.flush()
            theirs.send((f"{type(error).__name__}: {error}", False))


def _received(ours: Connection) -> tuple[str, bool]:
    try:
        happened, is_expected = ours.recv()
    except EOFError:
        return "its process died", False
    return happened, is_expected


def _end(process_group: int | None) -> None:
    assert process_group
    with suppress(ProcessLookupError):
        os.killpg(process_group, signal.SIGKILL)


def table(outcomes: Iterable[Outcome]) -> str:
    """The outcomes as a Markdown table."""
    head = ("#", "fault", "layer", "expected", "happened", "ok")
    rows = [
        (
            outcome.fault.number,
            outcome.fault.name,
            outcome.fault.layer,
            outcome.fault.expected,
            outcome.happened,
            "yes" if outcome.is_expected else "**no**",
        )
        for outcome in outcomes
    ]
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= SHOWN_CHARACTERS else flat[:SHOWN_CHARACTERS] + " …"


def last_line(outcomes: Sequence[Outcome]) -> str:
    """The count that the command ends with."""
    expected = sum(outcome.is_expected for outcome in outcomes)
    other = f", {len(outcomes) - expected} not" if expected < len(outcomes) else ""
    return f"{len(outcomes)} faults injected: {expected} as expected{other}"


def document(outcomes: Sequence[Outcome], seed: int) -> str:
    """The table as a page, with what it was made with."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return "\n\n".join(
        [
            "# Faults",
            f"What is done to the pipeline, and what came of it. Written by `make faults` with seed {seed} on"
            f" {datetime.now(UTC):%Y-%m-%d}; {versions}.",
            table(outcomes),
            last_line(outcomes) + ".\n",
        ]
    )
