"""One run from the command line: the job that Dagster runs at night, its progress, and a summary at the end."""

from __future__ import annotations

import argparse
import atexit
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import psutil

from orchestration.exports import require_exports
from orchestration.home import collect_rarely, set_up_dagster
from orchestration.publication import current_publication
from orchestration.settings import Settings
from orchestration.summary import Checked, Landed, Night, summary_text
from orchestration.warehouse import with_remedy

if TYPE_CHECKING:
    from dagster import DagsterEvent


def main() -> int:
    """Run, and return the exit code: 0 when something is published or nothing was new."""
    arguments = argparse.ArgumentParser(prog="python -m orchestration.run", description=__doc__)
    arguments.add_argument("--rebuild", action="store_true", help="build and publish although nothing is new")
    arguments.add_argument(
        "--days",
        nargs=2,
        type=date.fromisoformat,
        metavar=("FIRST", "LAST"),
        help="build and publish, and replace these days whole, whatever changed in them: 2026-01-01 2026-01-31",
    )
    asked = arguments.parse_args()
    landing = {"rebuild": asked.rebuild, "days": [day.isoformat() for day in asked.days or ()]}
    settings = Settings.from_environment()
    collect_rarely()
    try:
        require_exports(settings)
        set_up_dagster(settings)
    except OSError as error:
        print(with_remedy(str(error)), file=sys.stderr)
        return 1
    warnings.filterwarnings("ignore", module="dagster")

    from dagster import DagsterInstance

    from orchestration.definitions import defs
    from orchestration.defs.automation import CONSOLE, JOB
    from orchestration.defs.watching import end_dead_runs, forget_old_runs, process_tag, tell_of_run

    started_up = _seconds_alive()
    with DagsterInstance.get() as instance:
        end_dead_runs(instance)
        result = defs.resolve_job_def(JOB).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"ops": {"land_exports": {"config": landing}}, **CONSOLE},
            tags=process_tag(),
        )
        night = night_of(result.all_events, settings, is_success=result.success)
        night.peak_megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        night.seconds = {"start-up": started_up, **night.seconds}
        night.seconds["bookkeeping"] = _seconds_alive() - sum(night.seconds.values())
        forget_old_runs(instance, settings)
        if trouble := tell_of_run(instance, settings, result.run_id, night):
            print(trouble, file=sys.stderr)
    print("\n" + summary_text(night, settings.published), flush=True)
    return 0 if night.is_success else 1


def _seconds_alive() -> float:
    """Since this process was started, its imports included."""
    return time.time() - psutil.Process().create_time()


def night_of(events: Iterable[DagsterEvent], settings: Settings, *, is_success: bool) -> Night:
    """What the events of a run say, without Dagster's types."""
    from dagster import DagsterEventType

    night = Night(is_success=is_success, publication=current_publication(settings))
    parts = {
        "land": "landing",
        "build": "dbt",
        "measure": "measurement",
        "guard": "checks",
        "publication": "publication",
    }
    night.seconds = dict.fromkeys(parts.values(), 0.0)
    for event in events:
        part = parts.get((event.step_key or "").partition("_")[0])
        if event.is_step_success and part:
            night.seconds[part] += event.step_success_data.duration_ms / 1000
        if event.is_step_materialization and event.asset_key and event.asset_key.path == ["landing", "files"]:
            metadata = event.step_materialization_data.materialization.metadata
            values: dict[str, Any] = {name: metadata[name].value for name in Landed.__dataclass_fields__}
            night.landed = Landed(**values)
        if event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION and part == "checks":
            layer = (event.step_key or "").partition("_")[2]
            checked = night.checks.setdefault(layer, Checked())
            counts: Mapping[str, Any] = event.asset_check_evaluation_data.metadata
            checked.passed += counts["passed"].value
            checked.warned += counts["warned"].value
            checked.failed += counts["failed"].value
            night.broken += [name for name, told in counts["broken"].value.items() if told.startswith("critical")]
        if event.is_step_failure and event.step_key:
            night.failed_steps.append(event.step_key)
    return night


if __name__ == "__main__":
    code = main()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written and closed. To take its millions of objects apart one by one costs the interpreter 2 seconds.
    os._exit(code)
