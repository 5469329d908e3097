"""What DuckDB and Spark do not both mean alike, found in SQL text. A parser is no gate: it accepts all of these."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp, parse_one

DUCKDB_ONLY_FUNCTIONS = """
    arg_max arg_min date_diff datesub epoch epoch_ms generate_series get_current_timestamp group_concat isfinite isinf
    md5_number regexp_full_match regexp_matches sha256 starts_with str_split strftime string_agg string_split strpos
    struct_pack timezone to_days to_hours to_microseconds to_milliseconds to_minutes to_months to_seconds to_years
    try_strptime url_decode
""".split()
AMBIGUOUS_FUNCTIONS = "array_agg date_add date_sub datediff hash make_timestamp range to_timestamp".split()
"""Both engines have them, with another meaning or order of arguments: only a cross_db macro may write them."""


@dataclass(frozen=True)
class Finding:
    """One construct that must not stand in a model."""

    line: int
    construct: str
    excerpt: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.construct}: {self.excerpt}"


BANNED = {
    "qualify": r"\bqualify\b",
    "group by all": r"\b(?:group|order)\s+by\s+all\b",
    "filter (where)": r"\bfilter\s*\(\s*where\b",
    "star modifier": r"\*\s*(?:exclude|except|replace|rename)\b\s*\(?|\bcolumns\s*\(",
    "distinct on": r"\bdistinct\s+on\b",
    "asof or positional join": r"\b(?:asof|positional)\s+(?:left\s+)?join\b",
    "::": r"::",
    "//": r"//",
    "division without nullif": r"(?<!/)/(?!/)(?!\s*(?:nullif\s*\(|0*[1-9]|0*\.0*[1-9]))",
    # Spark makes a decimal of seven digits of it, DuckDB a double.
    "division by a decimal literal": r"/\s*\d+\.\d",
    "list or struct": r"[\[\]{}]",
    "list function": r"\b(?:unnest|list|list_\w+)\s*\(",
    # What `macros/cross_db` writes for Spark names its lambdas' items so.
    "lambda or JSON arrow": r"(?<!\bitem )(?<!\bplace )->",
    "JSON function": r"\b(?:json|to_json|from_json|get_json_object|json_\w+)\s*\(",
    "strptime": r"\bstrptime\s*\(",
    "wall clock": r"\b(?:current_timestamp|current_date|current_time|localtimestamp)\b|\b(?:now|today|getdate)\s*\(",
    # Spark takes what is to be trimmed first.
    "trim of given characters": r"\b[lr]?trim\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*,",
    "DuckDB-only function": rf"\b(?:{'|'.join(DUCKDB_ONLY_FUNCTIONS)})\s*\(",
}

BANNED_AS_WRITTEN = BANNED | {
    "lambda or JSON arrow": r"->",
    "ambiguous function": rf"\b(?:{'|'.join(AMBIGUOUS_FUNCTIONS)})\s*\(",
}
ENGINE_BRANCHES = {
    "branch on the target": r"\btarget\s*(?:\.\s*|\[\s*['\"])(?:type|name|profile_name)\b",
    "branch on the adapter": r"\badapter\s*\.\s*(?:type|dispatch)\b",
    "query while compiling": r"\b(?:run_query|load_result)\s*\(|\{%-?\s*call\s+statement\b",
}

# Raw literals first: in them, unlike in Spark's plain ones, a backslash escapes nothing.
_LITERAL_OR_COMMENT = re.compile(r"\br'[^']*'|'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_WINDOW = re.compile(r"\b(?:over|window\s+\w+\s+as)\s*\(", re.IGNORECASE)


def violations(sql: str, banned: Mapping[str, str] = BANNED) -> list[Finding]:
    """Constructs of the ban list in plain SQL, in the order of the text; literals and comments do not count."""
    code = _LITERAL_OR_COMMENT.sub(_blanked, sql)
    found = [
        _finding(sql, match.start(), construct)
        for construct, pattern in banned.items()
        for match in re.finditer(pattern, code, re.IGNORECASE)
    ]
    found += [_finding(sql, start, "window order without nulls last") for start in _unordered_nulls(code)]
    return sorted(found, key=lambda finding: finding.line)


def source_violations(model: str) -> list[Finding]:
    """The same in a model as written, with its Jinja; a branch on the engine counts too."""
    jinja = _JINJA_COMMENT.sub(_blanked, model)
    branches = [
        _finding(model, match.start(), construct)
        for construct, pattern in ENGINE_BRANCHES.items()
        for match in re.finditer(pattern, jinja)
    ]
    return branches + violations(_JINJA.sub(_blanked, model), BANNED_AS_WRITTEN)


def lateral_aliases(sql: str) -> Iterator[str]:
    """Names that a select list both defines and uses, which only works where the engine looks to the left.

    `trim(x) as x, upper(x) as y` does not count: both engines read the column, not the alias.
    """
    for select in parse_one(sql, read="spark").find_all(exp.Select):
        aliases: set[str] = set()
        for projection in select.expressions:
            used = {column.name.lower() for column in projection.find_all(exp.Column) if not column.table}
            yield from sorted(used & aliases)
            if isinstance(projection, exp.Alias) and projection.alias.lower() not in used:
                aliases.add(projection.alias.lower())


def _unordered_nulls(code: str) -> Iterator[int]:
    for window in _WINDOW.finditer(code):
        inside = code[window.end() : _closing(code, window.end())]
        order = re.search(
            r"\border\s+by\b(.*?)(?:\b(?:rows|range)\s+(?:between|unbounded|current)\b|$)", inside, re.I | re.S
        )
        terms = (
            re.sub(r"\([^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^()]*)*\)", "", order[1]).split(",") if order else []
        )
        if not all(re.search(r"\bnulls\s+(?:last|first)\b", term, re.IGNORECASE) for term in terms):
            yield window.start()


def _closing(code: str, start: int) -> int:
    depth = 1
    for position in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 0:
            return position
    return len(code)


def _blanked(match: re.Match[str]) -> str:
    """As long and with the same line breaks, so that line numbers stay; a 1 stands for whatever value it was."""
    text = match[0]
    return (
        "1" + re.sub(r"[^\n]", " ", text[1:])
        if not text.startswith(("--", "/*", "{#"))
        else re.sub(r"[^\n]", " ", text)
    )


def _finding(text: str, position: int, construct: str) -> Finding:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return Finding(text.count("\n", 0, position) + 1, construct, text[start : end if end >= 0 else None].strip())
