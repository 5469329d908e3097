"""Landing: every file recognised by content, every record accounted for, nothing landed twice."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import load
from orchestration.landing.load import land_folder
from tests.unit.landing_helpers import Toy

HEADER = b"Order Id,Total,Note,Ordered at\n"


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


def test_a_csv_lands_as_exported_with_blank_cells_blank_and_absent_columns_null(toy: Toy) -> None:
    toy.land(a=b"Total,Order Id\n1.50,007\n,008\n")
    assert toy.query("select * from raw_toy.orders order by order_id") == [
        ("007", "1.50", None, None, None, 1, 1),
        ("008", "", None, None, None, 1, 2),
    ]


def test_a_column_lands_with_the_first_file_that_brings_it(toy: Toy) -> None:
    toy.land(a=b"Total,Order Id\n1.50,007\n")
    assert toy.query("select column_name from (describe landing.toy__orders)") == [
        (name,) for name in ("_extra", "_load_id", "_source_row_number", "total", "order_id")
    ]
    toy.land(b=b"Note,Order Id,Total\nhello,009,2\n")
    toy.land(c=b"Total,Order Id,Ordered at\n1,010,no time\n")
    assert toy.query("select order_id, total, note, ordered_at from raw_toy.orders order by 1") == [
        ("007", "1.50", None, None),
        ("009", "2", "hello", None),
    ]
    assert ("ordered_at",) not in toy.query("select column_name from (describe landing.toy__orders)")


def test_a_column_of_a_file_that_was_refused_is_there_for_the_next(toy: Toy) -> None:
    summary = toy.land(
        a=b"Total,Order Id\n1,7\n",
        b=b"Total,Order Id,Ordered at\n1,8,no time\n",
        c=b"Total,Order Id,Ordered at\n1,9,2024-01-01\n",
    )
    assert [file.outcome for file in summary.files] == ["landed", "refused", "landed"]
    assert toy.query("select order_id, ordered_at from raw_toy.orders order by 1") == [("7", None), ("9", "2024-01-01")]


def test_unknown_columns_are_kept_as_json(toy: Toy) -> None:
    toy.land(a=b"Order Id,Total,Colour,Colour\n1,2,red,blue\n")
    assert toy.query("select _extra from raw_toy.orders") == [('{"Colour":"red","Colour (4)":"blue"}',)]


@pytest.mark.parametrize(
    "content",
    [
        b"Order Id;Amount\r\n1;2\r\n3;4",
        b"\xef\xbb\xbfOrder Id,Total\n1,2\n3,4\n",
        "Order Id,Total\n1,2\n3,4\n".encode("utf-16"),
        b"Order Id,Total\r\n1,2\n3,4\r\n",
        b"Order Id,Total\r1,2\r3,4\r",
        b"Order Id,Total\n\n1,2\n\n\n3,4\n\n",
        b'"Total" , ORDER ID\n2,1\n4,3\n',
    ],
    ids=["semicolons-crlf", "bom", "utf-16", "mixed-line-ends", "old-mac", "blank-lines", "order-case-quotes"],
)
def test_dialects_of_one_csv_land_alike(toy: Toy, content: bytes) -> None:
    summary = toy.land(a=content)
    assert toy.query("select order_id, total, _source_row_number from raw_toy.orders order by 1") == [
        ("1", "2", 1),
        ("3", "4", 2),
    ]
    assert (summary.rows_read, summary.rows_landed, summary.rows_quarantined) == (2, 2, 0)


def test_bad_rows_go_to_quarantine_with_number_reason_and_text(toy: Toy) -> None:
    summary = toy.land(
        a=HEADER
        + b"1,1,ok,2024-01-01\n"
        + b"2,1\n"
        + b'3,1,"two\nlines",2024-01-02\n'
        + b"4,1,\xff,2024-01-03\n"
        + b",1,no id,2024-01-04\n"
        + b"6,1,bad day,31.01.2024\n"
        + b"7,1,a,b,c\n"
        + b"8,1,ok,\n"
    )
    assert toy.query("select * from landing.rejected_rows order by 2") == [
        (1, 2, "fewer columns than the header", "2,1"),
        (1, 4, "bytes that are not text in the file's encoding", "4,1,\\xff,2024-01-03"),
        (1, 5, "order_id: blank", ",1,no id,2024-01-04"),
        (1, 6, "ordered_at: not a time of the declared format", "6,1,bad day,31.01.2024"),
        (1, 7, "more columns than the header", "7,1,a,b,c"),
    ]
    assert toy.query("select order_id, _source_row_number from raw_toy.orders order by 2") == [
        ("1", 1),
        ("3", 3),
        ("8", 8),
    ]
    assert (summary.rows_read, summary.rows_landed, summary.rows_quarantined) == (8, 3, 5)


def test_an_unterminated_quote_loses_nothing(toy: Toy) -> None:
    toy.land(a=HEADER + b'1,1,ok,\n2,1,"never closed,\n3,1,ok,\n')
    assert toy.query("select rows_read_count, rows_landed_count, rows_quarantined_count from landing.loads") == [
        (2, 1, 1)
    ]
    assert toy.query("select raw_text from landing.rejected_rows") == [('2,1,"never closed,\n3,1,ok,\n',)]


def test_a_stray_quote_in_a_cell_is_counted_right(toy: Toy) -> None:
    toy.land(a=HEADER + b'1,1,5" disk,\n2,1,ok,\n3,1,3" disk,\n4,1,x,\n')
    assert toy.query("select count(*) from raw_toy.orders") == [(4,)]


def test_lines_of_json_split_into_landed_and_quarantined(toy: Toy) -> None:
    toy.land(a=b'{"kind":"x","who":{"id":12345678901234567890123}}\n{broken\n\n{"kind":"y","who":"z"}\n[1]\n')
    assert toy.query("select kind, who, _source_row_number from raw_toy.events order by 3") == [
        ("x", "12345678901234567890123", 1),
        ("y", "z", 3),
    ]
    assert toy.query("select source_row_number, raw_text from landing.rejected_rows order by 1") == [
        (2, "{broken"),
        (4, "[1]"),
    ]


@pytest.mark.parametrize("content", [b'{"items": [{"id": "1", "body": "a"}]}', b'[{"id":"1","body":"a"}]'])
def test_documents_land_row_by_row_from_either_shape(toy: Toy, content: bytes) -> None:
    toy.land(a=content)
    assert toy.query("select id, body, _source_row_number from raw_toy.notes") == [("1", "a", 1)]


def test_a_script_loses_its_prefix_and_an_empty_one_still_counts_as_landed(toy: Toy) -> None:
    summary = toy.land(a=b'window.TOY.part0 = [ {"thing": {"id": "1"}}, {"id": "2"} ]', b=b"window.TOY.part1 = [ ]")
    assert toy.query("select id from raw_toy.scripts order by 1") == [("1",), ("2",)]
    assert summary.landed_count == 2


def test_a_log_lands_by_its_pattern_and_keeps_the_lines_that_do_not_fit(toy: Toy) -> None:
    toy.land(
        a=b'h1 [10/Feb/2012:16:42:07 -0500] /a Mozilla "x"\n'
        b"garbage\n"
        b"h2 [10/Feb/2012:16:43:07 -0500] /b\n"
        b"h3 [99/Feb/2012:16:43:07 -0500] /c\n"
        b"h4 [10/Feb/2012:16:44:07 -0500] /d \xff\n"
    )
    assert toy.query("select host, path, agent, _source_row_number from raw_toy.requests order by 4") == [
        ("h1", "/a", 'Mozilla "x"', 1),
        ("h2", "/b", "", 3),
    ]
    assert toy.query("select source_row_number from landing.rejected_rows order by 1") == [(2,), (4,), (5,)]


def test_the_same_bytes_under_another_name_land_once(toy: Toy) -> None:
    content = HEADER + b"1,1,,\n"
    summary = toy.land(a=content, b=content)
    assert [file.outcome for file in summary.files] == ["landed", "duplicate"]
    assert toy.query("select count(*) from raw_toy.orders") == [(1,)]
    assert toy.query("select file_name, file_outcome from landing.files order by 1") == [
        ("a", "landed"),
        ("b", "duplicate"),
    ]


def test_a_content_is_seen_with_each_folder_and_archive_that_holds_it(toy: Toy) -> None:
    content = HEADER + b"1,1,,\n"
    groups = "select export_group from landing.files where load_id is not null order by 1"
    for name in ("a", "january/orders", "2024/march/orders"):
        (toy.exports / name).parent.mkdir(parents=True, exist_ok=True)
        (toy.exports / name).write_bytes(content)
    with zipfile.ZipFile(toy.exports / "may.zip", "w") as archive:
        archive.writestr("lists/orders", content)
    land_folder(toy.settings)
    assert toy.query(groups) == [(".",), ("2024/march",), ("january",), ("may.zip",)]
    # A ledger that an earlier version wrote.
    with duckdb.connect(str(toy.settings.warehouse)) as connection:
        connection.execute("alter table landing.files drop column export_group")
        connection.execute("alter table landing.loads add column export_group varchar default '.'")
    assert land_folder(toy.settings).count("unchanged") == 4
    assert toy.query(groups) == [(".",), ("2024/march",), ("january",), ("may.zip",)]


def test_contents_are_told_apart_without_the_ledger_however_many_came(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.landing.ledger.Contents.MERGED_AT", 2)
    contents = {f"a{number}": HEADER + b"%d,1,,\n" % number for number in range(5)}
    assert toy.land(**contents).count("landed") == 5
    # Each again under other names, among new ones, in this run and in the next.
    again = {name.replace("a", "b"): content for name, content in contents.items()}
    assert toy.land(**again, c=HEADER + b"9,1,,\n", d=HEADER + b"9,1,,\n").count("duplicate") == 6
    assert toy.land(e=HEADER + b"9,1,,\n").count("duplicate") == 1
    assert toy.query("select count(*), count(distinct order_id) from raw_toy.orders") == [(6, 6)]
    assert toy.query("select count(*), count(distinct load_id) from landing.loads") == [(6, 6)]


def test_a_second_run_touches_nothing(toy: Toy) -> None:
    toy.land(a=HEADER + b"1,1,,\n", b=b"unknown,things\n1,2\n")
    before = toy.query("select * from landing.files order by all")
    summary = land_folder(toy.settings)
    assert [file.outcome for file in summary.files] == ["unchanged", "unchanged"]
    assert toy.query("select * from landing.files order by all") == before


def test_a_file_that_was_only_touched_stays_what_it_was(toy: Toy) -> None:
    toy.land(a=HEADER + b"1,1,,\n")
    os.utime(toy.exports / "a", (0, 0))
    assert [file.outcome for file in land_folder(toy.settings).files] == ["unchanged"]
    assert toy.query("select file_outcome, year(modified_at) from landing.files") == [("landed", 1970)]


def test_what_no_spec_knows_is_kept_listed_and_explained(toy: Toy) -> None:
    summary = toy.land(a=b"Order Id,Totals,Note\n1,2,3\n", b=b"\x89PNG\x00\x00", c=b"", d=b'[{"id": 1}]', e=b"[{")
    reasons = {file.file_name: file.reason for file in summary.files}
    assert reasons == {
        "a": "headers differ from toy.orders: missing total; not known totals. If one of those not known, such as totals,"
        " is total under another name, add it to the aliases of total in models/staging/toy/_toy__sources.yml",
        "b": "binary data that is no archive and no known format",
        "c": "empty file",
        "d": "JSON with the keys id",
        "e": reasons["e"],
    }
    assert "damaged JSON" in str(reasons["e"])
    assert toy.query("select nearest_spec from landing.loads where file_name = 'a'") == [("toy.orders",)]
    kept = {path.name for path in toy.settings.archive.glob("*/*")}
    assert kept == {sha for (sha,) in toy.query("select file_sha256 from landing.loads")}


def test_a_file_without_one_usable_row_is_refused_whole(toy: Toy) -> None:
    summary = toy.land(a=HEADER + b",1,,\n,2,,\n")
    assert summary.files[0].reason == "none of its 2 rows could be used: order_id: blank"
    assert toy.query("select count(*) from landing.rejected_rows") == [(0,)]


def test_a_reason_never_holds_an_address(toy: Toy) -> None:
    summary = toy.land(a=b"mia@example.com,ned@example.org\n", b=b"Order Id,ned@example.org\n1,2\n")
    reasons = " ".join(str(file.reason) for file in summary.files)
    assert "(address)" in reasons
    assert "@" not in reasons


def test_a_workbook_is_one_file_and_refused_with_a_remedy(toy: Toy) -> None:
    summary = toy.land(a=_zip(**{"[Content_Types].xml": b"<x/>", "xl/sheet1.xml": b"<x/>"}))
    assert [file.reason for file in summary.files] == ["an office document: save or export its sheets as csv"]


def test_a_refused_file_is_tried_again_when_the_specs_change(toy: Toy) -> None:
    toy.land(a=b"Order Number,Total\n1,2\n")
    toy.sources.write_text(
        toy.sources.read_text()
        .replace("[order id, total]", "[total]")
        .replace("header: Order Id", "header: Order Number")
    )
    assert [file.outcome for file in land_folder(toy.settings).files] == ["landed"]
    assert toy.query("select load_status from landing.loads") == [("landed",)]


def _zip(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _tar(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [_zip, _tar])
def test_members_of_an_archive_land_like_files(toy: Toy, pack) -> None:  # type: ignore[no-untyped-def]
    summary = toy.land(export=pack(one=HEADER + b"1,1,,\n", two=b"\x00\x01"))
    assert [(file.member_name, file.outcome) for file in summary.files] == [
        ("one", "landed"),
        ("two", "refused"),
        ("", "container"),
    ]
    assert [file.outcome for file in land_folder(toy.settings).files] == ["unchanged"]


def test_a_gzipped_file_lands(toy: Toy) -> None:
    toy.land(orders__csv__gz=gzip.compress(HEADER + b"1,1,,\n"))
    assert toy.query("select count(*) from raw_toy.orders") == [(1,)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_zip(one=HEADER + b"1,1,,\n")[:-30], "damaged archive"),
        (gzip.compress(HEADER + b"1,1,,\n" * 1000)[:-12], "damaged"),
        (_zip(zeros=b"0" * 70_000_000), "unpacks to 70,000,000 bytes"),
    ],
    ids=["cut-zip", "cut-gzip", "bomb"],
)
def test_an_archive_that_cannot_be_trusted_is_refused_and_kept(toy: Toy, content: bytes, reason: str) -> None:
    summary = toy.land(export=content)
    assert [file.outcome for file in summary.files] == ["refused"]
    assert reason in str(summary.files[0].reason)
    assert any(path.read_bytes() == content for path in toy.settings.archive.rglob("*") if path.is_file())


def test_an_archive_inside_an_archive_is_refused_alone(toy: Toy) -> None:
    summary = toy.land(export=_zip(inner=_zip(a=b"x"), one=HEADER + b"1,1,,\n"))
    assert [file.outcome for file in summary.files] == ["refused", "landed", "container"]


@pytest.mark.parametrize("point", ["landing.archived", "landing.in_transaction", "landing.committed"])
def test_a_killed_landing_repeats_to_the_same_tables(toy: Toy, tmp_path: Path, point: str) -> None:
    files = {"a": HEADER + b"1,1,,\n2\n", "b": HEADER + b"3,1,,\n"}
    for name, content in files.items():
        (toy.exports / name).write_bytes(content)
    script = (
        "import dataclasses, sys; from pathlib import Path\n"
        "from orchestration.landing.load import land_folder; from orchestration.settings import Settings\n"
        f"root = Path({str(tmp_path)!r})\n"
        "land_folder(dataclasses.replace(Settings.from_environment(), exports=root / 'exports', home=root / 'home',"
        " dbt_project=root / 'project'))"
    )
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "BALCONY_FAULT": point}, check=False)
    assert killed.returncode == -9
    land_folder(toy.settings)
    undisturbed = Toy(tmp_path / "undisturbed")
    undisturbed.land(**files)
    for table in ("raw_toy.orders", "landing.rejected_rows"):
        query = (
            f"select * exclude (load_id) from (select * rename (_load_id as load_id) from {table})"
            if "raw" in table
            else f"select * from {table}"
        )
        assert sorted(toy.query(query), key=str) == sorted(undisturbed.query(query), key=str)
    assert toy.query("select count(*), count(distinct file_sha256) from landing.loads") == [(2, 2)]


def test_large_files_are_read_in_parts_with_true_row_numbers(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.landing.read.SPLIT_BYTES", 1000)
    monkeypatch.setattr("orchestration.landing.records.BLOCK_BYTES", 777)
    rows = [
        f'{n},1,"a\n{n}",2024-01-01' if n % 3 else f"{n},1" if n % 5 == 0 else f"{n},1,,2024-01-01"
        for n in range(1, 2001)
    ]
    toy.land(a=HEADER + "\n".join(rows).encode())
    assert toy.query("select count(*) from raw_toy.orders where order_id <> _source_row_number") == [(0,)]
    assert toy.query(
        "select count(*), count(*) filter (raw_text = source_row_number || ',1') from landing.rejected_rows"
    ) == [(133, 133)]
    assert toy.query("select rows_read_count from landing.loads") == [(2000,)]


def test_only_a_file_that_is_read_in_parts_is_loaded_with_little_memory(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[str] = []
    insert = load.Lander._insert

    def noted(lander: load.Lander, *arguments: Any) -> int:
        limits.append(lander.connection.execute("select current_setting('memory_limit')").fetchall()[0][0])
        return insert(lander, *arguments)

    monkeypatch.setattr(load.Lander, "_insert", noted)
    monkeypatch.setattr(load, "BULK_MEMORY", 100_000_000)
    toy.land(a=HEADER + b"1,1,,2024-01-01\n")
    monkeypatch.setattr("orchestration.landing.read.SPLIT_BYTES", 1000)
    toy.land(b=HEADER + b"\n".join(b"%d,1,,2024-01-01" % number for number in range(2, 500)))
    toy.land(c=HEADER + b"1,2,,2024-01-01\n")
    assert limits[1] == "95.3 MiB"
    assert limits[0] == limits[2] != limits[1]
