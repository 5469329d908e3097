"""Attribution against a plain script and, where they are at hand, the libraries that people use, from the same touches.

`BALCONY_BENCH_JOURNEYS` sets the size, a million by default, with 4.5 touches each; `BALCONY_BENCH_MEMORY` the memory that
DuckDB may use on either side before it spills, 2GB by default. `BALCONY_BENCH_RIVALS` names the Python of an environment in
which ChannelAttribution (with matplotlib, which it does not declare) and marketing-attribution-models are installed; they
are no dependency of the project's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from tests.benchmarks.figures import Side, keep, measure, table
from tests.integration.attribution_sql import CREDITS, PATHS, compile_models
from tests.integration.test_measured_attribution import MODELS

JOURNEYS = int(os.environ.get("BALCONY_BENCH_JOURNEYS", "1000000"))
MEMORY = os.environ.get("BALCONY_BENCH_MEMORY", "2GB")
RIVALS = os.environ.get("BALCONY_BENCH_RIVALS")
AMOUNT = f"{JOURNEYS / 1e6:g} million journeys"
ROUNDED = JOURNEYS / 1e8
"""How far a channel's sum may be off: the ledger rounds each credit to six digits, so this grows with the conversions."""


@pytest.fixture(scope="module")
def touches(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Touches and conversions of journeys over two years, an hour between touches, each journey a person's own.

    One to some twenty touches with 12 channels, one journey in 20 converted; the same every time. A last touch, two months
    after all others, lets every other journey end.
    """
    folder = tmp_path_factory.mktemp("touches")
    files = folder / "touches.parquet", folder / "conversions.parquet"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            f"""
            create macro touch_count(n) as
                least(50, 1 + cast(floor(-4 * ln(1 - (hash(n, 'length') % 100000) / 100001.0)) as integer));
            create macro began_at(n) as timestamp '2024-01-01' + to_days(cast(hash(n, 'day') % 730 as integer));
            copy (
                select
                    'j' || n || '-' || place as touchpoint_key, 'j' || n as person_key,
                    'channel_' || cast(floor(sqrt(hash(n, place) % 144)) as integer) as channel_id,
                    began_at(n) + to_hours(place) as touched_at
                from (select n, unnest(range(1, touch_count(n) + 1)) as place from range({JOURNEYS}) as numbers(n))
                union all
                select 'late', 'late', 'channel_0', timestamp '2026-03-01'
            ) to '{files[0]}';
            copy (
                select
                    'c' || n as conversion_key, 'j' || n as person_key, cast(10 as decimal(18, 2)) as amount,
                    began_at(n) + to_hours(touch_count(n) + 1) as converted_at
                from range({JOURNEYS}) as numbers(n) where hash(n, 'converted') % 20 = 0
            ) to '{files[1]}'
            """
        )
    return files


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The models' relations and what makes them, in the order in which they are built."""
    folder = tmp_path_factory.mktemp("dbt")
    return [(model.relation, model.statement) for model in compile_models(folder, (*PATHS, *CREDITS, *MODELS))]


def balcony(folder: Path, models: list[tuple[str, str]], touches: tuple[Path, Path], measured: Sequence[str]) -> Side:
    """Our side in a folder of its own, with these of the models that are measured."""
    folder.mkdir()
    (asked := folder / "asked.json").write_text(json.dumps({"models": models, "measured": measured}))
    return measure(BALCONY, folder, *touches, asked)


RULES = ("first", "last", "linear", "position", "time_decay")
MEASURED = ("markov_order_1", "markov_order_2", "markov_order_3", "markov_order_4", "shapley_sum", "shapley_rate")

PLAIN = f"""
from tests.benchmarks.plain_attribution import attribute
result = attribute(arguments[1], arguments[2], arguments[0] / "plain.duckdb", "{MEMORY}")
"""

BALCONY = f"""
import duckdb
asked = json.loads(arguments[3].read_text())
from tests.integration.attribution_sql import CONVERSIONS, LINK_STATES, TOUCHPOINTS, load_seed
path = str(arguments[0] / "memory.duckdb")
with duckdb.connect(path, config={{"memory_limit": "{MEMORY}", "threads": 2}}) as connection:
    for name in ("intermediate", "marts", "reference", "measurement"):
        connection.execute(f"create schema {{name}}")
    for name in ("attribution_models", "path_configurations", "path_transforms", "attribution_touch_weights",
            "measured_attribution_models"):
        load_seed(connection, name)
    connection.execute(f'''
        delete from reference.attribution_models where rule not in {RULES};
        delete from reference.path_configurations where path_configuration_id <> 'all_touches_30_days';
        delete from reference.path_transforms;
        delete from reference.measured_attribution_models where model_id not in {{tuple(asked['measured'] + [''])}};
        create table reference.touchpoints ({{TOUCHPOINTS}});
        create view intermediate.int_touchpoints as
        from reference.touchpoints union all by name from '{{arguments[1]}}';
        create table intermediate.int_conversions ({{CONVERSIONS}});
        insert into intermediate.int_conversions by name
        select conversion_key, person_key, converted_at, converted_at::date as converted_date, amount as gross_amount,
            amount as net_amount, amount as gross_amount_reporting, amount as net_amount_reporting
        from '{{arguments[2]}}';
        create table marts.fct_conversions as from intermediate.int_conversions;
    ''')
    for relation, statement in asked["models"]:
        if relation == "marts.channel_attribution_monthly":
            from orchestration.measurement.attribution import MEASUREMENTS
            frames = [connection.execute(f"from {{name}} order by all").df() for name in MEASUREMENTS[0].reads]
            figures = MEASUREMENTS[0].measure(*frames)
            columns = "* replace (month_date::date as month_date)"
            connection.execute(f"create table measurement.channel_effects as select {{columns}} from figures")
        connection.execute(statement)
        if relation == "intermediate.int_conversion_paths":
            connection.execute(
                f"create table intermediate.int_conversion_link_states as {{LINK_STATES}}", {{"no_touch": []}}
            )
    result = connection.execute('''
        select regexp_replace(attribution_model_id, '(_touch)?_30_days', ''), channel_id, sum(original_credit_count)::double
        from marts.channel_attribution_daily group by all
    ''').fetchall()
    result += connection.execute('''
        select 'markov', channel_id, credit_count::double from marts.channel_attribution_total
        where attribution_model_id = 'markov_order_1'
    ''').fetchall()
"""

# What the libraries give and nothing else; the late journey is still open.
LEAST = f"""
import duckdb, numpy
with duckdb.connect(config={{"memory_limit": "{MEMORY}", "threads": 2}}) as connection:
    connection.execute(f'''
        create temp table paths as
        with journeys as (
            select person_key, list(channel_id order by touched_at) as path
            from '{{arguments[1]}}' where person_key <> 'late' group by person_key
        )
        select path, count(converted.person_key) as conversions, count(*) as journeys
        from journeys left join '{{arguments[2]}}' as converted using (person_key) group by path
    ''')
    result = connection.execute('''
        select 'first', path[1], sum(conversions) from paths group by all union all
        select 'last', path[-1], sum(conversions) from paths group by all union all
        select 'linear', channel, sum(conversions / len(path))
        from (select path, conversions, unnest(path) as channel from paths) group by channel
    ''').fetchall()
    steps = connection.execute('''
        select came_from, went_to, sum(journeys) as steps
        from (
            select unnest(list_zip(['start'] || path[:-2], path)) as step, step[1] as came_from, step[2] as went_to, journeys
            from paths
        ) group by all
        union all select path[-1], 'end', sum(conversions) from paths group by all
        union all select path[-1], 'lost', sum(journeys - conversions) from paths group by all
    ''').df().pivot(index="came_from", columns="went_to", values="steps").fillna(0)
    names = sorted(set(steps.index) - {{"start"}})
    shares = steps.div(steps.sum(axis=1), axis=0)
    between, reached = shares.loc[names, names].to_numpy(), shares.loc[names, "end"].to_numpy()
    begun = shares.loc["start"].reindex(names, fill_value=0).to_numpy()
    def conversion_rate(keep):
        chances = numpy.linalg.solve(numpy.eye(len(keep)) - between[numpy.ix_(keep, keep)], reached[keep])
        return begun[keep] @ chances
    everyone = list(range(len(names)))
    effects = [1 - conversion_rate([n for n in everyone if n != gone]) / conversion_rate(everyone) for gone in everyone]
    conversions = connection.execute("select sum(conversions) from paths").fetchall()[0][0]
    result = [[model, channel, float(credit)] for model, channel, credit in result]
    result += [["markov", name, float(conversions) * effect / sum(effects)] for name, effect in zip(names, effects)]
"""

CHANNEL_ATTRIBUTION = """
import pandas as pd
from ChannelAttribution import heuristic_models, markov_model
touches = pd.read_parquet(arguments[1]).sort_values(["person_key", "touched_at"])
paths = touches.groupby("person_key", sort=False).channel_id.agg(" > ".join).rename("path").reset_index()
converted = paths.person_key.isin(pd.read_parquet(arguments[2]).person_key)
paths = paths.assign(conversions=converted.astype(int), lost=(~converted).astype(int))
paths = paths.groupby("path", as_index=False)[["conversions", "lost"]].sum()
rules = heuristic_models(paths, "path", "conversions", flg_pro=False)
chain = markov_model(paths, "path", "conversions", var_null="lost", order=1, verbose=False, flg_pro=False)
names = {"first_touch": "first", "last_touch": "last", "linear_touch": "linear"}
result = [[names[name], row.channel_name, float(getattr(row, name))] for row in rules.itertuples() for name in names]
result += [["markov", row.channel_name, float(row.total_conversions)] for row in chain.itertuples()]
"""

MARKETING_ATTRIBUTION_MODELS = """
import polars as pl
from mam.core import MAM
touches = pl.read_parquet(arguments[1]).join(pl.read_parquet(arguments[2]).select("person_key", "converted_at"),
    on="person_key", how="left")
last = pl.col("touched_at") == pl.col("touched_at").max().over("person_key")
touches = touches.with_columns(conversion=last & pl.col("converted_at").is_not_null())
models = MAM(df=touches.drop("converted_at"), format_type="session", channels_colname="channel_id",
    journey_with_conv_colname="conversion", datetime_colname="touched_at", user_id_colname="person_key")
runs = {"first": models.run_first_click, "last": models.run_last_click, "linear": models.run_linear,
    "position": models.run_position_based, "time_decay": models.run_time_decay, "markov": models.run_markov}
result = [[name, *map(str, row)] for name, run in runs.items() for row in run().to_polars().iter_rows()]
"""


def credits_of(side: Side) -> dict[tuple[str, str], float]:
    """By model and channel."""
    return {(model, channel): credit for model, channel, credit in side.result}


def test_attribution_beside_a_plain_script(
    touches: tuple[Path, Path], models: list[tuple[str, str]], tmp_path: Path
) -> None:
    sides = {
        "a plain script": measure(PLAIN, tmp_path, *touches),
        "Balcony": balcony(tmp_path / "balcony", models, touches, MEASURED),
    }
    notes = [
        "From a Parquet file of touch rows: paths of all journeys, converted or not; first, last, linear, position and time"
        " decay of every conversion, revenue split to the cent, by day; Markov chains of order 1 to 4 and both Shapley games by"
        " month and over the whole range, of counts and of revenue, with intervals. The script is"
        " `tests/benchmarks/plain_attribution.py`.",
        f"DuckDB may use {MEMORY} on each side.",
    ]
    keep(table(f"Attribution, {AMOUNT}", sides, notes, against="a plain script"))
    assert credits_of(sides["Balcony"]) == pytest.approx(credits_of(sides["a plain script"]), abs=ROUNDED)


def test_rules_and_a_chain_beside_libraries(
    touches: tuple[Path, Path], models: list[tuple[str, str]], tmp_path: Path
) -> None:
    if not RIVALS:
        pytest.skip("BALCONY_BENCH_RIVALS names no Python that has ChannelAttribution and marketing-attribution-models")
    ours = "Balcony, five rules and a Markov chain"
    least = "a script of three rules and a Markov chain, no day and no money"
    rival = "ChannelAttribution, three rules and a Markov chain"
    other = "marketing-attribution-models, five rules and a Markov chain"
    sides = {
        ours: balcony(tmp_path / "balcony", models, touches, MEASURED[:1]),
        least: measure(LEAST, tmp_path, *touches),
        rival: measure(CHANNEL_ATTRIBUTION, tmp_path, *touches, python=RIVALS),
        other: measure(MARKETING_ATTRIBUTION_MODELS, tmp_path, *touches, python=RIVALS),
    }
    exact, found = credits_of(sides[ours]), credits_of(sides[rival])
    # It simulates journeys, so how far it is from the exact chain is a figure and no claim.
    apart = max(abs(credit / exact[key] - 1) for key, credit in found.items() if key[0] == "markov")
    notes = [
        "First, last, linear, position and time decay, and removal effects of order 1, from a Parquet file of touch rows."
        " Balcony splits every conversion's revenue to the cent, books entries and days, and has months and intervals of the"
        " chain; the libraries credit counts to channels over the whole range.",
        f"The chain that ChannelAttribution simulates gives a channel up to {apart:.1%} more or less than it is due.",
    ]
    keep(table(f"Attribution beside libraries, {AMOUNT}", sides, notes, against=ours))
    smallest = credits_of(sides[least])
    assert smallest == pytest.approx({key: exact.get(key, 0.0) for key in smallest}, abs=ROUNDED)
    rules = {key: credit for key, credit in found.items() if key[0] != "markov"}
    assert rules == pytest.approx({key: exact.get(key, 0.0) for key in rules}, abs=ROUNDED)
