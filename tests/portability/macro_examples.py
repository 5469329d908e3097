"""The examples in the comments of `macros/cross_db`, as SQL of either engine.

A macro is rendered by Jinja alone, with what little of dbt these macros use: a start of dbt takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import jinja2

MACROS = Path(__file__).resolve().parents[2] / "dbt_project" / "macros" / "cross_db"
Engine = Literal["duckdb", "spark"]

_COMMENT = re.compile(r"\A\{#-(.*?)-#\}", re.DOTALL)
_EXAMPLE = re.compile(r"^\s*`(?P<call>[^`]+)` is `(?P<result>[^`]*)`\.\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A call of a macro and what its comment says it is on both engines; the columns of a row are parted by `|`."""

    macro: str
    call: str
    result: str


def examples() -> list[Example]:
    """Every example of every macro."""
    return [
        Example(path.stem, match["call"], match["result"])
        for path in sorted(MACROS.glob("*.sql"))
        for match in _EXAMPLE.finditer(_comment(path))
    ]


def query(example: Example, engine: Engine) -> str:
    """SQL whose rows are the example; a call inside of SQL stands in braces, a call alone does not."""
    sql = rendered(example.call if "{{" in example.call else "{{ " + example.call + " }}", engine)
    return sql if sql.startswith("select ") else f"select {sql}"


def rendered(template: str, engine: Engine, **context: Any) -> str:
    """A template that calls macros of the folder, each dispatched to its version for the engine, on one line."""

    @jinja2.pass_context
    def dispatch(macros: jinja2.runtime.Context, name: str, _package: str) -> Any:
        return macros.get(f"{engine}__{name}") or macros[f"default__{name}"]

    jinja = jinja2.Environment(extensions=["jinja2.ext.do"])
    known = {
        "adapter": SimpleNamespace(
            dispatch=dispatch, add_query=lambda *_, **__: None, convert_type=lambda *_: "string"
        ),
        "return": lambda text: text,
        **context,
    }
    sources = [path.read_text(encoding="utf-8") for path in sorted(MACROS.glob("*.sql"))]
    return " ".join(jinja.from_string("".join([*sources, template])).render(known).split())


def shown(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as an example writes them, in order."""
    return "; ".join(sorted("|".join(_text(value) for value in row) for row in rows))


def _comment(path: Path) -> str:
    comment = _COMMENT.match(path.read_text(encoding="utf-8"))
    assert comment is not None, f"{path.name} does not begin with its meaning"
    return comment[1]


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def seed_statement() -> str:
    """What `load_csv_rows` sends to Spark for a seed with a quote, a backslash and a blank cell."""
    rows = [{"word": "Cubot's \\d", "place": 1}, {"word": None, "place": 2}]
    table = SimpleNamespace(rows=rows, column_names=["word", "place"])
    return rendered(
        "{{ spark__load_csv_rows(model, table) }}",
        "spark",
        model=SimpleNamespace(config={"column_types": {"word": "string", "place": "bigint"}}),
        table=table,
        this=SimpleNamespace(render=lambda: "reference.words"),
        get_batch_size=lambda: 100,
    )
