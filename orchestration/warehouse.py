"""Opening the working DuckDB file, the same way from everywhere."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.settings import Settings


def configuration(settings: Settings) -> dict[str, Any]:
    """How DuckDB works for us, whatever file it opens. In one process, one file opens with one configuration only."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.spill),
        "autoinstall_known_extensions": False,
        "TimeZone": "UTC",
    }


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open what landing has made, for writing. Raises `FileNotFoundError` before anything has landed."""
    if not settings.warehouse.exists():
        raise FileNotFoundError(f"{settings.warehouse} is made by landing: start the job publish_warehouse")
    connection = duckdb.connect(str(settings.warehouse), config=configuration(settings))
    connection.execute("set enable_progress_bar = false")
    return connection
