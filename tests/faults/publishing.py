"""Faults while marts are published and read."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from orchestration.publication import DATABASE, current_publication, switch_to
from orchestration.rollback import roll_back
from orchestration.settings import PROJECT_ROOT, Settings
from tests.faults.fault import Fault
from tests.unit.test_publication import PUBLISHER, READER, WAREHOUSE, publish_build, read

PUBLICATIONS = int(os.environ.get("BALCONY_PUBLICATIONS", "100"))
OLDER_DUCKDB = "BALCONY_OLDER_DUCKDB"
"""Names a Python that has DuckDB 1.4 or 1.5, to open a publication with it as well."""


def _small(folder: Path) -> Settings:
    """A warehouse of two small marts that all say one build number, published once."""
    settings = Settings(
        folder / "exports", folder / "home", memory_limit="1GB", threads=2, kept_publications=3, kept_months=0
    )
    settings.home.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(WAREHOUSE)
    publish_build(settings, 1)
    return settings


def _killed(settings: Settings, place: str) -> None:
    environment = {"BALCONY_HOME": str(settings.home), "BALCONY_FAULT": place, "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run([sys.executable, "-c", PUBLISHER], env=os.environ | environment, check=False)
    assert done.returncode == -signal.SIGKILL, f"the publisher ended with {done.returncode}"


def kill_while_publishing(folder: Path, place: str, seen: int) -> str:
    settings = _small(folder)
    _killed(settings, place)
    builds = read(settings, "select distinct build from marts.fct_sales")
    assert builds == [(seen,)], builds
    publish_build(settings, 3)
    assert read(settings, "select distinct build from marts.fct_sales") == [(3,)]
    left = [path.name for path in settings.published.glob("*.tmp")]
    assert not left, left
    return f"readers saw the {'old' if seen == 1 else 'new'} one whole; the next run published and left nothing behind"


def read_while_publishing(folder: Path) -> str:
    settings = _small(folder)
    command = [sys.executable, "-c", READER, str(settings.published / "current" / DATABASE)]
    readers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for build in range(2, PUBLICATIONS + 2):
        publish_build(settings, build)
    reads = 0
    for reader in readers:
        printed, _ = reader.communicate()
        assert reader.returncode == 0, "a reader met an error or a torn read"
        reads += int(printed.split()[0])
    kept = len(list(settings.published.iterdir())) - 1
    # Beside those kept by rule, at most what a reader held at that moment.
    assert kept <= settings.kept_publications + len(readers), kept
    return f"{reads:,} reads through {PUBLICATIONS} publications: 0 torn, 0 errors; {kept} are kept"


def roll_back_at_once(folder: Path) -> str:
    settings = _small(folder)
    first = current_publication(settings)
    publish_build(settings, 2)
    held = duckdb.connect(str((settings.published / "current").resolve() / DATABASE), read_only=True)
    started_at = time.monotonic()
    assert first is not None
    assert roll_back(settings) == first.publication_id
    seconds = time.monotonic() - started_at
    assert read(settings, "select distinct build from marts.fct_sales") == [(1,)]
    assert held.execute("select distinct build from marts.fct_sales").fetchall() == [(2,)]
    held.close()
    assert seconds < 1, seconds
    return "one command, under a second; who reconnects sees the one before, who holds a connection keeps what it read"


def lose_what_readers_open(folder: Path) -> str:
    settings = _small(folder)
    first = publish_build(settings, 2).publication_id
    (settings.published / "current").unlink()
    assert current_publication(settings) is None
    switch_to(settings, first)
    assert read(settings, "select distinct build from marts.fct_sales") == [(2,)]
    publish_build(dataclasses.replace(settings, kept_publications=1), 3)
    assert read(settings, "select distinct build from marts.fct_sales") == [(3,)]
    return "the link was set again by a rollback, and by the next run"


def open_with_an_older_client(folder: Path) -> str:
    settings = _small(folder)
    database = (settings.published / "current").resolve() / DATABASE
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{database}' as marts_file (read_only)")
        query = "select tags['storage_version'] from duckdb_databases() where database_name = 'marts_file'"
        (version,) = connection.execute(query).fetchall()[0]
    assert version.startswith("v1.4"), version
    parquet = database.parent / "parquet" / "fct_sales" / "fct_sales.parquet"
    assert duckdb.read_parquet(str(parquet)).fetchall() == read(settings, "from marts.fct_sales")
    older = os.environ.get(OLDER_DUCKDB)
    if not older:
        return f"storage version {version}, Parquet beside it equal; no older client was tried ({OLDER_DUCKDB})"
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True);"
        "print(duckdb.__version__, c.sql('select count(*) from marts.fct_sales').fetchone()[0])"
    )
    done = subprocess.run([older, "-c", script, str(database)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    client, rows = done.stdout.split()
    assert rows == "1000", rows
    return f"DuckDB {client} read all rows of a file of storage version {version}; Parquet beside it equal"


FAULTS = (
    *(
        Fault(
            number,
            f"kill -9 in publication, {place.partition('.')[2].replace('_', ' ')}",
            "publish",
            "readers see the old one or the new one; what was left is removed by the next run",
            lambda folder, place=place, seen=seen: kill_while_publishing(folder, place, seen),
        )
        for number, place, seen in (
            ("6a", "publication.before_copy", 1),
            ("6b", "publication.before_switch", 1),
            ("6c", "publication.after_switch", 2),
        )
    ),
    Fault("42", f"readers during {PUBLICATIONS} publications", "publish", "0 torn, 0 errors", read_while_publishing),
    Fault("43a", "rollback to the one before", "publish", "one command, readers reconnect", roll_back_at_once),
    Fault(
        "43b",
        "the link that readers open is gone",
        "publish",
        "a rollback or the next run sets it",
        lose_what_readers_open,
    ),
    Fault("48", "a client of DuckDB 1.4 or 1.5 opens a publication", "publish", "it reads", open_with_an_older_client),
)
