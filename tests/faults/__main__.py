"""Inject the faults of the matrix into the real pipeline and say what came of each: `make faults`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from orchestration.settings import PROJECT_ROOT
from tests.faults.fault import Fault
from tests.faults.matrix import Outcome, all_faults, document, last_line, missing_rows, row_of, run_faults, table

DOCUMENT = PROJECT_ROOT / "docs" / "faults.md"


def main() -> int:
    """Run, and return the exit code: 0 when every fault ended as expected and none of the matrix is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="numbers such as 1,14b,40; a row's number stands for all its faults")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--cap", type=float, default=900, help="seconds that one fault may take")
    parser.add_argument("--keep", type=Path, help="folder for what the faults print, to look into")
    parser.add_argument(
        "--resume", type=Path, help="file of outcomes: those that it has as expected are not injected again"
    )
    arguments = parser.parse_args()
    os.environ["BALCONY_FAULT_SEED"] = str(arguments.seed)
    os.environ.pop("BALCONY_FAULT", None)
    os.environ.setdefault("BALCONY_SETTLE_SECONDS", "0")  # No fault waits for its own files to come to rest.
    only = {number.strip() for number in arguments.only.split(",") if number.strip()}
    faults = [fault for fault in all_faults() if not only or {fault.number, str(row_of(fault))} & only]
    outcomes = kept(arguments.resume, faults)
    done = {outcome.fault.number for outcome in outcomes}
    faults_left = [fault for fault in faults if fault.number not in done]
    folder = Path(tempfile.mkdtemp(prefix="balcony-faults-"))
    try:
        for outcome in run_faults(faults_left, folder, arguments.jobs, arguments.cap):
            outcomes.append(outcome)
            if arguments.resume:
                with arguments.resume.open("a", encoding="utf-8") as file:
                    print(
                        json.dumps([outcome.fault.number, outcome.happened, outcome.is_expected, outcome.seconds]),
                        file=file,
                    )
            word = "as expected" if outcome.is_expected else "NOT AS EXPECTED"
            print(f"{outcome.fault.number:>4}  {outcome.seconds:6.1f} s  {word}: {outcome.fault.name}", flush=True)
            if not outcome.is_expected:
                print((folder / f"{outcome.fault.number}.log").read_text(errors="replace"), file=sys.stderr, flush=True)
    finally:
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                shutil.copy(log, arguments.keep)
        shutil.rmtree(folder, ignore_errors=True)
    outcomes.sort(key=lambda outcome: (row_of(outcome.fault), outcome.fault.number))
    missing = [] if only else missing_rows(faults)
    print("\n" + table(outcomes) + "\n")
    if not only and not missing:
        DOCUMENT.write_text(document(outcomes, arguments.seed), encoding="utf-8")
    if missing:
        print(f"no fault is injected for the rows {', '.join(map(str, missing))}")
    print(last_line(outcomes))
    return int(bool(missing) or not outcomes or not all(outcome.is_expected for outcome in outcomes))


def kept(file: Path | None, faults: Iterable[Fault]) -> list[Outcome]:
    """Outcomes as expected of a run that broke off."""
    lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
    kept = {
        number: (happened, seconds) for number, happened, is_expected, seconds in map(json.loads, lines) if is_expected
    }
    return [
        Outcome(fault, kept[fault.number][0], True, kept[fault.number][1]) for fault in faults if fault.number in kept
    ]


if __name__ == "__main__":
    sys.exit(main())
