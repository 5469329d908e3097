"""Landing against a bare read of the same file in the same run; each side in a process of its own, so that its peak counts."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from tests.benchmarks.figures import keep, measure, table

ROWS = int(os.environ.get("BALCONY_BENCH_ROWS", "10000000"))

BARE = """
import duckdb
export, root = arguments
with duckdb.connect(str(root / "bare.duckdb"), config={"memory_limit": "6GB", "threads": 2}) as connection:
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"create table bare as select * from read_csv('{export}', all_varchar = true)")
    result = connection.execute("select count(*) from bare").fetchone()[0]
"""

LAND = """
import dataclasses
export, root = arguments
from orchestration.landing.load import land_folder
from orchestration.settings import Settings
settings = dataclasses.replace(Settings.from_environment(), exports=export.parent, home=root / "home")
result = land_folder(settings).rows_landed
"""


LAYOUTS = {
    "subscribers": """
                select
                    'reader' || n || '@example.org' as "Email Address",
                    strftime(timestamp '2024-01-01' + to_seconds(n), '%Y-%m-%d %H:%M:%S +0000') as "Subscribed at",
                    'mastodon' as "UTM Source", 'social' as "UTM Medium", '' as "UTM Term", md5(n::varchar) as "UTM Content",
                    'spring' as "UTM Campaign", '/beans/' || n as "UTM Last Path", 'https://social.example/' as "UTM Referrer"
    """,
    "payments": """
                select
                    strftime(timestamp '2024-01-01' + to_seconds(n), '%Y-%m-%d %H:%M:%S') as "Created date (UTC)",
                    (n % 5000) || '.00' as "Amount", 'usd' as "Currency", 'TRUE' as "Captured",
                    '534.80' as "Converted Amount", 'thb' as "Converted Currency", '35.40' as "Fee",
                    'card' as "Payment Source Type", 'Paid' as "Status", '2.48' as "Taxes On Fee",
                    'PE' as "Card Address Country", 'debit' as "Card Funding", 'PE' as "Card Issue Country",
                    'cus_' || md5(n::varchar) as "Customer ID", 'BC4E5A99-' || n as "Invoice Number"
    """,
}
"""Curated's subscribers fill all 9 columns of their raw table; Stripe's default columns are 15 of the 80 of theirs."""


def write_export(path: Path, rows: int, layout: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy ({LAYOUTS[layout]} from range({rows}) as numbers (n)) to '{path}' (header)")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [ROWS // 5, ROWS])
def test_landing_a_csv_beside_a_bare_read(tmp_path: Path, rows: int, layout: str) -> None:
    """Prints seconds, peak memory and the ratio; the least of three pairs, since a busy machine only adds."""
    export = tmp_path / "exports" / "payments.csv"
    export.parent.mkdir()
    write_export(export, rows, layout)
    pairs = []
    for attempt in range(3):
        (root := tmp_path / f"attempt-{attempt}").mkdir()
        pairs.append((measure(BARE, export, root), measure(LAND, export, root)))
    assert all(bare.result == landed.result == rows for bare, landed in pairs)
    bare, landed = (min(side, key=lambda one: one.seconds) for side in zip(*pairs, strict=True))
    notes = [f"{export.stat().st_size / 1e6:,.0f} MB of CSV; the least of three pairs, since a busy machine only adds."]
    sides = {"a bare read into DuckDB": bare, "Balcony, landing": landed}
    keep(table(f"Landing {layout}, {rows / 1e6:g} million rows", sides, notes, against="a bare read into DuckDB"))
