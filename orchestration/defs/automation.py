"""When the job runs: at night, and when the folder of exports has changed and come to rest."""

import json
import os
from typing import Any

import dagster as dg

from orchestration.exports import folder_state
from orchestration.settings import Settings

JOB = "publish_warehouse"

# Named in the run's configuration, or Dagster prints its own events besides.
CONSOLE: dict[str, Any] = {"loggers": {"console": {}}}

publish_warehouse = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all(),
    config=CONSOLE,
    description="Land what is new, build and guard layer by layer, publish the marts.",
)

publish_warehouse_nightly = dg.ScheduleDefinition(
    name=f"{JOB}_nightly",
    job_name=JOB,
    cron_schedule=os.environ.get("BALCONY_SCHEDULE", "0 2 * * *"),
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(
    name="exports_changed",
    job_name=JOB,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when the folder of exports has changed and has stood still for two ticks.",
)
def exports_changed(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run on a changed folder, but not while a file may still be on its way into it.

    Losing the cursor costs one run that finds nothing new: what has landed stands in the ledger.
    """
    cursor = json.loads(context.cursor or "{}")
    state = folder_state(Settings.from_environment().exports)
    if not state or state == cursor.get("taken"):
        return dg.SkipReason("nothing new")
    if state != cursor.get("seen"):
        context.update_cursor(json.dumps(cursor | {"seen": state}))
        return dg.SkipReason("files are still changing")
    context.update_cursor(json.dumps({"seen": state, "taken": state}))
    return dg.RunRequest(run_key=state)
