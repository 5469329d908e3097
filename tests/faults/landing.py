"""Faults of files: what is delivered twice, restated, damaged, hostile or odd. Rows 18 to 39 and 45 of the matrix."""

from __future__ import annotations

import atexit
import gzip
import io
import os
import shutil
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

from orchestration.landing import load
from orchestration.landing.ledger import open_warehouse
from orchestration.landing.limits import Limits
from orchestration.landing.load import land_folder
from orchestration.scorecard.pipeline import Project, compile_project, land_world
from tests.faults.fault import Fault
from tests.faults.sandbox import ORDERS, Sandbox, only, refused, same

SHOP = b"Name,Email,Financial Status,Currency,Total,Refunded Amount,Created at,Lineitem quantity,Lineitem name,Id\n"


@cache
def _project() -> Project:
    """The real project as dbt compiles it, once for all faults of staging: half a minute."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return compile_project(folder)


def staged(folder: Path, deliveries: Sequence[bytes], query: str, *sources: str) -> list[tuple[Any, ...]]:
    """Land files in this order, in a night each, stage what they are of, and ask."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    settings = land_world(_project(), folder)
    for number, content in enumerate(deliveries):
        (exports / f"{number}").write_bytes(content)
        os.utime(exports / f"{number}", (0, 0))
        land_folder(settings)
    with open_warehouse(settings) as connection:
        for table in _project().tables:
            if any(f"stg_{source}__" in table.relation or source in table.relation for source in sources):
                connection.execute(f"truncate {table.relation}")
                connection.execute(f"insert into {table.relation} by name {table.query}")
        return connection.execute(query).fetchall()


def order(name: int, total: str = "10.00", refunded: str = "0.00", at: str = "2025-03-01 10:00:00 +0000") -> bytes:
    state = "paid" if refunded == "0.00" else "partially_refunded"
    cells = (f"#{name}", f"p{name}@example.com", state, "EUR", total, refunded, at, "1", "Cup", f"61{name}")
    return ",".join(cells).encode() + b"\n"


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _delivered_again(folder: Path) -> str:
    box = Sandbox(folder)
    content = ORDERS + b"1,1,,\n2,1,,\n"
    box.land(a=content)
    again = box.land(b=content, c=zipped(export=content))
    same([file.outcome for file in again.files], ["unchanged", "duplicate", "duplicate", "container"])
    same(box.query("select count(*) from raw_toy.orders"), [(2,)])
    same(box.query("select count(*) from landing.files where load_id = 1"), [(3,)])
    return "2 rows once; both copies in the ledger as copies of load 1"


def _new_content_under_an_old_name(folder: Path) -> str:
    box = Sandbox(folder)
    box.land(a=ORDERS + b"1,1,,2025-01-01\n")
    box.land(a=ORDERS + b"1,2,,2025-01-02\n")
    same(box.query("select total, _load_id from raw_toy.orders order by all"), [("1", 1), ("2", 2)])
    same(
        box.query("select load_id from landing.loads order by covers_until_text desc limit 1"),
        [(2,)],
    )
    return "two versions, the one that covers more is the later"


def _overlapping_windows_in_any_order(folder: Path) -> str:
    first = SHOP + order(1) + order(2, at="2025-03-02 10:00:00 +0000")
    second = SHOP + order(2, "10.00", "4.00", "2025-03-02 10:00:00 +0000") + order(3, at="2025-03-03 10:00:00 +0000")
    third = SHOP + order(1, "10.00", "1.00") + order(4, at="2025-03-04 10:00:00 +0000")
    query = "select order_name, total_amount, refunded_amount from staging.stg_shopify__orders order by 1"
    found = {
        str(staged(folder / str(number), files, query, "shopify"))
        for number, files in enumerate(permutations((first, second, third)))
    }
    assert len(found) == 1, found
    rows = staged(folder / "last", (first, second, third), query, "shopify")
    same(
        [(name, str(refund)) for name, _, refund in rows],
        [("#1", "1.00"), ("#2", "4.00"), ("#3", "0.00"), ("#4", "0.00")],
    )
    return "6 orders of arrival, one result"


def _restated_amount(folder: Path) -> str:
    earlier, later = SHOP + order(1, "10.00"), SHOP + order(1, "12.50") + order(2, at="2025-04-01 10:00:00 +0000")
    query = """
        select (select list(total_amount::varchar) from staging.stg_shopify__orders where order_name = '#1'),
            (select list(total order by total) from raw_shopify.orders where order_name = '#1')
    """
    same(staged(folder, (later, earlier), query, "shopify"), [(["12.50"], ["10.00", "12.50"])])
    return "12.50, as the later export says, though it came first; 10.00 stays in raw"


def _deleted_from_a_full_list(folder: Path) -> str:
    header = b"Email Address,Subscribed at,UTM Source,UTM Medium,UTM Term,UTM Content,UTM Campaign,UTM Last Path,UTM Referrer\n"

    def line(number: int, day: int) -> bytes:
        return f"p{number}@example.com,2025-01-{day:02} 10:00:00 +0000,,,,,,,\n".encode()

    everyone = header + b"".join(line(number, 1) for number in range(30))
    one_less = header + b"".join(line(number, 1) for number in range(29)) + line(100, 10)
    a_few = header + b"".join(line(number, 1) for number in range(5)) + line(101, 20)
    query = "select count(*) from intermediate.int_entanglement_spells where not is_open and platform_id = 'curated'"
    models = (
        "int_identifiers",
        "int_identity_links",
        "int_people",
        "int_entanglement_events",
        "int_entanglement_spells",
    )
    same(staged(folder / "one", (everyone, one_less), query, "curated", *models), [(1,)])
    same(staged(folder / "few", (everyone, one_less, a_few), query, "curated", *models), [(1,)])
    return "1 missing of 30: 1 ended; 25 missing: not believed, nobody ended"


def _late_future_and_no_time(folder: Path) -> str:
    log = (
        b'h1 - - [01/Mar/2025:10:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "Mozilla"\n',
        b'h1 - - [25/Jan/2024:10:00:00 +0000] "GET /late HTTP/1.1" 200 1 "-" "Mozilla"\n'
        b'h1 - - [01/Jan/2099:10:00:00 +0000] "GET /future HTTP/1.1" 200 1 "-" "Mozilla"\n'
        b'h1 - - [] "GET /never HTTP/1.1" 200 1 "-" "Mozilla"\n',
    )
    query = """
        select (select count(*) from staging.stg_access_log__requests),
            (select count(*) from landing.rejected_rows), (select sum(rows_read_count) from landing.loads)
    """
    same(staged(folder, log, query, "access_log"), [(3, 1, 4)])
    return "late and future ones staged, the one without a time in quarantine: 3 + 1 = 4"


def _one_instant_in_two_zones(folder: Path) -> str:
    winter = SHOP + order(1, at="2025-03-30 00:30:00 +0000") + order(2, at="2025-10-26 02:30:00 +0200")
    summer = SHOP + order(1, at="2025-03-30 01:30:00 +0100") + order(2, at="2025-10-26 01:30:00 +0100")
    summer += order(3, at="2025-10-26 02:30:00 +0100")
    query = "select order_name, ordered_at::varchar from staging.stg_shopify__orders order by 1"
    expected = [("#1", "2025-03-30 00:30:00"), ("#2", "2025-10-26 00:30:00"), ("#3", "2025-10-26 01:30:00")]
    same(staged(folder, (winter, summer), query, "shopify"), expected)
    return "one order each, in UTC, through both changes of the clock"


def _equal_rows_in_one_file(folder: Path) -> str:
    line = b'h1 - - [01/Mar/2025:10:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "Mozilla"\n'
    query = "select count(*) from staging.stg_access_log__requests"
    same(staged(folder, (line * 2, line), query, "access_log"), [(2,)])
    return "two equal lines stay two, and another file with one of them adds none"


def _new_column(folder: Path) -> str:
    box = Sandbox(folder)
    outcome = only(box.land(a=b"Order Id,Colour,Total,Ordered at\n1,red,2,2025-01-01\n"))
    assert outcome.unknown_columns == ("Colour",), outcome
    same(box.query("select total, _extra from raw_toy.orders"), [("2", '{"Colour":"red"}')])
    same(box.query("select unknown_columns from landing.loads"), [("Colour",)])
    return "kept in _extra, named by the run and in the ledger"


def _renamed_column(folder: Path) -> str:
    box = Sandbox(folder)
    summary = box.land(a=b"Order Id,Totals\n1,2\n", b=ORDERS + b"1,2,,\n")
    same([file.outcome for file in summary.files], ["refused", "landed"])
    reason = str(summary.files[0].reason)
    assert "aliases of total in models/staging/toy/_toy__sources.yml" in reason, reason
    same(box.query("select nearest_spec from landing.loads where load_status = 'refused'"), [("toy.orders",)])
    box_sources = box.settings.dbt_project / "models" / "staging" / "toy" / "_toy__sources.yml"
    box_sources.write_text(box_sources.read_text().replace("aliases: [Amount]", "aliases: [Amount, Totals]"))
    same([file.outcome for file in box.land().files], ["landed", "unchanged"])
    return f"that file alone refused: {reason}; lands when the alias is there"


def _another_type(folder: Path) -> str:
    rows = SHOP + order(1, "ten") + order(2, '"1.234,50"') + order(3, "7.00", at="2025-03-02 10:00:00 +0000")
    query = """
        select (select count(*) from staging.stg_shopify__orders),
            (select list(order_name) from staging.stg_shopify__orders where total_amount is null),
            (select list(total order by order_name) from raw_shopify.orders)
    """
    count, without, raw = staged(folder, (rows,), query, "shopify")[0]
    assert count == 3, count
    assert "#1" in without, without
    same(raw, ["ten", "1.234,50", "7.00"])
    return f"3 orders staged, {len(without)} without an amount instead of a wrong one, text kept in raw; a guard counts them"


def _bad_rows(folder: Path) -> str:
    told = []
    for name, bad in (("one", 1), ("five in a hundred", 5), ("all", 100)):
        box = Sandbox(folder / name)
        rows = [f"{n},1,,2025-01-01\n" if n > bad else f"{n},1\n" for n in range(1, 101)]
        outcome = only(box.land(a=ORDERS + "".join(rows).encode()))
        if bad == 100:
            assert outcome.outcome == "refused", outcome
            told.append("all bad: the file refused whole")
            continue
        assert (outcome.rows_landed, outcome.rows_quarantined) == (100 - bad, bad), outcome
        texts = box.query("select source_row_number, raw_text from landing.rejected_rows order by 1")
        same(texts, [(n, f"{n},1") for n in range(1, bad + 1)])
        told.append(f"{bad} of 100 in quarantine with number and text")
    return "; ".join(told)


def _quotes_and_long_fields(folder: Path) -> str:
    box = Sandbox(folder)
    long = b"x" * 3_000_000
    box.land(a=ORDERS + b'1,1,"two\nlines",\n2,1,' + long + b',\n3,1,"never closed,\n4,1,ok,\n')
    same(box.query("select order_id, length(note) from raw_toy.orders order by 1"), [("1", 9), ("2", 3_000_000)])
    same(
        box.query("select source_row_number, raw_text from landing.rejected_rows"),
        [(3, '3,1,"never closed,\n4,1,ok,\n')],
    )
    small = Sandbox(folder / "small", limits=Limits(record_bytes=1_000_000, settle_seconds=0))
    small.land(a=ORDERS + b"1,1,ok,\n2,1," + long + b",\n")
    same(
        small.query("select source_row_number, rejection_reason, length(raw_text) from landing.rejected_rows"),
        [(2, "a record longer than the limit", 1_000_000)],
    )
    return "3 MB field landed, or in quarantine above the limit; what a quote swallowed is in quarantine byte for byte"


def _encodings(folder: Path) -> str:
    box = Sandbox(folder)
    text = "Order Id,Total,Note\n1,2,Grüße\n2,3,ok\n"
    summary = box.land(
        a=text.encode("latin-1"),
        b=text.encode("utf-16"),
        c=text.encode("utf-8-sig"),
        d=b"Order Id,Total,Note\n3,4,a\x00b\n",
    )
    same([(file.rows_landed, file.rows_quarantined) for file in summary.files], [(1, 1), (2, 0), (2, 0), (1, 0)])
    notes = {note for (note,) in box.query("select distinct note from raw_toy.orders")}
    assert notes == {"Grüße", "ok", "a\x00b"}, notes
    same(box.query("select raw_text from landing.rejected_rows"), [("1,2,Gr\\xfc\\xdfe",)])
    return "UTF-16 and marks decoded, latin-1 letters in quarantine as bytes, NUL kept; no garbled letter landed"


def _headers(folder: Path) -> str:
    box = Sandbox(folder)
    summary = box.land(
        a=b"Order Id;Total\n1;2\n",
        b=b"1,2,note,2025-01-01\n",
        c=b"Order Id,Total,order id\n1,2,3\n",
        d=b"Post;Id\n1;2\n",
        e=b"Order Id,Total,total\n4,5,6\n",
    )
    same([file.outcome for file in summary.files], ["landed", "refused", "refused", "refused", "landed"])
    assert "stands twice: order id" in str(summary.files[2].reason), summary.files[2]
    same(box.query("select total, _extra from raw_toy.orders where order_id = '4'"), [("5", '{"total":"6"}')])
    return (
        "`;` read as declared; no header, the key's twice, an unknown one: refused; another's second cell kept as text"
    )


def _damaged_containers(folder: Path) -> str:
    packed = gzip.compress(ORDERS + b"1,1,,\n" * 1000)
    flipped = bytearray(packed)
    flipped[-6] ^= 1
    told = []
    for name, content in (
        ("cut gz", packed[:-12]),
        ("gz with a wrong sum", bytes(flipped)),
        ("cut JSON", b'[{"id": "1", "bo'),
    ):
        told.append(f"{name}: {refused(Sandbox(folder / name).land(a=content), 'damaged')}")
    cut = Sandbox(folder / "parquet")
    refused(cut.land(a=b"PAR1\x15\x04\x00"), "binary data")
    return "; ".join(told)


def _hostile_archives(folder: Path) -> str:
    content = ORDERS + b"1,1,,\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = io.BytesIO()
        with zipfile.ZipFile(twice, "w") as archive:
            archive.writestr("a", content)
            archive.writestr("a", content + b"2,1,,\n")
    linked = io.BytesIO()
    with tarfile.open(fileobj=linked, mode="w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    encrypted = bytearray(zipped(a=content))
    for start in (encrypted.index(b"PK\x03\x04") + 6, encrypted.index(b"PK\x01\x02") + 8):
        encrypted[start] |= 1
    cases = {
        "escapes": (zipped(**{"../../a": content}), "leads out"),
        "absolute": (zipped(**{"/etc/a": content}), "leads out"),
        "bomb": (zipped(zeros=b"0" * 70_000_000), "unpacks to"),
        "twice": (twice.getvalue(), "the same name"),
        "linked": (linked.getvalue(), "links"),
        "encrypted": (bytes(encrypted), "encrypted"),
    }
    for name, (archive_content, words) in cases.items():
        box = Sandbox(folder / name)
        refused(box.land(a=archive_content), words)
        same(box.query("select count(*) from raw_toy.orders"), [(0,)])
        outside = [path for path in folder.rglob("a") if path.parent != box.exports and "exports" not in path.parts]
        same(outside, [])
    nested = Sandbox(folder / "nested").land(a=zipped(inner=zipped(b=content), one=content))
    same([file.outcome for file in nested.files], ["refused", "landed", "container"])
    few = Sandbox(folder / "many", limits=Limits(archive_members=2, settle_seconds=0))
    refused(few.land(a=zipped(a=content, b=content, c=content)), "3 members")
    return f"{', '.join(cases)}, too many members: refused whole and kept; an archive in an archive: refused alone"


def _growing_file(folder: Path) -> str:
    box = Sandbox(folder)
    look_again = load._is_still
    growing = box.exports / "a"

    def written_to_meanwhile(file: load.Found) -> bool:
        with growing.open("ab") as stream:
            stream.write(b"2,1,,\n")
        return look_again(file)

    load._is_still = written_to_meanwhile
    try:
        outcome = only(box.land(a=ORDERS + b"1,1,,\n"))
    finally:
        load._is_still = look_again
    assert outcome.outcome == "not_taken", outcome
    same(box.query("select count(*) from landing.files"), [(0,)])
    same([path for path in box.settings.archive.rglob("*") if path.is_file()], [])
    later = only(box.land())
    assert (later.outcome, later.rows_read) == ("landed", 2), later
    return f"not taken: {outcome.reason}; landed whole in the next run"


def _nothing_in_it(folder: Path) -> str:
    box = Sandbox(folder)
    same(box.land().files, [])
    box.land(z=ORDERS + b"1,1,,2025-01-01\n")
    summary = box.land(a=b"", b=ORDERS)
    same([(file.outcome, file.rows_read) for file in summary.files], [("refused", 0), ("landed", 0), ("unchanged", 0)])
    same(box.query("select count(*) from raw_toy.orders"), [(1,)])
    return "an empty folder, an empty file and a header alone are told apart; what had landed stays"


def _odd_names(folder: Path) -> str:
    box = Sandbox(folder)
    (box.exports / "plain.csv").write_bytes(ORDERS + b"0,1,,\n")
    names = [
        "*.csv",
        "x'; drop table landing.loads; --",
        'say "hi"',
        "two\nlines",
        "a?b",
        "ü" * 127,
        "%s{0}\\",
        "tab\t",
    ]
    raw = [os.fsencode(name) for name in names] + [b"bytes\xff\xfe"]
    for number, name in enumerate(raw, start=1):
        with open(os.path.join(os.fsencode(box.exports), name), "wb") as file:
            file.write(ORDERS + f"{number},1,,\n".encode())
    outside = folder / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_bytes(ORDERS + b"99,1,,\n")
    (box.exports / "link.csv").symlink_to(outside / "secret.csv")
    (box.exports / "folder").symlink_to(outside)
    (box.exports / "again.csv").symlink_to(box.exports / "plain.csv")
    (box.exports / "nowhere.csv").symlink_to(box.exports / "gone")
    summary = box.land()
    outcomes = {file.file_name: file.outcome for file in summary.files}
    not_taken = {name for name, outcome in outcomes.items() if outcome == "not_taken"}
    assert not_taken == {"link.csv", "folder", "nowhere.csv"}, outcomes
    same(box.query("select count(*), max(order_id::int) from raw_toy.orders"), [(10, 9)])
    assert {r"two\nlines", r"bytes\xff\xfe"} <= outcomes.keys(), outcomes
    same({file.outcome for file in box.land().files} - {"not_taken"}, {"unchanged"})
    return "10 files land once each; links that lead out are named and not followed"


def _exact_ids(folder: Path) -> str:
    box = Sandbox(folder)
    box.land(
        a=b'{"kind":"x","who":{"id":12345678901234567890123}}\n{"kind":"y","who":"007"}\n',
        b=b"Order Id,Total\n007,1e3\n",
    )
    same(box.query("select who from raw_toy.events order by 1"), [("007",), ("12345678901234567890123",)])
    same(box.query("select order_id, total from raw_toy.orders"), [("007", "1e3")])
    return "23 digits and leading zeros as they stood"


def _no_key_or_a_key_twice(folder: Path) -> str:
    rows = SHOP + order(1) + order(1) + b",p@example.com,paid,EUR,1.00,0.00,2025-03-01 10:00:00 +0000,1,Cup,\n"
    query = """
        select (select count(*) from staging.stg_shopify__orders),
            (select list(rejection_reason) from landing.rejected_rows)
    """
    expected = [(1, ["order_name: blank"])]
    same(staged(folder / "once", (rows,), query, "shopify"), expected)
    same(staged(folder / "again", (rows, rows), query, "shopify"), expected)
    return "no key: in quarantine; one key twice: one order; delivered again: nothing added"


def _formula(folder: Path) -> str:
    box = Sandbox(folder)
    cells = ['=HYPERLINK(""http://x"")', "+1+1", "@SUM(A1)", "-2+3", "<script>alert(1)</script>"]
    lines = "".join(f'{number},1,"{cell}",\n' for number, cell in enumerate(cells))
    box.land(a=ORDERS + lines.encode())
    same(
        [note for (note,) in box.query("select note from raw_toy.orders order by order_id")],
        [c.replace('""', '"') for c in cells],
    )
    from jinja2 import Environment

    from orchestration import overview

    environments = []

    class Noted(Environment):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            environments.append(options["autoescape"])
            super().__init__(*arguments, **options)

    assert Noted is not overview.Environment
    source = Path(str(overview.__file__)).read_text(encoding="utf-8")
    assert "autoescape=True" in source, "the page no longer escapes what stands in cells"
    assert "|safe" not in Path(str(overview.__file__)).with_suffix(".html").read_text(encoding="utf-8").replace(" ", "")
    return "text in raw as exported; no csv is written from cells, and the page escapes what it shows"


FAULTS: tuple[Fault, ...] = (
    Fault("18", "same file twice, renamed, in a zip", "landing", "no new rows, copies in the ledger", _delivered_again),
    Fault("19", "same name, new content", "landing", "a new version", _new_content_under_an_old_name),
    Fault("20", "overlapping windows, shuffled", "staging", "independent of order", _overlapping_windows_in_any_order),
    Fault("21", "restated amount", "staging", "the latest export's value, the old one in raw", _restated_amount),
    Fault(
        "22",
        "row missing from a later full list",
        "staging",
        "ended, unless most are missing",
        _deleted_from_a_full_list,
    ),
    Fault(
        "23",
        "event 400 days late, in the future, without a time",
        "staging",
        "staged or in quarantine",
        _late_future_and_no_time,
    ),
    Fault(
        "24", "time zones and changes of the clock", "staging", "one instant, one event, UTC", _one_instant_in_two_zones
    ),
    Fault("25", "equal rows in one file", "staging", "both kept", _equal_rows_in_one_file),
    Fault("26", "new column", "landing", "kept as text and reported", _new_column),
    Fault("27", "renamed required column", "landing", "that file alone refused, with the remedy", _renamed_column),
    Fault("28", "another type: words, decimal commas", "staging", "no wrong number, text kept", _another_type),
    Fault("29", "bad rows: 1, 5 %, all", "landing", "in quarantine with number and text; refused if all", _bad_rows),
    Fault(
        "30",
        "unterminated quote, line break in a cell, 3 MB cell",
        "landing",
        "nothing vanishes",
        _quotes_and_long_fields,
    ),
    Fault("31", "latin-1, UTF-16, byte order mark, NUL", "landing", "decoded or in quarantine", _encodings),
    Fault("32", "other delimiter, no header, header twice", "landing", "read as declared or refused", _headers),
    Fault("33", "cut or damaged gz, JSON, Parquet", "landing", "refused whole and kept", _damaged_containers),
    Fault(
        "34",
        "zip slip, bomb, doubles, nested, encrypted, links",
        "landing",
        "refused within the limits",
        _hostile_archives,
    ),
    Fault("35", "file still growing", "landing", "not taken, taken next time", _growing_file),
    Fault("36", "empty folder, empty file, header only", "landing", "in the ledger, nothing deleted", _nothing_in_it),
    Fault("37", "hostile file names and links", "landing", "harmless", _odd_names),
    Fault("38", "huge ids, leading zeros", "landing", "exact text", _exact_ids),
    Fault("39", "no key, a key twice", "staging", "in quarantine, once; again adds nothing", _no_key_or_a_key_twice),
    Fault("45", "formula in a cell", "export", "neutralised where people read it", _formula),
)
