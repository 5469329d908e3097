"""Every claim of every suite is seen to hold on clean tables and to break on a planted defect."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import duckdb
import pytest
import yaml

from expectations import Check, load_suites, run_layer, suites
from expectations.run import run_checks
from expectations.suites import SQL_CLAIM
from orchestration.settings import PROJECT_ROOT
from tests.quality import clean

LAYERS = ("raw", "staging", "intermediate", "measurement", "marts")
CHECKS = {check.name: check for layer in LAYERS for check in load_suites(layer)}
DEFECTS: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("defects.yml").read_text(encoding="utf-8"))
ADDRESS = "reader@example.com"


def guarded_by(layer: str, name: str) -> list[Check]:
    """The checks that a defect must break."""
    return [check for check in CHECKS.values() if check.layer == layer and fnmatchcase(check.name, name)]


def plant(connection: duckdb.DuckDBPyConnection, defect: str, relation: str) -> None:
    """Run a defect's SQL on a relation. `{text}` and `{double}` are a column of the mart."""
    sql = defect.replace("{relation}", relation)
    columns = suites.declared_marts().get(relation.removeprefix("marts."), {})
    for word, data_type in (("{text}", "string"), ("{double}", "double")):
        if word in sql:
            named = [name for name in columns if columns[name] == data_type and not name.endswith("_key")]
            sql = sql.replace(word, named[-1])
    connection.execute(sql)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        clean.build(connection)
        yield connection


@pytest.fixture
def spoilt(warehouse: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse in a transaction that is undone after the test."""
    warehouse.execute("begin")
    yield warehouse
    warehouse.execute("rollback")


@pytest.mark.parametrize("layer", LAYERS)
def test_every_check_of_a_layer_passes_on_clean_tables(warehouse: duckdb.DuckDBPyConnection, layer: str) -> None:
    results = run_layer(warehouse, layer, "run")
    assert [result for result in results if not result.is_passed] == []
    assert [result.name for result in results] == [check.name for check in load_suites(layer)]
    assert {(result.run_id, result.layer) for result in results} == {("run", layer)}


@pytest.mark.parametrize(("layer", "name"), [(layer, name) for layer in DEFECTS for name in DEFECTS[layer]])
def test_a_planted_defect_is_caught(spoilt: duckdb.DuckDBPyConnection, layer: str, name: str) -> None:
    checks = guarded_by(layer, name)
    for check in checks:
        plant(spoilt, DEFECTS[layer][name], check.relation)
    results = run_checks(spoilt, checks, "run")
    assert checks
    assert [result.name for result in results if result.is_passed] == []
    assert [result.details for result in results if result.is_error] == []
    assert [result.severity for result in results] == [check.severity for check in checks]
    assert [result.name for result in results if not result.details or "@" in result.details] == []


def test_every_check_has_a_defect() -> None:
    planted = {check.name for layer in DEFECTS for name in DEFECTS[layer] for check in guarded_by(layer, name)}
    assert CHECKS.keys() - planted == set()


def test_check_names_are_words_and_unique_over_all_layers() -> None:
    assert len(CHECKS) == sum(len(load_suites(layer)) for layer in LAYERS)
    assert [name for name in CHECKS if not re.fullmatch("[a-z0-9_]+", name)] == []


def test_every_mart_has_a_claim_of_its_own_besides_those_made_of_all() -> None:
    made_of_all = {"no_address_in_any_text", "doubles_are_finite"}
    claimed = {check.relation for check in CHECKS.values() if check.name.partition("__")[2] not in made_of_all}
    unclaimed = {mart for mart in suites.declared_marts() if f"marts.{mart}" not in claimed}
    # What only lists or copies leaves nothing to claim that dbt's tests do not.
    listings = {"fct_check_results", "bridge_conversion_evidence"}
    assert {mart for mart in unclaimed - listings if not mart.startswith("dim_")} == set()


def test_a_missing_relation_is_a_critical_error_whatever_the_severity() -> None:
    checks = [check for check in CHECKS.values() if check.severity == "warning"]
    with duckdb.connect() as empty:
        results = run_checks(empty, checks, "run")
    assert {(result.is_passed, result.is_error, result.severity) for result in results} == {(False, True, "critical")}
    assert results[0].details == f"{results[0].relation} does not exist"


def test_a_check_that_cannot_run_is_a_critical_error_and_quotes_no_value() -> None:
    check = next(check for check in CHECKS.values() if check.type == SQL_CLAIM)
    failing = {
        "unknown_column": "select nowhere from {batch}",
        "bad_cast": "select address from {batch} where cast(address as integer) > 1",
    }
    checks = [
        replace(check, name=name, relation="s.people", severity="warning", kwargs={"unexpected_rows_query": sql})
        for name, sql in failing.items()
    ]
    with duckdb.connect() as connection:
        connection.execute(f"create schema s; create table s.people as select '{ADDRESS}' as address")
        unknown_column, bad_cast = run_checks(connection, checks, "run")
    assert (unknown_column.is_passed, unknown_column.is_error, unknown_column.severity) == (False, True, "critical")
    assert "nowhere" in unknown_column.details
    assert (bad_cast.is_passed, bad_cast.is_error, bad_cast.severity) == (False, True, "critical")
    assert "Conversion Error" in bad_cast.details
    assert ADDRESS not in bad_cast.details


def test_checking_leaves_the_connection_open_and_in_its_transaction(spoilt: duckdb.DuckDBPyConnection) -> None:
    spoilt.execute("create table marts.not_committed (a bigint)")
    run_layer(spoilt, "intermediate", "run")
    assert spoilt.execute("select count(*) from marts.not_committed").fetchall() == [(0,)]
    spoilt.execute("drop table marts.not_committed")


def test_listing_the_checks_does_not_import_gx() -> None:
    program = (
        "import sys, expectations; print(len(expectations.load_suites('raw')), 'great_expectations' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    listed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    assert listed.split() == [str(len(load_suites("raw"))), "False"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("checks: [{claim: a, sql: select 1, severity: critical, reason: long enough to be one}]", "{batch}"),
        ("checks: [{claim: a, severity: critical, reason: long enough to be one}]", "give one of"),
        ("checks: [{claim: a, sql: 'from {batch}', severity: fatal, reason: long enough to be one}]", "severity"),
        ("for_each: {nothing: {}}\nchecks: []", "nothing is none of"),
    ],
)
def test_a_suite_that_cannot_be_used_names_its_file_and_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "loads.yml").write_text(text)
    monkeypatch.setattr(suites, "SUITES", tmp_path)
    with pytest.raises(suites.SuiteError, match=re.escape(problem)) as error:
        load_suites("raw")
    assert "loads.yml" in str(error.value)
