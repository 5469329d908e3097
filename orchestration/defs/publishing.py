"""From checked marts to what readers open."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from orchestration import gates
from orchestration.defs.quality import gate
from orchestration.defs.running import POOL, Writing
from orchestration.exports import has_demo
from orchestration.inputs import build_state
from orchestration.publication import announce, publish
from orchestration.settings import Settings
from orchestration.spark.layers import publications_row
from orchestration.warehouse import connect


def publication_asset(marts: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The publication: all marts, once every gate is open."""

    @dg.asset(
        name="publication",
        deps=[*marts, gate(gates.LAYERS[-1])],
        group_name="publication",
        pool=POOL,
        kinds={"duckdb", "parquet"},
        description="All marts as one DuckDB file and as Parquet, behind the link `published/current`.",
    )
    def publication(context: dg.AssetExecutionContext, writing: Writing) -> dg.MaterializeResult[Any]:
        settings = Settings.from_environment()
        with connect(settings) as connection:
            gates.require_open(connection, gates.LAYERS[-1])
            state = build_state(settings, connection)
            publication_id = announce(settings, connection, context.run.run_id, publications_row)
        made = publish(settings, publication_id, context.run.run_id, state, is_demo=has_demo(settings))
        context.log.info(
            f"published {made.publication_id}: {len(made.tables)} marts with {made.row_count:,} rows are current"
        )
        return dg.MaterializeResult(
            metadata={
                "publication_id": made.publication_id,
                "folder": dg.MetadataValue.path(settings.published / made.publication_id),
                "dagster/row_count": made.row_count,
                "rows": made.tables,
            }
        )

    return publication
