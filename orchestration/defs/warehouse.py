"""One op per dbt layer; its models and seeds are the assets, its tests their checks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration import gates
from orchestration.defs.quality import gate
from orchestration.defs.running import POOL, Writing
from orchestration.faults import fault_point
from orchestration.settings import Settings
from orchestration.transform import Layer, NodeResult, build_layer, layer_of, parents_of
from orchestration.warehouse import connect

CHECK = "dbt_tests"
"""One check for all dbt tests of a relation: Dagster takes 20 to 40 ms to record a check."""


def layer_assets(manifest: Mapping[str, Any], layer: Layer, translator: DagsterDbtTranslator) -> dg.AssetsDefinition:
    """The op that builds a layer. It is built whole: guards and gate speak of the layer, not of one model."""
    specs = {
        unique_id: translator.get_asset_spec(manifest, unique_id, None)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed") and layer_of(manifest, unique_id) == layer
    }
    own = {spec.key for spec in specs.values()}
    for unique_id, spec in specs.items():
        reads_earlier_layer = any(dep.asset_key not in own for dep in spec.deps)
        specs[unique_id] = spec.replace_attributes(
            # A seed belongs to no folder that names its group.
            group_name=spec.group_name or "reference",
            deps=[*spec.deps, *([gate(gates.before(layer))] if reads_earlier_layer else [])],
        )
    tested = _tested(manifest, layer, translator)

    @dg.multi_asset(
        name=f"build_{layer}",
        specs=list(specs.values()),
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, blocking=True, description="Every dbt test of the relation passes.")
            for key in sorted(set(tested.values()))
        ],
        pool=POOL,
        allow_arbitrary_check_specs=True,
    )
    def build(
        context: dg.AssetExecutionContext, writing: Writing
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        settings = Settings.from_environment()
        with connect(settings) as connection:
            gates.require_open(connection, gates.before(layer))
            gates.close(connection, layer)
        context.log.info(f"building {layer}: {len(specs)} relations")
        results = build_layer(settings, layer)
        fault_point(layer)
        for result in results:
            if result.unique_id in specs and result.is_good:
                yield dg.MaterializeResult(
                    asset_key=specs[result.unique_id].key, metadata={"seconds": round(result.seconds, 3)}
                )
        yield from _check_results(results, tested)
        failed = [result for result in results if result.is_failed]
        context.log.info(
            f"{layer}: {sum(r.unique_id in specs and r.is_good for r in results)} of {len(specs)} relations built,"
            f" {sum(r.unique_id in tested and r.is_good for r in results)} dbt tests passed, {len(failed)} failures"
        )
        if failed:
            raise dg.Failure("\n".join(f"{result.unique_id}: {result.message.strip()}" for result in failed))

    return build


def _tested(manifest: Mapping[str, Any], layer: Layer, translator: DagsterDbtTranslator) -> dict[str, dg.AssetKey]:
    """Which relation a test speaks of: the one it is declared on, else the first of this layer that it reads."""
    tested = {}
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] == "test" and layer_of(manifest, unique_id) == layer:
            parents = [parent for parent in parents_of(node) if layer_of(manifest, parent) == layer]
            declared_on = node.get("attached_node")
            relation = declared_on if declared_on in parents else parents[0]
            tested[unique_id] = translator.get_asset_spec(manifest, relation, None).key
    return tested


def _check_results(results: list[NodeResult], tested: dict[str, dg.AssetKey]) -> Iterator[dg.AssetCheckResult]:
    by_relation: dict[dg.AssetKey, list[NodeResult]] = defaultdict(list)
    for result in results:
        if result.unique_id in tested:
            by_relation[tested[result.unique_id]].append(result)
    for key in sorted(set(tested.values())):
        found = by_relation[key]
        broken = {result.unique_id: f"{result.status} {result.message}" for result in found if not result.is_good}
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=CHECK,
            passed=bool(found) and not broken,
            metadata={"tests": len(found), "not_passed": broken},
        )
