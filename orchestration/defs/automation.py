"""When the job runs: at night, and when the folder of exports has changed and come to rest."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.exports import folder_state
from orchestration.settings import Settings

JOB = "publish_warehouse"

# Named in the run's configuration, or Dagster prints its own events besides.
CONSOLE: dict[str, Any] = {"loggers": {"console": {}}}

NOT_ENDED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

publish_warehouse = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all(),
    config=CONSOLE,
    description="Land what is new, build and guard layer by layer, publish the marts.",
)

publish_warehouse_nightly = dg.ScheduleDefinition(
    name=f"{JOB}_nightly",
    job_name=JOB,
    cron_schedule=Settings.from_environment().schedule,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


PATIENCE = 900
"""Seconds. A file that is written to all the time holds the others back for so long, and calls for a run so often."""


@dg.sensor(
    name="exports_changed",
    job_name=JOB,
    minimum_interval_seconds=Settings.from_environment().look_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when the folder of exports has changed and has stood still for two ticks, or a run left files.",
)
def exports_changed(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run on a changed folder, but not while a file may still be on its way into it, or another run waits.

    Losing the cursor costs one run that finds nothing new: what has landed stands in the ledger.
    """
    cursor = json.loads(context.cursor or "{}")
    now = datetime.now(UTC).timestamp()
    settings = Settings.from_environment()
    state = folder_state(settings.exports)
    if state and settings.files_left.exists():
        state += f" {settings.files_left.stat().st_mtime_ns}"
    # A folder whose last files have landed is what was asked for, without the word of files left.
    if not state or cursor.get("taken", "").startswith(state):
        context.update_cursor(json.dumps({"seen": state, "taken": state}))
        return dg.SkipReason("nothing new")
    seen = {**cursor, "seen": state, "since": cursor.get("since", now)}
    if state != cursor.get("seen") and now - seen["since"] < PATIENCE:
        context.update_cursor(json.dumps(seen))
        return dg.SkipReason("files are still changing")
    if _is_awaited(context.instance):
        context.update_cursor(json.dumps(seen))
        return dg.SkipReason("a run is waiting or going on; it may take them")
    context.update_cursor(json.dumps({"seen": state, "taken": state}))
    return dg.RunRequest(run_key=state)


def _is_awaited(instance: dg.DagsterInstance) -> bool:
    """Whether a run of the job has not ended. Further ones would pile up behind it."""
    return bool(instance.get_runs_count(dg.RunsFilter(job_name=JOB, statuses=NOT_ENDED)))
