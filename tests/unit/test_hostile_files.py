"""Files that harm, persons who leave, and limits: each fault of the matrix that needs no dbt, and damage at random."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from orchestration.exports import folder_state
from orchestration.landing import load
from orchestration.landing.ledger import open_warehouse
from orchestration.landing.limits import Limits
from orchestration.landing.load import land_folder
from orchestration.landing.read import remove_rows
from orchestration.landing.records import copy_records, ordinals_at
from orchestration.landing.spec import load_specs
from orchestration.landing.suppression import Suppression, bytes_pattern
from orchestration.settings import Settings
from tests.faults import landing, people
from tests.faults.fault import Fault
from tests.faults.mutations import land_mutations
from tests.unit.landing_helpers import Toy

QUICK = ("27", "35", "37")
"""What no other test here does; `make faults` does all."""
HEADER = b"Order Id,Total,Note,Ordered at\n"


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.mark.parametrize(
    "fault",
    [fault for fault in (*landing.FAULTS, *people.FAULTS) if fault.number in (*QUICK, "44")],
    ids=lambda fault: fault.name,
)
def test_a_fault_does_no_harm(fault: Fault, tmp_path: Path) -> None:
    assert fault.inject(tmp_path)


def test_damaged_exports_lose_nothing(tmp_path: Path) -> None:
    found = land_mutations(tmp_path, files=40, seed=11)
    assert found.problems == []
    assert found.outcomes["landed"] > 5


def test_a_row_that_is_lost_is_found_by_the_mutations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = load.Lander._stand_once
    insert = load.Lander._insert

    def losing(lander: load.Lander, spec: object, source: object, load_id: int) -> int:
        inserted = insert(lander, spec, source, load_id)  # type: ignore[arg-type]
        lander.connection.execute(
            f"update {spec.landed_table} set _source_row_number = 2"  # type: ignore[attr-defined]
            f" where _load_id = {load_id} and _source_row_number = 1"
        )
        return inserted

    monkeypatch.setattr(load.Lander, "_insert", losing)
    monkeypatch.setattr(load.Lander, "_stand_once", lambda *_: True)
    assert counted
    assert any("does not add up" in problem for problem in land_mutations(tmp_path, files=20, seed=11).problems)


def test_limits_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALCONY_ARCHIVE_RATIO", "50")
    monkeypatch.setenv("BALCONY_KEEP_RAW_ROWS", "no")
    assert Limits.from_environment() == dataclasses.replace(
        Limits(), archive_ratio=50, keep_raw_rows=False, settle_seconds=float(os.environ["BALCONY_SETTLE_SECONDS"])
    )
    monkeypatch.setenv("BALCONY_COLUMNS", "many")
    with pytest.raises(ValueError, match="BALCONY_COLUMNS=many: not a number"):
        Limits.from_environment()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b'[{"id": ' + b"9" * 5_000 + b"}]", "thousands of digits"),
        (b"Order Id,Total," + b"," * 5_000 + b"\n1,2\n", "5,003 columns"),
        (b"x" * 70_000 + b",Total\n1,2\n", "headers differ"),
        (b"h " * 30_000 + b"\n", "no known header"),
    ],
    ids=["deep", "digits", "columns", "long-header", "long-line"],
)
def test_what_would_take_for_ever_is_refused_at_once(toy: Toy, content: bytes, reason: str) -> None:
    assert reason in str(toy.land(a=content).files[0].reason)


def test_a_rejected_line_of_a_file_with_returns_has_its_own_number(toy: Toy) -> None:
    """DuckDB has such a line begin one byte early, in the line before."""
    toy.land(a=b"Order Id,Total,Note\r\n1,1,ok\r\n2,1,\xff\r\n3,1,ok\r\n")
    assert toy.query("select source_row_number, raw_text from landing.rejected_rows") == [(2, "2,1,\\xff")]
    assert toy.query("select order_id, _source_row_number from raw_toy.orders order by 2") == [("1", 1), ("3", 3)]


def test_what_one_file_provokes_stops_neither_the_others_nor_hides_a_full_disk(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify = load.identify

    def failing(path: Path, *arguments: object) -> object:
        if path.read_bytes().endswith(b"odd"):
            raise KeyError("mia@example.com")
        if path.read_bytes().endswith(b"full"):
            raise OSError(28, "No space left on device")
        return identify(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "identify", failing)
    summary = toy.land(a=b"odd", b=HEADER + b"1,1,,\n")
    assert [(file.outcome, file.reason) for file in summary.files] == [
        ("refused", "it could not be read: KeyError"),
        ("landed", None),
    ]
    with pytest.raises(OSError, match="No space"):
        toy.land(c=b"full")


def test_a_file_that_was_just_written_is_waited_for(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(load.time, "sleep", waits.append)
    settings = dataclasses.replace(toy.settings, limits=Limits(settle_seconds=60))
    for name, age in (("new", 0), ("old", 3600)):
        (toy.exports / name).write_bytes(HEADER + name.encode() + b",1,,\n")
        os.utime(toy.exports / name, (load.time.time() - age,) * 2)
    land_folder(settings)
    assert [0 < seconds <= 60 for seconds in waits] == [True]
    land_folder(settings)
    assert len(waits) == 1


def test_a_run_takes_so_many_new_files_and_the_next_the_others(toy: Toy) -> None:
    settings = dataclasses.replace(toy.settings, limits=Limits(settle_seconds=0, files_in_a_run=2))
    for number in range(5):
        (toy.exports / str(number)).write_bytes(HEADER + b"%d,1,,\n" % number)
    runs, left = [], []
    for _ in range(4):
        runs.append(land_folder(settings))
        left.append(settings.files_left.read_text() if settings.files_left.exists() else "none")
    assert left == ["3\n", "1\n", "none", "none"]
    assert [(run.landed_count, run.count("not_taken"), run.count("unchanged")) for run in runs] == [
        *((2, 3, 0), (2, 1, 2), (1, 0, 4)),
        (0, 0, 5),
    ]
    assert {file.reason for file in runs[0].files[2:]} == {"more than 2 new files: a later run takes it"}


def test_the_folder_is_watched_whatever_its_files_are_called(tmp_path: Path) -> None:
    assert folder_state(tmp_path) == ""
    (tmp_path / os.fsdecode(b"\xff\n.csv")).write_text("1")
    (tmp_path / ".hidden").write_text("1")
    (tmp_path / "gone").symlink_to("nowhere")
    one = folder_state(tmp_path)
    assert one == folder_state(tmp_path) != ""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.csv").write_text("1")
    assert folder_state(tmp_path) != one


@pytest.mark.parametrize("keeps_rows", [True, False])
def test_archived_files_expire_and_the_ledger_says_so(toy: Toy, keeps_rows: bool) -> None:
    toy.land(old=HEADER + b"1,1,,\n2\n")
    with open_warehouse(toy.settings) as connection:
        connection.execute("update landing.loads set landed_at = landed_at - interval 40 day")
    limits = Limits(settle_seconds=0, keep_raw_files_days=30, keep_raw_rows=keeps_rows)
    settings = dataclasses.replace(toy.settings, limits=limits)
    (toy.exports / "new").write_bytes(HEADER + b"3,1,,\n")
    for _ in range(2):
        land_folder(settings)
        assert toy.query(
            "select archive_state, rows_read_count, rows_landed_count, rows_quarantined_count, rows_erased_count"
            " from landing.loads order by load_id"
        ) == [("expired", 2, *((1, 1, 0) if keeps_rows else (0, 0, 2))), ("kept", 1, 1, 0, 0)]
        assert len(list(toy.settings.archive.glob("*/*"))) == 1
        os.utime(toy.exports / "old", (0, 0))
    assert toy.query("select count(*) from raw_toy.orders") == [(2 if keeps_rows else 1,)]


def test_another_key_does_not_let_the_erased_back_in(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALCONY_HASH_KEY", "one")
    with open_warehouse(toy.settings) as connection:
        Suppression(connection).add("email", ["mia@example.com"])
    monkeypatch.setenv("BALCONY_HASH_KEY", "another")
    with pytest.raises(ValueError, match="BALCONY_HASH_KEY"):
        toy.land(a=HEADER)


def test_only_whole_identifiers_are_masked() -> None:
    pattern = bytes_pattern(["mia@example.com"])
    hits = b"mia@example.com <MIA@example.com>, to:mia%40example.com. mia@example.com."
    misses = b"x.mia@example.com mia@example.com.au amia@example.com mia@example.community mia@example.com-x"
    assert len(pattern.findall(hits)) == 4
    assert pattern.findall(misses) == []


def test_rows_are_taken_out_of_documents_and_texts(tmp_path: Path) -> None:
    document = [{"c": {"m": [{"x": {"id": 1}}, {"y": 0}, {"x": {"id": 2}}]}}, {"c": {"m": [{"x": {"id": 3}}]}}]
    assert remove_rows(document, "$[*].c.m[*].x", {2, 3}) == [
        {"c": {"m": [{"x": {"id": 1}}, {"y": 0}]}},
        {"c": {"m": []}},
    ]
    with pytest.raises(ValueError, match="cannot be taken out"):
        remove_rows({"id": 1}, "$", {1})
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b'h\r\n1,"a\nb"\n\n2\n3')
    copy_records(source, target, {2}, bytes.upper, quoted=True)
    assert target.read_bytes() == b'H\n1,"A\nB"\n3\n'
    assert ordinals_at(source, [0, 2, 3, 12], quoted=True) == [0, 1, 1, 2]


def test_every_address_in_the_specs_can_be_erased() -> None:
    """The owner's own account is no one else's data."""
    specs = load_specs(Settings.from_environment().dbt_project)
    addresses = {
        f"{spec.name}.{column.name}"
        for spec in specs
        for column in spec.columns
        if "email" in column.name and column.privacy == "personal" and spec.name != "x.accounts"
    }
    named = {
        f"{spec.name}.{column}"
        for spec in specs
        for person in spec.persons
        if person.type == "email"
        for column in person.columns
    }
    assert addresses == named != set()
