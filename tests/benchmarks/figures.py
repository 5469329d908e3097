"""What all benchmarks share: each side runs in a process of its own, and what came out is printed and kept.

`docs/benchmarks.md` holds a table for each benchmark with the day, the machine and the versions; running one replaces its
own table and leaves the others.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from orchestration.settings import PROJECT_ROOT

KEPT = PROJECT_ROOT / "docs" / "benchmarks.md"
OPENING = """# Benchmarks

Written by `make bench`, each table by the last run of its benchmark. Both sides of a table ran after each other on the same
machine, each in a process of its own. Processor seconds are those of all cores; beside other work the clock says little, so
the load of the machine stands with each table.
"""
HARNESS = """
import json, os, resource, sys, time
from pathlib import Path
arguments = [Path(text) for text in sys.argv[1:]]
start, worked = time.perf_counter(), sum(os.times()[:4])
{body}
seconds, worked = time.perf_counter() - start, sum(os.times()[:4]) - worked
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
print("\\n" + json.dumps({{"seconds": seconds, "worked": worked, "peak": peak, "result": result}}))
"""


@dataclass(frozen=True)
class Side:
    """What one side took, and what it came to."""

    seconds: float
    worked: float
    """Processor seconds."""
    peak: float
    """MB of memory at most."""
    result: Any


def measure(body: str, *arguments: Path, python: str | Path = sys.executable) -> Side:
    """Run Python text that finds its `arguments` and leaves a `result` that JSON can hold.

    Raises `AssertionError` with what the process said where it failed.
    """
    script = HARNESS.format(body=textwrap.dedent(body))
    done = subprocess.run(
        [python, "-c", script, *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Side(**json.loads(done.stdout.splitlines()[-1]))


def table(title: str, sides: Mapping[str, Side], notes: Sequence[str] = (), against: str | None = None) -> str:
    """Markdown; `against` names the side that the ratios compare with."""
    base = sides[against] if against else None
    lines = ["| | seconds | processor seconds | peak MB |" + (" times as long | times the work |" if base else "")]
    lines.append("|---|---:|---:|---:|" + ("---:|---:|" if base else ""))
    for name, side in sides.items():
        ratios = f" {side.seconds / base.seconds:.2f} | {side.worked / base.worked:.2f} |" if base else ""
        lines.append(f"| {name} | {side.seconds:.1f} | {side.worked:.1f} | {side.peak:,.0f} |{ratios}")
    return "\n".join([f"## {title}", "", *lines, "", *notes, *([""] if notes else []), _circumstances()])


def keep(text: str) -> None:
    """Print a table and put it in place of the one that has its title."""
    print(f"\n{text}")
    kept = KEPT.read_text(encoding="utf-8") if KEPT.exists() else OPENING
    title = text.splitlines()[0]
    sections = {part.splitlines()[0]: part.strip() for part in re.split(r"^(?=## )", kept, flags=re.MULTILINE)[1:]}
    sections[title] = text.strip()
    KEPT.write_text(
        "\n\n".join([OPENING.strip(), *(sections[name] for name in sorted(sections))]) + "\n", encoding="utf-8"
    )


def _circumstances() -> str:
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "numpy", "scipy", "pandas"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, {memory:.0f} GB; {os.getloadavg()[0]:.1f} processes wanted a core"
        f" at the end; Python {sys.version.split()[0]}, {versions}."
    )
