"""Build what has landed on both engines and compare the marts: after a first night, and after nights to which loads go and
come back. Spark replaces in these what changed, DuckDB builds all whole.

Both build on copies, so the warehouse stays what its gates have checked; Spark's server runs only meanwhile. The last line
says how many marts were compared; the exit code is not 0 on any difference, failed model or failed test.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from expectations.suites import declared_marts
from orchestration.lock import warehouse_lock
from orchestration.replacing import ask_for
from orchestration.settings import Settings
from orchestration.spark.build import SCHEMA, SparkProject
from orchestration.spark.layers import audit
from orchestration.spark.nights import NIGHTS, withdraw
from orchestration.spark.parity import Comparison, compare_marts, verdict
from orchestration.spark.raw import export_raw, registration
from orchestration.spark.server import SparkUnavailable, spark_server
from orchestration.transform import NodeResult, build_all


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.spark", description=__doc__)
    parser.add_argument("--unit-tests", action="store_true", help="run dbt's unit tests on Spark too")
    parser.add_argument(
        "--nights", type=int, choices=range(len(NIGHTS) + 1), default=len(NIGHTS), help="nights after the first"
    )
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    if not settings.warehouse.exists():
        print(f"{settings.warehouse} does not exist: `make run` lands the exports first", file=sys.stderr)
        return 1
    # A polite end must end the server too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Otherwise a table with few rows is always built whole.
    os.environ.setdefault("BALCONY_REPLACE_FROM_ROWS", "0")
    folder = settings.home / "spark"
    with warehouse_lock(settings, print):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        shutil.copyfile(settings.warehouse, folder / "landed.duckdb")
    try:
        with spark_server(folder / "server") as remote:
            engines = Engines(settings, folder, remote)
            engines.first_night(unit_tested=arguments.unit_tests)
            for night, parts in enumerate(NIGHTS[: arguments.nights], start=2):
                engines.later_night(night, parts)
    except SparkUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    return engines.told()


class Engines:
    """DuckDB and Spark on copies of what has landed, and what was found of their marts."""

    def __init__(self, settings: Settings, folder: Path, remote: str) -> None:
        self._folder = folder
        self._on_duckdb = dataclasses.replace(settings, home=folder / "duckdb", target="duckdb")
        self._on_spark = SparkProject(settings, folder / "dbt", remote)
        self._nights = 0
        self._comparisons: list[Comparison] = []
        self._failures: list[str] = []

    def first_night(self, *, unit_tested: bool) -> None:
        """All that has landed, whole on both engines, with Spark's data tests."""
        with self._night("first night", ()):
            self._judge(self._on_spark.build(unit_tested=unit_tested))

    def later_night(self, night: int, parts: Collection[int]) -> None:
        """What has landed less some parts of it; Spark starts from its night before."""
        with self._night(f"night {night}", parts):
            self._judge(self._on_spark.run("run"))
            ways = Counter(self._on_spark.how_built().values())
            print("  " + ", ".join(f"{count} tables {way}" for way, count in sorted(ways.items())))
            if not ways["replaced"] or ways["whole"]:
                self._failures.append(f"night {night} did not replace what changed")

    def told(self) -> int:
        """Print what was found, and return the exit code."""
        for comparison in self._comparisons:
            for difference in comparison.differences:
                print(f"{comparison.mart}: {difference}")
        failures = f"; {len(self._failures)} failures" if self._failures else ""
        print(verdict(self._comparisons, self._nights) + failures)
        return 1 if failures or any(comparison.differences for comparison in self._comparisons) else 0

    @contextmanager
    def _night(self, name: str, parts: Collection[int]) -> Iterator[None]:
        """What has landed less some parts, built with DuckDB and handed over; Spark's build is the block's; then all marts."""
        here = self._on_duckdb
        shutil.rmtree(here.home, ignore_errors=True)
        here.home.mkdir()
        shutil.copyfile(self._folder / "landed.duckdb", here.warehouse)
        with duckdb.connect(str(here.warehouse)) as connection:
            ask_for(connection, [], rebuild=True)
            withdrawn = withdraw(connection, parts) if parts else 0
        print(f"{name}: {withdrawn} files withdrawn", flush=True)
        with _timed("DuckDB: models"):
            self._judge(build_all(here))
        with duckdb.connect(str(here.warehouse), read_only=True) as connection:
            with _timed("raw tables for Spark"):
                tables = export_raw(connection, self._on_spark.sources(), self._folder / "raw")
                self._on_spark.execute(*registration(tables))
            with _timed("Spark"):
                yield
            with _timed("Spark: marts as files, audited and compared"):
                self._compare(name, connection)

    def _compare(self, night: str, connection: duckdb.DuckDBPyConnection) -> None:
        folder = self._folder / "parquet"
        marts = self._on_spark.relations(SCHEMA)
        self._on_spark.write(SCHEMA, marts, folder)
        audit(connection, folder, self._on_spark.row_counts(SCHEMA, marts), declared_marts())
        found = compare_marts(connection, SCHEMA, folder)
        self._nights += 1
        print(f"  {verdict(found)}")
        self._comparisons += [dataclasses.replace(each, mart=f"{each.mart} ({night})") for each in found]

    def _judge(self, results: Sequence[NodeResult]) -> None:
        """Print what became of the nodes, each failure in full, and count what failed or was skipped for it."""
        outcomes = Counter((result.resource_type, result.status) for result in results)
        print("  " + ", ".join(f"{count} {kind} {status}" for (kind, status), count in sorted(outcomes.items())))
        for result in results:
            if result.is_failed:
                print(f"{result.unique_id}: {result.message}")
        self._failures += [result.unique_id for result in results if not result.is_good]


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
