"""Measured attribution against one plain script on the same journeys; each side in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.integration.attribution_sql import compile_models
from tests.integration.test_measured_attribution import MODELS

JOURNEYS = int(os.environ.get("BALCONY_BENCH_JOURNEYS", "1000000"))

# Markov order 1 and equal shares, as somebody would write it in an afternoon: no months, no kinds, no intervals, no guard
# against what the data may hold.
PLAIN = """
import duckdb, numpy as np
with duckdb.connect(str(root / "plain.duckdb"), config={"memory_limit": "6GB", "threads": 2}) as connection:
    connection.execute(f"create table journeys as from '{journeys}'")
    connection.execute('''
        create table steps as
        with touches as (
            select journey_key, conversion_key is not null as converted, string_split(journey_path, ' > ') as channels
            from journeys
        ),
        exploded as (
            select journey_key, converted, channels, unnest(channels) as channel,
                unnest(generate_series(1, len(channels))) as place
            from touches
        )
        select if(place = 1, '(start)', channels[place - 1]) as source, channel as target, count(*) as n
        from exploded group by all
        union all
        select channel, if(converted, '(converted)', '(lost)'), count(*) from exploded where place = len(channels) group by all
    ''')
    linear = connection.execute('''
        with converted as (
            select list_distinct(string_split(journey_path, ' > ')) as channels
            from journeys where conversion_key is not null
        )
        select unnest(channels) as channel, sum(1 / len(channels)) from converted group by channel
    ''').fetchall()
    steps = connection.execute("from steps").fetchall()
names = ["(start)", *sorted({row[1] for row in steps} - {"(converted)", "(lost)"})]
place = {name: number for number, name in enumerate(names)}
between, out, won = np.zeros((len(names), len(names))), np.zeros(len(names)), np.zeros(len(names))
for source, target, n in steps:
    out[place[source]] += n
    if target in place:
        between[place[source], place[target]] += n
    elif target == "(converted)":
        won[place[source]] += n
between, won = between / out[:, None], won / out
total = sum(row[2] for row in steps if row[1] == "(converted)")
base = np.linalg.solve(np.eye(len(names)) - between, won)[0]
effects = {}
for name in names[1:]:
    kept = [n for n in range(len(names)) if n != place[name]]
    left = np.linalg.solve(np.eye(len(kept)) - between[np.ix_(kept, kept)], won[kept])[0]
    effects[name] = 1 - left / base
credits = {name: total * effect / sum(effects.values()) for name, effect in effects.items()}
"""

# The file is called as the database that the models were compiled for.
MEASURED = """
import duckdb
from orchestration.measurement.attribution import MEASUREMENTS

sql = json.loads((root / "models.json").read_text())
with duckdb.connect(str(root / "memory.duckdb"), config={"memory_limit": "6GB", "threads": 2}) as connection:
    for statement in sql["given"]:
        connection.execute(statement.replace("{journeys}", str(journeys)))
    for relation, query in sql["models"]:
        if relation == "marts.channel_attribution_monthly":
            measurement = MEASUREMENTS[0]
            frames = [connection.execute(f"from {name} order by all").df() for name in measurement.reads]
            figures = measurement.measure(*frames)
            columns = "* replace (month_date::date as month_date)"
            connection.execute(f"create table measurement.channel_effects as select {columns} from figures")
        connection.execute(f"create table {relation} as {query}")
    credits = dict(connection.execute('''
        select channel_id, credit_count::double from marts.channel_attribution_total
        where attribution_model_id = 'markov_order_1'
    ''').fetchall())
"""

GIVEN = [
    *(f"create schema {name}" for name in ("intermediate", "marts", "reference", "measurement")),
    "create table intermediate.int_journeys as from '{journeys}'",
    """
    create table intermediate.int_conversions as
    select
        conversion_key, person_key, conversion_kind, journey_date as converted_date, cast(null as date) as reversed_date,
        'USD' as reporting_currency_code, false as is_fully_reversed, cast(10 as decimal(18, 2)) as gross_amount_reporting,
        cast(0 as decimal(18, 2)) as reversed_amount, cast(0 as decimal(18, 2)) as reversed_amount_reporting
    from intermediate.int_journeys where conversion_key is not null
    """,
    "create table marts.fct_conversions as from intermediate.int_conversions",
    """
    create table marts.fct_attribution_credits (
        conversion_key varchar, attribution_model_id varchar, channel_id varchar, conversion_kind varchar,
        credit_count decimal(18, 6), entry_date date
    )
    """,
    """
    create table marts.channel_attribution_daily (
        attribution_date date, attribution_model_id varchar, channel_id varchar, conversion_kind varchar, label varchar,
        reporting_currency_code varchar, original_credit_count decimal(18, 6), reversal_credit_count decimal(18, 6),
        original_credit_amount_reporting decimal(18, 2), reversal_credit_amount_reporting decimal(18, 2)
    )
    """,
]
SEED = "create table reference.measured_attribution_models as from read_csv('{seed}') where model_id in ({models})"

HARNESS = """
import json, resource, sys, time
from pathlib import Path
journeys, root = Path(sys.argv[1]), Path(sys.argv[2])
start = time.perf_counter()
{body}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"seconds": seconds, "peak": peak, "credits": credits}}))
"""


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Journeys of one to some twenty touches with 12 channels over two years, one in 20 converted; the same every time."""
    path = tmp_path_factory.mktemp("journeys") / "journeys.parquet"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            f"""
            copy (
                with drawn as (
                    select n, 1 + cast(floor(-4 * ln(1 - (hash(n, 'length') % 100000) / 100001.0)) as integer) as length
                    from range({JOURNEYS}) as numbers(n)
                )
                select
                    'j' || n as journey_key, 'all_touches_30_days' as path_configuration_id,
                    'p' || (hash(n, 'person') % {max(1, JOURNEYS * 7 // 10)}) as person_key,
                    if(hash(n, 'converted') % 20 = 0, 'c' || n, null) as conversion_key,
                    if(hash(n, 'converted') % 20 = 0, 'order', null) as conversion_kind,
                    if(hash(n, 'converted') % 20 = 0, 'converted', 'not_converted') as journey_outcome,
                    if(hash(n, 'converted') % 20 = 0, 'linked', null) as link_state,
                    date '2024-01-01' + cast(hash(n, 'day') % 730 as integer) as journey_date,
                    list_aggregate(
                        list_transform(
                            range(least(length, 50)),
                            lambda place: 'channel_' || cast(floor(sqrt(hash(n, place) % 144)) as integer)
                        ), 'string_agg', ' > '
                    ) as journey_path
                from drawn
            ) to '{path}'
            """
        )
    return path


def run(body: str, journeys: Path, root: Path) -> dict[str, object]:
    """Seconds, peak memory in MB and credits of one side."""
    script = HARNESS.format(body=textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, "-c", script, str(journeys), str(root)], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_measured_attribution_beside_a_plain_script(journeys: Path, tmp_path: Path) -> None:
    compiled = [(model.relation, model.query) for model in compile_models(tmp_path / "dbt", MODELS)]
    seed = PROJECT_ROOT / "seeds/measured_attribution_models.csv"
    sides = {"a plain script, no interval": run(PLAIN, journeys, tmp_path)}
    for name, models in (
        ("Balcony, the same two models", ["markov_order_1", "shapley_sum"]),
        ("Balcony, all measured models", [f"markov_order_{n}" for n in range(1, 5)] + ["shapley_sum", "shapley_rate"]),
    ):
        listed = ", ".join(f"'{model}'" for model in models)
        given = [*GIVEN, SEED.format(seed=seed, models=listed)]
        (tmp_path / name).mkdir()
        (tmp_path / name / "models.json").write_text(json.dumps({"given": given, "models": compiled}))
        sides[name] = run(MEASURED, journeys, tmp_path / name)
    plain = sides["a plain script, no interval"]
    print(f"\n{JOURNEYS} journeys       seconds   times   peak MB")
    for name, side in sides.items():
        print(f"{name:30} {side['seconds']:7.1f} {side['seconds'] / plain['seconds']:7.1f} {side['peak']:9.0f}")
        assert side["credits"] == pytest.approx(plain["credits"], abs=1.1e-6)
