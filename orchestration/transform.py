"""dbt in this process: the project's manifest, and one layer built with its seeds and data tests.

In process because a dbt child would outlive a killed run and keep the warehouse locked, and because each start costs
seconds. dbt is imported where it is needed: a night with nothing new never loads it. Unit tests say nothing about
the data and cost as much as the models: they run where code is tested, not at night.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from orchestration.inputs import project_state
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

Layer = Literal["staging", "intermediate", "marts"]
LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")

_FOLDERS: dict[Layer, tuple[str, ...]] = {
    "staging": ("resource_type:seed", "path:models/staging"),
    "intermediate": ("path:models/intermediate",),
    "marts": ("path:models/marts",),
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
    manifest = json.loads(json.dumps(_parse(settings, state).writable_manifest().to_dict(omit_none=False)))
    # Replaced in one step: the Dagster UI may read it while a run writes it.
    temporary = path.with_name(f"manifest.{os.getpid()}.tmp")
    temporary.write_text(json.dumps({"state": state, "manifest": manifest}), encoding="utf-8")
    temporary.replace(path)
    return dict(manifest)


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
    untested = [] if tested else ["--exclude-resource-type", "test"]
    return node_results(_invoke(settings, ["build", *untested, *_selection(layer)]))


def run_unit_tests(settings: Settings) -> list[NodeResult]:
    """Run every unit test, on relations that are made without rows."""
    made = _invoke(settings, ["build", "--empty", "--resource-type", "model", "--resource-type", "seed"])
    return [*node_results(made), *node_results(_invoke(settings, ["test", "--select", "test_type:unit"]))]


def _selection(layer: Layer) -> list[str]:
    """A test runs in the latest layer that it reads: dbt selects what touches this layer, less what touches later ones."""
    later = [folder for later in LAYERS[LAYERS.index(layer) + 1 :] for folder in _FOLDERS[later]]
    selected = ["--exclude-resource-type", "unit_test", "--select", *_FOLDERS[layer]]
    return [*selected, *(["--exclude", *later] if later else [])]


def _invoke(settings: Settings, command: list[str]) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

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
    """The project parsed by dbt, once per state of its files."""
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(["parse", *_arguments(settings)])
    if outcome.exception is not None:
        raise TransformError(str(outcome.exception)) from outcome.exception
    return outcome.result  # type: ignore[return-value]


def _arguments(settings: Settings) -> list[str]:
    folder = settings.home / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "BALCONY_WAREHOUSE": str(settings.warehouse),
        "BALCONY_SPILL": str(settings.spill),
        "BALCONY_MEMORY_LIMIT": settings.memory_limit,
        "DO_NOT_TRACK": "1",
    }
    project = str(settings.dbt_project)
    return [
        *("--project-dir", project, "--profiles-dir", project),
        *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
        # Nobody reads dbt's own JSON; writing it takes 2 to 4 seconds of every invocation.
        *("--no-write-json", "--log-level", "none", "--log-level-file", "none", "--indirect-selection", "eager"),
    ]
