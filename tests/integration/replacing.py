"""Nights without dbt: what is built whole is filled by its compiled SQL, what is replaced by the script that dbt ran for it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration.scorecard.pipeline import Model, Project, settings_below
from orchestration.transform import _invoke, read_manifest

DELIVERED = ("stg_access_log__visits", "stg_access_log__identity_links")
"""Staged tables that tell their readers what changed. Tests fill tables of their names in the schema `delivered`."""


@dataclass(frozen=True)
class Scripts:
    """What dbt runs for a table: for a whole build, for one that tells what differs, and for one of what changed."""

    whole: str
    told: str
    replaced: str


@dataclass(frozen=True)
class Nights:
    """The models that are replaced and all that they read, in the order in which they are built."""

    models: tuple[Model, ...]
    scripts: dict[str, Scripts]
    """Of a relation that is replaced."""
    small: frozenset[str] = frozenset()
    """Names of tables of so few rows that they are built from all, and tell what differs."""

    def build(self, connection: duckdb.DuckDBPyConnection, *, is_first: bool, stopped_at: str | None = None) -> None:
        """Build a night on what the raw tables hold, or all until a table that is named, whose end is lost."""
        for model in self.models:
            if stopped_at and stopped_at in model.relation:
                connection.execute(f"begin; {self.scripts[model.relation].replaced}")
                connection.execute("rollback")
                return
            self.build_model(connection, model, is_first=is_first)

    def build_model(self, connection: duckdb.DuckDBPyConnection, model: Model, *, is_first: bool) -> None:
        """Build one table in its turn."""
        if scripts := self.scripts.get(model.relation):
            is_small = _name(model) in self.small
            script = scripts.whole if is_first else scripts.told if is_small else scripts.replaced
            connection.execute(f"begin; {script}")
        else:
            connection.execute(f"begin; truncate {model.relation}")
            connection.execute(f"insert into {model.relation} by name {model.query}")
        connection.execute("commit")

    def only(self, *names: str) -> Nights:
        """For tests of some tables."""
        return dataclasses.replace(self, models=tuple(model for model in self.models if _name(model) in names))

    def without(self, *names: str) -> Nights:
        """For who fills some tables otherwise."""
        return dataclasses.replace(self, models=tuple(model for model in self.models if _name(model) not in names))

    def with_small(self, chance: random.Random) -> Nights:
        """Nights on which some tables, other ones each time, have so few rows that they are built from all."""
        names = [_name(model) for model in self.models if model.relation in self.scripts]
        return dataclasses.replace(self, small=frozenset(chance.sample(names, len(names) // 4)))

    @property
    def after_staging(self) -> Nights:
        """For tests that fill the staged tables themselves, and what is delivered."""
        delivered, scripts = [], dict(self.scripts)
        for model in self.models:
            if _name(model) in DELIVERED:
                query = f"select * from delivered.{_name(model)}"
                built = self.scripts[model.relation]
                whole, told = (text.replace(model.query.strip(), query) for text in (built.whole, built.told))
                assert query in whole
                assert query in told
                delivered.append(dataclasses.replace(model, query=query))
                scripts[model.relation] = Scripts(whole, told, told)
        later = (model for model in self.models if '"staging"' not in model.relation)
        return dataclasses.replace(self, models=(*delivered, *later), scripts=scripts)

    def differences(self, connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
        """Rows that a replaced table has too many and lacks, beside its whole query on the same inputs.

        As the inputs are compared as well, no difference anywhere means that all are as built whole.
        """
        found = {}
        for model in self.models:
            if model.relation in self.scripts:
                connection.execute(f"create or replace temp table wanted as select * from {model.relation} limit 0")
                connection.execute(f"insert into wanted by name {model.query}")
                extra, missing = (
                    connection.execute(f"select count(*) from (from {left} except all from {right})").fetchall()[0][0]
                    for left, right in ((model.relation, "wanted"), ("wanted", model.relation))
                )
                if extra or missing:
                    found[model.relation] = (extra, missing)
        return found


def compile_nights(project: Project, folder: Path) -> Nights:
    """Build the replaced models three times in `folder`, where `compile_project` built the project, and keep the scripts.

    Without rows, so that the last script, of a table that is not small, must be asked for.
    """
    settings = settings_below(folder)
    manifest = read_manifest(settings)
    replaced = {
        node["relation_name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["config"]["materialized"] == "replaced"
    }
    run = settings.home / "dbt" / "target" / "run"
    scripts: dict[str, list[str]] = {relation: [] for relation in replaced}
    for full_refresh, replaced_from_rows in ((["--full-refresh"], 1), ([], 1), ([], 0)):
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("BALCONY_REPLACE_FROM_ROWS", str(replaced_from_rows))
            result = _invoke(settings, ["run", *full_refresh, "--select", "config.materialized:replaced"])
        assert all(node.status == "success" for node in result), [node.message for node in result]
        for relation, unique_id in replaced.items():
            node = manifest["nodes"][unique_id]
            scripts[relation].append((run / node["package_name"] / node["original_file_path"]).read_text())
    read = set(_read_by(manifest, set(replaced.values())))
    relations = {manifest["nodes"][unique_id]["relation_name"] for unique_id in read}
    return Nights(
        tuple(model for model in project.tables if model.relation in relations),
        {relation: Scripts(*texts) for relation, texts in scripts.items()},
    )


def make_room_for_deliveries(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that stand for staged ones in `Nights.after_staging`."""
    connection.execute("create schema if not exists delivered")
    for table in DELIVERED:
        connection.execute(f"create or replace table delivered.{table} as from staging.{table} limit 0")


def _name(model: Model) -> str:
    return model.relation.split('"')[-2]


def _read_by(manifest: dict[str, object], unique_ids: set[str]) -> Iterator[str]:
    nodes: dict[str, dict[str, dict[str, list[str]]]] = manifest["nodes"]  # type: ignore[assignment]
    waiting, known = list(unique_ids), set(unique_ids)
    while waiting:
        unique_id = waiting.pop()
        yield unique_id
        parents = [parent for parent in nodes[unique_id]["depends_on"]["nodes"] if parent.startswith("model.")]
        waiting += [parent for parent in parents if parent not in known]
        known.update(parents)


class Deliveries:
    """Staged rows of one world, some dozen times in one warehouse, each time delivered in a random order of its own.

    The copies share no person, no conversion and no day, for each lies 130 days before the one before it: what is
    replaced for one is not replaced for another. So planning 80 queries is paid once for all of them.
    """

    NIGHTS = 5

    def __init__(self, connection: duckdb.DuckDBPyConnection, staged: Path, seed: int, copies: int) -> None:
        self.connection = connection
        make_room_for_deliveries(connection)
        connection.execute(f"attach '{staged}' as staged (read_only)")
        connection.execute(f"create temp table copies as select range as copy from range({copies})")
        connection.execute("create schema deliveries")
        self.tables: list[tuple[str, dict[str, str]]] = []
        for table, columns in self._tables():
            times = [name for name, kind in columns.items() if kind == "TIMESTAMP"]
            keys = [name for name in columns if name in ("visit_id", "activity_id", "conversion_id", "spell_id")] + [
                name for name in columns if name.endswith("identifier_value")
            ]
            changes = [f"{name} - to_days(cast(130 * copy as integer)) as {name}" for name in times]
            changes += [f"concat(copy, '-', {name}) as {name}" for name in keys]
            day = times[0]
            # Some 2 to 4 rows lie in a file of a week; files come on a random night, one row in 20 on another, and one
            # file in 15 and one row in 40 go again.
            connection.execute(
                f"""
                create table deliveries.{table} as
                with rows_with_chance as (
                    select
                        * replace ({", ".join(changes)}),
                        3 + hash({seed}, copy) % 3 as night_count,
                        hash({seed}, copy, '{table}', date_trunc('week', {day})) as file_chance,
                        hash({seed}, copy, '{table}', staged_rows) as row_chance
                    from staged.staging.{table} as staged_rows cross join copies
                )
                select
                    *,
                    if(row_chance % 20 = 0, row_chance // 20, file_chance) % night_count as arrives,
                    if(file_chance // 100 % 15 = 0 or row_chance // 1000 % 40 = 0, night_count - 1, {self.NIGHTS}) as leaves
                from rows_with_chance
                """
            )
            self.tables.append((table, columns))
        connection.execute(
            "create temp table rates as from reference.exchange_rates where rate_date >= date '2026-01-01'"
        )

    def _tables(self) -> Iterator[tuple[str, dict[str, str]]]:
        for (table,) in self.connection.execute(
            """
            select table_name from duckdb_tables()
            where database_name = 'staged' and schema_name = 'staging' and estimated_size > 0
                and regexp_matches(
                    table_name, '__(visits|activities|entanglements|conversions|conversion_evidence|identity_links)$'
                )
            order by table_name
            """
        ).fetchall():
            described = self.connection.execute(f"select * from staged.staging.{table} limit 0").description
            yield table, {str(name): str(kind) for name, kind, *_ in described}

    def deliver(self, night: int) -> None:
        """Let the staged tables hold what has arrived until a night, and what the rates are then."""
        for table, columns in self.tables:
            names = list(columns)
            if "reversed_amount" in columns:
                # A refund is seen a night or two after its purchase, or with it.
                is_early = f"{night} < arrives + row_chance // 7 % 3"
                none = {"reversed_amount": "0", "is_fully_reversed": "false"}
                for name in ("reversed_amount", "is_fully_reversed", "reversed_at", "reversal_known_as"):
                    names[names.index(name)] = f"if({is_early}, {none.get(name, 'null')}, {name}) as {name}"
            schema = "delivered" if table in DELIVERED else "staging"
            self.connection.execute(f"truncate {schema}.{table}")
            self.connection.execute(
                f"""
                insert into {schema}.{table} by name
                select {", ".join(names)} from deliveries.{table} where arrives <= {night} and leaves > {night}
                """
            )
        self.connection.execute("truncate reference.exchange_rates")
        self.connection.execute(
            f"""
            insert into reference.exchange_rates
            select * exclude (copy) replace (
                (rate_date - to_days(cast(130 * copy as integer)))::date as rate_date,
                rate * if({night} >= 2 and hash(rate_date, copy) % 10 = 0, 1.1, 1) as rate
            )
            from rates cross join copies
            """
        )
