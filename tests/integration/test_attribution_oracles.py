"""Paths and path-local rules, through the models' own SQL, against published answers, exact ones and rivals' defects."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.integration.attribution_sql import (
    CONVERTED_AT,
    CREDITS,
    DBT_PROJECT,
    PATHS,
    CompiledModel,
    compile_models,
    fill,
    load_seed,
    rows_of_paths,
    shares,
)

ALL_TOUCHES = {"path_configuration_id": "p", "lookback_days": 30, "is_reset_after_conversion": True}
RULES: tuple[dict[str, Any], ...] = (
    {"model_id": "first", "rule": "first"},
    {"model_id": "last", "rule": "last"},
    {"model_id": "last_non_direct", "rule": "last_non_direct"},
    {"model_id": "linear", "rule": "linear"},
    {"model_id": "linear_distinct", "rule": "linear_distinct"},
    {"model_id": "u_40_20_40", "rule": "position", "first_weight": 0.4, "last_weight": 0.4},
    {"model_id": "time_decay", "rule": "time_decay", "half_life_days": 1},
    {"model_id": "w_shaped", "rule": "w_shaped"},
    {"model_id": "z_shaped", "rule": "z_shaped"},
)
SEEDS: dict[str, Sequence[dict[str, Any]]] = {
    "path_configurations": [ALL_TOUCHES],
    "path_transforms": [],
    "attribution_models": [rule | {"path_configuration_id": "p", "label": "accounting rule"} for rule in RULES],
}
NINE = ["A", "A > B", "A > B > C", "B", "B > A", "B > C > A", "C", "C > A", "C > B > A"]


@pytest.fixture(scope="module")
def models(compiled: list[CompiledModel]) -> list[CompiledModel]:
    return compiled[1:]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[CompiledModel]:
    return compile_models(tmp_path_factory.mktemp("attribution"), ("int_traffic_classified", *PATHS, *CREDITS))


def credit(connection: duckdb.DuckDBPyConnection, worth: Sequence[float]) -> dict[str, dict[str, float]]:
    """Credit by model and channel, where the n-th path stands for so many conversions, or for so much revenue."""
    rows = shares(connection)
    rows["credit"] = rows.share * rows.conversion_key.map({f"c{n:07d}": worth[n] for n in range(len(worth))})
    totals = rows.groupby(["attribution_model_id", "channel_id"]).credit.sum()
    return {model: totals[model].to_dict() for model in totals.index.levels[0]}


def journey_paths(connection: duckdb.DuckDBPyConnection, outcome: str = "converted") -> dict[str, list[str]]:
    """Every configuration's paths in the order of the people."""
    rows = connection.execute(
        """
        select path_configuration_id, list(journey_path order by person_key) from intermediate.int_journeys
        where journey_outcome = ? group by all
        """,
        [outcome],
    ).fetchall()
    return dict(rows)


def test_nine_paths(models: list[CompiledModel]) -> None:
    with fill(models, *rows_of_paths(NINE), seeds=SEEDS) as connection:
        found = credit(connection, [1] * 9)
    assert found["first"] == pytest.approx({"A": 3, "B": 3, "C": 3}, abs=1e-9)
    assert found["last"] == pytest.approx({"A": 5, "B": 2, "C": 2}, abs=1e-9)
    assert found["linear"] == pytest.approx({"A": 3.5, "B": 3, "C": 2.5}, abs=1e-9)
    assert found["linear_distinct"] == pytest.approx({"A": 3.5, "B": 3, "C": 2.5}, abs=1e-9)
    assert found["u_40_20_40"] == pytest.approx({"A": 3.7, "B": 2.8, "C": 2.5}, abs=1e-9)


def test_a_half_life_of_one_day(models: list[CompiledModel]) -> None:
    with fill(models, *rows_of_paths(["C > B > A"], hours_between=24), seeds=SEEDS) as connection:
        found = credit(connection, [1])
    assert found["time_decay"] == pytest.approx({"A": 4 / 7, "B": 2 / 7, "C": 1 / 7}, abs=1e-9)


@pytest.mark.parametrize("name", ["tiny", "loops"])
def test_small_sets_have_the_exact_credits(models: list[CompiledModel], oracles: Path, name: str) -> None:
    paths = pd.read_csv(oracles / "sci_attribution" / f"{name}.csv")
    exact = json.loads((oracles / "sci_attribution" / "oracles.json").read_text())[name]["heuristic"]
    with fill(models, *rows_of_paths(paths.path.tolist()), seeds=SEEDS) as connection:
        for measure, worth in (("conv", paths.conversions), ("value", paths.value)):
            found = credit(connection, worth.tolist())
            for rule, answers in exact.items():
                channels = {channel: found[rule].get(channel, 0.0) for channel in answers[measure]}
                assert channels == pytest.approx(answers[measure], abs=1e-9), (rule, measure)


def test_ten_thousand_published_paths(models: list[CompiledModel], oracles: Path) -> None:
    paths = pd.read_csv(oracles / "pathdata" / "paths.csv")
    expected = pd.read_csv(oracles / "pathdata" / "expected.csv", index_col="channel")
    with fill(
        models[: len(PATHS) + 1], *rows_of_paths(paths.path.tolist(), hours_between=0.2), seeds=SEEDS
    ) as connection:
        counted = credit(connection, paths.total_conversions.tolist())
        valued = credit(connection, paths.total_conversion_value.tolist())
    for column, found in {
        "first": counted["first"],
        "last": counted["last"],
        "linear": counted["linear"],
        "position_40_20_40": counted["u_40_20_40"],
        "shapley_closed_form": counted["linear_distinct"],
        "linear_value": valued["linear"],
        "shapley_value": valued["linear_distinct"],
    }.items():
        # The file prints six digits.
        assert found == pytest.approx(expected[column].to_dict(), abs=6e-7), column
    assert {rule: sum(found.values()) for rule, found in counted.items()} == pytest.approx(
        {rule["model_id"]: paths.total_conversions.sum() for rule in RULES}, abs=1e-6
    )


CHANGES: dict[str, tuple[tuple[str, str | None], ...]] = {
    "none": (),
    "unique": (("unique", None),),
    "exposure": (("exposure", None),),
    "first": (("first", None),),
    "frequency": (("frequency", None),),
    "not_all": (("remove_if_not_all", "Direct"),),
    "last_and_not_all": (("remove_if_last_and_not_all", "Direct"),),
    "last, exposure": (("remove_if_last_and_not_all", "Direct"), ("exposure", None)),
    "exposure, last": (("exposure", None), ("remove_if_last_and_not_all", "Direct")),
    "three": (("remove_if_not_all", "Direct"), ("exposure", None), ("frequency", None)),
}
CHANGED = {
    "a > a > a > Direct > a > Direct > Direct": {
        "none": "a > a > a > Direct > a > Direct > Direct",
        "unique": "a > a > a > Direct > a > Direct > Direct",
        "exposure": "a > Direct > a > Direct",
        "first": "a > Direct",
        "frequency": "a(4) > Direct(3)",
        "not_all": "a > a > a > a",
        "last_and_not_all": "a > a > a > Direct > a",
        "last, exposure": "a > Direct > a",
        "exposure, last": "a > Direct > a",
        "three": "a(1)",
    },
    "Paid > Direct": {"last_and_not_all": "Paid", "not_all": "Paid", "none": "Paid > Direct", "three": "Paid(1)"},
    "Direct > Direct": {
        "last_and_not_all": "Direct > Direct",
        "not_all": "Direct > Direct",
        "exposure, last": "Direct",
        "frequency": "Direct(2)",
    },
    "Direct > a > b": {"last_and_not_all": "Direct > a > b", "not_all": "a > b"},
}
CHANGED_SEEDS = SEEDS | {
    "path_configurations": [ALL_TOUCHES | {"path_configuration_id": name} for name in CHANGES],
    "path_transforms": [
        {"path_configuration_id": name, "step": step, "transform": transform, "channel_id": channel}
        for name, chain in CHANGES.items()
        for step, (transform, channel) in enumerate(chain, start=1)
    ],
}


def test_path_changes_one_by_one_and_chained(models: list[CompiledModel]) -> None:
    """Defect of the most used package: Paid > Direct kept its tail on one engine, which none of its cases covered."""
    with fill(models[: len(PATHS)], *rows_of_paths(list(CHANGED)), seeds=CHANGED_SEEDS) as connection:
        found = journey_paths(connection)
    for number, (path, changed) in enumerate(CHANGED.items()):
        assert {name: found[name][number] for name in changed} == changed, path


def test_paths_of_those_who_did_not_convert_are_made_by_the_same_rule(models: list[CompiledModel]) -> None:
    """Defect of the most used package: a stricter filter for them, so that P(convert | path) was biased."""
    paths = [*CHANGED, " > ".join("ab"[n % 3 == 0] for n in range(60))]
    seeds = CHANGED_SEEDS | {
        "path_configurations": [
            configuration | {"lookback_steps": 50} for configuration in CHANGED_SEEDS["path_configurations"]
        ]
    }
    with fill(models[: len(PATHS)], *rows_of_paths(paths, paths), seeds=seeds) as connection:
        converted, lost = journey_paths(connection), journey_paths(connection, "not_converted")
        capped = connection.execute(
            "select distinct is_capped, path_length from intermediate.int_journeys where person_key like '_0000004'"
            " and path_configuration_id = 'none'"
        ).fetchall()
    assert converted == lost
    assert capped == [(True, 50)]
    channels = paths[4].split(" > ")
    assert converted["none"][4] == " > ".join(channels[:1] + channels[-49:])


def test_conversions_without_a_touch_stay_and_so_do_those_without_a_value(models: list[CompiledModel]) -> None:
    """Defects of the most used package: an inner join dropped the former, a default clause the latter."""
    touches, conversions = rows_of_paths(["A > B", "", ""])
    conversions["conversion_kind"] = ["sign_up", "order", "sign_up"]
    with fill(models, touches, conversions, seeds=SEEDS, no_touch=["c0000002"]) as connection:
        found = credit(connection, [1, 1, 1])
    assert {rule: sum(channels.values()) for rule, channels in found.items()} == pytest.approx(
        {rule["model_id"]: 3 for rule in RULES}
    )
    absent = {(channels["(unknown)"], channels["(no touch)"]) for channels in found.values()}
    assert absent == {(1.0, 1.0)}


def test_attributed_conversions_are_counted_not_weighed_by_revenue(models: list[CompiledModel]) -> None:
    """Defect of the most used package: 1.8459 first touches of 3 conversions, where counting gives 2."""
    touches, conversions = rows_of_paths(["A > B", "A", "B"])
    conversions[["gross_amount", "gross_amount_reporting"]] = [[10, 10], [1, 1], [100, 100]]
    with fill(models, touches, conversions, seeds=SEEDS) as connection:
        counts = connection.execute(
            "select channel_id, sum(credit_count), sum(credit_amount_reporting) from marts.channel_attribution_daily"
            " where attribution_model_id = 'first' group by all order by all"
        ).fetchall()
    assert counts == [("A", 2, 11), ("B", 1, 100)]


def test_a_refund_takes_back_along_the_split_on_its_own_day(models: list[CompiledModel]) -> None:
    """Asked of every rival: revenue that a channel keeps after it was paid back, or that vanishes from the day of the order."""
    touches, conversions = rows_of_paths(["A > B > C", "A > B", "A"])
    conversions["conversion_kind"] = ["order", "order", "sign_up"]
    conversions["gross_amount_reporting"] = [10.01, 0.01, 0]
    conversions["reversed_amount_reporting"] = [3.34, 0.01, 0]
    conversions["reversed_amount"] = [3.34, 0.01, 0]
    conversions["is_fully_reversed"] = [False, True, True]
    conversions["reversed_date"] = [date(2026, 4, 2), date(2026, 4, 2), None]
    with fill(models, touches, conversions, seeds=SEEDS) as connection:
        days = connection.execute(
            """
            select attribution_date, channel_id, sum(original_credit_amount_reporting), sum(original_credit_count),
                sum(reversal_credit_amount_reporting), sum(reversal_credit_count)
            from marts.channel_attribution_daily where attribution_model_id = 'linear' group by all order by all
            """
        ).fetchall()
    third, third_up = Decimal("0.333333"), Decimal("0.333334")
    half, day, later = Decimal("0.5"), CONVERTED_AT.date(), date(2026, 4, 2)
    assert days == [
        (day, "A", Decimal("3.35"), third + half + 1, 0, -1),
        (day, "B", Decimal("3.33"), third_up + half, 0, 0),
        (day, "C", Decimal("3.34"), third, 0, 0),
        (later, "A", 0, 0, Decimal("-1.12"), -half),
        (later, "B", 0, 0, Decimal("-1.12"), -half),
        (later, "C", 0, 0, Decimal("-1.11"), 0),
    ]


def test_a_late_touch_shares_the_revenue_anew_and_leaves_no_old_rows(models: list[CompiledModel]) -> None:
    """Defect of the most used package: rows merged by position, so revenue of 100 became 200 of linear credit."""
    for path, expected in (("Direct", {"Direct": 100}), ("Email > Direct", {"Direct": 50, "Email": 50})):
        touches, conversions = rows_of_paths([path])
        conversions["gross_amount"] = 100
        with fill(models, touches, conversions, seeds=SEEDS) as connection:
            found = connection.execute(
                "select channel_id, credit_amount from marts.fct_attribution_credits where attribution_model_id = 'linear'"
            ).fetchall()
        assert dict(found) == expected


def test_every_purchase_of_a_repeat_buyer_is_shared_out_in_full(models: list[CompiledModel]) -> None:
    """Defect of a rival: shares divided over a person's whole history, a third of the credit for the third purchase."""
    days = [timedelta(days=day) for day in range(6)]
    touches = pd.DataFrame(
        {
            "touchpoint_key": ["t0", "t1", "t2"],
            "person_key": "p",
            "channel_id": ["A", "B", "C"],
            "touched_at": [CONVERTED_AT + day for day in days[::2]],
        }
    )
    conversions = pd.DataFrame(
        {
            "conversion_key": ["c0000000", "c0000001", "c0000002"],
            "person_key": "p",
            "converted_at": [CONVERTED_AT + day for day in days[1::2]],
        }
    )
    with fill(models, touches, conversions, seeds=SEEDS) as connection:
        found = credit(connection, [1, 10, 100])
    assert list(found.values()) == [{"A": 1, "B": 10, "C": 100}] * len(RULES)


def test_a_touch_after_the_conversion_earns_nothing(models: list[CompiledModel]) -> None:
    """Defect of a rival: 120 of 120 credited touches came after the registration."""
    touches, conversions = rows_of_paths(["A"])
    late = touches.assign(touchpoint_key="late", channel_id="B", touched_at=CONVERTED_AT + timedelta(seconds=1))
    with fill(models, pd.concat([touches, late]), conversions, seeds=SEEDS) as connection:
        assert list(credit(connection, [1]).values()) == [{"A": 1}] * len(RULES)
        assert journey_paths(connection, "open") == {"p": ["B"]}


def test_positions_are_compared_as_numbers_and_no_channel_is_left_out(models: list[CompiledModel]) -> None:
    """Defects of rivals: '9' > '10', and only the alphabetically last four channels of a path."""
    channels = list("LKJIHGFEDCBA")
    with fill(models, *rows_of_paths([" > ".join(channels)]), seeds=SEEDS) as connection:
        found = credit(connection, [12])
        assert journey_paths(connection) == {"p": [" > ".join(channels)]}
    assert found["last"] == {"A": 12}
    assert found["linear_distinct"] == pytest.approx(dict.fromkeys(channels, 1))


CATEGORIES = {
    "SEARCH": {"organic_search"},
    "SHOPPING": {"shopping"},
    "SOCIAL": {
        "other_social",
        *(
            f"organic_{name}"
            for name in (
                "bluesky",
                "facebook",
                "instagram",
                "linkedin",
                "mastodon",
                "pinterest",
                "reddit",
                "threads",
                "tiktok",
                "x",
            )
        ),
    },
    "VIDEO": {"organic_youtube", "other_video"},
}
OTHERWISE = {
    "email.seznam.cz": "email",  # a web mailer of a search portal
    "mail.rambler.ru": "email",
    "mail.yandex.ru": "email",
    "messages.google.com": "text_message",  # shows text messages in a browser
    "checkout.shopify.com": "(direct)",  # sends back a buyer who was here before
    "checkout.stripe.com": "(direct)",
    "shop.app": "(direct)",
}
"""Sources of another named channel than the list's category, and why."""


TRAFFIC = " || ".join(
    f"coalesce({field}, '|0') || '|,'"
    for field in ("click_id_name", "utm_source", "utm_medium", "utm_campaign", "referrer_host", *["null"] * 3)
)


def classified(model: CompiledModel, visits: Sequence[dict[str, str]]) -> list[str | None]:
    """The channel of each visit, by the project's rules."""
    with duckdb.connect() as connection:
        connection.execute("create schema staging; create schema reference; create schema intermediate")
        for relation in re.findall(r'"(?:staging|intermediate)"."\w+"', model.query):
            connection.execute(
                f"""
                create table if not exists {relation} (
                    platform_id varchar, visit_id varchar, conversion_id varchar, evidence_id varchar, evidence_type varchar,
                    utm_source varchar, utm_medium varchar, utm_campaign varchar, referrer_host varchar,
                    click_id_name varchar, evidence_text varchar
                )
                """
            )
        for seed in ("platforms", "channel_rules"):
            load_seed(connection, seed)
        rows = pd.DataFrame(visits, dtype=object).assign(
            platform_id="site", visit_id=[str(number) for number in range(len(visits))]
        )
        rows = rows.astype(object).where(rows.notna(), None)
        connection.execute("insert into intermediate.int_traffic_daily by name select * from rows")
        connection.execute(model.statement)
        found = connection.execute(
            "select cast(visit_id as integer), channel_id from intermediate.int_traffic_daily"
            f" left join {model.relation} on traffic_key = md5({TRAFFIC}) order by all"
        ).fetchall()
    return [channel for _, channel in found]


def test_sources_are_grouped_as_the_published_list_does_or_for_a_reason(
    compiled: list[CompiledModel], oracles: Path
) -> None:
    """438 of 819 sources. All others but those of `OTHERWISE` have no rule, being portals, closed or small: they say so."""
    sources = pd.read_csv(oracles / "channel_grouping" / "ga4_source_categories.csv")
    field = sources.source.map(lambda source: "referrer_host" if "." in source else "utm_source")
    channels = classified(compiled[0], [{name: source} for name, source in zip(field, sources.source, strict=True)])
    assert None not in channels
    is_equal = [
        channel in CATEGORIES[category.removeprefix("SOURCE_CATEGORY_")]
        for channel, category in zip(channels, sources.source_category, strict=True)
    ]
    unequal = {
        source: channel for source, channel, equal in zip(sources.source, channels, is_equal, strict=True) if not equal
    }
    assert sum(is_equal) == 438
    assert {
        source: channel for source, channel in unequal.items() if channel not in ("other_referral", "other_campaign")
    } == OTHERWISE


def test_every_kind_of_traffic_has_a_channel(compiled: list[CompiledModel]) -> None:
    """Whatever carries a sign of its origin is some channel's; what carries none is direct, which is decided elsewhere."""
    signs = ("click_id_name", "utm_source", "utm_medium", "utm_campaign", "referrer_host")
    assert classified(compiled[0], [{sign: "never heard of"} for sign in signs]) == [
        *["other_campaign"] * 4,
        "other_referral",
    ]
    names = re.findall(r"'([\w|]+)'", (DBT_PROJECT / "macros" / "definitions" / "click_id_names.sql").read_text())
    click_ids = names[0].split("|")
    assert "other_campaign" not in classified(compiled[0], [{"click_id_name": name} for name in click_ids])
    with duckdb.connect() as connection:
        connection.execute("create schema reference")
        for seed in ("platforms", "channel_rules", "channels"):
            load_seed(connection, seed)
        unruled = connection.execute(
            "select platform_id from reference.platforms where platform_kind in ('social', 'newsletter')"
            " and platform_id not in (select pattern from reference.channel_rules where field = 'platform')"
        ).fetchall()
        unknown = connection.execute(
            "select distinct channel_id from reference.channel_rules where channel_id <> '(direct)'"
            " and channel_id not in (select channel_id from reference.channels)"
        ).fetchall()
        referrals = connection.execute(
            "select channel_id from reference.channel_rules where field = 'referral'"
        ).fetchall()
    assert (unruled, unknown, referrals) == ([], [], [("referral_program",)])
