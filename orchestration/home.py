"""Dagster's own folder, `$BALCONY_HOME/dagster`, and what every process of a run needs."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

from orchestration.settings import PROJECT_ROOT, Settings


def set_up_dagster(settings: Settings) -> None:
    """Put Dagster's settings in place and point this process, and those it starts, at them."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    # In one step, because a daemon may be reading it.
    written = settings.dagster_home / f"dagster.yaml.{os.getpid()}.tmp"
    shutil.copyfile(Path(__file__).with_name("dagster.yaml"), written)
    written.replace(settings.dagster_home / "dagster.yaml")
    folders = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    os.environ |= {
        "DAGSTER_HOME": str(settings.dagster_home),
        # Dagster's programs look for modules beside themselves only, and History is one of ours.
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(PROJECT_ROOT), *folders])),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }


def collect_rarely() -> None:
    """Let Python look for garbage less often.

    Millions of parsed objects live to the end of a run; looking through them again and again costs a tenth of it.
    """
    gc.set_threshold(50_000, 20, 100)
