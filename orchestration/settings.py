"""Where things are and how the run is tuned: one frozen object, read from the environment once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

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
    dbt_project: Path = PROJECT_ROOT / "dbt_project"
    expectations: Path = PROJECT_ROOT / "expectations"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `BALCONY_*`; relative paths are relative to the project."""
        return cls(
            exports=_path("BALCONY_EXPORTS", "exports"),
            home=_path("BALCONY_HOME", ".balcony"),
            memory_limit=os.environ.get("BALCONY_MEMORY_LIMIT", "6GB"),
            threads=int(os.environ.get("BALCONY_THREADS", "2")),
            kept_publications=int(os.environ.get("BALCONY_KEPT_PUBLICATIONS", "7")),
            demo_size=os.environ.get("BALCONY_DEMO_SIZE", "small"),
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


def _path(variable: str, default: str) -> Path:
    path = Path(os.environ.get(variable) or default).expanduser()
    return (path if path.is_absolute() else PROJECT_ROOT / path).resolve()
