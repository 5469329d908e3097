"""The Dagster code location: from the exports folder to the publication, each layer behind its guards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration import transform
from orchestration.defs.automation import exports_changed, publish_warehouse, publish_warehouse_nightly
from orchestration.defs.landing import landing_assets
from orchestration.defs.measurement import measurement_assets
from orchestration.defs.publishing import publication_asset
from orchestration.defs.quality import layer_guards
from orchestration.defs.running import Writing, progress
from orchestration.defs.warehouse import layer_assets
from orchestration.defs.watching import runs_watched
from orchestration.settings import Settings


def code_location(manifest: Mapping[str, Any]) -> dg.Definitions:
    """Everything that Dagster knows of a dbt project, the sources that feed it and the guards around it."""
    # One for all, because it resolves what a relation reads together with it, and remembers: half a second.
    translator = DagsterDbtTranslator()
    external, landed = landing_assets(manifest, translator)
    layers: dict[str, dg.AssetsDefinition] = {
        layer: layer_assets(manifest, layer, translator) for layer in transform.LAYERS
    }
    layers |= {"raw": landed, "measurement": measurement_assets(manifest, translator)}
    return dg.Definitions(
        assets=[
            *external,
            *layers.values(),
            *(layer_guards(layer, assets.keys) for layer, assets in layers.items()),
            publication_asset(sorted(layers["marts"].keys)),
        ],
        jobs=[publish_warehouse],
        schedules=[publish_warehouse_nightly],
        sensors=[exports_changed, runs_watched],
        resources={"writing": Writing()},
        loggers={"console": progress},
        # One process writes the warehouse; a process per step would import dbt and Great Expectations nine times.
        executor=dg.in_process_executor,
    )


defs = code_location(transform.read_manifest(Settings.from_environment()))
