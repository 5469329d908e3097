"""A world whose files land night by night, and both engines on it: DuckDB builds all whole, Spark what changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.landing.load import land_folder
from orchestration.replacing import ask_for
from orchestration.settings import Settings
from orchestration.spark.build import SparkProject
from orchestration.spark.parity import Comparison, compare
from orchestration.spark.raw import export_raw, registration
from orchestration.transform import build_all

SCHEMAS = ("staging", "intermediate", "marts")


class World:
    """Exports and a home below `root`, and the tables of a Spark server."""

    def __init__(self, root: Path, remote: str) -> None:
        self.root = root
        self.settings = dataclasses.replace(
            Settings.from_environment(), exports=root / "exports", home=root / "home", memory_limit="2GB"
        )
        self.settings.exports.mkdir(parents=True, exist_ok=True)
        self.project = SparkProject(self.settings, root / "dbt", remote)

    def land(self, source: Path, *names: str) -> None:
        """Let files arrive: of the folder `source`, those with these names in it."""
        for name in names:
            (self.settings.exports / name).parent.mkdir(parents=True, exist_ok=True)
            (self.settings.exports / name).write_bytes((source / name).read_bytes())
        land_folder(self.settings)

    def execute(self, *statements: str) -> None:
        """Change what has landed, as an erasure or a withdrawn file does."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)

    def build_on_duckdb(self) -> None:
        """All models, each whole, and what is measured between them."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            ask_for(connection, [], rebuild=True)
        failed = [result.message for result in build_all(self.settings) if not result.is_good]
        assert failed == []

    def build_on_spark(self, *selection: str, sources: Sequence[str] = ()) -> dict[str, str]:
        """Build models on what DuckDB has; how each that is replaced was built. Of `sources`, if any, the schemas are new."""
        wanted = [source for source in self.project.sources() if not sources or source[0] in sources]
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            exported = export_raw(connection, wanted, self.root / "raw")
        self.project.execute(*registration(exported))
        results = self.project.run(
            "build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test", "--select", *selection
        )
        assert [f"{result.unique_id}: {result.message}" for result in results if not result.is_good] == []
        return self.how_built()

    def how_built(self) -> dict[str, str]:
        """How each replaced table was built last: whole, told or replaced."""
        names = [name for name in self.project.relations("replaced") if name.endswith("__build")]
        query = " union all ".join(f"select '{name[:-7]}', how_built from replaced.{name}" for name in names)
        return dict(self.project.execute(query)) if names else {}

    def differences(self, *names: str) -> list[Comparison]:
        """What the engines hold differently, of relations with these names, or of all that both have."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            found = []
            for schema in SCHEMAS:
                there = self.project.relations(schema)
                here = {
                    name
                    for (name,) in connection.execute(
                        "select table_name from information_schema.tables where table_schema = ?", [schema]
                    ).fetchall()
                }
                chosen = [name for name in there if name in here and (name in names if names else schema == "marts")]
                self.project.write(schema, chosen, self.root / "parquet" / schema)
                found += [compare(connection, schema, name, self.root / "parquet" / schema) for name in chosen]
            return found
