from __future__ import annotations

import pytest

from tests.integration.helpers import Demo, run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, landed, built and published once for all tests that only read it."""
    root = tmp_path_factory.mktemp("demo")
    (root / "exports").mkdir()
    done = run(root / "home", root / "exports")
    assert done.returncode == 0, done.stdout + done.stderr
    return Demo(root / "home", done.stdout)
