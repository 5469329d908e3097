"""What `rows_as_declared` finds, and that a failed build says it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.transform import NodeResult, build_layer

MODELS = """
models:
  - name: parents
    data_tests: [rows_as_declared: {arguments: {unique: parent_id, never_null: [parent_id]}}]
  - name: children
    data_tests:
      - rows_as_declared:
          arguments:
            unique: [child_id, [parent_id, position]]
            never_null: [child_id, parent_id]
            accepted_values: {colour: [red, green]}
            references: {parent_id: {to: ref('parents'), field: parent_id}}
"""
PARENTS = "select 1 as parent_id union all select 2"
SOUND = "(1, 1, 10, 'red'), (2, 1, 20, 'green'), (3, 2, 10, null)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project of two models with the real project's own test and connection."""
    project = tmp_path / "dbt_project"
    (project / "models" / "staging").mkdir(parents=True)
    shutil.copytree(PROJECT_ROOT / "dbt_project" / "tests", project / "tests")
    shutil.copy(PROJECT_ROOT / "dbt_project" / "profiles.yml", project)
    (project / "dbt_project.yml").write_text("name: small\nprofile: balcony\nmodels: {+materialized: table}\n")
    (project / "models" / "staging" / "models.yml").write_text(MODELS)
    (project / "models" / "staging" / "parents.sql").write_text(PARENTS)
    settings = dataclasses.replace(Settings.from_environment(), home=tmp_path / "home", dbt_project=project)
    settings.home.mkdir()
    duckdb.connect(settings.warehouse).close()
    return settings


def build(settings: Settings, children: str) -> list[NodeResult]:
    model = f"select * from (values {children}) as children (child_id, parent_id, position, colour)"
    (settings.dbt_project / "models" / "staging" / "children.sql").write_text(model)
    return build_layer(settings, "staging")


def test_a_broken_declaration_is_said_claim_by_claim(settings: Settings) -> None:
    assert [result.status for result in build(settings, SOUND)] == ["success", "success", "pass", "pass"]
    broken = SOUND + ", (3, 2, 10, 'blue'), (4, 9, 10, 'red'), (null, 1, 30, 'red'), (null, null, 30, 'red')"
    (failed,) = (result for result in build(settings, broken) if result.is_failed)
    assert failed.message.partition(": ")[2].split("; ") == [
        "child_id not unique (1)",
        "colour outside its vocabulary (1)",
        "null in child_id (1)",
        "null in child_id parent_id (1)",
        "parent_id not in parents (1)",
        "parent_id, position not unique (1)",
    ]
