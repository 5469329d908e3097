"""The guards of each layer as checks of the relations they guard, and the gate that opens when they have passed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dagster as dg

from expectations import Check, load_suites, run_layer
from expectations.run import CheckResult
from orchestration import gates
from orchestration.defs.running import POOL, Writing
from orchestration.faults import fault_point
from orchestration.settings import Settings
from orchestration.spark.layers import guard_connection
from orchestration.warehouse import connect


def check_name(layer: str) -> str:
    """The one check for all that a layer expects of a relation, which may be one of an earlier layer.

    Dagster takes some 20 ms to record a check, longer than most expectations take to run. What came of each stands in
    fct_check_results, and what broke in the check.
    """
    return f"expectations_of_{layer}"


def gate(layer: str) -> dg.AssetKey:
    """The asset that stands for an open gate. What builds on the layer depends on it.

    An asset, because a blocking check holds back all that is downstream of its relation, and that includes models
    of the same layer, which are built before any guard can run.
    """
    return dg.AssetKey(["gates", layer])


def layer_guards(layer: str, guarded: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
    """The op that guards a layer once all of it is built. A critical failure fails it and leaves the gate closed."""
    suites: dict[dg.AssetKey, list[Check]] = defaultdict(list)
    for check in load_suites(layer):
        suites[asset_of(check.relation)].append(check)

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
                check_name(layer),
                asset=key,
                description=f"The {len(checks)} expectations of the suite {checks[0].suite}.",
                metadata={check.name: f"{check.severity}: {check.reason}" for check in checks},
            )
            for key, checks in suites.items()
        ],
        pool=POOL,
        allow_arbitrary_check_specs=True,
    )
    def guard(
        context: dg.AssetExecutionContext, writing: Writing
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        fault_point(f"guards.{layer}.before")
        settings = Settings.from_environment()
        with connect(settings) as connection:
            results = run_layer(guard_connection(settings, connection, layer), layer, context.run.run_id)
            is_open = gates.record(connection, layer, context.run.run_id, results)
        fault_point(f"guards.{layer}.after")
        found: dict[dg.AssetKey, list[CheckResult]] = defaultdict(list)
        for result in results:
            found[asset_of(result.relation)].append(result)
            if not result.is_passed:
                word = "error" if result.is_error else result.severity
                context.log.info(f"  {word}: {result.name}: {result.details} ({result.reason})")
        for key in suites:
            yield _suite_result(layer, key, found[key])
        failed = [result.name for result in results if gates.is_critical(result)]
        warned = sum(not result.is_passed for result in results) - len(failed)
        context.log.info(
            f"guards of {layer}: {sum(result.is_passed for result in results)} passed, {warned} warned, {len(failed)} failed"
        )
        if not is_open:
            raise dg.Failure(f"the gate of {layer} stays closed: {', '.join(failed)}")
        yield dg.MaterializeResult(asset_key=gate(layer))

    return guard


def _suite_result(layer: str, key: dg.AssetKey, results: Sequence[CheckResult]) -> dg.AssetCheckResult:
    failed = [result for result in results if gates.is_critical(result)]
    broken = [result for result in results if not result.is_passed]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=check_name(layer),
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        metadata={
            "passed": len(results) - len(broken),
            "warned": len(broken) - len(failed),
            "failed": len(failed),
            "broken": {result.name: f"{result.severity}: {result.details}" for result in broken},
        },
    )


def asset_of(relation: str) -> dg.AssetKey:
    """The asset of `schema.table`: Dagster names a raw table by its source, a model by its schema."""
    schema, table = relation.split(".")
    return dg.AssetKey([schema.removeprefix("raw_"), table])
