"""Publishing: a new folder with all marts, audited, then the link `current` moved to it in one step.

Readers open `published/current/` and never the warehouse. A folder gets its final name only when it is complete and
on disk; `*.tmp` is what a killed run left.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.faults import fault_point
from orchestration.landing import archive
from orchestration.lock import holder_of
from orchestration.overview import write_overview
from orchestration.settings import Settings
from orchestration.warehouse import configuration, quoted

DATABASE = "balcony_marts.duckdb"
OVERVIEW = "overview.html"
SCHEMA = "marts"

# The oldest line that is still in use in BI tools; what DuckDB 2.0 writes by default opens in 2.0 only.
STORAGE_VERSION = "v1.4.0"

UNFINISHED = ".tmp"


class AuditError(RuntimeError):
    """What was written differs from the warehouse; the text names the table."""


@dataclass(frozen=True)
class Publication:
    """The manifest of one publication."""

    publication_id: str
    run_id: str
    published_at: str
    build_state: str
    """What it was made from, see `inputs.build_state`."""
    is_demo: bool
    tables: dict[str, int]
    """Rows by table."""

    @property
    def row_count(self) -> int:
        return sum(self.tables.values())


def current_publication(settings: Settings) -> Publication | None:
    """What readers see now."""
    folder = settings.published / "current"
    if not (folder / DATABASE).exists():
        return None
    return Publication(**json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


Refresh = Callable[[Settings, duckdb.DuckDBPyConnection], None]
"""What lets the marts see an entry in the warehouse, where they are no views on it."""


def announce(
    settings: Settings, connection: duckdb.DuckDBPyConnection, run_id: str, refresh: Refresh = lambda *_: None
) -> str:
    """Enter the publication that is about to be made in the warehouse, so that it stands in itself; return its id.

    What the rule of retention no longer keeps goes before, so that the new one says what is there. Entries of
    publications that never came to be, because their run died, go too, and results of checks of runs long past.
    """
    settings.published.mkdir(parents=True, exist_ok=True)
    published_at = datetime.now(UTC).replace(microsecond=0)
    if there := finished_publications(settings):
        # Ids stand in the order of publications even where the machine's clock went back.
        published_at = max(published_at, _published_at(max(there)) + timedelta(seconds=1))
    published_at = published_at.replace(tzinfo=None)
    publication_id = f"{published_at:%Y%m%dT%H%M%SZ}-{run_id[:8]}"
    _forget_old(settings, publication_id)
    kept = finished_publications(settings)
    connection.execute("begin")
    connection.execute("delete from raw_balcony.publications where publication_id > ?", [max(kept, default="")])
    connection.execute(
        "update raw_balcony.publications set removed_at = ? where removed_at is null and not list_contains(?, publication_id)",
        [published_at, kept],
    )
    connection.execute(
        "insert into raw_balcony.publications by name select ? as publication_id, ? as run_id, ? as published_at",
        [publication_id, run_id, published_at],
    )
    connection.execute(
        """
        delete from raw_balcony.check_results where run_id not in (
            select run_id from raw_balcony.check_results group by run_id order by max(checked_at) desc, run_id limit ?
        )
        """,
        [settings.kept_runs],
    )
    refresh(settings, connection)
    counts = _row_counts(connection, SCHEMA)
    connection.execute(
        "update raw_balcony.publications set table_count = ?, row_count = ? where publication_id = ?",
        [len(counts), sum(counts.values()), publication_id],
    )
    refresh(settings, connection)
    connection.execute("commit")
    return publication_id


def publish(settings: Settings, publication_id: str, run_id: str, build_state: str, *, is_demo: bool) -> Publication:
    """Write the marts of the closed warehouse to a new folder and make it current."""
    for path in settings.published.glob(f"*{UNFINISHED}"):
        _remove(path)
    fault_point("publication.before_copy")
    unfinished = settings.published / f"{publication_id}{UNFINISHED}"
    unfinished.mkdir()
    tables = _copy(settings, unfinished)
    with duckdb.connect(str(unfinished / DATABASE), read_only=True) as marts:
        write_overview(marts, unfinished / OVERVIEW, is_demo=is_demo)
    publication = Publication(
        publication_id=publication_id,
        run_id=run_id,
        published_at=_published_at(publication_id).isoformat(),
        build_state=build_state,
        is_demo=is_demo,
        tables=tables,
    )
    (unfinished / "manifest.json").write_text(json.dumps(asdict(publication), indent=2) + "\n", encoding="utf-8")
    _secure(unfinished)
    folder = settings.published / publication_id
    unfinished.rename(folder)
    fault_point("publication.before_switch")
    switch_to(settings, publication_id)
    fault_point("publication.after_switch")
    return publication


def switch_to(settings: Settings, publication_id: str) -> None:
    """Make a publication current: forward after a build, or back to an earlier one."""
    if not (settings.published / publication_id / DATABASE).exists():
        raise FileNotFoundError(f"{settings.published / publication_id} is no publication")
    link = settings.published / f"current{UNFINISHED}"
    link.unlink(missing_ok=True)
    link.symlink_to(publication_id)
    os.replace(link, settings.published / "current")
    archive.bring_to_disk(settings.published)


def finished_publications(settings: Settings) -> list[str]:
    """Ids of the publications that are kept, oldest first."""
    return [path.name for path in _finished(settings.published)] if settings.published.exists() else []


def _published_at(publication_id: str) -> datetime:
    """The time that an id begins with."""
    return datetime.strptime(publication_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _copy(settings: Settings, folder: Path) -> dict[str, int]:
    """Copy every relation of the marts into a DuckDB file and Parquet, read both back, and return the rows by table."""
    database = folder / DATABASE
    with duckdb.connect(":memory:", config=configuration(settings)) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach '{quoted(settings.warehouse)}' as warehouse (read_only)")
        connection.execute(f"attach '{quoted(database)}' as publication (storage_version '{STORAGE_VERSION}')")
        connection.execute(f"create schema publication.{SCHEMA}")
        tables = _relations(connection, f"warehouse.{SCHEMA}")
        for table in tables:
            # Sorted by the first column, the key: stable files, and readers skip what they do not ask for.
            connection.execute(
                f'create table publication.{SCHEMA}."{table}" as from warehouse.{SCHEMA}."{table}" order by 1'
            )
            target = folder / "parquet" / table / f"{table}.parquet"
            target.parent.mkdir(parents=True)
            connection.execute(
                f"copy publication.{SCHEMA}.\"{table}\" to '{quoted(target)}' (format parquet, compression zstd)"
            )
        connection.execute("detach publication")
        connection.execute(f"attach '{quoted(database)}' as publication (read_only)")
        return {table: _audited_count(connection, folder, table) for table in tables}


def _audited_count(connection: duckdb.DuckDBPyConnection, folder: Path, table: str) -> int:
    """Rows of a table, after reading every value of both copies back and comparing it with the warehouse."""
    parquet = quoted(folder / "parquet" / table / f"{table}.parquet")
    sources = (f'warehouse.{SCHEMA}."{table}"', f'publication.{SCHEMA}."{table}"', f"read_parquet('{parquet}')")
    expected, *written = (
        connection.execute(f"select count(*), sum(hash(entry)::hugeint) from {source} as entry").fetchone()
        for source in sources
    )
    if any(found != expected for found in written):
        raise AuditError(
            f"{table}: warehouse, DuckDB file and Parquet hold (rows, sum of hashes) {expected}, {written}"
        )
    assert expected is not None
    return int(expected[0])


def _row_counts(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, int]:
    counts = {}
    for table in _relations(connection, schema):
        row = connection.execute(f'select count(*) from {schema}."{table}"').fetchone()
        assert row is not None
        counts[table] = int(row[0])
    return counts


def _relations(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    database, _, name = schema.rpartition(".")
    rows = connection.execute(
        "select table_name from information_schema.tables"
        " where table_schema = ? and table_catalog = coalesce(nullif(?, ''), current_database()) order by 1",
        [name, database],
    ).fetchall()
    return [table for (table,) in rows]


def _secure(folder: Path) -> None:
    """Make the files read-only and bring them, and the folders that name them, to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o444)
        archive.bring_to_disk(path)
    archive.bring_to_disk(folder)


def _finished(published: Path) -> list[Path]:
    """Complete publications, oldest first: ids begin with their time."""
    return sorted(
        path
        for path in published.iterdir()
        if path.is_dir() and not path.is_symlink() and not path.name.endswith(UNFINISHED)
    )


def kept_by_rule(publication_ids: Sequence[str], newest: int, months: int) -> set[str]:
    """The newest publications, and the last one of each of the latest months that have any; ids begin with their time."""
    ordered = sorted(publication_ids)
    last_of_month = {name[: len("yyyymm")]: name for name in ordered}
    kept_months = sorted(last_of_month)[-months:] if months else []
    return {*ordered[-max(newest, 1) :], *(last_of_month[month] for month in kept_months)}


def _forget_old(settings: Settings, coming: str) -> None:
    """Remove what the rule does not keep beside the coming publication; never the current one nor one that is being read."""
    kept = kept_by_rule([*finished_publications(settings), coming], settings.kept_publications, settings.kept_months)
    current = (settings.published / "current").resolve()
    for path in _finished(settings.published):
        if path.name not in kept and path.resolve() != current and holder_of(path / DATABASE) is None:
            removed = path.with_name(f"{path.name}{UNFINISHED}")
            path.rename(removed)
            _remove(removed)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
