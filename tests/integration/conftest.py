from __future__ import annotations

import fcntl
import os

import pytest

from tests.integration.helpers import Demo, run


def _run_demo(name: str, factory: pytest.TempPathFactory, **environment: str) -> Demo:
    """Run a demo once, whichever test process asks first; the others wait for it."""
    base = factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    root.mkdir(exist_ok=True)
    summary = root / "summary.txt"
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not summary.exists():
            (root / "exports").mkdir()
            done = run(root / "home", root / "exports", **environment)
            assert done.returncode == 0, done.stdout + done.stderr
            summary.write_text(done.stdout, encoding="utf-8")
    return Demo(root / "home", summary.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A tiny demo, landed, built and published once for all tests that only read it."""
    return _run_demo("demo", tmp_path_factory)


@pytest.fixture(scope="session")
def shipped_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo as a user gets it, two years of one brand."""
    return _run_demo("shipped", tmp_path_factory, BALCONY_DEMO_SIZE="small")
