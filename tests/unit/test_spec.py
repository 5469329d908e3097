"""Landing specs: what a wrong source file says, and that the project's own are told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.landing.spec import SpecError, load_specs
from orchestration.settings import Settings
from tests.unit.landing_helpers import SOURCES


def _load(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "models" / "staging" / "toy"
    folder.mkdir(parents=True)
    (folder / "_toy__sources.yml").write_text(text)
    load_specs(tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("format: csv", "format: excel", "toy.orders: format: "),
        ("natural_key: [order_id]", "natural_key: [id]", "toy.orders: natural_key: no such column: id"),
        ("header: Note, privacy: content", "header: Note", "toy.orders: columns.note.privacy: Field required"),
        ("header: Note,", "header: Total,", "columns: header 'total' belongs to total and note"),
        ("(?P<host>", "(?P<hist>", "toy.requests: pattern: named groups and columns differ: hist, host"),
        ("(?: (?P<agent>", "( (?P<agent>", "toy.requests: pattern: DuckDB numbers groups"),
        ("schema: raw_toy", "schema: toys", "source toy: schema must be raw_toy"),
        ("has: [order id, total], ", "", "signature.has: a csv is recognised by its headers"),
        ("prefix: 'window", "row_has: [id], lacks: ['window", "signature.prefix: a js file"),
    ],
)
def test_a_wrong_spec_names_file_table_and_field(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    text = SOURCES.replace(right, wrong, 1)
    assert text != SOURCES
    if "lacks: ['window" in text:
        text = text.replace(r"part\d+'}", r"part\d+']}")
    with pytest.raises(SpecError) as error:
        _load(tmp_path, text)
    assert "_toy__sources.yml: " in str(error.value)
    assert message in str(error.value)


def test_the_toy_sources_themselves_are_right(tmp_path: Path) -> None:
    _load(tmp_path, SOURCES)


def test_the_version_of_the_specs_is_the_same_in_every_process() -> None:
    script = (
        "from orchestration.landing.spec import load_specs, specs_version; from orchestration.settings import Settings;"
        "print(specs_version(load_specs(Settings.from_environment().dbt_project)))"
    )
    versions = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(versions) == 1


def test_every_source_of_the_project_has_a_spec_and_a_privacy_class_for_each_column() -> None:
    project = Settings.from_environment().dbt_project
    declared = {
        f"{source['name']}.{table['name']}"
        for path in (project / "models" / "staging").glob("*/_*__sources.yml")
        for source in yaml.safe_load(path.read_text())["sources"]
        for table in source["tables"]
        if source["name"] not in ("landing", "balcony")
    }
    specs = {spec.name: spec for spec in load_specs(project)}
    assert declared == specs.keys()
    personal = {
        f"{spec.name}.{column.name}"
        for spec in specs.values()
        for column in spec.columns
        if "email" in column.name and column.privacy != "personal"
    }
    assert personal <= {"shopify.orders.accepts_marketing"}
