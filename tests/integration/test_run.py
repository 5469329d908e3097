"""What a run relies on and does not do itself."""

from __future__ import annotations

from pathlib import Path

from orchestration.landing.ledger import open_warehouse
from orchestration.transform import run_unit_tests
from tests.integration.helpers import Warehouse


def test_every_dbt_unit_test_passes(tmp_path: Path) -> None:
    settings = Warehouse(tmp_path).settings
    open_warehouse(settings).close()
    results = run_unit_tests(settings)
    assert {result.unique_id: result.message for result in results if not result.is_good} == {}
    assert sum(result.unique_id.startswith("unit_test.") for result in results) > 50
