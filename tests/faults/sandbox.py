"""A small project and a folder of exports for one fault, and the claims that every landing must bear."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.limits import Limits
from orchestration.landing.load import FileOutcome, LandingSummary, land_folder
from orchestration.settings import PROJECT_ROOT, Settings
from tests.unit.landing_helpers import SOURCES

ORDERS = b"Order Id,Total,Note,Ordered at\n"


class Sandbox:
    """An empty home and exports folder, with one toy source per format or, on demand, the real sources."""

    def __init__(self, folder: Path, *, is_real: bool = False, limits: Limits | None = None) -> None:
        self.folder = folder
        project = PROJECT_ROOT / "dbt_project"
        if not is_real:
            project = folder / "project"
            staging = project / "models" / "staging" / "toy"
            staging.mkdir(parents=True)
            (staging / "_toy__sources.yml").write_text(SOURCES)
        self.exports = folder / "exports"
        self.exports.mkdir(parents=True)
        self.settings = dataclasses.replace(
            Settings.from_environment(),
            exports=self.exports,
            home=folder / "home",
            dbt_project=project,
            memory_limit="1GB",
            limits=limits or Limits(settle_seconds=0),
        )

    def land(self, **files: bytes) -> LandingSummary:
        """Write files and land the folder; the ledger must add up afterwards, and the warehouse open."""
        for name, content in files.items():
            (self.exports / name).write_bytes(content)
        summary = land_folder(self.settings)
        self.check()
        return summary

    def check(self) -> None:
        """Records read are landed, in quarantine or erased, of every load, by its own rows."""
        with self.open() as connection:
            tables = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'landing' and contains(table_name, '__')"
            ).fetchall()
            rows = " union all ".join(
                [f"select _load_id as load_id, 'landed' as became from landing.\"{name}\"" for (name,) in tables]
                + ["select load_id, 'quarantined' from landing.rejected_rows"]
                + ["select load_id, 'erased' from landing.erased_rows"]
            )
            broken = connection.execute(
                f"""
                with became as (
                    select load_id, count(*) as read_count, count(*) filter (became = 'landed') as landed_count,
                        count(*) filter (became = 'quarantined') as quarantined_count
                    from ({rows}) group by load_id
                )
                select file_name from landing.loads left join became using (load_id)
                where load_status = 'landed' and (rows_read_count, rows_landed_count, rows_quarantined_count)
                    is distinct from (coalesce(read_count, 0), coalesce(landed_count, 0), coalesce(quarantined_count, 0))
                """
            ).fetchall()
        assert not broken, f"the ledger does not add up for {broken}"

    def open(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.settings.warehouse), read_only=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.open() as connection:
            return connection.execute(sql).fetchall()


def only(summary: LandingSummary) -> FileOutcome:
    """The outcome of the only file."""
    assert len(summary.files) == 1, summary.files
    return summary.files[0]


def refused(summary: LandingSummary, *words: str) -> str:
    """The reason why the only file was refused, which must have these words."""
    outcome = only(summary)
    assert outcome.outcome == "refused", outcome
    assert all(word in str(outcome.reason) for word in words), outcome.reason
    return f"refused: {outcome.reason}"


def same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    assert list(found) == list(expected), f"{found} instead of {expected}"
