"""dbt on the Spark target, in this process, and the SQL session that shares its connection."""

from __future__ import annotations

import importlib
import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.inputs import replacing_state
from orchestration.replacing import SCHEMA as REPLACING
from orchestration.settings import Settings
from orchestration.transform import NodeResult, TransformError, explained_results

TARGET = "spark"
SCHEMA = "marts"


@dataclass(frozen=True)
class SparkProject:
    """The dbt project on one Spark server; what dbt writes lies in `folder`."""

    settings: Settings
    folder: Path
    remote: str

    def __post_init__(self) -> None:
        # For each connection of dbt it says that the catalog cannot be set any more, and that pandas is a new one.
        warnings.filterwarnings("ignore", module=r"pyspark\.")

    def sources(self) -> list[tuple[str, str]]:
        """Schema and table of every source that a model may read."""
        sources = self._invoke("parse").sources.values()
        return sorted((source.schema, source.identifier) for source in sources)

    def build(self, *, unit_tested: bool = False) -> list[NodeResult]:
        """Build seeds and models with their data tests; with unit tests, if told so."""
        return self.run("build", *([] if unit_tested else ["--exclude-resource-type", "unit_test"]))

    def run(self, *command: str) -> list[NodeResult]:
        """Run a command of dbt; what became of each node."""
        results = explained_results(self._invoke(*command), self.execute)
        # Up to a thousand lines of Java follow an error; dbt's log has them.
        return [replace(result, message=result.message.partition("JVM stacktrace:")[0].rstrip()) for result in results]

    def session(self) -> Any:
        """The session of this process on the server, which dbt uses too."""
        # By name: the packages are an optional group, and most installs have none.
        log = importlib.import_module("pyspark.logger").PySparkLogger.getLogger("SQLQueryContextLogger")
        # It writes each error with its plan and the values met to the standard error; who asked gets the error besides.
        log.setLevel("CRITICAL")
        return importlib.import_module("pyspark.sql").SparkSession.builder.remote(self.remote).getOrCreate()

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run SQL on the server and return the rows of the last statement."""
        session = self.session()
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            rows = [tuple(row) for row in session.sql(statement).collect()]
        return rows

    def relations(self, schema: str) -> list[str]:
        """The tables and views of a schema."""
        return sorted(row[1] for row in self.execute(f"show tables in {schema}"))

    def how_built(self) -> dict[str, str]:
        """How each table of those that are replaced was built last: whole, told or replaced."""
        names = [name for name in self.relations(REPLACING) if name.endswith("__build")]
        query = " union all ".join(
            f"select '{name.removesuffix('__build')}', how_built from {REPLACING}.{name}" for name in names
        )
        return dict(self.execute(query)) if names else {}

    def drop_unfinished(self, warehouse: Path) -> None:
        """Remove folders of tables that the catalog does not know: a server that was killed while it wrote one leaves it, and
        no table of its name could be made again. `warehouse` is where the server keeps its tables."""
        for schema in sorted(warehouse.glob("*.db")):
            known = self.relations(schema.stem)
            for folder in schema.iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder)

    def row_counts(self, schema: str, names: Sequence[str]) -> dict[str, int]:
        """Rows of each relation, as Spark counts them."""
        counts = " union all ".join(f"select '{name}', count(*) from {schema}.{name}" for name in names)
        return dict(self.execute(counts)) if names else {}

    def write(self, schema: str, names: Sequence[str], folder: Path) -> None:
        """Write relations to `folder/<name>/<name>.parquet`, sorted by their key: the layout of a publication."""
        for name in names:
            self.execute(
                f"insert overwrite directory '{folder / name}' using parquet options (compression 'zstd') "
                f"select * from (select /*+ repartition(1) */ * from {schema}.{name}) sort by 1"
            )
            for path in sorted((folder / name).iterdir()):
                if path.suffix == ".parquet":
                    path.rename(folder / name / f"{name}.parquet")
                else:
                    path.unlink()

    def _invoke(self, *command: str) -> Any:
        from dbt.cli.main import dbtRunner

        state = f"{replacing_state(self.settings)} {version('pyspark')}"
        os.environ |= {"BALCONY_SPARK_REMOTE": self.remote, "BALCONY_BUILD_STATE": state, "DO_NOT_TRACK": "1"}
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
