"""Runs killed in the middle, each taken up by the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.helpers import Demo, published_marts, run

KILLS = (
    "landing.archived",
    "landing.in_transaction",
    "landing.committed",
    "guards.raw.before",
    "guards.raw.after",
    "staging",
    "guards.staging.before",
    "guards.staging.after",
    "intermediate",
    "guards.intermediate.before",
    "guards.intermediate.after",
    "measurement",
    "guards.measurement.before",
    "guards.measurement.after",
    "marts",
    "guards.marts.before",
    "guards.marts.after",
    "publication.before_copy",
    "publication.before_switch",
    "publication.after_switch",
)
"""Random moments instead of named ones: `make kills`."""


@pytest.mark.skipif(
    "BALCONY_EVERY_KILL" not in os.environ,
    reason="21 whole runs, 15 minutes: BALCONY_EVERY_KILL=1. The unit tests kill landings, small nights, publications",
)
def test_a_run_killed_again_and_again_ends_with_the_same_marts(demo: Demo, tmp_path: Path) -> None:
    """Each run starts where the last was killed; readers see the old publication or the new one."""
    (tmp_path / "exports").mkdir()
    for point in KILLS:
        killed = run(tmp_path / "home", tmp_path / "exports", BALCONY_FAULT=point)
        assert killed.returncode == -9, f"{point}: {killed.stdout}{killed.stderr}"
        published = (tmp_path / "home" / "published" / "current").exists()
        assert published == (point == "publication.after_switch")
    done = run(tmp_path / "home", tmp_path / "exports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert published_marts(tmp_path / "home") == demo.marts()
