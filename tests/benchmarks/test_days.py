"""One more day on a history of many days: what is replaced beside a whole build of the same, each in a process of its own.

`BALCONY_BENCH_DAYS` and `BALCONY_BENCH_VISITS_A_DAY` set the size, 1,000 each by default.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestration.scorecard.pipeline import compile_project
from orchestration.settings import PROJECT_ROOT
from tests.benchmarks.figures import Side, keep, table
from tests.integration.replacing import compile_nights

DAYS = int(os.environ.get("BALCONY_BENCH_DAYS", "1000"))
VISITS_A_DAY = int(os.environ.get("BALCONY_BENCH_VISITS_A_DAY", "1000"))

# Of a hundred visitors two buy, on the day of the visit, and are known from then on; everybody comes some ten times in a
# month and not again.
HISTORY = """
    delete from staging.stg_access_log__visits;
    insert into staging.stg_access_log__visits by name
    select
        'site' as platform_id, md5('visit ' || n) as visit_id, 'site_visitor' as identifier_type,
        md5('visitor ' || visitor) as identifier_value,
        case hash(n) % 4 when 0 then null when 1 then 'mastodon' when 2 then 'bluesky' else 'newsletter' end as utm_source,
        'social' as utm_medium, hash(n, 'bot') % 50 = 0 as is_bot,
        timestamp '2023-01-01' + to_days(cast(day as integer)) + to_seconds(hash(n, 'second') % 86400) as visited_at
    from (
        select n, n // {visits} as day,
            (n // {visits} + hash(n, 'phase') % 30) // 30 * {visits} * 3 + hash(n, 'visitor') % ({visits} * 3) as visitor
        from range({days} * {visits}) as numbers(n)
    );
    delete from staging.stg_shopify__conversions;
    insert into staging.stg_shopify__conversions by name
    select
        'shopify' as platform_id, visit_id as conversion_id, 'order' as conversion_kind, 'email' as identifier_type,
        md5('email ' || identifier_value) as identifier_value, 40 + hash(visit_id) % 60 as gross_amount,
        'USD' as currency_code, if(hash(visit_id) % 20 = 0, 10, 0) as reversed_amount, false as is_fully_reversed,
        visited_at + interval 10 minute as converted_at, visited_at + interval 2 hour as reversed_at
    from staging.stg_access_log__visits
    where hash(visit_id, 'buys') % 50 = 0 and not is_bot;
    delete from staging.stg_access_log__identity_links;
    insert into staging.stg_access_log__identity_links by name
    select
        'site_visitor' as identifier_type, identifier_value, 'email' as other_identifier_type,
        md5('email ' || identifier_value) as other_identifier_value, 'order_page' as link_reason,
        min(visited_at) as linked_at
    from staging.stg_access_log__visits
    where hash(visit_id, 'buys') % 50 = 0 and not is_bot
    group by identifier_value;
"""

NIGHT = """
import json, os, pickle, resource, sys, time
import duckdb
folder, history, is_first = sys.argv[1], sys.argv[2], sys.argv[3] == "first"
nights = pickle.load(open(folder + "/nights.pickle", "rb")).after_staging
with duckdb.connect(folder + "/warehouse.duckdb", config={"threads": 2, "memory_limit": "4GB"}) as connection:
    # A bar would stand on the line of the result.
    connection.execute("set enable_progress_bar = false")
    connection.execute(history)
    connection.execute("checkpoint")
    spent = {}
    for model in nights.models:
        wall, worked = time.perf_counter(), sum(os.times()[:4])
        nights.build_model(connection, model, is_first=is_first)
        name, is_replaced = model.relation.split('"')[-2], model.relation in nights.scripts
        spent[name] = (is_replaced, time.perf_counter() - wall, sum(os.times()[:4]) - worked)
    connection.execute("checkpoint")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = connection.execute(
        "select (select count(*) from intermediate.int_touchpoints), (select count(*) from marts.fct_attribution_credits)"
    ).fetchall()[0]
    differences = None if is_first else nights.differences(connection)
print(json.dumps({"spent": spent, "peak": peak, "counts": counts, "differences": differences}))
"""


def test_one_more_day_beside_a_whole_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_project(tmp_path / "built")
    nights = compile_nights(compiled, tmp_path / "built")
    (tmp_path / "nights.pickle").write_bytes(pickle.dumps(nights))
    compiled.warehouse.rename(tmp_path / "warehouse.duckdb")
    whole, nothing, day = (_night(tmp_path, days, which) for which, days in NIGHTS.items())
    _print_tables(whole["spent"], day["spent"])
    sides = {
        "a whole build": _side(whole),
        "one more day": _side(day),
        "of it tables that replace what changed": _side(day, is_replaced=True),
        "of it tables built whole": _side(day, is_replaced=False),
        "no more day": _side(nothing),
    }
    notes = [
        f"{whole['counts'][0]:,} touches and {whole['counts'][1]:,} credits in {DAYS:,} days. From staged rows to the daily marts"
        " of attribution, without dbt's own time; staging itself is built whole every night and stands on no side."
    ]
    keep(table(f"One more day on {DAYS:,} days of {VISITS_A_DAY:,} visits", sides, notes, against="a whole build"))
    assert nothing["differences"] == day["differences"] == {}


NIGHTS = {"first": DAYS, "same": DAYS, "later": DAYS + 1}
"""Which night has how many days of history."""


def _night(folder: Path, days: int, which: str) -> Any:
    history = HISTORY.format(days=days, visits=VISITS_A_DAY)
    done = subprocess.run(
        [sys.executable, "-c", NIGHT, str(folder), history, which], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _side(night: Any, *, is_replaced: bool | None = None) -> Side:
    """What all of its tables took, or those of one kind."""
    spent = [times for kind, *times in night["spent"].values() if is_replaced in (None, kind)]
    seconds, worked = (sum(column) for column in zip(*spent, strict=True))
    return Side(seconds, worked, night["peak"], result=None)


def _print_tables(whole: Any, day: Any) -> None:
    print(f"\n{'processor seconds':32}{'whole build':>14}{'one more day':>14}")
    for name in sorted(whole, key=lambda name: whole[name][-1]):
        if max(whole[name][-1], day[name][-1]) > 0.02:
            print(f"{name:32}{whole[name][-1]:>14.2f}{day[name][-1]:>14.2f}")
