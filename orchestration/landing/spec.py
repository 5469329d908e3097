"""What a source declares about its export files, read from its dbt source file and validated.

A dbt source table carries its landing spec under `config.meta.landing` and, on each column, where the column
stands in the export, how its time is written and how private it is. Nothing about a format lives elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Format = Literal["csv", "json", "ndjson", "js", "log", "parser"]


class SpecError(ValueError):
    """A source file does not declare a usable landing spec; the text names file, table and field."""


class Strict(BaseModel):
    """A part of a source file; a field that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Signature(Strict):
    """What a file's content must show to be recognised. Names compare case-folded and stripped."""

    has: frozenset[str] = frozenset()
    """csv: headers that must all be there. json: keys of the top object. ndjson: keys of the first line."""
    any_of: frozenset[str] = frozenset()
    """csv: headers of which at least one must be there."""
    lacks: frozenset[str] = frozenset()
    """Headers or keys that must not be there."""
    row_has: frozenset[str] = frozenset()
    """json, js: keys that the first row must have. A file without rows satisfies it only through `equals`/`prefix`."""
    equals: dict[str, str] = {}
    """json: top-level keys that must hold exactly this text, such as `id: likes.json`."""
    prefix: str | None = None
    """js: regular expression for what stands before the first `=`, such as `window\\.YTD\\.tweets?\\.part\\d+`."""

    @field_validator("has", "any_of", "lacks", mode="before")
    @classmethod
    def _fold(cls, value: Any) -> Any:
        return [fold(v) for v in value] if isinstance(value, list) else value


class Column(Strict):
    """One column of a raw table: text as exported."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    header: str | None = None
    """csv: the header as the platform writes it today. Defaults to the column's name."""
    aliases: tuple[str, ...] = ()
    """csv: other headers that mean the same, from other dialects and eras."""
    path: tuple[str, ...] = ()
    """json, ndjson, js: JSON paths into the row, the first that exists wins. Defaults to `$.<name>`."""
    required: bool = False
    """A row where it is blank cannot be used: it goes to quarantine."""
    time_formats: tuple[str, ...] = ()
    """strptime formats of a time; a non-blank value that fits none sends its row to quarantine."""
    privacy: Literal["none", "pseudonymous", "personal", "content"]
    """none; pseudonymous: ids and handles; personal: e-mail, name, address, phone, IP; content: what people wrote."""

    @field_validator("path", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @cached_property
    def headers(self) -> frozenset[str]:
        """All folded headers under which the column may appear."""
        return frozenset(fold(h) for h in (self.header or self.name, *self.aliases))

    @property
    def paths(self) -> tuple[str, ...]:
        return self.path or (f"$.{self.name}",)


PersonType = Literal[
    "email",
    "shopify_order",
    "stripe_customer",
    "mailchimp_member",
    "site_visitor",
    "mastodon_account",
    "bluesky_account",
    "bluesky_handle",
    "x_account",
]
"""What can tell who a row is about. As in the models' `identifier_type`, where they have it."""


class Person(Strict):
    """Cells that tell who a row is about."""

    type: PersonType
    columns: tuple[str, ...]
    """One column; of a site_visitor the address and the user agent, of a mastodon_account the handle and the URL."""
    is_mention: bool = False
    """Names someone else than the row is about: when that person is erased, the row stays without the name."""


class LandingSpec(Strict):
    """How the files of one raw table look and what they mean."""

    source: str
    table: str
    columns: tuple[Column, ...]
    spec_version: int = Field(ge=1)
    format: Format
    kind: Literal["events", "snapshot", "restated_totals"]
    """events: dated rows that add up; snapshot: the state on the export's day; restated_totals: counters that a
    later export replaces."""
    signature: Signature = Signature()
    natural_key: tuple[str, ...] = ()
    """Columns that identify a row across exports. Empty: identical rows are told apart by their occurrence in a file."""
    persons: tuple[Person, ...] = ()
    """Who a row is about. Two of different types in one row are one person; two of one type are two, such as who sent
    a message and who got it."""
    time_zone: str
    """`UTC`, `offset` (written in each value), `exporter` (the zone of whoever clicked export) or an IANA name."""
    covers: str | None = None
    """The column whose greatest value dates the export. None: the file's own modification time does."""
    delimiters: tuple[str, ...] = (",",)
    encoding: str = "utf-8"
    """Used when no byte order mark says otherwise."""
    rows: tuple[str, ...] = ("$[*]",)
    """json, js: where the rows stand, the first path that yields something wins. `$` is the document itself."""
    pattern: str | None = None
    """log: a regular expression whose named groups are the columns."""
    parser: str | None = None
    """parser: the module in `orchestration/landing/parsers/` that turns the bytes into rows."""

    @field_validator("rows", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            re.compile(value)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> LandingSpec:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("columns: a name stands twice")
        named = [column for person in self.persons for column in person.columns]
        for field, used in (
            ("natural_key", self.natural_key),
            ("covers", (self.covers,) if self.covers else ()),
            ("persons", named),
        ):
            if unknown := [name for name in used if name not in names]:
                raise ValueError(f"{field}: no such column: {', '.join(unknown)}")
        if self.format == "csv" and not self.signature.has:
            raise ValueError("signature.has: a csv is recognised by its headers")
        if self.format == "js" and not self.signature.prefix:
            raise ValueError("signature.prefix: a js file is recognised by what stands before its first `=`")
        if self.format == "log":
            if self.pattern is None:
                raise ValueError("pattern: a log needs one")
            compiled = re.compile(self.pattern)
            if compiled.groups != len(compiled.groupindex):
                raise ValueError("pattern: DuckDB numbers groups, so every group has a name or is (?:...)")
            if groups := set(compiled.groupindex) ^ set(names):
                raise ValueError(f"pattern: named groups and columns differ: {', '.join(sorted(groups))}")
        if (self.format == "parser") != (self.parser is not None):
            raise ValueError("parser: goes with format parser, and only there")
        if self.format == "csv":
            seen: dict[str, str] = {}
            for column in self.columns:
                for header in column.headers:
                    if seen.setdefault(header, column.name) != column.name:
                        raise ValueError(f"columns: header {header!r} belongs to {seen[header]} and {column.name}")
        return self

    @property
    def name(self) -> str:
        """`source.table`, as dbt and Dagster know it."""
        return f"{self.source}.{self.table}"

    @property
    def landed_table(self) -> str:
        """The table that holds the landed rows."""
        return f'landing."{self.source}__{self.table}"'

    @property
    def raw_schema(self) -> str:
        """The schema of the raw table."""
        return f"raw_{self.source}"


@lru_cache(maxsize=4096)
def fold(header: str) -> str:
    """The form in which headers compare: no byte order mark, no outer blanks, case-folded."""
    return header.replace("\ufeff", "").strip().casefold()


def load_specs(dbt_project: Path) -> tuple[LandingSpec, ...]:
    """Every landing spec of the project, ordered by name.

    Raises `SpecError` naming the file, the table and the field that is wrong.
    """
    specs = {
        spec.name: spec
        for path in sorted((dbt_project / "models" / "staging").glob("*/_*__sources.yml"))
        for spec in _specs_of(path, path.read_text(encoding="utf-8"))
    }
    return tuple(specs[name] for name in sorted(specs))


@cache
def _specs_of(path: Path, text: str) -> tuple[LandingSpec, ...]:
    """Once for each content: a run asks twice, and to read and check all of them takes 0.25 s."""
    specs = []
    for source in yaml.load(text, yaml.CSafeLoader).get("sources", []):
        for table in source.get("tables", []):
            landing = table.get("config", {}).get("meta", {}).get("landing")
            if landing is None:
                continue
            spec = _spec(path, source["name"], table, landing)
            if source.get("schema") != spec.raw_schema:
                raise SpecError(f"{path}: source {spec.source}: schema must be {spec.raw_schema}")
            specs.append(spec)
    return tuple(specs)


def specs_version(specs: tuple[LandingSpec, ...]) -> str:
    """A short hash over all specs: a file refused under another version is looked at again."""
    # Sets iterate in another order in each process.
    text = json.dumps([spec.model_dump() for spec in specs], default=sorted)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _spec(path: Path, source: str, table: dict[str, Any], landing: dict[str, Any]) -> LandingSpec:
    columns = [
        {"name": column["name"], **column.get("config", {}).get("meta", {})} for column in table.get("columns", [])
    ]
    try:
        return LandingSpec(source=source, table=table["name"], columns=columns, **landing)
    except ValidationError as error:
        problems = "; ".join(_problem(columns, problem) for problem in error.errors())
        raise SpecError(f"{path}: {source}.{table['name']}: {problems}") from None
    except TypeError as error:
        raise SpecError(f"{path}: {source}.{table['name']}: {error}") from None


def _problem(columns: list[dict[str, Any]], problem: Any) -> str:
    where = [str(part) for part in problem["loc"]]
    if len(where) > 1 and where[0] == "columns":
        where[1] = columns[int(where[1])]["name"]
    message = problem["msg"].removeprefix("Value error, ")
    return f"{'.'.join(where)}: {message}" if where else message
