"""A person who wants to be forgotten. Row 44 of the matrix."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import duckdb

from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import land_folder
from orchestration.landing.spec import load_specs
from orchestration.people import Someone, about, erase, expire_publications, find, prove
from tests.faults.fault import Fault
from tests.faults.sandbox import Sandbox, same

ADDRESS = "mia.sander@example.com"
OTHER = "x.mia.sander@example.com"
SHOP = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Notes,Id\n"
STRIPE = "id,Created date (UTC),Amount,Currency,Captured,Status,Customer ID,Customer Email\n"


def order(name: int, email: str, note: str = "") -> str:
    return f"#{name},{email},paid,EUR,10.00,2025-03-01 10:00:00 +0000,1,Cup,{note},61{name}\n"


def deliver(box: Sandbox) -> None:
    """Exports in which one person stands in every way: as buyer, payer, visitor, mention, in refused files and in texts."""
    shop = SHOP + order(1001, ADDRESS.upper()) + order(1001, "") + order(1002, OTHER, f"gift for {ADDRESS}.")
    shop += order(1003, "ned@example.org")
    stripe = STRIPE + f"ch_1,2025-03-01 10:00:00,10.00,eur,TRUE,Paid,cus_Mia4711,{ADDRESS}\n"
    stripe += "ch_2,2025-03-02 10:00:00,5.00,eur,TRUE,Paid,cus_Mia4711,\n"
    stripe += "ch_3,2025-03-02 10:00:00,5.00,eur,TRUE,Paid,cus_Ned,ned@example.org\n"
    log = '192.0.2.7 - - [01/Mar/2025:10:00:00 +0000] "GET /?email=mia.sander%40example.com HTTP/1.1" 200 1 "-" "Mozilla"\n'
    log += (
        f'not a line but {ADDRESS}\n192.0.2.8 - - [01/Mar/2025:10:00:01 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla"\n'
    )
    with zipfile.ZipFile(box.exports / "shop.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("orders.csv", shop)
    (box.exports / "payments.csv").write_bytes(stripe.encode("utf-16"))
    (box.exports / f"log of {ADDRESS}.log").write_text(log)
    (box.exports / "unknown.csv").write_text(f"Who,What\n{ADDRESS},complaint\n")
    land_folder(box.settings)
    box.check()


def publish(box: Sandbox, someone: Someone) -> None:
    """An earlier publication that holds the person's key."""
    folder = box.settings.published / "20250101T000000Z-earlier"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "balcony_marts.duckdb")) as marts:
        marts.execute("create schema marts; create table marts.dim_people (person_key varchar)")
        marts.executemany("insert into marts.dim_people values (?)", [[key] for key in sorted(someone.keys)])


def _erased(folder: Path) -> str:
    box = Sandbox(folder, is_real=True)
    deliver(box)
    with open_warehouse(box.settings) as connection:
        someone = find(connection, load_specs(box.settings.dbt_project), f" {ADDRESS.upper()}\n")
    same(
        sorted(someone.identifiers),
        [("email", ADDRESS), ("shopify_order", "#1001"), ("stripe_customer", "cus_Mia4711")],
    )
    publish(box, someone)
    told, count = about(box.settings, ADDRESS)
    assert oct(told.stat().st_mode & 0o777) == "0o700", told.stat()
    same({len(json.loads(line)) > 2 for line in (told / "rows.jsonl").read_text().splitlines()}, [True])
    before = prove(box.settings.home, someone)
    assert len(before.found) >= 5, before.found
    done = erase(box.settings, someone)
    expire_publications(box.settings, keep_current=False)
    box.check()
    same(sorted(done.rows.items()), [("shopify.orders", 2), ("stripe.payments", 2)])
    after = prove(box.settings.home, someone)
    same(after.found.items(), [])
    same(
        box.query("select email, notes from raw_shopify.orders order by 1"),
        [("ned@example.org", ""), (OTHER, "gift for (erased).")],
    )
    _come_again(box, someone)
    return (
        f"{sum(before.found.values())} places in {len(before.found)} files before, 0 of {after.files} files after;"
        f" {count} rows told; the same and a later export land without the person"
    )


def _come_again(box: Sandbox, someone: Someone) -> None:
    """The same files, touched and renamed, and a later export with new rows of the person."""
    for path in list(box.exports.iterdir()):
        os.utime(path, (1, 1))
        path.rename(path.with_name(f"again {path.name}"))
    land_folder(box.settings)
    (box.exports / "later.csv").write_text(
        SHOP + order(1001, ADDRESS) + order(1004, ADDRESS) + order(1004, "") + order(1005, OTHER, f"and {ADDRESS}")
    )
    (box.exports / "payments later.csv").write_text(
        STRIPE
        + "ch_9,2025-03-09 10:00:00,5.00,eur,TRUE,Paid,cus_Mia4711,\nch_8,2025-03-09 10:00:00,1.00,eur,TRUE,Paid,,\n"
    )
    summary = land_folder(box.settings)
    box.check()
    erased = {
        file.file_name: (file.rows_erased, file.rows_landed) for file in summary.files if file.outcome == "landed"
    }
    same(sorted(erased.items()), [("later.csv", (3, 1)), ("payments later.csv", (1, 1))])
    (box.exports / "complaint").write_text(f"From: Mia <{ADDRESS}>\n")
    same([file.outcome for file in land_folder(box.settings).files if file.file_name == "complaint"], ["refused"])
    same(prove(box.settings.home, someone).found.items(), [])


FAULTS: tuple[Fault, ...] = (
    Fault("44", "erase a person", "all", "in no file, and not back with the same export", _erased),
)
