"""A warehouse of its own for a test: files in, marts out, with the project's real landing and models."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.load import LandingSummary, land_folder
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.transform import NodeResult, build_all


class Warehouse:
    """An empty `BALCONY_HOME` and exports folder below a temporary one."""

    def __init__(self, root: Path) -> None:
        self.settings = dataclasses.replace(
            Settings.from_environment(), exports=root / "exports", home=root / "home", memory_limit="2GB"
        )
        self.settings.exports.mkdir(parents=True)

    def land(self, files: Mapping[str, bytes]) -> LandingSummary:
        for name, content in files.items():
            path = self.settings.exports / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return land_folder(self.settings)

    def build(self) -> list[NodeResult]:
        """Build every layer; a failed node fails the test that asked."""
        results = build_all(self.settings)
        failed = {result.unique_id: result.message for result in results if result.is_failed}
        assert not failed, failed
        return results

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every mart's rows in a stable order, without what names a load or says when it ran."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return mart_rows(connection)


VOLATILE = {"load_id", "run_id", "publication_id", "landed_at", "first_seen_at", "checked_at", "published_at"}
"""Columns that tell of a run, not of the data."""


def mart_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every mart of the schema `marts` except the records of runs themselves."""
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' order by all"
    ).fetchall():
        if column not in VOLATILE:
            columns.setdefault(table, []).append(f'"{column}"')
    return {
        table: connection.execute(f"select {', '.join(names)} from marts.{table} order by all").fetchall()
        for table, names in columns.items()
        if table not in ("fct_check_results", "fct_publications")
    }


def run(home: Path, exports: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One run from the command line, as `make run` starts it."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.run"],
        cwd=PROJECT_ROOT,
        env={
            **os.environ,
            "BALCONY_HOME": str(home),
            "BALCONY_EXPORTS": str(exports),
            "BALCONY_HASH_KEY": "the same people in every home",
            "BALCONY_DEMO_SIZE": "tiny",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@dataclasses.dataclass(frozen=True)
class Demo:
    """An undisturbed run on an empty exports folder."""

    home: Path
    summary: str

    @property
    def exports(self) -> Path:
        return self.home / "demo_exports"

    @property
    def publication(self) -> Path:
        return self.home / "published" / "current" / "balcony_marts.duckdb"

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        return published_marts(self.home)


def published_marts(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every mart in the current publication."""
    with duckdb.connect(str(home / "published" / "current" / "balcony_marts.duckdb"), read_only=True) as connection:
        return mart_rows(connection)
