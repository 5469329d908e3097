"""A warehouse that is damaged or gone is made anew from the archive, and errors say what to do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest

from orchestration.exports import settings_to_land
from orchestration.landing.index import index_of, restore_suppressed, write_index
from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import land_folder
from orchestration.recovery import SET_ASIDE, repair
from orchestration.warehouse import DamagedWarehouseError, connect, is_damage, log_of, remedy, with_remedy
from tests.unit.landing_helpers import Toy

ORDERS = b"Order Id,Total,Ordered at\n#%d,10,2026-03-01\n"
FILES = "select file_name, member_name, file_sha256, file_outcome, byte_count, modified_at, first_seen_at"


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """Four files landed: two of one content, one in an archive, one that nothing recognises."""
    toy = Toy(tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders.csv", ORDERS % 2)
    toy.land(first__csv=ORDERS % 1, copy__csv=ORDERS % 1, packed__zip=packed.getvalue(), unknown__txt=b"nothing\n")
    return toy


def empty(toy: Toy) -> None:
    for path in toy.exports.iterdir():
        path.unlink()


@pytest.mark.parametrize("exports_are_kept", [True, False])
def test_without_a_warehouse_the_archive_gives_the_same_ledger(toy: Toy, exports_are_kept: bool) -> None:
    known, rows = toy.query(f"{FILES} from landing.files order by all"), toy.query("from raw_toy.orders order by all")
    assert len(known) == 5
    toy.settings.warehouse.unlink()
    if not exports_are_kept:
        empty(toy)
    assert repair(toy.settings) == [f"there is no warehouse: what {toy.settings.archive} holds lands again"]
    land_folder(toy.settings)
    assert toy.query(f"{FILES} from landing.files order by all") == known
    assert toy.query("from raw_toy.orders order by all") == rows
    assert repair(toy.settings) == []


def test_a_run_that_dies_while_it_lands_the_archive_again_leaves_the_rest_to_the_next(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = toy.query("select file_name, file_sha256 from landing.files order by all")
    toy.settings.warehouse.unlink()
    empty(toy)
    committed = []

    def die_at_the_first(name: str) -> None:
        if name == "landing.committed":
            committed.append(name)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orchestration.landing.load.fault_point", die_at_the_first)
        with pytest.raises(KeyboardInterrupt):
            land_folder(toy.settings)
    assert committed
    assert toy.query("select count(*) from landing.files") < [(5,)]
    land_folder(toy.settings)
    assert toy.query("select file_name, file_sha256 from landing.files order by all") == known


def test_the_list_of_files_is_written_only_where_something_is_new(toy: Toy) -> None:
    before = index_of(toy.settings).stat().st_mtime_ns
    land_folder(toy.settings)
    assert index_of(toy.settings).stat().st_mtime_ns == before
    toy.land(second__csv=ORDERS % 3)
    assert index_of(toy.settings).stat().st_mtime_ns > before


def test_a_demo_never_takes_the_place_of_a_lost_warehouse(toy: Toy) -> None:
    toy.settings.warehouse.unlink()
    empty(toy)
    assert settings_to_land(toy.settings) == toy.settings


def test_a_damaged_warehouse_is_set_aside_and_said(toy: Toy) -> None:
    content = toy.settings.warehouse.read_bytes()
    toy.settings.warehouse.write_bytes(content[:4096] + b"damage" + content[4102:])
    with pytest.raises(DamagedWarehouseError, match="start the run again: it sets the file aside"):
        connect(toy.settings)
    said = repair(toy.settings)
    assert len(said) == 3
    assert "the warehouse is damaged" in said[0]
    assert not toy.settings.warehouse.exists()
    assert len(list((toy.settings.home / SET_ASIDE).iterdir())) == 1
    land_folder(toy.settings)
    assert toy.query("select count(*) from raw_toy.orders") == [(2,)]


def test_a_log_without_its_warehouse_is_set_aside(toy: Toy) -> None:
    toy.settings.warehouse.unlink()
    log_of(toy.settings).write_bytes(b"what another file's log holds")
    assert "a log without its warehouse" in repair(toy.settings)[0]
    assert not log_of(toy.settings).exists()


def test_who_was_erased_stays_out_without_a_warehouse(toy: Toy) -> None:
    """The list of hashes outlives the warehouse, and a file of which nothing is kept does not land again."""
    with connect(toy.settings) as connection:
        connection.execute("insert into landing.suppressed_identifiers values ('email', 'hash', 'check', now())")
        connection.execute(
            "update landing.loads set archived_sha256 = null, archive_state = 'erased' where file_name = 'unknown.txt'"
        )
        write_index(connection, toy.settings)
        listed = connection.execute("from landing.suppressed_identifiers").fetchall()
    empty(toy)
    toy.settings.warehouse.unlink()
    with open_warehouse(toy.settings) as connection:
        restore_suppressed(connection, toy.settings)
        restore_suppressed(connection, toy.settings)
        assert connection.execute("from landing.suppressed_identifiers").fetchall() == listed
        connection.execute("delete from landing.suppressed_identifiers")
    (toy.settings.home / "ledger" / "suppressed_identifiers.parquet").unlink()
    lost = [file.file_name for file in land_folder(toy.settings).files if file.outcome == "lost"]
    assert lost == ["unknown.txt"]


def test_damage_met_while_a_file_lands_is_not_the_files_fault(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    damage = duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2")
    monkeypatch.setattr("orchestration.landing.load.open_source", Mock(side_effect=damage))
    with pytest.raises(duckdb.Error, match="Corrupt database file"):
        toy.land(later__csv=ORDERS % 9)
    assert toy.query("select count(*) from landing.files where file_name = 'later.csv'") == [(0,)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("IO Error: Could not set lock on file: held in python (PID 123)", "another process has the file open"),
        ("[Errno 28] No space left on device", "free space below BALCONY_HOME"),
        ("Out of Memory Error: could not allocate block of size 256 KiB", "raise BALCONY_MEMORY_LIMIT"),
        ("[Errno 13] Permission denied: 'exports'", "let the user who runs Balcony"),
        ("Corrupt database file: computed checksum 1 does not match", "sets the file aside"),
        ("[Errno 20] Not a directory: 'home'", "something else has that name"),
    ],
)
def test_an_error_of_the_machine_says_what_to_do(text: str, told: str) -> None:
    assert told in with_remedy(text)
    assert with_remedy(with_remedy(text)) == with_remedy(text)


def test_an_error_of_the_data_stays_as_it_is() -> None:
    assert remedy("Binder Error: column total not found") is None
    assert with_remedy("3 rows broken") == "3 rows broken"
    newer = "Trying to read a database file with version number 99, but we can only read versions between 64 and 68."
    assert not is_damage(newer)


def test_records_of_earlier_runs_are_taken_from_the_publication(toy: Toy) -> None:
    folder = toy.settings.published / "20260101T000000Z-run"
    folder.mkdir(parents=True)
    (toy.settings.published / "current").symlink_to(folder.name)
    (folder / "manifest.json").write_text(
        '{"publication_id": "1", "run_id": "1", "published_at": "", "build_state": "", "is_demo": false, "tables": {}}'
    )
    with duckdb.connect(str(folder / "balcony_marts.duckdb")) as published:
        published.execute("create schema marts")
        published.execute(
            "create table marts.fct_publications as select '20260101T000000Z-run' as publication_id, 'run' as run_id,"
            " 3 as table_count, 4 as row_count, timestamp '2026-01-01' as published_at, 'more' as unknown_column"
        )
    toy.settings.warehouse.unlink()
    repair(toy.settings)
    assert toy.query("select publication_id, table_count from raw_balcony.publications") == [
        ("20260101T000000Z-run", 3)
    ]
    assert toy.query("select count(*) from raw_balcony.check_results") == [(0,)]
