"""The fault matrix: what its runner does with faults that go well, badly or nowhere, and the cheapest real ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.__main__ import kept
from tests.faults.fault import Fault
from tests.faults.matrix import NUMBERS, Outcome, all_faults, last_line, missing_rows, row_of, run_faults, table

CHEAP = ("16c", "40p")
"""A second or two each; `make faults` injects all."""


def planted(number: str, inject: Callable[[Path], str]) -> Fault:
    return Fault(number, f"fault {number}", "raw", "nothing | lost", inject)


def fails(folder: Path) -> str:
    raise AssertionError(f"rows lost in {folder.name}")


def hangs(_: Path) -> str:
    time.sleep(60)
    return "never"


def dies(_: Path) -> str:
    os._exit(9)


def writes(folder: Path) -> str:
    assert list(folder.iterdir()) == []
    (folder / "file").touch()
    return "kept\nall"


def test_a_fault_that_fails_hangs_or_dies_is_not_as_expected(tmp_path: Path) -> None:
    faults = [planted("1", writes), planted("1b", fails), planted("2", hangs), planted("3", dies), planted("4", writes)]
    outcomes = {
        outcome.fault.number: (outcome.happened, outcome.is_expected)
        for outcome in run_faults(faults, tmp_path, jobs=2, cap_seconds=2)
    }
    assert outcomes == {
        "1": ("kept\nall", True),
        "1b": ("AssertionError: rows lost in 1b", False),
        "2": ("no end after 2 seconds", False),
        "3": ("its process died", False),
        "4": ("kept\nall", True),
    }
    assert "rows lost" in (tmp_path / "1b.log").read_text()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_matrix_that_broke_off_goes_on_with_what_did_not_end_as_expected(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.jsonl"
    assert kept(file, [planted("1", writes)]) == []
    file.write_text('["1", "kept all", true, 2.5]\n["2", "lost", false, 1]\n["9", "no fault any more", true, 1]\n')
    faults = [planted("1", writes), planted("2", writes), planted("3", writes)]
    assert kept(file, faults) == [Outcome(faults[0], "kept all", True, 2.5)]


def test_the_table_has_a_line_for_each_fault_and_the_last_line_counts_them() -> None:
    outcomes = [
        Outcome(planted("1", writes), "kept\nall", True, 1.0),
        Outcome(planted("2", fails), "lost", False, 1.0),
    ]
    assert table(outcomes).splitlines()[2:] == [
        "| 1 | fault 1 | raw | nothing \\| lost | kept all | yes |",
        "| 2 | fault 2 | raw | nothing \\| lost | lost | **no** |",
    ]
    assert last_line(outcomes) == "2 faults injected: 1 as expected, 1 not"
    assert last_line(outcomes[:1]) == "1 faults injected: 1 as expected"


def test_every_row_of_the_matrix_is_injected() -> None:
    faults = all_faults()
    assert missing_rows(faults) == []
    assert missing_rows(fault for fault in faults if row_of(fault) != 16) == [16]
    assert {row_of(fault) for fault in faults} <= set(NUMBERS)
    numbers = [fault.number for fault in faults]
    assert sorted(set(numbers)) == sorted(numbers)


@pytest.mark.parametrize("number", CHEAP)
def test_what_is_published_and_landed_outlives(number: str, tmp_path: Path) -> None:
    (fault,) = (fault for fault in all_faults() if fault.number == number)
    assert fault.inject(tmp_path)
