"""What a run relies on and does not do itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration.scorecard.pipeline import Project, settings_below
from orchestration.transform import _invoke, node_results


def test_every_dbt_unit_test_passes(project: Project, tmp_path: Path) -> None:
    built = shutil.copytree(project.warehouse.parent / "built", tmp_path / "built", symlinks=True)
    results = node_results(_invoke(settings_below(built), ["test", "--select", "test_type:unit"]))
    assert {result.unique_id: result.message for result in results if not result.is_good} == {}
    assert sum(result.unique_id.startswith("unit_test.") for result in results) > 50
