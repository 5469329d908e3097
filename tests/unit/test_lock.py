"""Whoever has the working file open is named and waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.lock import holder_of, wait_until_closed

HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["read", "write"])
def test_who_has_a_file_open_is_named_and_waited_for(tmp_path: Path, how: str) -> None:
    path = tmp_path / "warehouse.duckdb"
    assert holder_of(path) is None
    duckdb.connect(str(path)).close()
    said: list[str] = []
    command = [sys.executable, "-c", HOLDER, str(path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"open\n"
        assert wait_until_closed(path, 0, said.append) == process.pid
        assert said == [f"waiting up to 0 s for process {process.pid}, which has {path} open"]
        close = process.stdin.close
        assert wait_until_closed(path, 60, lambda line: close()) is None
    assert wait_until_closed(path, 60, said.append) is None
    assert len(said) == 1
