"""The guards of each layer as checks of the relations they guard, and the gate that opens when they have passed."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from expectations import Check, load_suites, run_layer
from orchestration import gates
from orchestration.defs.running import POOL, Writing
from orchestration.faults import fault_point
from orchestration.settings import Settings
from orchestration.warehouse import connect


def gate(layer: str) -> dg.AssetKey:
    """The asset that stands for an open gate. What builds on the layer depends on it.

    An asset, because a blocking check holds back all that is downstream of its relation, and that includes models
    of the same layer, which are built before any guard can run.
    """
    return dg.AssetKey(["gates", layer])


def layer_guards(layer: str, guarded: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
    """The op that guards a layer once all of it is built. A critical failure fails it and leaves the gate closed."""
    checks = load_suites(layer)
    keys = {check.name: asset_of(check) for check in checks}

    @dg.multi_asset(
        name=f"guard_{layer}",
        specs=[
            dg.AssetSpec(
                gate(layer),
                deps=sorted(guarded),
                group_name=layer,
                description=f"Open when every critical expectation on {layer} holds.",
                kinds={"great_expectations"},
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=keys[check.name],
                description=check.reason,
                metadata={"suite": check.suite, "severity": check.severity, "expectation": check.type},
            )
            for check in checks
        ],
        pool=POOL,
        allow_arbitrary_check_specs=True,
    )
    def guard(
        context: dg.AssetExecutionContext, writing: Writing
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        fault_point(f"guards.{layer}.before")
        with connect(Settings.from_environment()) as connection:
            results = run_layer(connection, layer, context.run.run_id)
            is_open = gates.record(connection, layer, context.run.run_id, results)
        fault_point(f"guards.{layer}.after")
        for result in results:
            severity = dg.AssetCheckSeverity.ERROR if gates.is_critical(result) else dg.AssetCheckSeverity.WARN
            yield dg.AssetCheckResult(
                asset_key=keys[result.name],
                check_name=result.name,
                passed=result.is_passed,
                severity=severity,
                metadata={"unexpected_count": result.unexpected_count, "details": result.details},
            )
            if not result.is_passed:
                word = "error" if result.is_error else result.severity
                context.log.info(f"  {word}: {result.name}: {result.details} ({result.reason})")
        failed = [result.name for result in results if gates.is_critical(result)]
        warned = sum(not result.is_passed for result in results) - len(failed)
        context.log.info(
            f"guards of {layer}: {sum(result.is_passed for result in results)} passed, {warned} warned, {len(failed)} failed"
        )
        if not is_open:
            raise dg.Failure(f"the gate of {layer} stays closed: {', '.join(failed)}")
        yield dg.MaterializeResult(asset_key=gate(layer))

    return guard


def asset_of(check: Check) -> dg.AssetKey:
    """The asset of the guarded relation."""
    return asset_of_relation(check.relation)


def asset_of_relation(relation: str) -> dg.AssetKey:
    """The asset of `schema.table`: Dagster names a raw table by its source, a model by its schema."""
    schema, table = relation.split(".")
    return dg.AssetKey([schema.removeprefix("raw_"), table])
