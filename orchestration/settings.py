"""Where things are and how the run is tuned: one frozen object, read from the environment once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.limits import DEFAULTS, Limits

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Every path and limit that the environment can set.

    `exports` is the folder a person drops files into; everything Balcony writes lies under `home`.
    """

    exports: Path
    home: Path
    memory_limit: str
    threads: int
    kept_publications: int
    demo_size: str = "small"
    """Size of the simulated world that is landed while nothing was ever exported."""
    limits: Limits = DEFAULTS
    kept_months: int = 12
    """Of so many months the last publication is kept besides."""
    kept_runs: int = 200
    """Runs whose events Dagster's history keeps, and whose results of checks the warehouse does."""
    schedule: str = "0 2 * * *"
    """When the night's run starts, as cron writes it, UTC."""
    patience_seconds: int = 120
    """How long a run waits for whoever has the warehouse open."""
    look_seconds: int = 30
    """Between two looks of the daemon at the folder of exports, and at the runs."""
    ui_host: str = "127.0.0.1"
    """The UI asks for no password, so by default only this machine reaches it."""
    ui_port: int = 3000
    dbt_project: Path = PROJECT_ROOT / "dbt_project"
    expectations: Path = PROJECT_ROOT / "expectations"
    target: str = "duckdb"
    """The engine that builds the layers: duckdb or spark."""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `BALCONY_*`; relative paths are relative to the project."""
        return cls(
            target=_target(),
            exports=_path("BALCONY_EXPORTS", "exports"),
            home=_path("BALCONY_HOME", ".balcony"),
            memory_limit=os.environ.get("BALCONY_MEMORY_LIMIT", "6GB"),
            threads=int(os.environ.get("BALCONY_THREADS", "2")),
            kept_publications=int(os.environ.get("BALCONY_KEPT_PUBLICATIONS", "7")),
            demo_size=os.environ.get("BALCONY_DEMO_SIZE", "small"),
            limits=Limits.from_environment(),
            kept_months=int(os.environ.get("BALCONY_KEPT_MONTHS", "12")),
            kept_runs=int(os.environ.get("BALCONY_KEPT_RUNS", "200")),
            schedule=os.environ.get("BALCONY_SCHEDULE", "0 2 * * *"),
            patience_seconds=int(os.environ.get("BALCONY_PATIENCE_SECONDS", "120")),
            look_seconds=int(os.environ.get("BALCONY_LOOK_SECONDS", "30")),
            ui_host=os.environ.get("BALCONY_UI_HOST", "127.0.0.1"),
            ui_port=int(os.environ.get("BALCONY_UI_PORT", "3000")),
        )

    @property
    def archive(self) -> Path:
        """Every file ever seen, under the SHA-256 of its content."""
        return self.home / "archive"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file. One process writes it; readers use a publication."""
        return self.home / "warehouse.duckdb"

    @property
    def spill(self) -> Path:
        """Where DuckDB and landing keep what does not fit in memory."""
        return self.home / "spill"

    @property
    def published(self) -> Path:
        """One folder per publication and the link `current`."""
        return self.home / "published"

    @property
    def dagster_home(self) -> Path:
        """Dagster's run history."""
        return self.home / "dagster"

    @property
    def files_left(self) -> Path:
        """Stands there while the last landing left new files for the next; says how many."""
        return self.home / "files_left"

    @property
    def logs(self) -> Path:
        """A line for each run."""
        return self.home / "logs"


def _target() -> str:
    target = os.environ.get("BALCONY_TARGET") or "duckdb"
    if target not in ("duckdb", "spark"):
        raise ValueError(f"BALCONY_TARGET is {target}: it can be duckdb or spark")
    return target


def _path(variable: str, default: str) -> Path:
    path = Path(os.environ.get(variable) or default).expanduser()
    return (path if path.is_absolute() else PROJECT_ROOT / path).resolve()
