"""What landing remembers outside the warehouse, so that the archive can be landed again without one.

Names and times of files, and who was erased and stays out, stand in the warehouse, and a person may have cleared the
exports folder since. Both are written beside the archive at the end of each landing that saw something new; what a killed
landing had not entered yet is still in the exports folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.landing import archive
from orchestration.settings import Settings
from orchestration.warehouse import quoted

FOLDER = "ledger"
FILES = "files.parquet"
SUPPRESSED = "suppressed_identifiers.parquet"


@dataclass(frozen=True)
class Kept:
    """A file, or a member of an archive, that a warehouse once knew."""

    file_name: str
    member_name: str
    sha256: str
    """Of the file as it came."""
    outcome: str
    byte_count: int
    modified_at: datetime
    archived_sha256: str | None
    """Of what the archive holds of it; null where that is nothing, as of an archive that was opened."""
    refusal_reason: str | None


def index_of(settings: Settings) -> Path:
    """Where the list of files lies."""
    return settings.home / FOLDER / FILES


def write_index(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write both lists anew, each in one step."""
    # In the order in which contents came: of several files with one content, the same one lands again.
    files = """
        select files.*, loads.archived_sha256, loads.refusal_reason
        from landing.files left join landing.loads using (load_id)
        order by load_id nulls last, file_outcome = 'duplicate', first_seen_at, files.file_name, member_name
    """
    folder = settings.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    # Who stays out is written first: nobody may come back because a run died in between.
    for name, query in ((SUPPRESSED, "from landing.suppressed_identifiers order by all"), (FILES, files)):
        unfinished = folder / f"{name}.tmp"
        connection.execute(f"copy ({query}) to '{quoted(unfinished)}' (format parquet)")
        archive.bring_to_disk(unfinished)
        os.replace(unfinished, folder / name)
    archive.bring_to_disk(folder)


def restore_suppressed(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Put who was erased, and is not in this warehouse's list, back on it."""
    path = settings.home / FOLDER / SUPPRESSED
    if path.exists():
        connection.execute(
            f"""
            insert into landing.suppressed_identifiers by name
            from read_parquet('{quoted(path)}')
            where identifier_hash not in (select identifier_hash from landing.suppressed_identifiers)
            """
        )


def unknown_files(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[Kept]:
    """What stands in the list and not in the warehouse, in the order of the list."""
    if not index_of(settings).exists():
        return []
    rows = connection.execute(
        f"""
        select file_name, member_name, file_sha256, file_outcome, byte_count, modified_at, archived_sha256, refusal_reason
        from read_parquet('{quoted(index_of(settings))}', file_row_number = true) as kept
        anti join landing.files using (file_name, member_name, file_sha256)
        order by kept.file_row_number
        """
    ).fetchall()
    return [Kept(*row) for row in rows]


def keep_first_sight(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Give files that landed again the time at which they were seen first."""
    connection.execute(
        f"""
        update landing.files set first_seen_at = kept.first_seen_at
        from read_parquet('{quoted(index_of(settings))}') as kept
        where kept.file_name = files.file_name and kept.member_name = files.member_name
            and kept.file_sha256 = files.file_sha256
        """
    )
