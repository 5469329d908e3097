"""The demo's exports: the same bytes for the same seed, and nothing in them that landing does not expect."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from orchestration.landing.load import land_folder
from orchestration.landing.spec import load_specs
from orchestration.settings import Settings
from orchestration.simulation.demo import write_demo


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_one_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    write_demo(tmp_path / "one", seed=7)
    write_demo(tmp_path / "two", seed=7)
    write_demo(tmp_path / "other", seed=8)
    assert _digests(tmp_path / "one") == _digests(tmp_path / "two")
    assert _digests(tmp_path / "one") != _digests(tmp_path / "other")


def test_only_what_was_planted_is_refused_or_quarantined(tmp_path: Path) -> None:
    write_demo(tmp_path / "exports")
    settings = dataclasses.replace(Settings.from_environment(), exports=tmp_path / "exports", home=tmp_path / "home")
    summary = land_folder(settings)
    refused = {file.member_name or file.file_name for file in summary.files if file.outcome == "refused"}
    assert refused == {"Your archive.html", "from a platform that Balcony does not know yet/stats.csv"}
    assert summary.rows_quarantined == 1
    landed = {f"{file.source_name}.{file.table_name}" for file in summary.files if file.outcome == "landed"}
    never_in_the_demo = {"mastodon.notification_groups", "x.followings", "x.likes", "x.accounts"}
    assert landed == {spec.name for spec in load_specs(settings.dbt_project)} - never_in_the_demo
