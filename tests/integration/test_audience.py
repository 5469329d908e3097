"""Known answers from rows to figures: the project's SQL counts, Python estimates. Hand-made rows, no exports."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pandas as pd
import pytest
import yaml

from expectations.suites import DBT_PROJECT
from orchestration.measurement import audience, entanglement
from orchestration.measurement.measurement import Measurement

HORIZON = datetime.date(2025, 6, 1)
COUNTED = (
    "int_actor_periods",
    "int_actor_counts",
    "int_audience_periods",
    "int_audience_counts",
    "int_entanglement_ages",
    "int_entanglement_life_tables",
    "int_entanglement_cohorts",
)
GIVEN = """
    create schema intermediate;
    create schema reference;
    create schema staging;
    create table staging.stg_x__followed_accounts (
        platform_id varchar, account_id varchar, identifier_type varchar, identifier_value varchar
    );
    create table staging.stg_bluesky__followed_accounts as from staging.stg_x__followed_accounts;
    create table intermediate.int_activities (
        account_key varchar, person_key varchar, platform_id varchar, content_key varchar, word varchar,
        is_incoming boolean default true, known_as varchar default 'person', count_basis varchar default 'event',
        activity_count bigint default 1, activity_date date
    );
    create table intermediate.int_contents (platform_id varchar, content_key varchar, published_date date);
    create table intermediate.int_metrics (
        platform_id varchar, metric_id varchar, content_key varchar, metric_basis varchar, metric_value double,
        metric_date date
    );
    create table intermediate.int_entanglement_daily (platform_id varchar, known_as varchar, entanglement_date date);
    create table intermediate.int_entanglement_spells (
        spell_key varchar, account_key varchar, account_id varchar, person_key varchar, platform_id varchar,
        identifier_type varchar default 'account', identifier_value varchar, start_known_as varchar default 'reported',
        start_window_days bigint, end_window_days bigint, is_open boolean, end_known_as varchar, first_standing_date date,
        started_date date, ended_date date
    );
    create table intermediate.int_entanglement_events (
        account_key varchar, identifier_type varchar default 'account', identifier_value varchar,
        entanglement_event varchar, snapshot_number bigint, occurred_at timestamp
    );
    create table intermediate.int_conversions (
        person_key varchar, conversion_kind varchar, identifier_type varchar, is_fully_reversed boolean,
        converted_date date, converted_at timestamp
    );
    create table intermediate.int_touchpoints (
        person_key varchar, channel_id varchar, touch_kind varchar, touched_at timestamp
    );
    create table intermediate.int_bots (person_key varchar);
    create table reference.channel_rules (field varchar, channel_id varchar);
    create table reference.reach_metrics (platform_id varchar, metric_id varchar);
    create table reference.platforms as select 'bluesky' as platform_id, 'social' as platform_kind;
"""


@pytest.fixture(scope="module")
def queries() -> dict[str, str]:
    """What dbt compiles the models to, by their own Jinja and macros; dbt itself takes 25 seconds for it."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    paths = (
        path
        for name in ("cross_db/*", "definitions/*", "replaced/within")
        for path in DBT_PROJECT.glob(f"macros/{name}.sql")
    )
    macros = "".join(path.read_text() for path in sorted(paths))
    schemas = {"int": "intermediate", "stg": "staging"}
    variables = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())["vars"]
    environment.globals |= {
        "adapter": SimpleNamespace(dispatch=lambda name, _: getattr(module, f"default__{name}")),
        "dbt": SimpleNamespace(type_string=lambda: "varchar"),
        "env_var": lambda _, default: default,
        "ref": lambda name: f"{schemas.get(name[:3], 'reference')}.{name}",
        "return": lambda value: value,
        "var": lambda name, *default: variables.get(name, *default),
    }
    module: Any = environment.from_string(macros).module
    environment.globals |= {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    folder = DBT_PROJECT / "models" / "intermediate" / "audience"
    return {model: environment.from_string((folder / f"{model}.sql").read_text()).render() for model in COUNTED}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The relations that the models read, empty."""
    with duckdb.connect() as connection:
        connection.execute(GIVEN)
        yield connection


def count(connection: duckdb.DuckDBPyConnection, queries: dict[str, str]) -> None:
    for model, query in queries.items():
        connection.execute(f"create table intermediate.{model} as {query}")


def figures(connection: duckdb.DuckDBPyConnection, measurements: tuple[Measurement, ...], table: str) -> pd.DataFrame:
    (measurement,) = (measurement for measurement in measurements if measurement.table == table)
    return measurement.measure(
        *(connection.execute(f"from {relation} order by all").df() for relation in measurement.reads)
    )


def add(connection: duckdb.DuckDBPyConnection, relation: str, rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows)
    connection.register("added_rows", frame)
    connection.execute(f"insert into {relation} by name select * from added_rows")
    connection.unregister("added_rows")


def known(oracles: Path, name: str) -> dict[str, Any]:
    document: dict[str, dict[str, Any]] = json.loads((oracles / "sci_attribution" / "stat_oracles.json").read_text())
    return document[name]


def live_waits(connection: duckdb.DuckDBPyConnection, durations: list[int], causes: list[int]) -> None:
    """Each wait twice, so that there are 30: 1 engages, 2 withdraws, 0 is linked so late that nothing has happened."""
    spells, events, acts = [], [], []
    for number, (days, cause) in enumerate(2 * list(zip(durations, causes, strict=True))):
        start = HORIZON - datetime.timedelta(days if cause == 0 else 200)
        end = start + datetime.timedelta(days)
        person = {"account_key": "brand", "person_key": f"person {number}", "platform_id": "bluesky"}
        spells.append(
            person
            | {
                "spell_key": f"spell {number}",
                "identifier_value": f"person {number}",
                "is_open": cause != 2,
                "first_standing_date": start,
                "started_date": start,
                "ended_date": end if cause == 2 else None,
            }
        )
        for event, date in (("started", start), ("ended", end)):
            if event == "started" or cause == 2:
                events.append(
                    {
                        "account_key": "brand",
                        "identifier_value": f"person {number}",
                        "entanglement_event": event,
                        "occurred_at": pd.Timestamp(date),
                    }
                )
        if cause == 1:
            acts.append(person | {"content_key": "post", "word": "engagement", "activity_date": end})
    stranger = {"account_key": "brand", "person_key": "stranger", "platform_id": "bluesky", "content_key": "post"}
    acts.append(stranger | {"word": "interaction", "activity_date": HORIZON})
    add(connection, "intermediate.int_entanglement_spells", spells)
    add(connection, "intermediate.int_entanglement_events", events)
    add(connection, "intermediate.int_activities", acts)


def steps_of(curves: pd.DataFrame, outcome: str) -> dict[int, dict[str, Any]]:
    rows = curves[(curves["outcome"] == outcome) & (curves["cohort"] == "all")]
    return {row["age_days"]: row for row in rows.to_dict("records")}


def test_withdrawals_are_kaplan_and_meiers_from_the_links_on(
    queries: dict[str, str], warehouse: duckdb.DuckDBPyConnection, oracles: Path
) -> None:
    oracle = known(oracles, "kaplan_meier")
    live_waits(warehouse, oracle["durations"], [2 if event else 0 for event in oracle["event"]])
    count(warehouse, queries)
    steps = steps_of(figures(warehouse, entanglement.MEASUREMENTS, "entanglement_curves"), "withdrawal")
    assert steps[0]["at_risk_count"] == 30
    for age, step in steps.items():
        survival = [1, *(s for time, s in zip(oracle["times"], oracle["surv"], strict=True) if time <= age)][-1]
        assert step["remaining_share"] == pytest.approx(survival, abs=1e-9)
    # Everyone twice: Greenwood's error is smaller by the root of two.
    assert steps[91]["standard_error"] == pytest.approx(oracle["se_greenwood"][-1] / 2**0.5, abs=1e-9)
    assert max(steps) == 126


def test_first_engagements_are_aalen_and_johansens_from_the_acts_on(
    queries: dict[str, str], warehouse: duckdb.DuckDBPyConnection, oracles: Path
) -> None:
    oracle = known(oracles, "aalen_johansen")
    live_waits(warehouse, oracle["durations"], oracle["cause"])
    count(warehouse, queries)
    steps = steps_of(figures(warehouse, entanglement.MEASUREMENTS, "entanglement_curves"), "first_engagement")
    for age, step in steps.items():
        first, second, survival = [
            (0, 0, 1),
            *(row[4:] for row in oracle["table_t_n_k1_k2_cif1_cif2_surv"] if row[0] <= age),
        ][-1]
        shares = (step["estimate"], step["competing_share"], step["remaining_share"])
        assert shares == pytest.approx((first, second, survival), abs=1e-9)
    assert steps[126]["estimate"] == pytest.approx(oracle["right_cif1"], abs=1e-9)


def test_actors_are_chaos_from_the_acts_on(
    queries: dict[str, str], warehouse: duckdb.DuckDBPyConnection, oracles: Path
) -> None:
    oracle = known(oracles, "chao2")
    # Whoever is seen three times or more matters by number only. Every act but the first on a post comes twice.
    posts_acted_on = [1] * oracle["Q1"] + [2] * oracle["Q2"] + [6] * 15 + [8] * 6 + [9]
    acts = [
        {
            "account_key": "brand",
            "person_key": f"person {person}",
            "platform_id": "bluesky",
            "content_key": f"post {(person + 5 * post) % oracle['m']}",
            "word": word,
            "activity_date": HORIZON,
        }
        for person, post_count in enumerate(posts_acted_on)
        for post in range(post_count)
        for word in (("interaction", "interaction") if post else ("interaction",))
    ]
    add(warehouse, "intermediate.int_activities", acts)
    add(
        warehouse,
        "intermediate.int_contents",
        [
            {"platform_id": "bluesky", "content_key": f"post {post}", "published_date": HORIZON}
            for post in range(oracle["m"])
        ],
    )
    count(warehouse, queries)
    ladders = figures(warehouse, audience.MEASUREMENTS, "audience_figures")
    for period in ("2025-06", "all"):
        ladder = ladders[(ladders["period"] == period) & (ladders["platform_id"] == "bluesky")].set_index("step")
        assert ladder.loc["actors_seen", "figure"] == oracle["S_obs"]
        assert ladder.loc["actors_estimated", "figure"] == pytest.approx(oracle["chao2_bc"], abs=1e-9)
        assert ladder.loc["actor_coverage", "figure"] == pytest.approx(oracle["coverage"], abs=1e-9)
        assert ladder.loc["actors_estimated", "basis_count"] == oracle["m"]
