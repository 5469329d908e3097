"""The suites: YAML beside this file, `<layer>/<relation>.yml`, read into a flat list of checks.

A file guards the relation it is named after, or, with `for_each`, every relation of a kind: what the dbt project
declares (raw tables, staged forms, marts) is guarded without being listed here again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.landing.spec import load_specs
from orchestration.settings import PROJECT_ROOT

Severity = Literal["critical", "warning"]

SUITES = Path(__file__).resolve().parent
DBT_PROJECT = PROJECT_ROOT / "dbt_project"

ROW_CLAIM = "expect_no_row_where"
SQL_CLAIM = "expect_query_to_return_no_rows"
"""The types of claims in SQL, which duckdb_adapter.py adds to those of GX."""


class SuiteError(ValueError):
    """A suite file is not usable; the text names the file and the field."""


@dataclass(frozen=True)
class Check:
    """One claim about one relation."""

    layer: str
    suite: str
    relation: str
    """`schema.table`."""
    name: str
    """`<relation>__<claim>`, unique over all layers."""
    severity: Severity
    reason: str
    type: str
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Relation:
    """A relation to guard: where it is, what its checks are called after, what its SQL may name in braces."""

    qualified_name: str
    label: str
    names: dict[str, str]


class Strict(BaseModel):
    """What the suites declare nothing of is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(Strict):
    """One entry of a suite: an expectation of GX by its own type name, or SQL that finds what breaks the claim."""

    claim: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    type: str | None = None
    kwargs: dict[str, Any] = {}
    no_row_where: str | None = None
    """A condition that no row of the relation may satisfy."""
    sql: str | None = None
    """A query that must return nothing. Selects keys and counts only: what it returns is shown. `{batch}` is the
    relation."""
    severity: Severity
    reason: Annotated[str, Field(min_length=20)]

    @model_validator(mode="after")
    def _one_kind(self) -> Claim:
        if [self.type, self.no_row_where, self.sql].count(None) != 2 or (self.kwargs and not self.type):
            raise ValueError("give one of no_row_where, sql, or type with kwargs")
        if self.sql and "{batch}" not in self.sql:
            raise ValueError("sql: {batch} must stand for the relation")
        return self

    def expectation(self, names: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Type and arguments of the expectation, with `names` put in."""
        if self.type:
            return self.type, self.kwargs
        text = self.no_row_where or self.sql or ""
        for name, meaning in names.items():
            text = text.replace("{" + name + "}", meaning)
        return (SQL_CLAIM, {"unexpected_rows_query": text}) if self.sql else (ROW_CLAIM, {"condition": text})


class SuiteFile(Strict):
    """A suite as it stands in YAML."""

    relation: str | None = None
    """`schema.table`, where the schema is not the layer."""
    for_each: dict[str, dict[str, str]] = {}
    """The kinds of relation to guard, or relations as `schema.table`, each with what `{name}` stands for in its SQL."""
    checks: tuple[Claim, ...]


def load_suites(layer: str) -> tuple[Check, ...]:
    """Every check of a layer, those of one relation together. Raises `SuiteError` naming file and field."""
    checks: dict[str, Check] = {}
    for path in sorted((SUITES / layer).glob("*.yml")):
        try:
            suite = SuiteFile.model_validate(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise SuiteError(f"{path}: {problems}") from None
        for check in _checks(layer, path, suite):
            if check.name in checks:
                raise SuiteError(f"{path}: {check.name} stands twice")
            checks[check.name] = check
    return tuple(sorted(checks.values(), key=lambda check: check.relation))


def _checks(layer: str, path: Path, suite: SuiteFile) -> Iterator[Check]:
    for relation in _relations(layer, path, suite):
        for claim in suite.checks:
            type_, kwargs = claim.expectation(relation.names)
            yield Check(
                layer=layer,
                suite=f"{layer}.{relation.label}",
                relation=relation.qualified_name,
                name=f"{relation.label}__{claim.claim}",
                severity=claim.severity,
                reason=claim.reason,
                type=type_,
                kwargs=kwargs,
            )


def _relations(layer: str, path: Path, suite: SuiteFile) -> tuple[Relation, ...]:
    if not suite.for_each:
        return (Relation(suite.relation or f"{layer}.{path.stem}", path.stem, {}),)
    kinds = _kinds()
    relations: list[Relation] = []
    for kind, names in suite.for_each.items():
        if "." in kind:
            relations.append(Relation(kind, kind.rpartition(".")[2], names))
        elif kind in kinds:
            relations += (replace(relation, names=relation.names | names) for relation in kinds[kind])
        else:
            raise SuiteError(f"{path}: for_each: {kind} is none of {', '.join(sorted(kinds))}")
    return tuple(relations)


@cache
def declared_marts() -> dict[str, dict[str, str]]:
    """The marts with the type of each column, from their contracts."""
    models = [
        model
        for path in sorted(DBT_PROJECT.glob("models/marts/**/*.yml"))
        for model in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader).get("models", [])
    ]
    return {model["name"]: {c["name"]: c["data_type"] for c in model["columns"]} for model in models}


def _texts(columns: dict[str, str]) -> list[str]:
    """The columns in which an address could stand: keys are hashes, and an account is the brand's own, whose name on
    Mastodon looks like an address."""
    return [
        name
        for name, data_type in columns.items()
        if data_type == "string" and not name.endswith("_key") and name != "account_id"
    ]


def _doubles(columns: dict[str, str]) -> list[str]:
    return [name for name, data_type in columns.items() if data_type == "double"]


@cache
def _kinds() -> dict[str, tuple[Relation, ...]]:
    """The relations of each kind that `for_each` can name."""
    specs = load_specs(DBT_PROJECT)
    marts = declared_marts()
    variables = yaml.load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)["vars"]
    kinds = {
        "raw_tables": tuple(
            Relation(f"{s.raw_schema}.{s.table}", f"{s.source}_{s.table}", {"source": s.source, "table": s.table})
            for s in specs
        ),
        "marts": tuple(
            Relation(f"marts.{mart}", mart, {"texts": ", ".join(_texts(columns))})
            for mart, columns in marts.items()
            if _texts(columns)
        ),
        "marts_with_doubles": tuple(
            Relation(f"marts.{mart}", mart, {"doubles": ", ".join(_doubles(columns))})
            for mart, columns in marts.items()
            if _doubles(columns)
        ),
    }
    for variable, platforms in variables.items():
        form = variable.removeprefix("staged_")
        if form != variable:
            kinds[variable] = tuple(
                Relation(f"staging.stg_{platform}__{form}", f"stg_{platform}__{form}", {"platform": platform})
                for platform in platforms
            )
    return kinds
