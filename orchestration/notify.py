"""What became of a run, as a line of `$BALCONY_HOME/logs/runs.jsonl` and, where one is asked for, as a call of a webhook.

Counts, names of checks and of steps; no file name and no error text, for those may hold what people wrote.
"""

from __future__ import annotations

import fcntl
import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

LOG = "runs.jsonl"
MOST_BYTES = 1_000_000
"""About a thousand runs; then the file becomes `runs.1.jsonl`, and the one before that goes."""
WEBHOOK = "BALCONY_WEBHOOK_URL"
WEBHOOK_SECONDS = 10


def tell(settings: Settings, run: Mapping[str, Any]) -> str | None:
    """Write the run down, once whoever tells of it, and call the webhook; says what is wrong with that, never raises for it.

    `run` needs a `run_id`.
    """
    settings.logs.mkdir(parents=True, exist_ok=True)
    with (settings.logs / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if run["run_id"] in {told.get("run_id") for told in told_runs(settings)}:
            return None
        log = settings.logs / LOG
        if log.exists() and log.stat().st_size > MOST_BYTES:
            log.replace(_older(log))
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run, ensure_ascii=False) + "\n")
    return _call_webhook(run)


def told_runs(settings: Settings) -> list[dict[str, Any]]:
    """The runs written down, oldest first; half a line that a killed process left is passed over."""
    log = settings.logs / LOG
    told = []
    for path in (_older(log), log):
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                told.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return told


def _older(log: Path) -> Path:
    return log.with_name("runs.1.jsonl")


def _call_webhook(run: Mapping[str, Any]) -> str | None:
    """Post the run as JSON. The address is a secret, and stands in neither the answer nor any error text."""
    address = os.environ.get(WEBHOOK, "")
    if not address:
        return None
    if not address.startswith(("https://", "http://")):
        return f"{WEBHOOK} is no web address"
    try:
        request = urllib.request.Request(
            address, json.dumps(run).encode(), {"Content-Type": "application/json", "User-Agent": "balcony"}
        )
        with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):
            return None
    # Whatever a stranger's server, or the way to it, comes up with: the night is not the worse for it.
    except Exception as error:
        status = getattr(error, "code", None)
        return f"the webhook was not reached: {type(error).__name__}" + (f" {status}" if status else "")
