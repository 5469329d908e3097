"""A world whose files land night by night, and both engines on it: DuckDB builds all whole, Spark what changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

import duckdb

from orchestration.landing.load import land_folder
from orchestration.replacing import ask_for
from orchestration.settings import Settings
from orchestration.spark.build import SparkProject
from orchestration.spark.raw import export_raw, registration
from orchestration.transform import Layer, build_layer


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

    def forget(self) -> None:
        """Let the first night be the first."""
        self.project.execute("drop schema if exists replaced cascade")

    def build_on_duckdb(self, layer: Layer) -> None:
        """A layer, each table whole."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            ask_for(connection, [], rebuild=True)
        results = build_layer(self.settings, layer, tested=False)
        failed = [result.message for result in results if not result.is_good]
        assert not failed, failed

    def build_on_spark(self, *selection: str, sources: Collection[str]) -> dict[str, str]:
        """Build models on what DuckDB has; how each that is replaced was built. Of `sources` the schemas are new."""
        wanted = [source for source in self.project.sources() if source[0] in sources]
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            exported = export_raw(connection, wanted, self.root / "raw")
        self.project.execute(*registration(exported))
        results = self.project.run(
            "build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test", "--select", *selection
        )
        failed = [f"{result.unique_id}: {result.message}" for result in results if not result.is_good]
        assert not failed, failed
        return self.project.how_built()

    def differences(self, schema: str, *names: str) -> dict[str, tuple[str, ...]]:
        """What the engines hold differently, by relation."""
        found = {}
        folder = self.root / "parquet"
        self.project.write(schema, names, folder)
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            for name in names:
                if told := _different_rows(connection, f"{schema}.{name}", folder / name):
                    found[name] = told
        return found


def _different_rows(connection: duckdb.DuckDBPyConnection, relation: str, folder: Path) -> tuple[str, ...]:
    """Rows that one engine has and the other has not. A table between the layers has no contract: a number of rows is
    wider on one engine, and a sum of doubles has another last digit."""
    there = f"read_parquet('{folder}/*.parquet')"
    columns = connection.execute(f"describe {relation}").fetchall()
    values = {"DOUBLE": 'cast("{}" as decimal(38, 6))', "BIGINT": 'cast("{}" as bigint)'}
    row = ", ".join(values.get(kind, '"{}"').format(name) for name, kind, *_ in columns)
    told = []
    for where, one, other in (("DuckDB", relation, there), ("Spark", there, relation)):
        rows = connection.execute(f"select {row} from {one} except all select {row} from {other}").fetchall()
        if rows:
            told.append(f"{len(rows)} rows only in {where}: {rows[:3]}")
    return tuple(told)
