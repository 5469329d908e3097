"""The scorecard's short way through the pipeline against the long one, and a run from end to end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import land_folder
from orchestration.scorecard import pipeline
from orchestration.scorecard.estimates import ESTIMATES
from orchestration.scorecard.pipeline import (
    Project,
    ProjectError,
    fill_tables,
    land_world,
    run_world,
    settings_below,
)
from orchestration.simulation.behaviour import live
from orchestration.simulation.downloads import write_exports
from orchestration.simulation.regimes import world_config
from orchestration.transform import build_all, read_manifest
from tests.integration.helpers import mart_rows


@pytest.fixture
def built(project: Project) -> Path:
    """Where dbt built the project without data; its warehouse there is free to be filled by dbt."""
    return project.warehouse.parent / "built"


def test_the_short_way_gives_the_marts_that_dbt_builds(
    project: Project, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALCONY_HASH_KEY", "the same people both ways")
    write_exports(live(world_config("base", "tiny"), 3), tmp_path / "exports")
    with open_warehouse(land_world(project, tmp_path)) as connection:
        fill_tables(project, connection)
        short = mart_rows(connection)

    # dbt has built there before, without rows: what it replaces now is everything.
    monkeypatch.setenv("BALCONY_REPLACE_FROM_ROWS", "0")
    settings = settings_below(built)
    shutil.copytree(tmp_path / "exports", settings.exports, dirs_exist_ok=True)
    land_folder(settings)
    results = build_all(settings)
    assert [result.unique_id for result in results if not result.is_good] == []
    with open_warehouse(settings) as connection:
        long = mart_rows(connection)

    assert {mart for mart, rows in long.items() if not rows} == set()
    assert short.keys() == long.keys()
    assert [mart for mart in long if short[mart] != long[mart]] == []


def test_a_world_gives_every_estimate_and_the_same_ones_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALCONY_HASH_KEY", "a key")
    scores, seconds = run_world(project, "v1", "tiny", ("base", 1))
    assert {score.estimate_id for score in scores} == set(ESTIMATES)
    assert {(score.code_version, score.size, score.regime, score.seed) for score in scores} == {
        ("v1", "tiny", "base", 1)
    }
    gross = [(score.value, score.truth) for score in scores if score.estimate_id == "gross_revenue"]
    assert gross
    assert [value for value, _ in gross] == pytest.approx([truth for _, truth in gross])
    assert "land" in str(seconds)
    assert run_world(project, "v1", "tiny", ("base", 1))[0] == scores


def test_a_mart_that_reads_a_measurement_brings_what_that_reads(project: Project, built: Path) -> None:
    compiled = built / "home" / "dbt" / "target" / "compiled"
    tables = list(pipeline._models(read_manifest(settings_below(built)), compiled, {"influence_bounds"}))
    layers = {table.relation.replace('"', "").partition(".")[2]: table.is_mart for table in tables}
    assert layers["marts.influence_bounds"] is True
    assert layers["intermediate.int_capture_histories"] is False
    assert [table.is_mart for table in project.tables] == sorted(table.is_mart for table in project.tables)


def test_what_cannot_be_run_is_named(project: Project, built: Path) -> None:
    manifest = read_manifest(settings_below(built))
    with pytest.raises(ProjectError, match="no model is called fct_nothing"):
        list(pipeline._models(manifest, built, {"fct_nothing"}))
    hooked = manifest["nodes"]["model.balcony.dim_dates"]
    hooked["config"]["post-hook"] = ["select 1"]
    with pytest.raises(ProjectError, match=r"model\.balcony\.dim_dates: neither a plain table nor a view"):
        list(pipeline._models(manifest, built / "home" / "dbt" / "target" / "compiled", {"dim_dates"}))
    with pytest.raises(ValueError, match="There is no regime 'sunny'") as error:
        run_world(project, "v1", "tiny", ("sunny", 1))
    assert error.value.__notes__ == ["in the world sunny, seed 1, size tiny"]
