"""The gate: every model compiles for Spark without a server, and stays in the subset as written and as compiled.

Without a server `is_incremental()` cannot look for the table: the first incremental model needs an override here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.portability.portable_sql import lateral_aliases, source_violations, violations

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MODELS = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "models").rglob("*.sql"))

OFFLINE_COMPILE = (
    "compile --target spark_offline --select resource_type:model --no-populate-cache --no-introspect".split()
)


@pytest.fixture(scope="session")
def compiled_for_spark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("spark")
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", *OFFLINE_COMPILE]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command += ["--target-path", str(target), "--log-path", str(target)]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"DO_NOT_TRACK": "1"}, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    return target / "compiled" / "balcony"


def test_every_model_as_compiled_for_spark_is_portable(compiled_for_spark: Path) -> None:
    compiled = {model: (compiled_for_spark / model).read_text() for model in MODELS}
    fail_with({model: violations(sql) for model, sql in compiled.items()})
    fail_with({model: [f"lateral alias {name}" for name in lateral_aliases(sql)] for model, sql in compiled.items()})


def test_every_model_as_written_is_portable() -> None:
    fail_with({model: source_violations((PROJECT / model).read_text()) for model in MODELS})


def fail_with(findings: Mapping[str, Sequence[object]]) -> None:
    lines = [f"{model}: {finding}" for model, found in findings.items() for finding in found]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)
