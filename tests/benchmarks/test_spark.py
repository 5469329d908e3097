"""Every table behind staging on both engines, and from what size on Spark would be the faster one.

`BALCONY_BENCH_SPARK_ACTIVITIES` names the sizes, 20 thousand and a million by default. Needs Java 17 and the group `spark`.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from orchestration.scorecard.pipeline import compile_project, settings_below
from orchestration.simulation.large import write_large
from orchestration.spark.build import SCHEMA, SparkProject
from orchestration.spark.parity import compare_marts, verdict
from orchestration.spark.raw import export_raw, registration
from orchestration.spark.server import PID_FILE_NAME, spark_server
from tests.benchmarks.figures import Side, keep, measure, table
from tests.benchmarks.test_layers import LAYERS, MEMORY

SIZES = [int(size) for size in os.environ.get("BALCONY_BENCH_SPARK_ACTIVITIES", "20000 1000000").split()]
EXECUTOR_MB = int(os.environ.get("BALCONY_BENCH_EXECUTOR_MB", "2048"))
LARGE = 100_000
"""Activities from which on Spark is set for large data: plans made anew between stages (docs/spark.md), the second
compiler, and more parts than cores."""
LARGE_SETTINGS = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "6",
    "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -Duser.timezone=UTC",
}
BEHIND_STAGING = ("intermediate", SCHEMA)
GIVEN = ("staging", "reference", "measurement", "landing", "raw_balcony")
"""Schemas that both engines find filled."""
MEASURED = ("a plain copy of the activities", "all measurements")
SETTING = (
    f"Staging, seeds and measurements are given, dbt's own time is not counted. DuckDB may use {MEMORY}; Spark has a driver and two"
    f" executors of one core and {EXECUTOR_MB} MB, and is set for large data from {LARGE:,} activities on. Its memory is that of"
    " all its processes at one moment."
)
SPARK = """
from tests.benchmarks.test_spark import build_on_spark
result = build_on_spark(arguments[0], arguments[1], int(str(arguments[2])))
"""


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="the optional group `spark` is not installed")
def test_every_table_behind_staging_on_both_engines(tmp_path: Path) -> None:
    project = compile_project(tmp_path / "built")
    (tmp_path / "project.pickle").write_bytes(pickle.dumps(project))
    sides, notes = {}, []
    for activities in SIZES:
        world = tmp_path / str(activities)
        write_large(world, 7, activities, max(1_000, activities // 20))
        on_duckdb = measure(LAYERS, tmp_path, world, world / "warehouse.duckdb")
        steps = [spent for step, spent in on_duckdb.result.items() if step not in MEASURED]
        seconds, worked = map(sum, zip(*steps, strict=True))
        sides[f"{activities:,} activities: DuckDB"] = Side(seconds, worked, on_duckdb.peak, None)
        on_spark = measure(SPARK, tmp_path, world, Path(str(activities))).result
        took = sum(on_spark["seconds"].values())
        sides[f"{activities:,} activities: Spark"] = Side(took, on_spark["worked"], on_spark["peak"], None)
        with duckdb.connect(str(world / "warehouse.duckdb"), read_only=True) as connection:
            compared = compare_marts(connection, SCHEMA, world / "parquet")
        dearest = sorted(on_spark["seconds"].items(), key=lambda each: -each[1])[:5]
        notes.append(
            f"{activities:,} activities: {verdict(compared)}. Spark took {took / seconds:.1f} times as long; of that "
            + ", ".join(f"`{relation}` {spent:.0f} s" for relation, spent in dearest)
            + "."
        )
        assert not [each for each in compared if each.differences], compared
        # Kept at each size: the largest takes most of an hour and may not end.
        keep(table("All tables behind staging on both engines", sides, [*notes, SETTING]))


def build_on_spark(compiled: Path, world: Path, activities: int) -> dict[str, Any]:
    """Build on Spark what stands in the world's DuckDB file, and write the marts beside; what each table took."""
    settings = settings_below(compiled / "built")
    configured = LARGE_SETTINGS if activities >= LARGE else {}
    with spark_server(world / "server", executor_megabytes=EXECUTOR_MB, configured=configured) as remote:
        spark = SparkProject(settings, world / "dbt", remote)
        with duckdb.connect(str(world / "warehouse.duckdb"), read_only=True) as connection:
            given = connection.execute(
                "select table_schema, table_name from information_schema.tables"
                " where table_catalog = current_database() and list_contains(?, table_schema)",
                [list(GIVEN)],
            ).fetchall()
            spark.execute(*registration(export_raw(connection, given, world / "raw")))
        queries = compiled_queries(spark)
        spark.execute(*(f"create schema {schema}" for schema in BEHIND_STAGING))
        server = psutil.Process(int((world / "server" / PID_FILE_NAME).read_text(encoding="ascii")))
        with memory_of(server) as megabytes:
            worked, seconds = processor_seconds(server), {}
            for relation, query in queries.items():
                started = time.perf_counter()
                spark.execute(f"create table {relation} using parquet as {query}")
                seconds[relation] = time.perf_counter() - started
                print(f"{relation}: {seconds[relation]:.1f} s", file=sys.stderr, flush=True)
            worked = processor_seconds(server) - worked
        spark.write(SCHEMA, spark.relations(SCHEMA), world / "parquet")
    return {"seconds": seconds, "worked": worked, "peak": max(megabytes)}


def compiled_queries(spark: SparkProject) -> dict[str, str]:
    """The query of each model behind staging as dbt compiles it for Spark, each after those that it reads."""
    results = spark.run("compile", "--select", *(f"fqn:{layer},resource_type:model" for layer in BEHIND_STAGING))
    models = spark.folder / "target" / "compiled" / "balcony" / "models"
    names = [result.unique_id.rpartition(".")[2] for result in results if result.resource_type == "model"]
    paths = [next(models.rglob(f"{name}.sql")) for name in names]
    return {f"{path.relative_to(models).parts[0]}.{path.stem}": path.read_text(encoding="utf-8") for path in paths}


def family(server: psutil.Process) -> Iterator[psutil.Process]:
    """The server and its executors."""
    yield server
    yield from server.children(recursive=True)


def processor_seconds(server: psutil.Process) -> float:
    """Of the server and all that it started, what has ended counted by its parent."""
    return sum(sum(process.cpu_times()[:4]) for process in family(server))


@contextmanager
def memory_of(server: psutil.Process) -> Iterator[list[float]]:
    """How many MB the server and its executors hold, twice a second."""
    seen = [0.0]
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.5):
            with suppress(psutil.NoSuchProcess):
                seen.append(sum(process.memory_info().rss for process in family(server)) / 2**20)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()
