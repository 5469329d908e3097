from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.helpers import Demo, run


def _run_demo(root: Path, **environment: str) -> Demo:
    (root / "exports").mkdir()
    done = run(root / "home", root / "exports", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return Demo(root / "home", done.stdout)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A tiny demo, landed, built and published once for all tests that only read it."""
    return _run_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def shipped_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo as a user gets it, two years of one brand."""
    return _run_demo(tmp_path_factory.mktemp("shipped"), BALCONY_DEMO_SIZE="small")
