"""The guards of the layers that Spark can build stay in the subset too: one suite, two engines. tests/spark runs them."""

from __future__ import annotations

import pytest

from expectations.suites import ROW_CLAIM, SQL_CLAIM, Check, load_suites
from tests.portability.portable_sql import BANNED, violations

BOTH_HAVE = {"group by all", "filter (where)"}
"""Banned in models for other engines' sake. A guard runs on these two only."""


def sql_of(check: Check) -> str:
    if check.type == ROW_CLAIM:
        return f"select 1 from {check.relation} where {check.kwargs['condition']}"
    return str(check.kwargs["unexpected_rows_query"]).format(batch=check.relation) if check.type == SQL_CLAIM else ""


def findings(sql: str) -> list[str]:
    found = violations(sql, {name: pattern for name, pattern in BANNED.items() if name not in BOTH_HAVE})
    # In a plain literal Spark takes a backslash for an escape, DuckDB for itself.
    return [str(finding) for finding in found] + ["backslash"] * ("\\" in sql)


@pytest.mark.parametrize("layer", ["staging", "intermediate", "marts"])
def test_every_guard_in_sql_is_portable(layer: str) -> None:
    checks = {check.name: sql_of(check) for check in load_suites(layer)}
    assert any(checks.values())
    assert {name: found for name, sql in checks.items() if (found := findings(sql))} == {}


@pytest.mark.parametrize(
    "condition",
    [
        "not regexp_full_match(a, 'x')",
        "not isfinite(a)",
        "ltrim(trim(a), '#') = ''",
        "a like '\\_'",
        "strftime(a, '%Y') = b",
    ],
)
def test_a_guard_in_one_engines_sql_is_found(condition: str) -> None:
    assert findings(f"select 1 from t where {condition}")
