"""Build what has landed on both engines and compare the marts; Spark's server runs only meanwhile.

Both build on a copy, so the warehouse stays what its gates have checked. The last line says how many marts were compared;
the exit code is not 0 on any difference, failed model or failed test.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from expectations.suites import declared_marts
from orchestration.lock import warehouse_lock
from orchestration.settings import Settings
from orchestration.spark.build import SCHEMA, SparkProject
from orchestration.spark.layers import audit
from orchestration.spark.parity import compare_marts, verdict
from orchestration.spark.raw import export_raw, registration
from orchestration.spark.server import SparkUnavailable, spark_server
from orchestration.transform import NodeResult, build_all


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.spark", description=__doc__)
    parser.add_argument("--unit-tests", action="store_true", help="run dbt's unit tests on Spark too")
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    if not settings.warehouse.exists():
        print(f"{settings.warehouse} does not exist: `make run` lands the exports first", file=sys.stderr)
        return 1
    # A polite end must end the server too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _compare_engines(settings, unit_tested=arguments.unit_tests)
    except SparkUnavailable as error:
        print(error, file=sys.stderr)
        return 1


def _compare_engines(settings: Settings, *, unit_tested: bool) -> int:
    folder = settings.home / "spark"
    copied = dataclasses.replace(settings, home=folder / "duckdb", target="duckdb")
    with warehouse_lock(settings, print):
        shutil.rmtree(folder, ignore_errors=True)
        copied.home.mkdir(parents=True, mode=0o700)
        shutil.copyfile(settings.warehouse, copied.warehouse)
    with _timed("DuckDB: models"):
        results = build_all(copied)
    failed = _told_failures(results)
    with spark_server(folder / "server") as remote, duckdb.connect(str(copied.warehouse), read_only=True) as connection:
        project = SparkProject(settings, folder / "dbt", remote)
        with _timed("raw tables for Spark"):
            tables = export_raw(connection, project.sources(), folder / "raw")
            project.execute(*registration(tables))
        with _timed("Spark: models, data tests" + (", unit tests" if unit_tested else "")):
            results = project.build(unit_tested=unit_tested)
        failed += _told_failures(results)
        with _timed("Spark: marts as files, audited"):
            marts = project.relations(SCHEMA)
            project.write(SCHEMA, marts, folder / "parquet")
            audit(connection, folder / "parquet", project.row_counts(SCHEMA, marts), declared_marts())
        comparisons = compare_marts(connection, SCHEMA, folder / "parquet")
    for comparison in comparisons:
        for difference in comparison.differences:
            print(f"{comparison.mart}: {difference}")
    print(verdict(comparisons) + (f"; {failed} models or tests failed" if failed else ""))
    return 1 if failed or any(comparison.differences for comparison in comparisons) else 0


def _told_failures(results: list[NodeResult]) -> int:
    """Print what became of the nodes, each failure in full, and return how many failed or were skipped for it."""
    outcomes = Counter((result.resource_type, result.status) for result in results)
    print("  " + ", ".join(f"{count} {kind} {status}" for (kind, status), count in sorted(outcomes.items())))
    for result in results:
        if result.is_failed:
            print(f"{result.unique_id}: {result.message}")
    return sum(not result.is_good for result in results)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
