"""The walks of CONTRIBUTING.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from orchestration.simulation.simulate import write_demo

BLOCK = re.compile(r"^(Change |Append to )?`([^`\n]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)

PARTS = ("dbt_project", "seeds", "expectations", "orchestration", "tests", "pyproject.toml")

BUILD = """
from orchestration.landing.load import land_folder
from orchestration.settings import Settings
from orchestration.transform import build_all
settings = Settings.from_environment()
land_folder(settings)
failed = [r for r in build_all(settings) if r.is_failed]
assert not failed, failed
"""


def follow(text: str, copy: Path) -> list[str]:
    """Write, change and append what the blocks say; return the files they name."""
    named = []
    for verb, name, block in BLOCK.findall(text):
        path = copy / name
        named.append(name)
        if verb == "Append to ":
            path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\n" + block, encoding="utf-8")
        elif verb == "Change ":
            before = "".join(f"{line[1:]}\n" for line in block.splitlines() if line.startswith("-"))
            after = "".join(f"{line[1:]}\n" for line in block.splitlines() if line.startswith("+"))
            content = path.read_text(encoding="utf-8")
            assert content.count(before) == 1, f"{name}: {before!r} stands there {content.count(before)} times"
            path.write_text(content.replace(before, after), encoding="utf-8")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            assert not path.exists(), name
            path.write_text(block, encoding="utf-8")
    return named


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with every walk followed, demo exports landed with one of Gumroad's, and the marts built."""
    root = tmp_path_factory.mktemp("walk")
    for part in PARTS:
        source = PROJECT_ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
        else:
            shutil.copy(source, root / part)
    follow((PROJECT_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), root)
    write_demo(root / "exports", "tiny")
    (root / "exports" / "followers.csv").write_text(
        "Follower Email,Followed Time\nfan@example.org,2026-03-04 10:00:00\nperson0000001@example.org,2026-03-05 10:00:00\n"
    )
    subprocess.run([sys.executable, "-c", BUILD], cwd=root, env=_environment(root), check=True)
    return root


def _environment(root: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(root),
        "BALCONY_EXPORTS": str(root / "exports"),
        "BALCONY_HOME": str(root / "home"),
    }


def _query(root: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(root / "home" / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_an_added_source_reaches_the_marts(copy: Path) -> None:
    spells = (
        "select count(*), count(distinct person_key) from marts.fct_entanglement_spells where platform_id = 'gumroad'"
    )
    assert _query(copy, spells) == [(2, 2)]


def test_an_added_metric_is_defined(copy: Path) -> None:
    assert _query(copy, "select count(*) from reference.metric_definitions where metric_id = 'create_post'") == [(1,)]


def test_an_added_mart_counts_what_the_links_count(copy: Path) -> None:
    unknown = "select count(*) from marts.fct_conversion_links where link_state = 'unknown'"
    assert _query(copy, "select sum(conversion_count) from marts.unknown_conversions_monthly") == _query(copy, unknown)


def test_an_added_attribution_model_credits_every_conversion(copy: Path) -> None:
    credited = """
        select count(distinct conversion_key) from marts.fct_attribution_credits
        where attribution_model_id = 'last_touch_7_days'
    """
    assert _query(copy, credited) == _query(copy, "select count(*) from marts.fct_conversions")


def test_an_added_check_is_seen_to_fail_on_its_defect(copy: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/quality/test_guards.py",
        "-v",
        "-k",
        "absurdly or completeness or defect_for",
    ]
    done = subprocess.run(command, cwd=copy, env=_environment(copy), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_a_walk_that_does_not_fit_the_project_fails(tmp_path: Path) -> None:
    (tmp_path / "seeds.yml").write_text("a: 1\n")
    with pytest.raises(AssertionError, match="stands there 0 times"):
        follow("Change `seeds.yml`:\n\n```diff\n-b: 1\n+b: 2\n```\n", tmp_path)
