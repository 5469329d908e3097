"""Faults between raw and publication: dbt killed, models and data tests that fail, guards that fail or cannot run."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations import load_suites
from expectations.run import CheckResult, run_checks
from orchestration import gates
from orchestration.inputs import build_state
from orchestration.landing.ledger import open_warehouse
from orchestration.publication import DATABASE, announce, current_publication, publish
from orchestration.scorecard.pipeline import fill_tables
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.transform import Layer, NodeResult, build_layer, read_manifest
from orchestration.warehouse import connect
from tests.faults.fault import Fault
from tests.faults.pipeline import Prepared, dice, in_child, prepared
from tests.integration.helpers import mart_rows, published_marts

Rows = dict[str, list[tuple[Any, ...]]]


def kill_while_dbt_builds(folder: Path) -> str:
    settings, before = _copied(prepared(folder), folder)
    read_manifest(settings)  # Parsed here, once for all children.
    chance, killed = dice("3"), []
    for layer in ("staging", "intermediate", "marts"):
        after = chance.uniform(1, 12)
        killed.append(in_child(_builder(settings, layer), killed_after=after).was_killed)
        with connect(settings) as connection:
            left = connection.execute(
                "select view_name from duckdb_views() where view_name like '%\\_\\_dbt\\_%' escape '\\'"
            )
            assert not left.fetchall()
            # The same files make the same tables, so one that was replaced equals the one before; none is in between.
            assert mart_rows(connection) == before
        _readers_are_served(settings, before)
    assert any(killed), "no kill came in time"
    for layer in ("staging", "intermediate", "marts"):
        _builder(settings, layer)()
    with connect(settings) as connection:
        assert mart_rows(connection) == before
        left = connection.execute(
            "select table_name from duckdb_tables() where table_name like '%\\_\\_dbt\\_%' escape '\\'"
        )
        assert not left.fetchall(), "temporary tables of dbt are left"
    return f"{sum(killed)} of 3 builds killed after a random time: every mart old or new, a full build gave the same marts again"


def _builder(settings: Settings, layer: Layer) -> Callable[[], None]:
    def build() -> None:
        failed = [result for result in build_layer(settings, layer, tested=False) if result.is_failed]
        assert not failed, failed

    return build


def model_and_data_test_fail(folder: Path) -> str:
    settings, before = _copied(prepared(folder), folder)
    broken = dataclasses.replace(settings, dbt_project=_copied_project(folder))
    staging = broken.dbt_project / "models" / "staging"
    model = staging / "mastodon" / "stg_mastodon__accounts.sql"
    model.write_text(model.read_text().replace("select * from final", "select no_such_column from final"))
    model = staging / "shopify" / "stg_shopify__orders.sql"
    model.write_text(
        model.read_text().replace("select * from final", "select * from final union all select * from final")
    )
    with connect(broken) as connection:
        gates.close(connection, "staging")
    failed = {result.unique_id.split(".")[2]: result for result in build_layer(broken, "staging") if result.is_failed}
    errors = [result for result in failed.values() if result.status == "error"]
    tests = [result for result in failed.values() if result.status == "fail"]
    assert [result.unique_id for result in errors] == ["model.balcony.stg_mastodon__accounts"]
    assert "no_such_column" in errors[0].message
    assert any("stg_shopify__orders" in result.unique_id for result in tests), failed
    assert all(result.message for result in tests)
    _is_held_back(settings, "staging")
    _readers_are_served(settings, before)
    shutil.rmtree(broken.dbt_project.parent)
    mended = [result for result in build_layer(settings, "staging") if result.is_failed]
    assert not mended, mended
    _finish(prepared(folder), settings)
    assert published_marts(settings.home) == before
    return (
        f"{_said(errors[0])}; {len(tests)} data tests failed, such as {_said(tests[0])}: the gate stayed closed,"
        " the publication as it was; with the models mended the same marts again"
    )


def guard_fails(folder: Path) -> str:
    return _guard_stops(
        folder,
        "marts.fct_conversions",
        "update marts.fct_conversions set net_amount = -1 where conversion_key = "
        "(select min(conversion_key) from marts.fct_conversions)",
    )


def guard_cannot_run(folder: Path) -> str:
    return _guard_stops(folder, "marts.fct_conversions", "alter table marts.fct_conversions drop column net_amount")


def guarded_relation_is_gone(folder: Path) -> str:
    return _guard_stops(folder, "marts.fct_conversions", "drop table marts.fct_conversions cascade")


def infinite_figures(folder: Path) -> str:
    ready = prepared(folder)
    settings, before = _copied(ready, folder)
    with connect(settings) as connection:
        doubles = connection.execute(
            "select table_name, min(column_name) from duckdb_columns() where schema_name = 'marts' and data_type = 'DOUBLE'"
            " and table_name in (select table_name from duckdb_tables() where estimated_size > 0 and schema_name = 'marts')"
            " group by all order by all"
        ).fetchall()
    assert doubles
    for number, value in enumerate(("'inf'", "'-inf'", "'nan'", "1.0 / 0.0")):
        table, column = doubles[number % len(doubles)]
        with connect(settings) as connection:
            connection.execute("begin")
            connection.execute(f'update marts.{table} set "{column}" = {value}')
            results = _guarded(connection, f"marts.{table}")
            connection.execute("rollback")
            failed = [result.name for result in results if gates.is_critical(result)]
            assert any("doubles_are_finite" in name for name in failed), (table, column, value, failed)
            assert not gates.record(connection, "marts", "infinite", results)
        _is_held_back(settings, "marts")
        _readers_are_served(settings, before)
    _finish(ready, settings)
    assert published_marts(settings.home) == before
    return "inf, -inf, nan and 1/0 in a mart: a critical guard named the table each time, nothing was published"


def _guard_stops(folder: Path, relation: str, defect: str) -> str:
    ready = prepared(folder)
    settings, before = _copied(ready, folder)
    # A mart without its column has another shape than the project's; it comes back as it was made.
    made = shutil.copy(settings.warehouse, folder / "made.duckdb")
    with connect(settings) as connection:
        connection.execute(defect)
        results = _guarded(connection, relation)
        is_open = gates.record(connection, "marts", "defect", results)
        kept = connection.execute(
            "select check_name, details from raw_balcony.check_results where run_id = 'defect' and not is_passed"
        ).fetchall()
    assert not is_open
    assert kept
    critical = [result for result in results if gates.is_critical(result)]
    assert critical
    assert all(result.details for result in critical)
    _is_held_back(settings, "marts")
    _readers_are_served(settings, before)
    shutil.copy(made, settings.warehouse)
    _finish(ready, settings)
    assert published_marts(settings.home) == before
    return f"{critical[0].name}: {critical[0].details}; the gate stayed closed, the publication as it was; mended, the same marts"


def _copied(ready: Prepared, folder: Path) -> tuple[Settings, Rows]:
    settings = ready.copy(folder)
    return settings, published_marts(settings.home)


def _copied_project(folder: Path) -> Path:
    """The dbt project and its seeds, to be broken; with what dbt parsed of it last."""
    project = folder / "project"
    shutil.copytree(PROJECT_ROOT / "seeds", project / "seeds")
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", project / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    with suppress(FileNotFoundError):
        (project / "dbt_project" / "target").mkdir()
        parsed = Path("dbt_project") / "target" / "partial_parse.msgpack"
        shutil.copy(PROJECT_ROOT / parsed, project / parsed)
    return project / "dbt_project"


def _guarded(connection: duckdb.DuckDBPyConnection, relation: str) -> list[CheckResult]:
    return run_checks(connection, [check for check in load_suites("marts") if check.relation == relation], "defect")


def _is_held_back(settings: Settings, layer: str) -> None:
    """What builds on the layer, and the publication, refuse; and say what to do."""
    with connect(settings) as connection:
        for asked in (layer, gates.LAYERS[-1]):
            with pytest.raises(gates.GateClosedError, match=f"{layer}.* have not passed: start the job"):
                gates.require_open(connection, asked)


def _readers_are_served(settings: Settings, before: Rows) -> None:
    assert published_marts(settings.home) == before
    with duckdb.connect(str(settings.published / "current" / DATABASE), read_only=True) as marts:
        assert marts.execute("select count(*) from marts.fct_publications").fetchone() == (1,)


def _finish(ready: Prepared, settings: Settings) -> None:
    """The next run: everything is filled anew, the gates open, and it is published."""
    with open_warehouse(settings) as connection:
        fill_tables(ready.project, connection)
        for layer in gates.LAYERS:
            gates.record(connection, layer, "mended", [])
        gates.require_open(connection, gates.LAYERS[-1])
        state = build_state(settings, connection)
        publication_id = announce(settings, connection, "mended00")
    publish(settings, publication_id, "mended00", state, is_demo=False)
    current = current_publication(settings)
    assert current is not None
    assert current.publication_id == publication_id


def _said(result: NodeResult) -> str:
    return f"{result.unique_id.split('.')[2]}: {' '.join(result.message.split())[:120]}"


FAULTS: tuple[Fault, ...] = (
    Fault(
        "3",
        "kill -9 while dbt builds a layer",
        "dbt",
        "each table old or new, no temporary relation, rerun gives the same marts",
        kill_while_dbt_builds,
    ),
    Fault(
        "40",
        "a model and a data test fail",
        "dbt",
        "gate closed, nothing published, both are named",
        model_and_data_test_fail,
    ),
    Fault(
        "40b",
        "a guard fails",
        "audit",
        "gate closed, nothing published, the claim is named",
        guard_fails,
    ),
    Fault(
        "40c",
        "a guard cannot run: its column is gone",
        "audit",
        "counts as critical: gate closed, nothing published",
        guard_cannot_run,
    ),
    Fault(
        "40d",
        "a guard cannot run: its table is gone",
        "audit",
        "counts as critical: gate closed, nothing published",
        guarded_relation_is_gone,
    ),
    Fault(
        "47",
        "inf, nan and a division by zero in marts",
        "marts",
        "a critical guard fails, nothing published",
        infinite_figures,
    ),
)
