"""One more day on a history of many days: what is replaced beside a whole build of the same, each in a process of its own.

Start-up is what a day of a history of 5 visits a day takes. A day is the median of five that follow each other, for the first
after a pause took up to half as long again, in the kernel. `BALCONY_BENCH_DAYS` and `BALCONY_BENCH_VISITS_A_DAY` set the size,
1,000 each by default.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from orchestration.scorecard.pipeline import compile_project
from orchestration.settings import PROJECT_ROOT
from tests.benchmarks.figures import Side, keep, table
from tests.integration.replacing import compile_nights

DAYS = int(os.environ.get("BALCONY_BENCH_DAYS", "1000"))
VISITS_A_DAY = int(os.environ.get("BALCONY_BENCH_VISITS_A_DAY", "1000"))
FEW_VISITS_A_DAY = 5
MORE_DAYS = 5

# A log a day, of each visit a page and what it loads. Of a hundred visitors two buy, on the day of the visit, and are known
# by the page of their order from then on; everybody comes some ten times in a month and not again.
HISTORY = """
    create temp table visits as
    select
        n, day, hash(n, 'second') % 86000 as second, hash(n, 'bot') % 50 = 0 as is_bot,
        hash(n, 'buys') % 50 = 0 and not is_bot as buys,
        concat_ws('.', 10, visitor // 65536, visitor // 256 % 256, visitor % 256) as remote_address,
        case hash(n) % 4 when 0 then '' when 1 then 'mastodon' when 2 then 'bluesky' else 'newsletter' end as utm_source
    from (
        select n, n // {visits} as day,
            (n // {visits} + hash(n, 'phase') % 30) // 30 * {visits} * 3 + hash(n, 'visitor') % ({visits} * 3) as visitor
        from range({first_day} * {visits}, {days} * {visits}) as numbers(n)
    );
    insert into landing.access_log__requests by name
    select
        remote_address,
        strftime(timestamp '2023-01-01' + to_days(day::integer) + to_seconds(second + later), '%d/%b/%Y:%H:%M:%S +0000')
            as requested_at,
        concat('GET ', target, ' HTTP/1.1') as request_line, '200' as status_code, '512' as response_bytes,
        '-' as referrer, if(is_bot, 'examplebot/2', 'Mozilla/5.0') as user_agent,
        day + 1 as _load_id, row_number() over (partition by day order by second, n, later) as _source_row_number
    from visits cross join (values (0), (1), (600)) as steps(later)
        cross join lateral (
            select case later
                when 0 then '/' || if(utm_source = '', '', '?utm_source=' || utm_source || '&utm_medium=social')
                when 1 then '/site.css'
                else '/orders/' || n
            end
        ) as targets(target)
    where later < 600 or buys
    order by day, second, n, later;
    insert into landing.loads by name
    select
        day + 1 as load_id, sha256('log ' || day) as file_sha256, 'access_log' as source_name, 'requests' as table_name,
        '1' as specs_version, 'landed' as load_status, 0 as byte_count, count(*) as rows_landed_count,
        day || '.log' as file_name, timestamp '2023-01-02' + to_days(day::integer) as modified_at, modified_at as landed_at
    from visits group by day;
    insert into staging.stg_shopify__conversions by name
    select
        'shopify' as platform_id, md5('order ' || n) as conversion_id, 'order' as conversion_kind,
        'email' as identifier_type, md5('email ' || remote_address) as identifier_value, 40 + n % 60 as gross_amount,
        'USD' as currency_code, if(n % 20 = 0, 10, 0) as reversed_amount, false as is_fully_reversed,
        timestamp '2023-01-01' + to_days(day::integer) + to_seconds(second + 600) as converted_at,
        converted_at + interval 2 hour as reversed_at
    from visits where buys;
    insert into staging.stg_shopify__identity_links by name
    select
        'email' as identifier_type, identifier_value, 'shopify_order' as other_identifier_type,
        '#' || n as other_identifier_value, 'same_order' as link_reason, converted_at as linked_at
    from visits inner join staging.stg_shopify__conversions on conversion_id = md5('order ' || n)
    where buys;
"""

NIGHT = """
import json, os, pickle, resource, sys, time
import duckdb
folder, history, is_first, is_compared = sys.argv[1], sys.argv[2], sys.argv[3] == "first", sys.argv[4] == "compared"
nights = pickle.load(open(folder + "/nights.pickle", "rb"))
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
    differences = nights.differences(connection) if is_compared else None
print(json.dumps({"spent": spent, "peak": peak, "counts": counts, "differences": differences}))
"""


def test_one_more_day_beside_a_whole_build(tmp_path: Path) -> None:
    compiled = compile_project(tmp_path / "built")
    nights = compile_nights(compiled, tmp_path / "built")
    filled_otherwise = nights.without("stg_shopify__conversions", "stg_shopify__identity_links")
    histories = {VISITS_A_DAY: tmp_path / "many", FEW_VISITS_A_DAY: tmp_path / "few"}
    for folder in histories.values():
        folder.mkdir()
        (folder / "nights.pickle").write_bytes(pickle.dumps(filled_otherwise))
        shutil.copy(compiled.warehouse, folder / "warehouse.duckdb")
    few = _night(histories[FEW_VISITS_A_DAY], FEW_VISITS_A_DAY, (0, DAYS), "first")
    start_up = _further_day(histories[FEW_VISITS_A_DAY], FEW_VISITS_A_DAY)
    whole = _night(histories[VISITS_A_DAY], VISITS_A_DAY, (0, DAYS), "first")
    nothing = _night(histories[VISITS_A_DAY], VISITS_A_DAY, (DAYS, DAYS), "later", "compared")
    day = _further_day(histories[VISITS_A_DAY], VISITS_A_DAY)
    _print_tables(whole["spent"], day["spent"])
    sides = {
        "a whole build": _side(whole),
        "one more day": _side(day),
        "of it tables that replace what changed": _side(day, is_replaced=True),
        "of it tables built whole": _side(day, is_replaced=False),
        "no more day": _side(nothing),
        f"one more day of {FEW_VISITS_A_DAY} visits": _side(start_up),
        f"a whole build of {FEW_VISITS_A_DAY} visits a day": _side(few),
    }
    beside_start_up = sides["one more day"].worked - sides[f"one more day of {FEW_VISITS_A_DAY} visits"].worked
    notes = [
        f"One more day costs {beside_start_up:.2f} processor seconds more than one of {FEW_VISITS_A_DAY} visits:"
        f" {beside_start_up / sides['a whole build'].worked:.1%} of a whole build.",
        f"{whole['counts'][0]:,} touches and {whole['counts'][1]:,} credits in {DAYS:,} days. From the landed rows of a"
        f" log to the daily marts of attribution, without dbt's own time. A day is the median of {MORE_DAYS}.",
    ]
    keep(table(f"One more day on {DAYS:,} days of {VISITS_A_DAY:,} visits", sides, notes, against="a whole build"))
    assert nothing["differences"] == day["differences"] == {}


def _further_day(folder: Path, visits: int) -> Any:
    """The median of some days, by processor seconds, with what the last of them left different."""
    last = DAYS + MORE_DAYS - 1
    days = [
        _night(folder, visits, (day, day + 1), "later", "compared" if day == last else "")
        for day in range(DAYS, DAYS + MORE_DAYS)
    ]
    median = sorted(days, key=lambda night: _side(night).worked)[MORE_DAYS // 2]
    return median | {"differences": days[-1]["differences"]}


def _night(folder: Path, visits: int, days: tuple[int, int], *which: str) -> Any:
    """A night on which the days from one to another arrive."""
    history = HISTORY.format(first_day=days[0], days=days[1], visits=visits)
    done = subprocess.run(
        [sys.executable, "-c", NIGHT, str(folder), history, *which, ""],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
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
