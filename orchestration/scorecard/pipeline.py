"""Many small worlds through the real pipeline: the project's own landing, and the SQL that dbt compiled once.

Starting dbt costs some 20 seconds, the SQL of a small world three or four. So dbt builds the project once, on a
warehouse without rows; the file that it leaves holds the seeds, the views, and every table with the types and
constraints of its contract. A world gets a copy, lands its exports there, and each table is filled in the order of the
models, after the intermediate layer those of the measurements. `tests/integration/test_scorecard.py` holds that this
gives the marts that `build_all` gives.

A world of the size `replicate` takes 9 seconds of processor time (14 before its formats were read once for all worlds and
its files lay in memory), a third of it to land, and up to 470 MB; so 200 worlds of each of the 11 regimes take some six
hours of it. Measured over two worlds beside five times as many processes as processors.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.ledger import add_raw_columns, open_warehouse
from orchestration.landing.load import land_folder
from orchestration.landing.spec import load_specs
from orchestration.measurement.registry import MEASUREMENTS, Columns, measure
from orchestration.scorecard.estimates import ALL, read_values
from orchestration.scorecard.metrics import Score
from orchestration.settings import Settings
from orchestration.simulation.behaviour import live
from orchestration.simulation.downloads import write_exports
from orchestration.simulation.regimes import world_config
from orchestration.simulation.truth import write_truth
from orchestration.transform import build_all, declared_measurements, layer_of, read_manifest
from orchestration.warehouse import connect

_IN_MEMORY = Path("/dev/shm")
_WORLDS_BYTES = 2**30
SCRATCH = (
    str(_IN_MEMORY) if os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _WORLDS_BYTES else None
)
"""Worlds live in memory where that can be had: landing brings each of their 70 files to disk before the next."""


class ProjectError(RuntimeError):
    """The project cannot be run as compiled SQL, or did not build; says which model and why."""


@dataclass(frozen=True)
class Model:
    """A table and the query that fills it, or a view and what it shows."""

    relation: str
    query: str
    is_mart: bool
    is_view: bool = False


@dataclass(frozen=True)
class Project:
    """The project as dbt compiled it: a warehouse without rows, and its tables, each after those that it reads."""

    warehouse: Path
    tables: tuple[Model, ...]
    """Marts last."""
    measurements: Mapping[str, Columns]
    """What dbt declares of the tables between."""
    seeds: tuple[Path, ...]
    """The files of reference data that the tables and the measurements read."""
    views: tuple[Model, ...] = ()
    """Stand in the warehouse."""


@dataclass(frozen=True)
class Seconds:
    """What a world took, by step."""

    simulate: float
    export: float
    land: float
    sql: float

    def __str__(self) -> str:
        steps = dataclasses.asdict(self)
        return (
            f"{sum(steps.values()):.1f} s (" + ", ".join(f"{name} {value:.1f}" for name, value in steps.items()) + ")"
        )


def compile_project(folder: Path, marts: Collection[str] | None = None) -> Project:
    """Build the project once below `folder`, without data, for the marts named and all that they read.

    `marts` are names of models; None asks for all. Raises `ProjectError` where a model is not in the manifest, failed,
    or does more than fill a table or stand as a view.
    """
    settings = settings_below(folder)
    settings.exports.mkdir(parents=True)
    land_folder(settings)
    results = build_all(settings)
    if failed := [f"{result.unique_id}: {result.message}" for result in results if result.is_failed]:
        raise ProjectError("dbt could not build the project: " + "; ".join(failed))
    with open_warehouse(settings) as connection:
        # A world that brings a column then need not alter the table, nor make its view anew.
        for spec in load_specs(settings.dbt_project):
            add_raw_columns(connection, spec, [column.name for column in spec.columns])
    manifest = read_manifest(settings)
    compiled = settings.home / "dbt" / "target" / "compiled"
    models = list(_models(manifest, compiled, marts))
    tables = sorted((model for model in models if not model.is_view), key=lambda table: table.is_mart)
    views = tuple(model for model in models if model.is_view)
    read = _read_by(manifest, marts)
    seeds = [node["original_file_path"] for name, node in manifest["nodes"].items() if name in read and _is_seed(node)]
    paths = tuple((settings.dbt_project / seed).resolve() for seed in sorted(seeds))
    return Project(settings.warehouse, tuple(tables), declared_measurements(settings), paths, views)


def _is_seed(node: Mapping[str, Any]) -> bool:
    return bool(node["resource_type"] == "seed")


def _read_by(manifest: Mapping[str, Any], marts: Collection[str] | None) -> dict[str, list[str]]:
    """The models and seeds that marts and measurements read, and what each of them reads."""
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    names = {node["name"]: unique_id for unique_id, node in nodes.items()}
    if missing := sorted(set(marts or ()) - names.keys()):
        raise ProjectError(f"no model is called {', '.join(missing)}")
    # dbt knows of a mart that it reads a measurement, not what that reads.
    measured = {
        relation.partition(".")[2] for measurement in MEASUREMENTS for relation in measurement.reads
    } & names.keys()
    graph: dict[str, list[str]] = {}
    waiting = [names[name] for name in (names if marts is None else {*marts, *measured})]
    while waiting:
        unique_id = waiting.pop()
        graph[unique_id] = [parent for parent in nodes[unique_id]["depends_on"].get("nodes", []) if parent in nodes]
        waiting += [parent for parent in graph[unique_id] if parent not in graph]
    return graph


def _models(manifest: Mapping[str, Any], compiled: Path, marts: Collection[str] | None) -> Iterator[Model]:
    for unique_id in TopologicalSorter(_read_by(manifest, marts)).static_order():
        node = manifest["nodes"][unique_id]
        if _is_seed(node):
            continue
        kind = node["config"]["materialized"]
        hooks = node["config"]["pre-hook"] + node["config"]["post-hook"]
        if node["language"] != "sql" or hooks or kind not in ("table", "replaced", "view", "ephemeral"):
            raise ProjectError(f"{unique_id}: neither a plain table nor a view, so its SQL alone does not make it")
        # A replaced model was compiled on a warehouse without it, so its query is that of a whole build.
        if kind != "ephemeral":
            query = compiled / node["package_name"] / node["original_file_path"]
            is_mart = layer_of(manifest, unique_id) == "marts"
            yield Model(node["relation_name"], query.read_text(encoding="utf-8"), is_mart, is_view=kind == "view")


def settings_below(folder: Path) -> Settings:
    """Exports and home in one folder; one thread and little memory, because worlds run beside each other."""
    return dataclasses.replace(
        Settings.from_environment(),
        exports=folder / "exports",
        home=folder / "home",
        memory_limit="400MB",
        threads=1,
    )


def run_world(project: Project, version: str, size: str, world: tuple[str, int]) -> tuple[list[Score], Seconds]:
    """Live the world of a regime and seed, send it through the pipeline, and hold the marts against its truth.

    An error of any step is raised as it is, with a note that names the world.
    """
    regime, seed = world
    try:
        with tempfile.TemporaryDirectory(prefix="balcony-world-", dir=SCRATCH) as scratch:
            return _run_world(project, version, size, regime, seed, Path(scratch))
    except Exception as error:
        error.add_note(f"in the world {regime}, seed {seed}, size {size}")
        raise


def _run_world(
    project: Project, version: str, size: str, regime: str, seed: int, folder: Path
) -> tuple[list[Score], Seconds]:
    moments = [time.perf_counter()]
    lived = live(world_config(regime, size), seed)
    moments.append(time.perf_counter())
    write_exports(lived, folder / "exports")
    write_truth(lived, folder / "truth")
    moments.append(time.perf_counter())
    settings = land_world(project, folder)
    moments.append(time.perf_counter())
    with connect(settings) as connection:
        fill_tables(project, connection)
        values = read_values(connection, folder / "truth")
    moments.append(time.perf_counter())
    conversions = next(
        int(value.truth) for value in values if (value.estimate_id, value.scope) == ("net_conversions", ALL)
    )
    scores = [Score(version, size, regime, seed, conversions, **dataclasses.asdict(value)) for value in values]
    return scores, Seconds(*(after - before for before, after in pairwise(moments)))


def land_world(project: Project, folder: Path) -> Settings:
    """Land what lies in `folder`/exports into a copy of the project's warehouse below `folder`/home."""
    settings = settings_below(folder)
    settings.home.mkdir(parents=True)
    shutil.copyfile(project.warehouse, settings.warehouse)
    land_folder(settings)
    return settings


def fill_tables(project: Project, connection: duckdb.DuckDBPyConnection) -> None:
    """Build every model in the opened warehouse from what has landed there, and measure before the marts."""
    for is_mart, tables in groupby(project.tables, key=lambda table: table.is_mart):
        if is_mart:
            measure(connection, project.measurements)
        for table in tables:
            # Models that read seeds alone have rows in the copy already.
            connection.execute(f"truncate {table.relation}")
            connection.execute(f"insert into {table.relation} by name {table.query}")
