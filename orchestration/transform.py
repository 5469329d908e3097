"""dbt in this process: the project's manifest, and one layer built with its seeds and data tests.

In process because a dbt child would outlive a killed run and keep the warehouse locked, and because each start costs
seconds. dbt is imported where it is needed: a night with nothing new never loads it. Unit tests say nothing about
the data and cost as much as the models: they run where code is tested, not at night.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestration.inputs import project_state, replacing_state
from orchestration.measurement.registry import SCHEMA, measure
from orchestration.settings import Settings
from orchestration.warehouse import connect

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

Layer = Literal["staging", "intermediate", "marts"]
LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")

PARTIAL_PARSE_FILE_NAME = "partial_parse.msgpack"
"""As dbt calls it."""

_FOLDERS: dict[Layer, tuple[str, ...]] = {
    "staging": ("resource_type:seed", "fqn:staging"),
    "intermediate": ("fqn:intermediate",),
    "marts": ("fqn:marts",),
}


class TransformError(RuntimeError):
    """dbt could not even start on the project; the text is dbt's."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, seed or test."""

    unique_id: str
    resource_type: str
    status: str
    seconds: float
    message: str

    @property
    def is_failed(self) -> bool:
        """Whether it stops the layer; what was skipped because of it is not counted."""
        return self.status in ("error", "fail", "partial success", "runtime error")

    @property
    def is_good(self) -> bool:
        """Whether a model or seed stands as the project says, or what a test claims holds."""
        return self.status in ("success", "pass", "warn")


def read_manifest(settings: Settings) -> dict[str, Any]:
    """The project's manifest, from the last parse where the project has not changed since."""
    path = settings.home / "dbt" / "manifest.json"
    state = project_state(settings)
    if path.exists():
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["state"] == state:
            return dict(document["manifest"])
    manifest = _parse(settings, state).writable_manifest().to_dict(omit_none=False)
    text = json.dumps({"state": state, "manifest": manifest})
    _replace(path, text.encode())
    return dict(json.loads(text)["manifest"])


def layer_of(manifest: Mapping[str, Any], unique_id: str) -> Layer:
    """The layer in which a node is built or, for a test, the latest layer among what it reads."""
    kind = unique_id.partition(".")[0]
    node = manifest["sources" if kind == "source" else "nodes"][unique_id]
    if kind == "test":
        return max((layer_of(manifest, parent) for parent in parents_of(node)), key=LAYERS.index)
    for layer in LAYERS:
        if kind == "seed" or node["original_file_path"].startswith(f"models/{layer}/"):
            return layer
    raise TransformError(f"{node['original_file_path']}: not in models/staging, models/intermediate or models/marts")


def parents_of(test: Mapping[str, Any]) -> list[str]:
    """What a test reads: models, seeds and sources."""
    return [parent for parent in test["depends_on"]["nodes"] if not parent.startswith("macro.")]


def build_layer(settings: Settings, layer: Layer, *, tested: bool = True) -> list[NodeResult]:
    """Build the layer's seeds and models and run its data tests. Leaves the warehouse file closed."""
    if settings.target == "spark":
        from orchestration.spark.layers import build_layer as build_layer_on_spark

        return build_layer_on_spark(settings, layer, tested=tested)
    result = _invoke(settings, ["build", *layer_selection(layer, tested=tested)])

    def rows_of(query: str) -> list[tuple[Any, ...]]:
        with connect(settings) as connection:
            return connection.execute(query).fetchall()

    return explained_results(result, rows_of)


def explained_results(result: Any, rows_of: Callable[[str], list[tuple[Any, ...]]]) -> list[NodeResult]:
    """What became of each node, with what a broken declaration found: dbt only counts the rows that a test returns."""
    return [_explained(outcome, node.node, rows_of) for outcome, node in zip(node_results(result), result, strict=True)]


def _explained(outcome: NodeResult, node: Any, rows_of: Callable[[str], list[tuple[Any, ...]]]) -> NodeResult:
    if outcome.status not in ("fail", "warn") or node.test_metadata.name != "rows_as_declared":
        return outcome
    found = rows_of(node.compiled_code)
    told = "; ".join(f"{broken} ({row_count})" for broken, row_count in sorted(found))
    return replace(outcome, message=f"{outcome.message}: {told}")


def build_all(settings: Settings) -> list[NodeResult]:
    """Build every layer and measure between them, without data tests and guards."""
    before = [result for layer in LAYERS[:-1] for result in build_layer(settings, layer, tested=False)]
    with connect(settings) as connection:
        measure(connection, declared_measurements(settings))
    return [*before, *build_layer(settings, LAYERS[-1], tested=False)]


def declared_measurements(settings: Settings) -> dict[str, dict[str, str]]:
    """What the dbt source `measurement` declares: the type of each column of each table."""
    return {
        source["name"]: {name: column["data_type"] for name, column in source["columns"].items()}
        for source in read_manifest(settings)["sources"].values()
        if source["source_name"] == SCHEMA
    }


def layer_selection(layer: Layer, *, tested: bool = True) -> list[str]:
    """What dbt is told to build of the project.

    A test runs in the latest layer that it reads: dbt selects what touches this layer, less what touches later
    ones.
    """
    later = [folder for later in LAYERS[LAYERS.index(layer) + 1 :] for folder in _FOLDERS[later]]
    left_out = ["unit_test", *([] if tested else ["test"])]
    selected = [word for kind in left_out for word in ("--exclude-resource-type", kind)]
    selected += ["--select", *_FOLDERS[layer]]
    return [*selected, *(["--exclude", *later] if later else [])]


def _invoke(settings: Settings, command: list[str]) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    _leave_out_debug_events()
    os.environ["BALCONY_BUILD_STATE"] = replacing_state(settings)
    try:
        runner = dbtRunner(manifest=_parse(settings, project_state(settings)))
        outcome = runner.invoke([*command, *_arguments(settings)])
    finally:
        DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None:
        raise TransformError(str(outcome.exception)) from outcome.exception
    return outcome.result


def node_results(result: Any) -> list[NodeResult]:
    """What became of each node of a dbt invocation."""
    return [
        NodeResult(
            unique_id=node_result.node.unique_id,
            resource_type=str(node_result.node.resource_type),
            status=str(node_result.status),
            seconds=node_result.execution_time,
            message=node_result.message or "",
        )
        for node_result in result.results
    ]


@cache
def _parse(settings: Settings, state: str) -> Manifest:
    """The project parsed by dbt, once per state of its files.

    dbt parses only what changed since the parse that it finds in the target folder. That one is kept beside the project,
    for every home: a home's first parse takes 1.4 s instead of 10.8.
    """
    from dbt.cli.main import dbtRunner

    shared = settings.dbt_project / "target" / PARTIAL_PARSE_FILE_NAME
    own = _target(settings) / PARTIAL_PARSE_FILE_NAME
    own.parent.mkdir(parents=True, exist_ok=True)
    if shared.exists():
        shutil.copyfile(shared, own)
    arguments = _arguments(settings)
    # dbt takes a parse for outdated whose connection was another. The file's name alone stands in what it parses.
    os.environ |= {"BALCONY_WAREHOUSE": settings.warehouse.name, "BALCONY_SPILL": "", "BALCONY_MEMORY_LIMIT": ""}
    try:
        outcome = dbtRunner().invoke(["parse", *arguments])
    finally:
        _set_connection(settings)
    if outcome.exception is not None:
        raise TransformError(str(outcome.exception)) from outcome.exception
    # An installed project may be read-only; then each home keeps its own.
    with suppress(OSError):
        shared.parent.mkdir(exist_ok=True)
        _replace(shared, own.read_bytes())
    return outcome.result  # type: ignore[return-value]


@cache
def _leave_out_debug_events() -> None:
    """Nobody hears them, and dbt shapes a message of each of some 10,000: a tenth of its time."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class Audible(EventManager):
        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *arguments: Any, **options: Any) -> None:
            if (level or e.level_tag()) is not EventLevel.DEBUG:
                super().fire_event(e, level, *arguments, **options)

    ctx_set_event_manager(Audible())


def _target(settings: Settings) -> Path:
    return settings.home / "dbt" / "target"


def _replace(path: Path, content: bytes) -> None:
    """In one step, because another process may be reading it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def _set_connection(settings: Settings) -> None:
    """What profiles.yml asks the environment for."""
    os.environ |= {
        "BALCONY_WAREHOUSE": str(settings.warehouse),
        "BALCONY_SPILL": str(settings.spill),
        "BALCONY_MEMORY_LIMIT": settings.memory_limit,
    }


def _arguments(settings: Settings) -> list[str]:
    folder = settings.home / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    _set_connection(settings)
    os.environ["DO_NOT_TRACK"] = "1"
    project = str(settings.dbt_project)
    return [
        *("--project-dir", project, "--profiles-dir", project),
        *("--target-path", str(_target(settings)), "--log-path", str(folder / "logs")),
        # Nobody reads dbt's own JSON; writing it takes 2 to 4 seconds of every invocation.
        *("--no-write-json", "--log-level", "none", "--log-level-file", "none", "--indirect-selection", "eager"),
    ]
