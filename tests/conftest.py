"""Where real exports and oracles lie, if they do, and how property-based tests draw their examples."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from orchestration.home import collect_rarely

# The same examples in every run: a red test is then a change in the code, never luck.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# Tests write a file and land it at once: nothing there is still being written.
os.environ.setdefault("BALCONY_SETTLE_SECONDS", "0")


def pytest_configure() -> None:
    """Set every test process up as a run's process is, whatever started it."""
    # Started in the background they would be deaf to Ctrl-C, and so would what they start: Dagster takes the handling
    # of SIGTERM from that of SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    collect_rarely()


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of real exports, one sub-folder per platform."""
    return _folder("BALCONY_SAMPLES", "real exports")


@pytest.fixture(scope="session")
def oracles() -> Path:
    """Folder of data with known answers."""
    return _folder("BALCONY_ORACLES", "oracles")


def _folder(variable: str, content: str) -> Path:
    folder = Path(os.environ.get(variable, ""))
    if variable not in os.environ or not folder.is_dir():
        pytest.skip(f"{variable} names no folder of {content}")
    return folder.resolve()
