"""The op between the intermediate layer and the marts that fills the tables of the schema `measurement`."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration import gates
from orchestration.defs.quality import asset_of, gate
from orchestration.defs.running import POOL, Writing
from orchestration.faults import fault_point
from orchestration.measurement.registry import MEASUREMENTS, SCHEMA, measure
from orchestration.settings import Settings
from orchestration.spark.layers import measured_inputs
from orchestration.transform import declared_measurements
from orchestration.warehouse import connect


def measurement_assets(manifest: Mapping[str, Any], translator: DagsterDbtTranslator) -> dg.AssetsDefinition:
    """All measurements as one op: together they take seconds, and each Dagster step costs one."""
    declared = {
        source["name"]: translator.get_asset_spec(manifest, unique_id, None)
        for unique_id, source in manifest["sources"].items()
        if source["source_name"] == SCHEMA
    }
    reads = {measurement.table: [asset_of(relation) for relation in measurement.reads] for measurement in MEASUREMENTS}
    specs = {
        table: spec.replace_attributes(
            group_name=SCHEMA, deps=[*reads.get(table, []), gate(gates.before(SCHEMA))], kinds={"numpy"}
        )
        for table, spec in declared.items()
    }

    @dg.multi_asset(name=f"measure_{SCHEMA}", specs=list(specs.values()), pool=POOL)
    def measured(context: dg.AssetExecutionContext, writing: Writing) -> Iterator[dg.MaterializeResult[Any]]:
        settings = Settings.from_environment()
        with connect(settings) as connection:
            gates.require_open(connection, gates.before(SCHEMA))
            gates.close(connection, SCHEMA)
            context.log.info(f"measuring: {len(specs)} tables")
            measured_inputs(settings, connection)
            rows = measure(connection, declared_measurements(settings))
        fault_point(SCHEMA)
        # In the order of the measurements: Dagster wants each table after those that it is computed from.
        for table, row_count in rows.items():
            yield dg.MaterializeResult(asset_key=specs[table].key, metadata={"dagster/row_count": row_count})

    return measured
