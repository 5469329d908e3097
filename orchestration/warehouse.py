"""Opening the working DuckDB file, the same way from everywhere, and what to do about what DuckDB says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import Settings

_DAMAGE = re.compile(
    r"Corrupt database file|Corrupt WAL file|not a valid DuckDB database file|Could not read enough bytes from file"
    r"|WAL does not match database file|Failure while replaying WAL|Failed to load metadata pointer"
)
"""What DuckDB says of a file with flipped or missing bytes, or with another file's log beside it."""

_REMEDIES = (
    (_DAMAGE, "the file is damaged; start the run again: it sets the file aside and lands the archive anew"),
    (
        re.compile(r"Could not set lock on file.*"),
        "another process has the file open; end that one or close the file there, then start the run again."
        " Readers open published/current, which is never locked",
    ),
    (
        re.compile(r"No space left on device|File too large|Disk quota exceeded|max_temp_directory_size"),
        "the disk is full; free space below BALCONY_HOME, then start the run again. What has landed is kept",
    ),
    (
        re.compile(r"Out of Memory Error|failed to allocate data|could not allocate block"),
        "raise BALCONY_MEMORY_LIMIT or lower BALCONY_THREADS, then start the run again. What has landed is kept",
    ),
    (
        re.compile(r"Permission denied|Read-only file system|Operation not permitted|in read-only mode"),
        "let the user who runs Balcony read and write there, then start the run again",
    ),
    (
        re.compile(r"Is a directory|Not a directory"),
        "something else has that name; move it away, then start the run again",
    ),
)


class UnusableWarehouseError(RuntimeError):
    """The working file cannot be opened; says which, why and what to do."""


class DamagedWarehouseError(UnusableWarehouseError):
    """It cannot be read as DuckDB wrote it."""


def remedy(text: str) -> str | None:
    """What to do about an error of the machine rather than of the data; None for any other text."""
    return next((told for pattern, told in _REMEDIES if pattern.search(text)), None)


def with_remedy(text: str) -> str:
    """The text of an error and, where one is known, what to do about it."""
    told = remedy(text)
    return text if told is None or told in text else f"{text.rstrip()}\n{told}"


def is_damage(text: str) -> bool:
    """Whether an error tells of a database file that is not as DuckDB wrote it."""
    return _DAMAGE.search(text) is not None


def quoted(path: Path) -> str:
    """A path as it stands between the quotes of SQL."""
    return str(path).replace("'", "''")


def log_of(settings: Settings) -> Path:
    """DuckDB's write-ahead log: what was committed and does not stand in the file itself yet."""
    return settings.warehouse.with_name(f"{settings.warehouse.name}.wal")


def configuration(settings: Settings) -> dict[str, Any]:
    """How DuckDB works for us, whatever file it opens. In one process, one file opens with one configuration only."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.spill),
        "autoinstall_known_extensions": False,
        "TimeZone": "UTC",
    }


def open_file(settings: Settings, **options: Any) -> duckdb.DuckDBPyConnection:
    """Open the working file for writing, new if there is none. Raises `UnusableWarehouseError` with the remedy."""
    try:
        connection = duckdb.connect(str(settings.warehouse), config=configuration(settings) | options)
    except duckdb.Error as error:
        kind = DamagedWarehouseError if is_damage(str(error)) else UnusableWarehouseError
        raise kind(with_remedy(f"{settings.warehouse}: {error}")) from error
    connection.execute("set enable_progress_bar = false")
    return connection


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open what landing has made, for writing. Raises `FileNotFoundError` before anything has landed."""
    if not settings.warehouse.exists():
        raise FileNotFoundError(f"{settings.warehouse} is made by landing: start the job publish_warehouse")
    return open_file(settings)
