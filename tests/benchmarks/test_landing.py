"""Landing against a bare read of the same file in the same run; each side in a process of its own, so that its peak counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

ROWS = int(os.environ.get("BALCONY_BENCH_ROWS", "10000000"))

BARE = """
import duckdb
with duckdb.connect(str(root / "bare.duckdb"), config={"memory_limit": "6GB", "threads": 2}) as connection:
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"create table bare as select * from read_csv('{export}', all_varchar = true)")
    rows = connection.execute("select count(*) from bare").fetchone()[0]
"""

LAND = """
import dataclasses
from orchestration.landing.load import land_folder
from orchestration.settings import Settings
settings = dataclasses.replace(Settings.from_environment(), exports=export.parent, home=root / "home")
rows = land_folder(settings).rows_landed
"""

HARNESS = """
import json, resource, sys, time
from pathlib import Path
export, root = Path(sys.argv[1]), Path(sys.argv[2])
start = time.perf_counter()
{body}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"seconds": seconds, "peak": peak, "rows": rows}}))
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


def measure(body: str, export: Path, root: Path) -> dict[str, float]:
    script = HARNESS.format(body=textwrap.dedent(body))
    done = subprocess.run([sys.executable, "-c", script, export, root], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


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
    assert all(bare["rows"] == landed["rows"] == rows for bare, landed in pairs)
    bare, landed = (min(side, key=lambda one: one["seconds"]) for side in zip(*pairs, strict=True))
    print(
        f"\n{layout}: landing {rows:>11,} rows ({export.stat().st_size / 1e6:,.0f} MB): {landed['seconds']:6.1f} s,"
        f" peak {landed['peak']:,.0f} MB; bare read {bare['seconds']:6.1f} s, peak {bare['peak']:,.0f} MB;"
        f" ratio {landed['seconds'] / bare['seconds']:.2f}"
    )
