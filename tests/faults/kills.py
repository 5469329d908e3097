"""Kill runs at random moments, each the successor of a killed one, until one may finish: `make kills KILLS=200 SEED=7`.

Three kinds of run: `sql` lands, fills every table with the SQL that dbt compiled, and publishes; `dbt` lands, builds with
dbt, measures, runs every guard, and publishes; `whole` is `python -m orchestration.run`. The first two are forked from a
process that has imported everything and parsed the project, so a kill costs what the run had done, not its imports.

A chain begins without a home. Its runs are killed again and again, one may finish, more exports arrive, and the same
again. Whatever is published at any moment must be the marts of an undisturbed run of the same exports.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from expectations.run import run_layer
from orchestration import gates
from orchestration.inputs import build_state
from orchestration.landing.load import land_folder
from orchestration.measurement.registry import measure
from orchestration.publication import announce, current_publication, finished_publications, publish
from orchestration.recovery import repair
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.transform import build_layer, declared_measurements, read_manifest
from orchestration.warehouse import connect
from tests.faults.pipeline import FIXTURES, Prepared, full_night, in_child, prepared, settings_of
from tests.integration.helpers import published_marts

PARTS = (FIXTURES[:2], FIXTURES[2:])
"""Platforms whose exports are there from the start, and those that arrive later."""
WITHOUT_A_RATE = shutil.ignore_patterns("orders_export_2012.csv")
"""Its order is in euro of a day for which no exchange rate is known, so a guard rightly keeps the night from publishing."""
KILLS_IN_A_PART = 10


@dataclass
class Count:
    """What was done so far."""

    kills: dict[str, int] = field(default_factory=dict)
    finished: int = 0
    published_by_killed: int = 0
    compared: int = 0


def dbt_night(settings: Settings) -> None:
    """One night with dbt and every guard, without Dagster."""
    repair(settings)
    land_folder(settings)
    with connect(settings) as connection:
        state = build_state(settings, connection)
        current = current_publication(settings)
        if current is not None and current.build_state == state:
            return
    _guard(settings, "raw")
    for layer in gates.LAYERS[1:]:
        with connect(settings) as connection:
            gates.require_open(connection, gates.before(layer))
            gates.close(connection, layer)
            if layer == "measurement":
                measure(connection, declared_measurements(settings))
        if layer in ("staging", "intermediate", "marts"):
            failed = [result for result in build_layer(settings, layer) if result.is_failed]  # type: ignore[arg-type]
            assert not failed, failed
        _guard(settings, layer)
    with connect(settings) as connection:
        gates.require_open(connection, gates.LAYERS[-1])
        state = build_state(settings, connection)
        publication_id = announce(settings, connection, f"dbt{os.getpid():05d}")
    publish(settings, publication_id, f"dbt{os.getpid():05d}", state, is_demo=False)


def _guard(settings: Settings, layer: str) -> None:
    with connect(settings) as connection:
        results = run_layer(connection, layer, "kills")
        failed = [result.name for result in results if gates.is_critical(result)]
        assert gates.record(connection, layer, "kills", results), failed


def whole_run(settings: Settings) -> subprocess.Popen[bytes]:
    """`python -m orchestration.run`, started."""
    places = {"BALCONY_HOME": str(settings.home), "BALCONY_EXPORTS": str(settings.exports)}
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.run"],
        cwd=PROJECT_ROOT,
        env=os.environ | places,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Chains:
    """Chains of one kind of run, in one folder that each begins anew."""

    def __init__(self, kind: str, ready: Prepared, folder: Path, chance: random.Random) -> None:
        self.kind = kind
        self.ready = ready
        self.folder = folder
        self.chance = chance
        self.settings = settings_of(folder)
        self.truths: list[dict[str, list[tuple[object, ...]]]] = []
        self.seconds: list[float] = []
        self.clear()
        if kind == "dbt":
            read_manifest(self.settings)
            import expectations.duckdb_adapter  # noqa: F401
        for part in range(len(PARTS)):
            self.arrive(part)
            started = time.monotonic()
            self.finish()
            self.seconds.append(time.monotonic() - started)
            self.truths.append(published_marts(self.settings.home))
            assert all(rows for table, rows in self.truths[-1].items() if table.startswith("fct_landed"))

    def clear(self) -> None:
        for path in (self.settings.home, self.settings.exports):
            shutil.rmtree(path, ignore_errors=True)

    def arrive(self, part: int) -> None:
        for platform in PARTS[part]:
            fixtures = PROJECT_ROOT / "tests" / "fixtures" / "exports" / platform
            shutil.copytree(fixtures, self.settings.exports / platform, ignore=WITHOUT_A_RATE)

    def night(self) -> None:
        if self.kind == "sql":
            full_night(self.ready.project, self.settings, f"sql{os.getpid():05d}")
        else:
            dbt_night(self.settings)

    def finish(self) -> None:
        if self.kind == "whole":
            assert whole_run(self.settings).wait() == 0
        else:
            ended = in_child(self.night)
            assert not ended.was_killed
            assert not ended.error, ended.error

    def kill(self, after: float) -> bool:
        """Start a run and kill it after so many seconds; False where it had finished by then."""
        if self.kind != "whole":
            ended = in_child(self.night, killed_after=after)
            assert ended.was_killed or not ended.error, ended.error
            return ended.was_killed
        process = whole_run(self.settings)
        try:
            assert process.wait(after) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
        return False

    def readers_see_a_truth(self, part: int) -> bool:
        """Whether the newest truth is published; what is published must be it or the one before."""
        if not (self.settings.published / "current").exists():
            assert part == 0, "the publication is gone"
            return False
        seen = published_marts(self.settings.home)
        is_new = seen == self.truths[part]
        if not is_new:
            assert part, f"published, and not what an undisturbed run publishes: {_different(seen, self.truths[0])}"
            assert seen == self.truths[part - 1], _different(seen, self.truths[part - 1])
        return is_new

    def run_chain(self, kills: int, count: Count) -> int:
        """Up to so many kills; how many it were."""
        self.clear()
        made = 0
        for part in range(len(PARTS)):
            self.arrive(part)
            longest = self.seconds[part]
            for _ in range(KILLS_IN_A_PART):
                if made == kills:
                    break
                started = time.monotonic()
                if not self.kill(self.chance.uniform(0, longest)):
                    # What a killed run landed need not land again, and the machine may have become faster.
                    longest = time.monotonic() - started
                else:
                    made += 1
                    count.kills[self.kind] = count.kills.get(self.kind, 0) + 1
                    count.published_by_killed += self.readers_see_a_truth(part)
                    count.compared += 1
            self.finish()
            count.finished += 1
            assert self.readers_see_a_truth(part), "after recovery the marts are not those of the undisturbed run"
            assert len(finished_publications(self.settings)) <= self.settings.kept_publications
            assert not list(self.settings.published.glob("*.tmp"))
        return made


def _different(seen: dict[str, list[tuple[object, ...]]], truth: dict[str, list[tuple[object, ...]]]) -> str:
    return ", ".join(table for table in truth if seen.get(table) != truth[table])


def run_kills(wanted: dict[str, int], seed: int, folder: Path, tell: Callable[[str], None]) -> Count:
    """So many kills of each kind. Raises AssertionError where readers saw something else, or a successor could not finish."""
    count = Count()
    (folder / "own").mkdir(parents=True, exist_ok=True)
    ready = prepared(folder / "own")
    for kind, kills in wanted.items():
        if not kills:
            continue
        chains = Chains(kind, ready, folder / kind, random.Random(f"{seed} {kind}"))
        tell(f"{kind}: an undisturbed run takes {' and '.join(f'{s:.0f}' for s in chains.seconds)} s")
        while (left := kills - count.kills.get(kind, 0)) > 0:
            chains.run_chain(left, count)
            tell(f"{kind}: {count.kills.get(kind, 0)} of {kills} kills, all publications whole, all recoveries equal")
    return count


def main() -> int:
    """Kill, and say how many; 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--dbt", type=int, help="how many of them in runs with dbt and guards; a tenth")
    parser.add_argument("--whole", type=int, help="how many of them in whole runs from the command line; a fiftieth")
    arguments = parser.parse_args()
    dbt = arguments.kills // 10 if arguments.dbt is None else arguments.dbt
    whole = arguments.kills // 50 if arguments.whole is None else arguments.whole
    os.environ["BALCONY_HASH_KEY"] = "the same people in every home"
    os.environ.pop("BALCONY_FAULT", None)
    os.environ["BALCONY_SETTLE_SECONDS"] = "0"
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="balcony-kills-"))

    def tell(text: str) -> None:
        print(f"{time.monotonic() - started:7.0f} s  {text}", flush=True)

    wanted = {"sql": arguments.kills - dbt - whole, "dbt": dbt, "whole": whole}
    try:
        count = run_kills(wanted, arguments.seed, folder, tell)
    except AssertionError as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kinds = ", ".join(f"{number} {kind}" for kind, number in count.kills.items())
    print(
        f"{sum(count.kills.values())} runs killed ({kinds}), {count.published_by_killed} of them after they had published;"
        f" publications read after each kill were whole; {count.finished} successors finished with the undisturbed marts"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
