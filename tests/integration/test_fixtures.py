"""The synthetic exports of every source and dialect: all land, and the order in which they arrive changes nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import land_folder
from orchestration.landing.spec import load_specs
from orchestration.scorecard.pipeline import Project, fill_tables, land_world
from orchestration.settings import PROJECT_ROOT
from tests.integration.helpers import Warehouse, mart_rows

FIXTURES = PROJECT_ROOT / "tests" / "fixtures" / "exports"
PLANTED = {"combined.log": 1, "jetstream.jsonl": 1, "subscribed_members_export_german_2015.csv": 1}
"""Records that cannot be used, by file."""
A_DAY = 86_400


def _deliver(exports: Path, *, backwards: bool) -> None:
    """Copy the fixtures so that landing meets them in one order or the other; what a file is dated stays the same."""
    files = sorted(path for path in FIXTURES.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        place = len(files) - number if backwards else number
        # The folder tells which files were exported together, so it goes along; the first part of the path sorts.
        target = exports / f"{place:03}" / path.relative_to(FIXTURES)
        target.parent.mkdir(parents=True)
        shutil.copyfile(path, target)
        os.utime(target, (number * A_DAY, number * A_DAY))


def test_every_source_has_a_fixture_that_lands_and_only_planted_records_do_not(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    shutil.copytree(FIXTURES, warehouse.settings.exports, dirs_exist_ok=True)
    summary = land_folder(warehouse.settings)
    assert {file.outcome for file in summary.files} == {"landed", "container"}
    landed = {f"{file.source_name}.{file.table_name}" for file in summary.files if file.outcome == "landed"}
    assert landed == {spec.name for spec in load_specs(warehouse.settings.dbt_project)}
    quarantined = {Path(f.file_name).name: f.rows_quarantined for f in summary.files if f.rows_quarantined}
    assert quarantined == PLANTED


def test_marts_do_not_depend_on_the_order_of_arrival(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALCONY_HASH_KEY", "the same people in both")
    marts = []
    for backwards in (False, True):
        folder = tmp_path / str(backwards)
        _deliver(folder / "exports", backwards=backwards)
        with open_warehouse(land_world(project, folder)) as connection:
            fill_tables(project, connection)
            marts.append(mart_rows(connection))
    # The audit marts tell of deliveries: where a file lay, and by the load's number which record was refused.
    audit = ("fct_landed_files", "fct_rejected_rows")
    forward, back = ({name: rows for name, rows in one.items() if name not in audit} for one in marts)
    assert sum(map(len, forward.values())) > 500
    assert {name for name in forward if forward[name] != back[name]} == set()
