from __future__ import annotations

import dataclasses
import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.landing.ledger import open_warehouse
from orchestration.scorecard.pipeline import Project, compile_project, fill_tables, land_world
from orchestration.simulation.simulate import write_demo
from tests.integration.helpers import Demo, run
from tests.integration.replacing import Nights, compile_nights


def _made_once(name: str, factory: pytest.TempPathFactory, make: Callable[[Path], object]) -> Path:
    """A folder that the first test process to ask makes, while the others wait for it."""
    base = factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "made").exists():
            make(root)
            (root / "made").touch()
    return root


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A tiny demo, landed, built and published once for all tests that only read it."""

    def make(root: Path) -> None:
        (root / "exports").mkdir()
        done = run(root / "home", root / "exports")
        assert done.returncode == 0, done.stdout + done.stderr
        (root / "summary.txt").write_text(done.stdout, encoding="utf-8")

    root = _made_once("demo", tmp_path_factory, make)
    return Demo(root / "home", (root / "summary.txt").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project as dbt compiled it without data, every mart; a world's copy of it is filled without dbt."""

    def make(root: Path) -> None:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("BALCONY_HASH_KEY", "the same people both ways")
            compiled = compile_project(root / "built")
            empty = Path(shutil.copy(compiled.warehouse, root / "empty.duckdb"))
            nights = compile_nights(compiled, root / "built")
        (root / "project.pickle").write_bytes(pickle.dumps(dataclasses.replace(compiled, warehouse=empty)))
        (root / "nights.pickle").write_bytes(pickle.dumps(nights))

    root = _made_once("project", tmp_path_factory, make)
    compiled: Project = pickle.loads((root / "project.pickle").read_bytes())
    return compiled


@pytest.fixture(scope="session")
def nights(project: Project) -> Nights:
    """What dbt runs for the models that are replaced, to be run without it."""
    nights: Nights = pickle.loads((project.warehouse.parent / "nights.pickle").read_bytes())
    return nights


@pytest.fixture(scope="session")
def shipped_marts(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the demo as a user gets it, two years of one brand, with all marts."""

    def make(root: Path) -> None:
        write_demo(root / "exports", "small")
        settings = dataclasses.replace(land_world(project, root), threads=2, memory_limit="2GB")
        with open_warehouse(settings) as connection:
            fill_tables(project, connection)

    return _made_once("shipped", tmp_path_factory, make) / "home" / "warehouse.duckdb"
