"""What every op of a run shares: the lock on the warehouse, and lines that say what it is doing."""

import logging
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData

from orchestration.home import collect_rarely
from orchestration.lock import warehouse_lock
from orchestration.settings import Settings
from orchestration.spark.layers import engine
from orchestration.warehouse import with_remedy

POOL = "warehouse"
PEAK_TAG = "balcony/peak_megabytes"
"""Most memory that the run's process had."""

STARTED_AT = time.monotonic()


class Writing(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Makes the run the only writer, from before its first op until after its last."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Writing"]:
        """Hold the lock while the run lasts."""
        assert context.log is not None
        collect_rarely()
        settings = Settings.from_environment()
        with warehouse_lock(settings, context.log.info):
            # A killed run's; this one is alone with it.
            shutil.rmtree(settings.spill, ignore_errors=True)
            settings.spill.mkdir()
            with engine(settings):
                yield self
        if context.instance and context.run:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            context.instance.add_run_tags(context.run.run_id, {PEAK_TAG: f"{peak:.0f}"})


class ProgressLines(logging.Handler):
    """Prints what the ops themselves say and why a step failed; Dagster's own events are in its UI."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line with the seconds since the start."""
        said = record.dagster_meta  # type: ignore[attr-defined]
        event = said["dagster_event"]
        if event is None and record.levelno == logging.INFO:
            text = said["orig_message"]
        elif event is not None and event.is_step_failure:
            text = f"{event.step_key} failed: {_reason(event.step_failure_data)}"
        else:
            return
        print(f"{time.monotonic() - STARTED_AT:7.1f} s  {text}", flush=True)


def _reason(failure: StepFailureData) -> str:
    """What an op gave as the reason, else the exception that it met."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return with_remedy(failure.user_failure_data.description)
    error = failure.error
    return with_remedy((error.cause or error).message.strip()) if error else "no reason given"


def _progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    lines = logging.Logger("progress", level=logging.INFO)
    lines.addHandler(ProgressLines())
    return lines


progress = dg.LoggerDefinition(_progress_logger, description="What the run is doing, one line per step.")
