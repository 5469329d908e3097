"""Every run is told of, also one whose process was killed, and history stays bounded."""

import shutil
from datetime import UTC, datetime

import dagster as dg
import psutil

from orchestration.defs.running import PEAK_TAG
from orchestration.notify import tell, told_runs
from orchestration.run import night_of
from orchestration.settings import Settings
from orchestration.summary import Night, told_night

PID_TAG = "balcony/pid"
"""Of a run from the command line, whose process Dagster does not know: `pid@time it started`."""
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
STARTERS = {"dagster/parent_run_id": "retry", "dagster/schedule_name": "schedule", "dagster/sensor_name": "sensor"}
AT_ONCE = 20


@dg.sensor(
    name="runs_watched",
    minimum_interval_seconds=Settings.from_environment().look_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of each run that ended, ends runs whose process is gone, and forgets the oldest.",
)
def runs_watched(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at Dagster's runs; nothing is started."""
    settings = Settings.from_environment()
    end_dead_runs(context.instance)
    if context.cursor is None:
        # What ended before anyone watched is no news.
        context.update_cursor(datetime.now(UTC).isoformat())
        return dg.SkipReason("watching from now on")
    told = {run["run_id"] for run in told_runs(settings)}
    ended = dg.RunsFilter(statuses=ENDED, updated_after=datetime.fromisoformat(context.cursor))
    new = [run for run in context.instance.get_runs(ended, limit=AT_ONCE) if run.run_id not in told]
    for run in reversed(new):
        events = [entry.dagster_event for entry in context.instance.all_logs(run.run_id) if entry.dagster_event]
        night = night_of(events, settings, is_success=run.status is dg.DagsterRunStatus.SUCCESS)
        night.peak_megabytes = float(run.tags.get(PEAK_TAG, 0))
        if trouble := tell_of_run(context.instance, settings, run.run_id, night):
            context.log.warning(trouble)
    forget_old_runs(context.instance, settings)
    return dg.SkipReason(f"{len(new)} runs had ended")


def process_tag() -> dict[str, str]:
    """Names this process as the one that a run lives and dies with."""
    process = psutil.Process()
    return {PID_TAG: f"{process.pid}@{process.create_time():.0f}"}


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Say of runs from the command line whose process is gone that they failed: Dagster cannot know."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if PID_TAG in run.tags and not _is_alive(run.tags[PID_TAG]):
            instance.report_run_failed(run, "The process ended in the middle of the run.")


def tell_of_run(instance: dg.DagsterInstance, settings: Settings, run_id: str, night: Night) -> str | None:
    """Write down a run that has ended; what is wrong with the webhook, if there is anything."""
    record = instance.get_run_record_by_id(run_id)
    assert record is not None
    tags = record.dagster_run.tags
    return tell(
        settings,
        {
            "run_id": run_id,
            "started_by": next((word for tag, word in STARTERS.items() if tag in tags), "hand"),
            "started_at": _moment(record.start_time),
            "ended_at": _moment(record.end_time),
            **told_night(night),
        },
    )


def forget_old_runs(instance: dg.DagsterInstance, settings: Settings) -> int:
    """Delete the events and logs of all but the latest ended runs, some at a time; how many went."""
    ended = dg.RunsFilter(statuses=ENDED)
    too_many = instance.get_runs_count(ended) - settings.kept_runs
    if too_many <= 0:
        return 0
    oldest = instance.get_run_records(ended, limit=min(too_many, AT_ONCE), order_by="end_time", ascending=True)
    for record in oldest:
        run_id = record.dagster_run.run_id
        instance.delete_run(run_id)
        # Dagster empties a run's files; it does not remove them.
        shutil.rmtree(settings.dagster_home / "storage" / run_id, ignore_errors=True)
        for path in (settings.dagster_home / "history" / "runs").glob(f"{run_id}.db*"):
            path.unlink()
    return len(oldest)


def _is_alive(tag: str) -> bool:
    """Whether the process lives, and is not another one that got its number."""
    pid, _, started_at = tag.partition("@")
    try:
        return not started_at or abs(psutil.Process(int(pid)).create_time() - float(started_at)) < 2
    except psutil.NoSuchProcess:
        return False


def _moment(timestamp: float | None) -> str | None:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds") if timestamp else None
