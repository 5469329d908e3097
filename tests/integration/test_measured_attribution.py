"""Measured attribution models from journeys to marts: the project's SQL and measurement on journeys with known answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import factorial
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.measurement.attribution import MEASUREMENTS, measured_credits
from orchestration.settings import PROJECT_ROOT
from tests.integration.attribution_sql import CompiledModel, compile_models
from tests.unit.attribution_oracles import (
    LOOPED,
    NINE,
    PathJourneys,
    read_answers,
    read_expected,
    read_paths,
)

MODELS = (
    "int_paths",
    "int_numbered_channels",
    "int_path_steps",
    "int_path_channels",
    "int_path_counts",
    "int_path_transitions",
    "int_channel_participation",
    "int_channel_sets",
    "channel_attribution_monthly",
    "channel_attribution_total",
    "channel_removal_effects",
    "channel_shapley_values",
)
INFLUENCE = PROJECT_ROOT / "dbt_project/models/marts/influence"
SOURCES = yaml.safe_load((INFLUENCE / "_attribution_measurement__sources.yml").read_text(encoding="utf-8"))
EFFECTS = {
    column["name"]: column["data_type"].replace("string", "varchar")
    for column in SOURCES["sources"][0]["tables"][0]["columns"]
}
UNITS = 10_000_000
"""One of a path's value, in units of which amounts keep two digits more: pathdata's have nine."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[CompiledModel]:
    return compile_models(tmp_path_factory.mktemp("measured"), MODELS)


def journeys_of(paths: Sequence[PathJourneys], times: int = 1) -> pd.DataFrame:
    """One row per path; SQL makes the journeys. All that a path's conversions brought is its first one's."""
    rows = [(" > ".join(p.channels), p.converted * times, p.not_converted * times, p.value * UNITS) for p in paths]
    return pd.DataFrame(rows, columns=["journey_path", "converted", "lost", "path_value"])


def measured(
    models: Sequence[CompiledModel], paths: pd.DataFrame, *more: str, only: Sequence[str] = ()
) -> duckdb.DuckDBPyConnection:
    """A warehouse with the marts of these journeys, each a person's own, under all measured models or those of `only`.

    `more` is SQL that is run before the project's.
    """
    connection = duckdb.connect()
    connection.execute(
        """
        set threads = 1;
        create schema intermediate; create schema marts; create schema reference; create schema measurement;
        create table intermediate.int_conversions as
        select
            'c' || row_number() over () as conversion_key, 'p' || row_number() over () as person_key,
            'order' as conversion_kind, 'USD' as reporting_currency_code, false as is_fully_reversed,
            cast(if(number = 1, path_value, 0) as decimal(18, 2)) as gross_amount_reporting,
            cast(0 as decimal(18, 2)) as reversed_amount_reporting, cast(0 as decimal(18, 2)) as reversed_amount,
            date '2026-03-01' as converted_date, cast(null as date) as reversed_date, journey_path
        from (select *, unnest(range(1, converted + 1)) as number from paths order by journey_path, number);
        create table intermediate.int_journeys as
        select
            conversion_key as journey_id, 'all_touches_30_days' as path_configuration_id, person_key, conversion_key,
            conversion_kind, 'converted' as journey_outcome, converted_date as journey_date, journey_path,
            if(replace(replace(journey_path, '(direct)', ''), ' > ', '') = '', 'direct', 'linked') as link_state
        from intermediate.int_conversions
        union all
        select
            'n' || row_number() over () as journey_id, 'all_touches_30_days', 'q' || row_number() over (), null, null,
            'not_converted', date '2026-03-01', journey_path, null
        from (select *, unnest(range(1, lost + 1)) as number from paths order by journey_path, number);
        create view intermediate.int_converted_journeys as
        from intermediate.int_journeys where journey_outcome = 'converted';
        create table marts.fct_attribution_credits (
            conversion_key varchar, attribution_model_id varchar, channel_id varchar, conversion_kind varchar,
            credit_count decimal(18, 6), entry_date date
        );
        create table marts.channel_attribution_daily (
            attribution_date date, attribution_model_id varchar, channel_id varchar, conversion_kind varchar,
            label varchar, reporting_currency_code varchar, original_credit_count decimal(18, 6),
            reversal_credit_count decimal(18, 6), original_credit_amount_reporting decimal(18, 2),
            reversal_credit_amount_reporting decimal(18, 2)
        );
        """
    )
    connection.execute(
        f"""
        create table reference.measured_attribution_models as
        from read_csv('{PROJECT_ROOT / "seeds/measured_attribution_models.csv"}')
        where len($only) = 0 or list_contains($only, model_id)
        """,
        {"only": list(only)},
    )
    for statement in more:
        connection.execute(statement)
    connection.execute(
        "create table marts.fct_conversions as select * exclude (journey_path) from intermediate.int_conversions"
    )
    columns = ", ".join(f"{name} {type_}" for name, type_ in EFFECTS.items())
    for model in models:
        if model.relation == "marts.channel_attribution_monthly":
            frames = [connection.execute(f"from {name} order by all").df() for name in MEASUREMENTS[0].reads]
            figures = measured_credits(*frames)
            figures = figures.astype(object).where(figures.notna(), None)
            connection.execute(f"create table measurement.channel_effects ({columns})")
            connection.execute("insert into measurement.channel_effects by name select * from figures")
        connection.execute(model.statement)
    return connection


def credits_of(connection: duckdb.DuckDBPyConnection, model: str, column: str = "credit_count") -> dict[str, float]:
    rows = connection.execute(
        f"select channel_id, {column}::double from marts.channel_attribution_total where attribution_model_id = ?",
        [model],
    ).fetchall()
    return dict(rows)


def effects_of(connection: duckdb.DuckDBPyConnection, model: str, basis: str = "count") -> dict[str, float]:
    rows = connection.execute(
        """
        select channel_id, removal_effect from marts.channel_removal_effects
        where attribution_model_id = ? and basis = ? and period = 'whole_range'
        """,
        [model, basis],
    ).fetchall()
    return dict(rows)


def without_zeros(answers: dict[str, float]) -> dict[str, float]:
    return {channel: answer for channel, answer in answers.items() if answer}


@pytest.mark.parametrize("name", ["tiny", "loops"])
def test_small_worlds_come_out_exact_under_every_model(models: list[CompiledModel], oracles: Path, name: str) -> None:
    # Twenty times over, because a state of several channels needs 20 visits; effects do not depend on that.
    answers = read_answers(oracles, name)
    with measured(models, journeys_of(read_paths(oracles, name), 20)) as connection:
        for order in (1, 2, 3):
            answer = answers["markov"][f"order{order}"]
            model = f"markov_order_{order}"
            assert effects_of(connection, model) == pytest.approx(answer["removal_effect"], abs=1e-9)
            assert credits_of(connection, model) == pytest.approx(
                {channel: 20 * credit for channel, credit in answer["conversions"].items()}, abs=1.1e-6
            )
            by_value = answer["value_weighted"]
            assert effects_of(connection, model, "value") == pytest.approx(by_value["removal_effect_value"], abs=1e-9)
            assert credits_of(connection, model, "credit_amount_reporting") == pytest.approx(
                {channel: UNITS * value for channel, value in by_value["value"].items()}, abs=0.011
            )
        assert credits_of(connection, "shapley_sum") == pytest.approx(
            {channel: 20 * credit for channel, credit in answers["shapley_sum"]["conv"].items()}, abs=1.1e-6
        )
        assert credits_of(connection, "shapley_sum", "credit_amount_reporting") == pytest.approx(
            {channel: UNITS * value for channel, value in answers["shapley_sum"]["value"].items()}, abs=0.011
        )
        values = connection.execute(
            """
            select attribution_model_id, channel_id, channel_position, shapley_value
            from marts.channel_shapley_values where period = 'whole_range'
            """
        ).fetchall()
    phi = answers["shapley_rate"]["phi"]
    assert {row[1]: row[3] for row in values if row[0] == "shapley_rate"} == pytest.approx(phi, abs=1e-9)
    assert {f"{row[1]}@{row[2]}": row[3] / 20 for row in values if row[0] == "shapley_sum"} == pytest.approx(
        answers["shapley_ordered_sum"], abs=1e-9
    )


def test_ten_thousand_paths_come_out_as_published(models: list[CompiledModel], oracles: Path) -> None:
    expected = read_expected(oracles)
    only = ("markov_order_1", "shapley_sum")
    with measured(models, journeys_of(read_paths(oracles, "pathdata")), only=only) as connection:
        bases = connection.execute(
            """
            select base_result from marts.channel_removal_effects
            where attribution_model_id = 'markov_order_1' and basis = 'count' and period = 'whole_range'
            """
        ).fetchall()
        for column, found in (
            ("markov1_removal_effect", effects_of(connection, "markov_order_1")),
            ("markov1_credit", credits_of(connection, "markov_order_1")),
            ("shapley_closed_form", credits_of(connection, "shapley_sum")),
        ):
            answers = {channel: row[column] for channel, row in expected.items()}
            assert found == pytest.approx(answers, abs=1.6e-6)
        amounts = credits_of(connection, "shapley_sum", "credit_amount_reporting")
        assert {channel: amount / UNITS for channel, amount in amounts.items()} == pytest.approx(
            {channel: row["shapley_value"] for channel, row in expected.items()}, abs=1.6e-6
        )
    assert bases[0][0] == pytest.approx(0.2238451356, abs=5e-11)
    assert len(set(bases)) == 1


def test_paths_worked_out_by_hand_come_out_so(models: list[CompiledModel]) -> None:
    with measured(models, journeys_of(NINE)) as connection:
        effects = effects_of(connection, "markov_order_1")
        assert effects == pytest.approx({"A": 0.666667, "B": 0.533333, "C": 0.491228}, abs=5e-7)
        assert credits_of(connection, "markov_order_1") == pytest.approx(
            {"A": 3.547718, "B": 2.838174, "C": 2.614108}, abs=1.1e-6
        )
        assert credits_of(connection, "shapley_sum") == pytest.approx({"A": 3.5, "B": 3, "C": 2.5}, abs=1.1e-6)
    with measured(models, journeys_of(LOOPED)) as connection:
        assert effects_of(connection, "markov_order_1") == pytest.approx({"A": 1, "B": 0.5})
        assert credits_of(connection, "markov_order_1") == pytest.approx({"A": 2, "B": 1}, abs=1.1e-6)


journeys = st.lists(
    st.builds(
        PathJourneys,
        channels=st.lists(st.sampled_from(["A", "B", "C", "(direct)"]), min_size=1, max_size=5).map(tuple),
        converted=st.integers(0, 3),
        not_converted=st.integers(0, 3),
        value=st.integers(0, 100).map(float),
    ).map(lambda path: path if path.converted else replace(path, value=0.0)),
    min_size=1,
    max_size=8,
    unique_by=lambda path: path.channels,
).filter(lambda paths: any(path.converted for path in paths))


@settings(max_examples=6)
@given(paths=journeys)
def test_laws_hold_for_any_journeys(models: list[CompiledModel], paths: list[PathJourneys]) -> None:
    total = sum(path.converted for path in paths)
    linked = [path for path in paths if set(path.channels) != {"(direct)"}]
    with measured(models, journeys_of(paths)) as connection:
        for period in ("monthly", "total"):
            sums = connection.execute(
                f"""
                select attribution_model_id, sum(credit_count), sum(credit_amount_reporting)
                from marts.channel_attribution_{period} group by all
                """
            ).fetchall()
            assert {row[1] for row in sums} == {total}
            assert {row[2] for row in sums if row[0] != "shapley_rate"} == {sum(path.value for path in paths) * UNITS}
            assert len(sums) == 6
        outside = connection.execute(
            """
            select removal_effect, participation_share from marts.channel_removal_effects
            where removal_effect not between 0 and 1 or participation_share not between 0 and 1 + 1e-12
            """
        ).fetchall()
        ordered = connection.execute(
            """
            select channel_id, sum(shapley_value) from marts.channel_shapley_values
            where attribution_model_id = 'shapley_sum' and period = 'whole_range' group by channel_id
            """
        ).fetchall()
        totals = credits_of(connection, "shapley_sum")
    assert outside == []
    by_definition = sum_game(paths)
    assert dict(ordered) == pytest.approx(without_zeros(by_definition), abs=1e-6)
    assert without_zeros(totals) == pytest.approx(without_zeros(by_definition), abs=1.1e-6)
    assert linked == [] or sum(by_definition.values()) == pytest.approx(total)


def sum_game(paths: Sequence[PathJourneys]) -> dict[str, float]:
    """Shapley values by definition, where a set is worth the conversions of journeys inside it."""
    channels = sorted({channel for path in paths for channel in path.channels})

    def worth(members: tuple[str, ...]) -> int:
        return sum(path.converted for path in paths if set(path.channels) <= set(members))

    values = {}
    for channel in channels:
        others = [other for other in channels if other != channel]
        values[channel] = float(
            sum(
                Fraction(factorial(size) * factorial(len(others) - size), factorial(len(channels)))
                * (worth((*members, channel)) - worth(members))
                for size in range(len(others) + 1)
                for members in combinations(others, size)
            )
        )
    return values


def test_the_order_in_which_rows_arrive_changes_no_figure(models: list[CompiledModel], oracles: Path) -> None:
    paths = journeys_of(read_paths(oracles, "loops"), 3)
    upside_down = """
        create or replace table intermediate.int_journeys as select * from intermediate.int_journeys
        order by md5(journey_id)
    """
    # Who is whose group follows from keys, so the intervals are the same too.
    with measured(models, paths) as connection, measured(models, paths, upside_down) as other:
        for mart in ("channel_attribution_total", "channel_attribution_monthly", "channel_removal_effects"):
            rows = connection.execute(f"from marts.{mart} order by all").fetchall()
            assert rows == other.execute(f"from marts.{mart} order by all").fetchall()
            assert rows


def test_an_open_journey_changes_nothing(models: list[CompiledModel], oracles: Path) -> None:
    """Defect of all packages: a journey that may yet convert is counted as lost."""
    paths = read_paths(oracles, "loops")
    still_open = "update intermediate.int_journeys set journey_outcome = 'open' where conversion_key is null"
    with measured(models, journeys_of(paths), still_open) as connection:
        found = effects_of(connection, "markov_order_1")
    converted = [replace(path, not_converted=0) for path in paths if path.converted]
    with measured(models, journeys_of(converted)) as connection:
        assert found == pytest.approx(effects_of(connection, "markov_order_1"))


def test_months_are_measured_apart_and_a_reversal_follows_the_split_of_its_conversion(
    models: list[CompiledModel],
) -> None:
    """March: A and B share a journey; April: C alone. March's conversion comes back in April."""
    paths = journeys_of([PathJourneys(("A", "B"), 1, 0, 10.0), PathJourneys(("C",), 1, 0, 5.0)])
    in_april = "journey_path = 'C'"
    moves = (
        f"update intermediate.int_conversions set converted_date = '2026-04-02' where {in_april}",
        f"update intermediate.int_journeys set journey_date = '2026-04-02' where {in_april}",
        """
        update intermediate.int_conversions set is_fully_reversed = true, reversed_date = '2026-04-09',
            reversed_amount = gross_amount_reporting, reversed_amount_reporting = gross_amount_reporting
        where journey_path = 'A > B'
        """,
    )
    with measured(models, paths, *moves) as connection:
        rows = connection.execute(
            """
            select month(attribution_month_date), channel_id, original_credit_count, reversal_credit_count,
                credit_amount_reporting / 10000000
            from marts.channel_attribution_monthly where attribution_model_id = 'markov_order_1' order by all
            """
        ).fetchall()
        net = credits_of(connection, "markov_order_1")
    assert rows == [
        (3, "A", 0.5, 0, 5),
        (3, "B", 0.5, 0, 5),
        (4, "A", 0, -0.5, -5),
        (4, "B", 0, -0.5, -5),
        (4, "C", 1, 0, 5),
    ]
    assert sum(net.values()) == 1


def test_unknown_and_untouched_conversions_stand_in_every_model(models: list[CompiledModel]) -> None:
    """Defect of most packages: conversions without a touch vanish."""
    without_path = """
        update intermediate.int_journeys set journey_path = '', link_state = case person_key when 'p1' then 'no_touch'
            else 'unknown' end
        where conversion_key is not null and journey_path = 'Z'
    """
    paths = journeys_of([PathJourneys(("A",), 2, 1), PathJourneys(("Z",), 3, 0)])
    untouched = "update intermediate.int_journeys set person_key = 'p1' where conversion_key = 'c3'"
    with measured(models, paths, untouched, without_path) as connection:
        rows = connection.execute(
            """
            select channel_id, count(distinct attribution_model_id), min(credit_count), max(credit_count)
            from marts.channel_attribution_total group by channel_id order by all
            """
        ).fetchall()
    assert rows == [("(no touch)", 6, 1, 1), ("(unknown)", 6, 2, 2), ("A", 6, 2, 2)]


def test_direct_visits_alone_keep_their_conversions(models: list[CompiledModel]) -> None:
    paths = [PathJourneys(("(direct)", "(direct)"), 3, 5), PathJourneys(("A", "(direct)"), 2, 2)]
    with measured(models, journeys_of(paths)) as connection:
        assert credits_of(connection, "markov_order_1") == {"(direct)": 4, "A": 1}
        assert credits_of(connection, "shapley_sum") == {"(direct)": 4, "A": 1}
        # The chain is that of the journeys in which a channel can be told.
        assert effects_of(connection, "markov_order_1") == pytest.approx({"(direct)": 1, "A": 1})


def test_rare_states_count_as_the_shorter_ones_they_end_in(models: list[CompiledModel]) -> None:
    paths = [PathJourneys(("A", "B"), 10, 9), PathJourneys(("C", "B"), 20, 15), PathJourneys(("A",), 5, 5)]
    with measured(models, journeys_of(paths)) as connection:
        states = connection.execute(
            """
            select distinct to_state from intermediate.int_path_transitions where month_date is null order by all
            """
        ).fetchall()
    # The end, A, B, C, and B after C.
    assert states == [(0,), (1,), (2,), (3,), (3002,)]


def test_beyond_twelve_channels_the_least_met_are_one_player(models: list[CompiledModel]) -> None:
    """Defect of a package: only the alphabetically last four channels get anything."""
    names = "ABCDEFGHIJKLMN"
    paths = [PathJourneys((name,), 1, 20 - place) for place, name in enumerate(names)]
    paths.append(PathJourneys(("A", "B", "C", "D", "E"), 10, 0))
    with measured(models, journeys_of(paths)) as connection:
        rate = connection.execute(
            """
            select distinct channel_id from marts.channel_shapley_values
            where attribution_model_id = 'shapley_rate' order by all
            """
        ).fetchall()
        assert [row[0] for row in rate] == ["(other)", *"ABCDEFGHIJK"]
        assert credits_of(connection, "shapley_sum")["A"] == pytest.approx(3, abs=1.1e-6)
        assert set(credits_of(connection, "markov_order_1")) == set(names)


def test_an_interval_needs_ten_persons_and_holds_the_credit(models: list[CompiledModel]) -> None:
    paths = [PathJourneys(("A",), 40, 60), PathJourneys(("A", "B"), 9, 30), PathJourneys(("C", "A"), 10, 5)]
    with measured(models, journeys_of(paths)) as connection:
        rows = connection.execute(
            """
            select channel_id, person_count, interval_status, interval_reason,
                credit_count_low < credit_count, credit_count < credit_count_high
            from marts.channel_attribution_total where attribution_model_id = 'markov_order_2' order by all
            """
        ).fetchall()
    assert rows == [
        ("A", 59, "ok", None, True, True),
        ("B", 9, "not_enough_data", "fewer_than_10_persons", None, None),
        ("C", 10, "ok", None, True, True),
    ]


def test_one_buyer_of_everything_makes_an_interval_wide(models: list[CompiledModel]) -> None:
    """Persons are drawn, not conversions: 100 orders of 20 people say less than 100 of 100."""
    paths = journeys_of([PathJourneys(("A",), 100, 300), PathJourneys(("B",), 100, 300)])
    loyal = (
        """
        update intermediate.int_conversions set person_key = 'loyal ' || (substring(conversion_key, 2)::int % 20)
        where journey_path = 'A'
        """,
        """
        update intermediate.int_journeys set person_key = 'loyal ' || (substring(conversion_key, 2)::int % 20)
        where journey_path = 'A' and conversion_key is not null
        """,
    )
    with measured(models, paths, *loyal) as connection:
        widths = dict(
            connection.execute(
                """
                select channel_id, (credit_count_high - credit_count_low)::double
                from marts.channel_attribution_total where attribution_model_id = 'shapley_sum'
                """
            ).fetchall()
        )
    # Five orders each: the square root of five as wide.
    assert widths["A"] / widths["B"] == pytest.approx(5**0.5, rel=0.25)


def test_a_month_without_journeys_measures_nothing(models: list[CompiledModel]) -> None:
    with measured(models, journeys_of([PathJourneys(("A",), 0, 3)])) as connection:
        assert connection.execute("from marts.channel_attribution_total").fetchall() == []
        assert connection.execute("from marts.channel_removal_effects").fetchall() == []


def test_the_order_that_journeys_support_is_named_once_over_the_whole_range(
    models: list[CompiledModel],
) -> None:
    """What follows B is told by the channel before it: never the same."""
    paths = [PathJourneys(("A", "B", "C"), 150, 0), PathJourneys(("C", "B", "A"), 0, 150)]
    with measured(models, journeys_of(paths)) as connection:
        verdicts = connection.execute(
            """
            select markov_order, order_verdict, min(held_out_loss) is not null, min(held_out_journey_count)
            from marts.channel_removal_effects where basis = 'count' and period = 'whole_range' group by all order by all
            """
        ).fetchall()
        others = connection.execute(
            "select distinct order_verdict from marts.channel_removal_effects where basis = 'value' or period = 'month'"
        ).fetchall()
    assert verdicts == [
        (1, "not_supported", True, 300),
        (2, "supported", True, 300),
        (3, "not_supported", True, 300),
        (4, "not_supported", True, 300),
    ]
    assert others == [("not_evaluated",)]
