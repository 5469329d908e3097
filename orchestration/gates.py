"""The gate behind each layer: open once its guards have passed on what has landed, closed as soon as it is rebuilt.

Dagster's blocking checks hold inside one run only. The gates stand in the warehouse, so a layer that is started by
hand, or by a retry, cannot build on a layer that was never checked, and nothing unchecked is ever published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb

from expectations.run import CheckResult
from orchestration.inputs import landed_state

LAYERS = ("raw", "staging", "intermediate", "measurement", "marts")

_TABLE = """
create table if not exists raw_balcony.layer_gates (
    layer_name varchar, run_id varchar, landed_state varchar, is_open boolean, changed_at timestamp
)
"""


class GateClosedError(RuntimeError):
    """A layer is asked for whose guards have not passed; the text names it and what to do."""


def before(layer: str) -> str:
    """The layer that `layer` is built from."""
    return LAYERS[LAYERS.index(layer) - 1]


def require_open(connection: duckdb.DuckDBPyConnection, layer: str) -> None:
    """Raise `GateClosedError` unless the guards of every layer up to `layer` passed on what has landed by now."""
    connection.execute(_TABLE)
    opened = {
        name
        for (name,) in connection.execute(
            "select layer_name from raw_balcony.layer_gates where is_open and landed_state = ?",
            [landed_state(connection)],
        ).fetchall()
    }
    closed = [name for name in LAYERS[: LAYERS.index(layer) + 1] if name not in opened]
    if closed:
        raise GateClosedError(f"the guards of {', '.join(closed)} have not passed: start the job publish_warehouse")


def close(connection: duckdb.DuckDBPyConnection, layer: str) -> None:
    """Before `layer` is rebuilt: what stood on it is no longer checked."""
    connection.execute(_TABLE)
    connection.execute(
        "delete from raw_balcony.layer_gates where list_contains(?, layer_name)", [LAYERS[LAYERS.index(layer) :]]
    )


def record(connection: duckdb.DuckDBPyConnection, layer: str, run_id: str, results: Sequence[CheckResult]) -> bool:
    """Keep the results, replacing an earlier try's of the same run, and open the gate unless one is critical."""
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    is_open = not any(is_critical(result) for result in results)
    close(connection, layer)
    connection.execute("begin")
    connection.execute("delete from raw_balcony.check_results where run_id = ? and layer_name = ?", [run_id, layer])
    if results:
        connection.executemany(
            "insert into raw_balcony.check_results values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    run_id,
                    result.layer,
                    result.suite,
                    result.relation,
                    result.name,
                    "critical" if result.is_error else result.severity,
                    result.is_passed,
                    result.unexpected_count,
                    result.details,
                    checked_at,
                ]
                for result in results
            ],
        )
    connection.execute(
        "insert into raw_balcony.layer_gates values (?, ?, ?, ?, ?)",
        [layer, run_id, landed_state(connection), is_open, checked_at],
    )
    connection.execute("commit")
    return is_open


def is_critical(result: CheckResult) -> bool:
    """Whether the result stops the next layer: a claim that matters broke, or a check could not run."""
    return not result.is_passed and (result.is_error or result.severity == "critical")
