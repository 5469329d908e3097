"""Attribution against plain scripts and, where they are at hand, the libraries that people use, on the same touches.

`BALCONY_BENCH_JOURNEYS` sets the size, a million by default, with 4.5 touches each; `BALCONY_BENCH_MEMORY` the memory that
DuckDB may use on either side before it spills, 2GB by default. `BALCONY_BENCH_RIVALS` names the Python of an environment in
which ChannelAttribution (with matplotlib, which it does not declare) and marketing-attribution-models are installed; they
are no dependency of the project's.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.benchmarks.figures import keep, measure, table
from tests.integration.attribution_sql import CREDITS, PATHS, compile_models
from tests.integration.test_measured_attribution import MODELS

JOURNEYS = int(os.environ.get("BALCONY_BENCH_JOURNEYS", "1000000"))
MEMORY = os.environ.get("BALCONY_BENCH_MEMORY", "2GB")
RIVALS = os.environ.get("BALCONY_BENCH_RIVALS")
AMOUNT = f"{JOURNEYS / 1e6:g} million journeys"

PLAIN = f"""
from tests.benchmarks.plain_attribution import attribute
result = attribute(arguments[0], "{MEMORY}")
"""

# The file is called as the database that the models were compiled for.
BALCONY = f"""
import duckdb
models = json.loads(arguments[1].read_text())
with duckdb.connect(str(arguments[0]), config={{"memory_limit": "{MEMORY}", "threads": 2}}) as connection:
    for relation, query in models:
        if relation == "marts.channel_attribution_monthly":
            from orchestration.measurement.attribution import MEASUREMENTS
            for measurement in MEASUREMENTS:
                frames = [connection.execute(f"from {{name}} order by all").df() for name in measurement.reads]
                figures = measurement.measure(*frames)
                columns = "* replace (month_date::date as month_date)" if "month_date" in figures else "*"
                connection.execute(f"create table measurement.{{measurement.table}} as select {{columns}} from figures")
        connection.execute(f"create table {{relation}} as {{query}}")
    connection.execute("checkpoint")
    result = dict(connection.execute('''
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


@pytest.fixture(scope="module")
def given(journeys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with these journeys and their conversions, before anything is measured."""
    path = tmp_path_factory.mktemp("given") / "memory.duckdb"
    models = [f"markov_order_{n}" for n in range(1, 5)] + ["shapley_sum", "shapley_rate"]
    seed = SEED.format(
        seed=PROJECT_ROOT / "seeds/measured_attribution_models.csv", models=", ".join(f"'{model}'" for model in models)
    )
    with duckdb.connect(str(path)) as connection:
        for statement in (*GIVEN, seed):
            connection.execute(statement.replace("{journeys}", str(journeys)))
    return path


def copied(given: Path, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy(given, folder / "memory.duckdb"))


def compiled(folder: Path, names: tuple[str, ...]) -> Path:
    """The models' relations and queries, as a file."""
    path = folder / "models.json"
    path.write_text(json.dumps([(model.relation, model.query) for model in compile_models(folder / "dbt", names)]))
    return path


def test_measured_attribution_beside_a_plain_script(given: Path, tmp_path: Path) -> None:
    models = compiled(tmp_path, MODELS)
    sides = {
        "a plain script": measure(PLAIN, copied(given, tmp_path / "plain")),
        "Balcony": measure(BALCONY, copied(given, tmp_path / "balcony"), models),
    }
    notes = [
        "Markov chains of order 1 to 4 and both Shapley games by month and over the whole range, of counts and of revenue, with"
        " intervals, from journeys to marts. The script is `tests/benchmarks/plain_attribution.py`.",
        f"DuckDB may use {MEMORY} on each side.",
    ]
    keep(table(f"Measured attribution, {AMOUNT}", sides, notes, against="a plain script"))
    assert sides["Balcony"].result == pytest.approx(sides["a plain script"].result, abs=1.1e-6)


RULES = ("first", "last", "linear", "position", "time_decay")

PLAIN_RULES = f"""
import duckdb
with duckdb.connect(str(arguments[0] / "plain.duckdb"), config={{"memory_limit": "{MEMORY}", "threads": 2}}) as connection:
    connection.execute(f'''
        create table credits as
        with paths as (
            select conversion_key, converted_at, amount, channel_id, epoch(converted_at - touched_at) / 86400 as age,
                row_number() over path as place, count(*) over (partition by conversion_key) as places
            from '{{arguments[1]}}' join '{{arguments[2]}}' using (person_key)
            where touched_at <= converted_at and touched_at > converted_at - interval 30 days
            window path as (partition by conversion_key order by touched_at, touchpoint_key)
        ),
        weights as (
            select *, if(place = 1, 1, 0) as first, if(place = places, 1, 0) as last, 1 / places as linear,
                case when places = 1 then 1 when places = 2 then 0.5 when place in (1, places) then 0.4
                    else 0.2 / (places - 2) end as position,
                pow(2, -age / 7) / sum(pow(2, -age / 7)) over (partition by conversion_key) as time_decay
            from paths
        ),
        long as (unpivot weights on first, last, linear, position, time_decay into name model value share)
        select model, conversion_key, channel_id, converted_at::date as day, sum(share) as credit,
            round(sum(share) * any_value(amount), 2) as amount
        from long where share > 0 group by all;
        create table daily as
        select model, channel_id, day, sum(credit) as credit, sum(amount) as amount from credits group by all;
    ''')
    result = connection.execute("select model, channel_id, sum(credit)::double from daily group by all").fetchall()
"""

BALCONY_RULES = f"""
import duckdb
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
        delete from reference.measured_attribution_models where model_id <> 'markov_order_1';
        create table intermediate.int_touchpoints ({{TOUCHPOINTS}});
        insert into intermediate.int_touchpoints by name from '{{arguments[1]}}';
        create table intermediate.int_conversions ({{CONVERSIONS}});
        insert into intermediate.int_conversions by name
        select conversion_key, person_key, converted_at, converted_at::date as converted_date, amount as gross_amount,
            amount as net_amount, amount as gross_amount_reporting, amount as net_amount_reporting
        from '{{arguments[2]}}';
        create table marts.fct_conversions as from intermediate.int_conversions;
    ''')
    for relation, query in json.loads(arguments[3].read_text()):
        if relation == "marts.channel_attribution_monthly":
            from orchestration.measurement.attribution import MEASUREMENTS
            frames = [connection.execute(f"from {{name}} order by all").df() for name in MEASUREMENTS[0].reads]
            figures = MEASUREMENTS[0].measure(*frames)
            columns = "* replace (month_date::date as month_date)"
            connection.execute(f"create table measurement.channel_effects as select {{columns}} from figures")
        connection.execute(f"create table {{relation}} as {{query}}")
        if relation == "intermediate.int_conversion_paths":
            connection.execute(
                f"create table intermediate.int_conversion_link_states as {{LINK_STATES}}", {{"no_touch": []}}
            )
    result = connection.execute('''
        select regexp_replace(attribution_model_id, '(_touch)?_30_days', ''), channel_id, sum(original_credit_count)::double
        from marts.channel_attribution_daily group by all
    ''').fetchall()
    if len(connection.execute("from duckdb_tables() where table_name = 'channel_attribution_total'").fetchall()):
        result += connection.execute('''
            select 'markov', channel_id, credit_count::double from marts.channel_attribution_total
            where attribution_model_id = 'markov_order_1'
        ''').fetchall()
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


@pytest.fixture(scope="module")
def touches(journeys: Path) -> tuple[Path, Path]:
    """The same journeys as rows of touches, an hour apart, each journey a person's own; and their conversions.

    A last touch, two months after all others, lets every other journey end.
    """
    files = journeys.with_name("touches.parquet"), journeys.with_name("conversions.parquet")
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            f"""
            copy (
                select
                    journey_key || '-' || place as touchpoint_key, journey_key as person_key,
                    channels[place] as channel_id, cast(journey_date as timestamp) + to_hours(place) as touched_at
                from (
                    select *, unnest(range(1, len(channels) + 1)) as place
                    from (select *, string_split(journey_path, ' > ') as channels from '{journeys}')
                )
                union all
                select 'late', 'late', 'channel_0', timestamp '2026-03-01'
            ) to '{files[0]}';
            copy (
                select
                    conversion_key, journey_key as person_key, cast(10 as decimal(18, 2)) as amount,
                    cast(journey_date as timestamp) + to_hours(len(string_split(journey_path, ' > ')) + 1) as converted_at
                from '{journeys}' where conversion_key is not null
            ) to '{files[1]}'
            """
        )
    return files


def test_rules_and_a_chain_from_touch_rows_beside_a_plain_script_and_libraries(
    touches: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("plain", "rules", "chain"):
        (tmp_path / name).mkdir()
    rules = compiled(tmp_path / "rules", (*PATHS, *CREDITS))
    chain = compiled(tmp_path / "chain", (*PATHS, *CREDITS, *MODELS))
    ours = "Balcony, the rules and a Markov chain"
    sides = {
        "a plain script, the rules": measure(PLAIN_RULES, tmp_path / "plain", *touches),
        "Balcony, the rules": measure(BALCONY_RULES, tmp_path / "rules", *touches, rules),
        ours: measure(BALCONY_RULES, tmp_path / "chain", *touches, chain),
    }
    rival = "ChannelAttribution, three rules and a Markov chain"
    notes = [
        "First, last, linear, position and time decay, and removal effects of order 1, from a Parquet file of touch rows."
        " Balcony's side makes paths of all journeys, converted or not, splits every conversion's revenue to the cent, books"
        " entries and days, and with the chain has intervals and months; the script makes paths of those who converted and"
        " their credits and days; the libraries credit counts to channels over the whole range.",
    ]
    if RIVALS:
        sides[rival] = measure(CHANNEL_ATTRIBUTION, tmp_path, *touches, python=RIVALS)
        sides["marketing-attribution-models, the rules and a Markov chain"] = measure(
            MARKETING_ATTRIBUTION_MODELS, tmp_path, *touches, python=RIVALS
        )
    else:
        notes.append("Without the libraries: BALCONY_BENCH_RIVALS names no Python that has them.")
    found = {name: {(model, channel): credit for model, channel, credit in side.result} for name, side in sides.items()}
    exact = found[ours]
    if RIVALS:
        # It simulates journeys, so how far it is from the exact chain is a figure and no claim.
        apart = max(abs(found[rival][key] / exact[key] - 1) for key in found[rival] if key[0] == "markov")
        notes.append(
            f"The chain that ChannelAttribution simulates gives a channel up to {apart:.1%} more or less than it is due."
        )
    keep(table(f"Attribution from touch rows, {AMOUNT}", sides, notes, against=ours))
    plain = found["a plain script, the rules"]
    for name in ("Balcony, the rules", ours):
        assert {key: found[name][key] for key in plain} == pytest.approx(plain, abs=0.01)
    if RIVALS:
        rules_of_rival = {key: credit for key, credit in found[rival].items() if key[0] != "markov"}
        assert rules_of_rival == pytest.approx({key: exact.get(key, 0.0) for key in rules_of_rival}, abs=0.01)
