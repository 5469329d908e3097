"""Checking a layer: each relation's claims as a few pushed-down queries, then numbers for those that broke."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb

from expectations.spark_connection import SparkConnection
from expectations.suites import SQL_CLAIM, Check, Severity, load_suites

if TYPE_CHECKING:
    from expectations.duckdb_adapter import Guard

Connection: TypeAlias = duckdb.DuckDBPyConnection | SparkConnection
"""Where the guarded relations are."""

SHOWN_ROWS = 5


@dataclass(frozen=True)
class CheckResult:
    """Whether a claim held in one run."""

    run_id: str
    layer: str
    suite: str
    relation: str
    name: str
    severity: Severity
    reason: str
    is_passed: bool
    unexpected_count: int | None = None
    """Rows that break the claim; None where the claim held or has no rows."""
    details: str = ""
    """What was found, as counts and keys, never as personal values. Blank where the claim held."""
    is_error: bool = False
    """The check could not run. Its severity is then critical, whatever the suite says."""


@cache
def load_ahead() -> Thread:
    """Import Great Expectations beside other work, once: 2 to 3 seconds that landing, mostly DuckDB's, leaves unused."""
    thread = Thread(target=importlib.import_module, args=("expectations.duckdb_adapter",), daemon=True)
    thread.start()
    return thread


def run_layer(connection: Connection, layer: str, run_id: str) -> list[CheckResult]:
    """Run every check of `layer` on `connection`, which stays open and in its transaction."""
    return run_checks(connection, load_suites(layer), run_id)


def run_checks(connection: Connection, checks: Sequence[Check], run_id: str) -> list[CheckResult]:
    """Run `checks`; those of one relation must stand together."""
    guard = _guard(connection)
    existing = _relations(connection)
    results = []
    for relation, group in groupby(checks, key=lambda check: check.relation):
        if relation in existing:
            outcomes = _outcomes(guard, connection, relation, list(group))
        else:
            outcomes = ((check, _error(f"{relation} does not exist")) for check in group)
        results += [_result(check, run_id, **outcome) for check, outcome in outcomes]
    return results


def _guard(connection: Connection) -> Guard:
    # GX takes seconds to import, so only when a check runs, or is sure to.
    if isinstance(connection, SparkConnection):
        from expectations.spark_adapter import SparkGuard

        return SparkGuard(connection)
    from expectations.duckdb_adapter import Guard

    return Guard(connection)


def _relations(connection: Connection) -> set[str]:
    if isinstance(connection, SparkConnection):
        return connection.relations()
    rows = connection.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
    return {name for (name,) in rows}


def _outcomes(
    guard: Guard, connection: Connection, relation: str, checks: list[Check]
) -> Iterator[tuple[Check, dict[str, Any]]]:
    """What came of each check. Numbers cost further queries, so they are asked for only where a claim broke."""
    validations = guard.validate(relation, checks, "BOOLEAN_ONLY")
    errors = {name: _error_text(validation.exception_info) for name, validation in validations.items()}
    broken = [check for check in checks if not validations[check.name].success and not errors[check.name]]
    numbers = guard.validate(relation, broken, "SUMMARY") if broken else {}
    for check in checks:
        if error := errors[check.name]:
            yield check, _error(error)
        elif check not in broken:
            yield check, {"is_passed": True}
        else:
            yield check, {"is_passed": False, **_found(connection, check, numbers[check.name].result)}


def _found(connection: Connection, check: Check, numbers: dict[str, Any]) -> dict[str, Any]:
    if check.type == SQL_CLAIM:
        count = numbers["observed_value"]
        return {"unexpected_count": count, "details": f"{count} found: {_shown_rows(connection, check)}"}
    if "element_count" in numbers:
        count = numbers["unexpected_count"]
        return {"unexpected_count": count, "details": f"{count} of {numbers['element_count']} rows"}
    observed = numbers["observed_value"]
    return {"details": f"observed {observed}" if isinstance(observed, int | float) else "another value was observed"}


def _shown_rows(connection: Connection, check: Check) -> str:
    query = check.kwargs["unexpected_rows_query"].format(batch=check.relation)
    found = connection.execute(f"select * from ({query}) order by all limit {SHOWN_ROWS}")
    columns = [column[0] for column in found.description]
    rows = [", ".join(f"{c}={v}" for c, v in zip(columns, row, strict=True)) for row in found.fetchall()]
    return "; ".join(rows)


def _error_text(exception_info: dict[str, Any]) -> str:
    """Why a check could not run, or blank. A conversion error quotes the value it met, so only errors about the
    query itself keep their text."""
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    for info in infos:
        if info["raised_exception"]:
            text = (info["exception_message"] or "unknown").splitlines()[0]
            if re.search(r"(Binder|Catalog|Parser) Error", text) or " Error:" not in text:
                return text
            return text.partition(" Error:")[0] + " Error"
    return ""


def _error(details: str) -> dict[str, Any]:
    return {"is_passed": False, "details": details, "is_error": True}


def _result(check: Check, run_id: str, **outcome: Any) -> CheckResult:
    return CheckResult(
        run_id=run_id,
        layer=check.layer,
        suite=check.suite,
        relation=check.relation,
        name=check.name,
        severity="critical" if outcome.get("is_error") else check.severity,
        reason=check.reason,
        **outcome,
    )
