"""Before each landing: whether the working file can be relied on, and what is done where it cannot.

The archive is the truth and the warehouse is made from it. So a damaged warehouse is never mended: it is set aside,
landing makes a new one of the archive, and the run builds on that.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime

import duckdb

from orchestration.exports import has_demo
from orchestration.inputs import build_state
from orchestration.landing.index import index_of
from orchestration.landing.ledger import open_warehouse
from orchestration.publication import DATABASE, current_publication
from orchestration.settings import Settings
from orchestration.warehouse import DamagedWarehouseError, is_damage, log_of, open_file, quoted

SET_ASIDE = "damaged_set_aside"

_HISTORY = {
    "publications": "marts.fct_publications",
    "check_results": "marts.fct_check_results",
}
"""Records of runs that no export brings again, and the marts that hold them."""


def repair(settings: Settings) -> list[str]:
    """Set a warehouse that cannot be relied on aside, and say what was done, a line each.

    Opening finds damage of the file's heads and of its log. Damage further in shows when a block is read, so the
    whole file is read, 1.5 s a GB, unless the run before published what it made and thereby read what it needed. Raises
    `UnusableWarehouseError` where the file is sound and still cannot be opened.
    """
    said = []
    if settings.warehouse.exists():
        try:
            with open_file(settings) as connection:
                if not _ended_well(settings, connection):
                    read_everything(connection)
        except (DamagedWarehouseError, duckdb.Error) as error:
            if not is_damage(str(error)):
                raise
            said.append(f"the warehouse is damaged: {str(error).splitlines()[0]}")
            said.append(f"set aside in {set_aside(settings)}, to be deleted or looked into")
    elif log_of(settings).exists():
        said.append(f"a log without its warehouse was set aside in {set_aside(settings)}")
    if not settings.warehouse.exists() and index_of(settings).exists():
        said.append(f"there is no warehouse: what {settings.archive} holds lands again")
        _restore_history(settings)
    return said


def _ended_well(settings: Settings, connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the run before published what stands in the warehouse."""
    publication = current_publication(settings)
    try:
        return publication is not None and publication.build_state == build_state(settings, connection)
    except duckdb.CatalogException:
        return False  # It died before it had made its tables.


def read_everything(connection: duckdb.DuckDBPyConnection) -> None:
    """Read every value of every table; DuckDB then compares each block with its checksum and raises `duckdb.Error`."""
    tables = connection.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
    for schema, table in tables:
        connection.execute(f'select sum(hash(entry)) from "{schema}"."{table}" as entry').fetchall()


def set_aside(settings: Settings) -> str:
    """Move the warehouse and its log out of the way, in place of what was set aside before; where to."""
    folder = settings.home / SET_ASIDE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    # The file goes first: without its log it could look like a sound, older one to the next run.
    for path in (settings.warehouse, log_of(settings)):
        if path.exists():
            path.rename(folder / f"{moment}-{path.name}")
    return str(folder)


def _restore_history(settings: Settings) -> None:
    """Take the records of earlier runs over from the current publication, if it is of the same data and can be read."""
    publication = current_publication(settings)
    if publication is None or publication.is_demo != has_demo(settings):
        return
    with open_warehouse(settings) as connection:
        database = quoted(settings.published / "current" / DATABASE)
        for table, mart in _HISTORY.items():
            own = {name for name, *_ in connection.execute(f"describe raw_balcony.{table}").fetchall()}
            # What is missing there is no reason to leave the warehouse as it is.
            with suppress(duckdb.CatalogException, duckdb.IOException):
                connection.execute(f"attach if not exists '{database}' as published (read_only)")
                published = [name for name, *_ in connection.execute(f"describe published.{mart}").fetchall()]
                columns = ", ".join(name for name in published if name in own)
                connection.execute(f"insert into raw_balcony.{table} by name select {columns} from published.{mart}")
