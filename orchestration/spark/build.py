"""dbt on the Spark target, in this process, and the SQL session that shares its connection."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.transform import NodeResult, TransformError, node_results

TARGET = "spark"
SCHEMA = "marts"


@dataclass(frozen=True)
class SparkProject:
    """The dbt project on one Spark server; what dbt writes lies in `folder`."""

    settings: Settings
    folder: Path
    remote: str

    def sources(self) -> list[tuple[str, str]]:
        """Schema and table of every source that a model may read."""
        sources = self._invoke("parse").sources.values()
        return sorted((source.schema, source.identifier) for source in sources)

    def build(self, *, tested: bool = True) -> list[NodeResult]:
        """Build seeds and models; with their data tests and unit tests, unless told otherwise."""
        untested = [] if tested else ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
        return node_results(self._invoke("build", *untested))

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run SQL on the server and return the rows of the last statement."""
        # By name: the packages are an optional group, and most installs have none.
        session = importlib.import_module("pyspark.sql").SparkSession.builder.remote(self.remote).getOrCreate()
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            rows = [tuple(row) for row in session.sql(statement).collect()]
        return rows

    def write_marts(self, folder: Path) -> None:
        """Write every mart to `folder/<mart>/<mart>.parquet`, sorted by its key: the layout of a publication."""
        for mart in sorted(row[1] for row in self.execute(f"show tables in {SCHEMA}")):
            self.execute(
                f"insert overwrite directory '{folder / mart}' using parquet options (compression 'zstd') "
                f"select * from (select /*+ repartition(1) */ * from {SCHEMA}.{mart}) sort by 1"
            )
            for path in sorted((folder / mart).iterdir()):
                if path.suffix == ".parquet":
                    path.rename(folder / mart / f"{mart}.parquet")
                else:
                    path.unlink()

    def _invoke(self, *command: str) -> Any:
        from dbt.cli.main import dbtRunner

        os.environ |= {"BALCONY_SPARK_REMOTE": self.remote, "DO_NOT_TRACK": "1"}
        project = str(self.settings.dbt_project)
        outcome = dbtRunner().invoke(
            [
                *command,
                *("--target", TARGET, "--project-dir", project, "--profiles-dir", project),
                *("--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")),
                *("--log-level", "none", "--log-level-file", "info"),
            ]
        )
        if outcome.exception is not None:
            raise TransformError(str(outcome.exception)) from outcome.exception
        return outcome.result
