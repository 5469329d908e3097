"""Worlds of every regime through the real pipeline, and how far the published figures are from the truth.

Writes `scorecard.csv` (each world), `scorecard_summary.csv`, `scorecard.md` and `scorecard.png`. Worlds that
`scorecard.csv` has from the same code are not run again. Ends with 1 where the acceptance does not hold.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from orchestration.scorecard.estimates import marts_read
from orchestration.scorecard.metrics import Score
from orchestration.scorecard.pipeline import Project, Seconds, compile_project, run_world
from orchestration.scorecard.report import PAGE, WORLDS, append_scores, read_scores, write_report
from orchestration.scorecard.version import code_version
from orchestration.settings import Settings
from orchestration.simulation.regimes import CHANGES, SIZES, world_config

# Whatever the user's own settings, so that one seed has one row: ties are broken by keys, which hang on the hash key.
# Matrices are small, and threads for them only wait: one a process.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "BALCONY_HASH_KEY": "scorecard",
    "BALCONY_REPORTING_CURRENCY": "USD",
    "BALCONY_REPORTING_TIME_ZONE": "UTC",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, report, and return the exit code."""
    options = _options(arguments)
    os.environ.update(ENVIRONMENT)
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="balcony-") as scratch:
        project = compile_project(Path(scratch), marts_read())
        version = code_version(project)
        wanted = [
            (regime, seed) for seed in range(options.seed, options.seed + options.worlds) for regime in options.regime
        ]
        known = [
            score
            for score in read_scores(folder / WORLDS)
            if (score.code_version, score.size) == (version, options.size)
        ]
        done = {(score.regime, score.seed) for score in known}
        missing = [world for world in wanted if world not in done]
        print(f"{len(wanted)} worlds wanted, {len(missing)} to run, code {version}", flush=True)
        for number, (scores, seconds) in enumerate(_run(missing, project, version, options), 1):
            append_scores(folder / WORLDS, scores)
            known += scores
            print(f"{number}/{len(missing)} {scores[0].regime} seed {scores[0].seed}: {seconds}", flush=True)
    worlds = {(score.regime, score.seed) for score in known}
    if not worlds:
        print("no world of this code to report on")
        return 1
    seeds = [seed for _, seed in worlds]
    config = ", ".join(f"{name} {value}" for name, value in SIZES[options.size].items())
    about = (
        f"{len(worlds)} worlds of the size {options.size} ({config or 'the default'}), "
        f"seeds {min(seeds)} to {max(seeds)}, code {version}."
    )
    claims = write_report(folder, known, CHANGES, about)
    for claim in claims:
        print({True: "  ok   ", False: "  FAILS", None: "  ?    "}[claim.holds], claim.text)
    print(folder / PAGE)
    return 1 if any(claim.holds is False for claim in claims) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m orchestration.scorecard", description=__doc__)
    parser.add_argument(
        "--worlds",
        type=int,
        default=20,
        metavar="N",
        help="seeds per regime (default 20; 0: report alone)",
    )
    parser.add_argument("--regime", nargs="+", default=list(CHANGES), metavar="NAME", help="default: all")
    parser.add_argument("--size", default="replicate", help="size of the worlds (default replicate)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="worlds at a time")
    parser.add_argument("--out", type=Path, help="folder (default scorecard in BALCONY_HOME)")
    options = parser.parse_args(arguments)
    options.out = options.out or Settings.from_environment().home / "scorecard"
    if options.worlds < 0 or options.processes < 1:
        parser.error("--worlds is 0 or more, --processes 1 or more")
    try:
        for regime in options.regime:
            world_config(regime, options.size)
    except ValueError as error:
        parser.error(str(error))
    return options


def _run(
    worlds: Sequence[tuple[str, int]], project: Project, version: str, options: argparse.Namespace
) -> Iterator[tuple[list[Score], Seconds]]:
    """Run the worlds, some at a time, and give what came of them in their order."""
    if not worlds:
        return
    one = partial(run_world, project, version, options.size)
    if options.processes == 1:
        yield from map(one, worlds)
        return
    # Spawned, because dbt has left threads in this process, and a forked child would inherit their locks.
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn"), initializer=gc.freeze) as pool:
        yield from pool.map(one, worlds)


if __name__ == "__main__":
    sys.exit(main())
