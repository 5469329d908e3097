"""One row of the fault matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """What is done to the pipeline, and what must come of it."""

    number: str
    """Of the matrix; a fault that is injected in several places has a letter behind its number."""

    name: str
    layer: str
    expected: str

    inject: Callable[[Path], str]
    """Injects the fault into a pipeline of its own, in the empty folder given, and returns what happened in a few words.

    Raises AssertionError where something was lost, counted twice or left broken, or where what was said is not clear.
    """
