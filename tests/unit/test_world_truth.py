from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from orchestration.settings import PROJECT_ROOT
from orchestration.simulation.behaviour import live
from orchestration.simulation.regimes import REGIMES, world_config
from orchestration.simulation.truth import CHANNEL_IDS, write_truth
from orchestration.simulation.world import CHANNELS, PLATFORMS, World


@cache
def world(regime: str = "base", size: str = "replicate", seed: int = 3) -> World:
    return live(world_config(regime, size), seed)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "truth"
    write_truth(world(), folder)
    return folder


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for path in folder.glob("*.parquet"):
            connection.execute(f"create view {path.stem} as from '{path}'")
        return connection.execute(query).fetchall()


def purchases(lived: World, which: np.ndarray) -> list[tuple[int, np.datetime64]]:
    which &= ~lived.orders.is_failed
    return list(zip(lived.orders.person[which].tolist(), lived.orders.at[which].tolist(), strict=True))


@pytest.mark.parametrize("regime", ["base", "pure_lurkers", "unequal_rates", "word_of_mouth"])
def test_caused_orders_are_those_that_a_world_without_any_effect_does_not_have(regime: str) -> None:
    lived = world(regime)
    assert lived.truth.is_caused.sum() > 50
    without_effect = world("pure_organic")
    assert purchases(lived, ~lived.truth.is_caused) == purchases(without_effect, ~without_effect.truth.is_caused)


def test_without_effect_nothing_is_caused_though_many_are_touched() -> None:
    lived = world("pure_organic")
    assert not lived.truth.is_caused.any()
    assert not lived.truth.cause_share.any()
    assert lived.truth.is_touched.mean() > 0.08


@pytest.mark.parametrize("regime", REGIMES)
def test_whoever_was_moved_was_touched_and_shares_of_the_cause_sum_to_one(regime: str) -> None:
    lived = world(regime, "tiny")
    truth = lived.truth
    assert truth.is_touched[truth.is_caused].all()
    assert truth.is_touched[truth.saw.any(1)].all()
    np.testing.assert_allclose(truth.cause_share.sum(1), truth.is_caused, atol=1e-12)
    assert not truth.cause_share[:, CHANNELS.index("search") :].any()
    assert not truth.saw[:, CHANNELS.index("search") :].any()
    own = truth.is_caused & ~truth.is_word_of_mouth
    assert (truth.saw | (truth.cause_share == 0))[own].all(), "a cause that was not seen"


def test_where_only_word_of_mouth_moves_people_all_that_is_caused_went_through_it() -> None:
    truth = world("word_of_mouth").truth
    assert truth.is_word_of_mouth[truth.is_caused].all()
    assert (~truth.saw.any(1))[truth.is_caused].any(), "touched by friends alone"
    assert not world().truth.is_word_of_mouth[world().truth.is_caused].all()


def test_where_rates_differ_neither_likes_nor_codes_rank_platforms_as_they_cause() -> None:
    lived = world("unequal_rates")
    caused = lived.truth.cause_share.sum(0)[: len(PLATFORMS)]
    likes = np.bincount(lived.posts.platform[lived.acts.post], minlength=len(PLATFORMS))
    codes = np.array([(lived.orders.code == code).sum() for code in ("MASTO10", "SKY10", "XTRA10", "BREW10")])
    assert np.argmax(caused) == PLATFORMS.index("mastodon")
    assert np.argmax(likes) != PLATFORMS.index("mastodon")
    assert np.argmax(codes) != PLATFORMS.index("mastodon")


def test_evidence_counts_are_no_influence_where_there_is_none() -> None:
    lived = world("pure_organic")
    with_code = (lived.orders.code != "").sum()
    assert with_code > 0.02 * len(lived.orders.code)


def test_truth_names_channels_as_the_seed_does() -> None:
    with (PROJECT_ROOT / "seeds" / "channels.csv").open(encoding="utf-8", newline="") as file:
        channels = {row["channel_id"] for row in csv.DictReader(file)}
    assert set(CHANNEL_IDS) - channels == {"(direct)"}
    assert "word_of_mouth" in channels
    assert len(CHANNEL_IDS) == len(CHANNELS)


def test_truth_tells_of_every_order_once_and_of_no_failed_payment(truth: Path) -> None:
    placed = int((~world().orders.is_failed).sum())
    assert rows(truth, "select count(*), count(distinct (platform_id, native_conversion_id)) from truth_orders") == [
        (placed, placed)
    ]
    assert rows(truth, "select distinct platform_id from truth_orders order by all") == [("shopify",), ("stripe",)]


def test_totals_are_those_of_the_rows(truth: Path) -> None:
    totals = "orders, orders_net, orders_touched, orders_caused, orders_caused_net, orders_word_of_mouth"
    counted = """
        select count(*), count(*) filter (not is_fully_reversed), count(*) filter (is_touched),
            count(*) filter (is_caused), count(*) filter (is_caused and not is_fully_reversed),
            count(*) filter (is_word_of_mouth)
        from truth_orders
    """
    assert rows(truth, f"select {totals} from truth_totals") == rows(truth, counted)
    caused = "select count(*) filter (is_caused) from truth_orders"
    for table, column in [("truth_channels", "orders_caused"), ("truth_order_channels", "cause_share")]:
        assert rows(truth, f"select sum({column}) from {table}")[0][0] == pytest.approx(rows(truth, caused)[0][0])
    people = "select sum(orders), sum(orders_caused) from truth_people"
    assert rows(truth, people) == rows(truth, "select orders, orders_caused from truth_totals")
    acted = "select count(*) filter (acts > 0), count(*) filter (replies > 0) from truth_people where not is_bot"
    assert rows(truth, acted) == rows(truth, "select people_acted, people_engaged from truth_totals")
    assert rows(truth, "select sum(acts), sum(bot_acts) from truth_platform_days") == rows(
        truth, "select sum(acts), sum(bot_acts) from truth_platforms"
    )
    assert rows(truth, "select sum(acts) + sum(bot_acts) from truth_platforms") == [(len(world().acts.at),)]


def test_money_is_in_whole_units_and_refunds_are_taken_off(truth: Path) -> None:
    lived = world()
    assert rows(truth, "select sum(net_amount) from truth_orders where is_fully_reversed") == [(0,)]
    reversed_amount = float(rows(truth, "select sum(reversed_amount) from truth_orders")[0][0])
    assert reversed_amount == pytest.approx(lived.refunds.amount.sum() / 100)
    gross = lived.orders.amount[~lived.orders.is_failed].sum() / 100
    assert float(rows(truth, "select sum(gross_amount) from truth_revenue")[0][0]) == pytest.approx(gross)
    by_order = (
        "select currency_code, sum(gross_amount), sum(reversed_amount), sum(net_amount) from truth_orders group by all"
    )
    by_currency = "select currency_code, gross_amount, reversed_amount, net_amount from truth_revenue"
    assert sorted(rows(truth, by_order)) == sorted(rows(truth, by_currency))


def test_followers_standing_at_the_end_are_the_open_spells(truth: Path) -> None:
    last = "select followers_standing from truth_platform_days where seen_date = '2026-05-31' order by platform_id"
    follows = world().follows
    standing = np.bincount(follows.platform[np.isnat(follows.ended_at)], minlength=len(PLATFORMS))
    by_name = [int(standing[PLATFORMS.index(name)]) for name in sorted(PLATFORMS)]
    assert [row[0] for row in rows(truth, last)] == by_name
    assert rows(truth, "select min(followers_standing) >= 0 from truth_platform_days") == [(True,)]


def test_the_schedule_and_the_parameters_are_part_of_the_truth(truth: Path) -> None:
    paired = "select pair, sum(cast(is_on as integer)) from truth_posting where pair >= 0 group by all"
    assert {days for _, days in rows(truth, paired)} == {world().config.block_days}
    assert rows(truth, "select count(*), bool_and(is_randomised) from truth_posting") == [(world().config.days, True)]
    assert rows(truth, "select regime, seed, config from truth_world") == [
        ("base", 3, world().config.model_dump_json())
    ]
