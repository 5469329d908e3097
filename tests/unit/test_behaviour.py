from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from orchestration.simulation import behaviour, margins
from orchestration.simulation.behaviour import CANARY_CODE, CODES, live, posting_schedule
from orchestration.simulation.regimes import CHANGES, REGIMES, SIZES, WorldConfig, world_config
from orchestration.simulation.world import ACTS, ANSWERS, CHANNELS, CURRENCIES, LETTERS, PLATFORMS, World

OWN = 6
"""Channels of the brand's own stand first in `CHANNELS`."""
TABLES = ("people", "posts", "receptions", "follows", "acts", "subscriptions", "visits", "orders", "refunds", "truth")


@cache
def world(regime: str = "base", size: str = "replicate", seed: int = 3) -> World:
    return live(world_config(regime, size), seed)


@cache
def small() -> World:
    return live(world_config("base", "small"), 7)


def columns(lived: World, table: str) -> dict[str, np.ndarray]:
    part = getattr(lived, table)
    return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}


def end(lived: World) -> np.datetime64:
    return np.datetime64(lived.config.first_day, "s") + np.timedelta64(lived.config.days, "D")


def test_a_seed_gives_one_world_and_another_seed_another() -> None:
    config = world_config("base", "tiny")
    first, again, other = live(config, 5), live(config, 5), live(config, 6)
    for table in TABLES:
        for name, values in columns(first, table).items():
            np.testing.assert_array_equal(values, getattr(getattr(again, table), name), f"{table}.{name}")
    np.testing.assert_array_equal(first.letters_sent, again.letters_sent)
    np.testing.assert_array_equal(first.audience.days_seen, again.audience.days_seen)
    assert len(first.orders.at) != len(other.orders.at) or (first.orders.at != other.orders.at).any()


@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_lives_and_its_tables_are_whole(regime: str) -> None:
    lived = world(regime, "tiny")
    lengths = {table: {len(values) for values in columns(lived, table).values()} for table in TABLES}
    assert {table for table, found in lengths.items() if len(found) != 1} == set()
    assert lengths["truth"] == lengths["orders"]
    positions = {
        "posts": {"platform": len(PLATFORMS)},
        "receptions": {"post": len(lived.posts.at), "day": lived.config.days},
        "follows": {"person": len(lived.people.is_bot), "platform": len(PLATFORMS)},
        "acts": {"person": len(lived.people.is_bot), "post": len(lived.posts.at), "kind": len(ACTS)},
        "subscriptions": {"person": lived.config.people, "letter": len(LETTERS), "channel": len(CHANNELS), "end": 4},
        "visits": {"person": lived.config.people, "channel": len(CHANNELS), "order": len(lived.orders.at)},
        "orders": {
            "person": lived.config.people,
            "currency": len(CURRENCIES),
            "referrer": lived.config.people,
            "answer": len(ANSWERS),
            "link_channel": OWN,
        },
        "refunds": {"order": len(lived.orders.at)},
    }
    may_be_none = {("visits", "person"), ("visits", "order"), ("orders", "referrer"), ("orders", "link_channel")}
    wrong = [
        (table, name)
        for table, names in positions.items()
        for name, count in names.items()
        if ((values := getattr(getattr(lived, table), name)) >= count).any()
        or (values < (-1 if (table, name) in may_be_none else 0)).any()
    ]
    assert wrong == []


def test_moments_lie_within_the_world_and_tables_are_in_order_of_time() -> None:
    lived = world()
    start = np.datetime64(lived.config.first_day, "s")
    for table in TABLES:
        for name, values in columns(lived, table).items():
            if values.dtype.kind == "M":
                known = values[~np.isnat(values)]
                assert ((known >= start) & (known < end(lived))).all(), f"{table}.{name}"
    ordered = [lived.posts.at, lived.letters_sent, lived.follows.started_at, lived.acts.at, lived.visits.at]
    ordered += [lived.subscriptions.started_at, lived.orders.at, lived.refunds.at]
    assert [index for index, at in enumerate(ordered) if (np.diff(at) < np.timedelta64(0)).any()] == []


def spells_overlap(person: np.ndarray, where: np.ndarray, started: np.ndarray, ended: np.ndarray) -> bool:
    order = np.lexsort((started, where, person))
    same = (np.diff(person[order]) == 0) & (np.diff(where[order]) == 0)
    ended = np.where(np.isnat(ended), np.datetime64("9999-01-01", "s"), ended)[order]
    return bool((same & (started[order][1:] <= ended[:-1])).any() or (ended <= started[order]).any())


@cache
def fickle() -> World:
    """People follow and subscribe at every sight, and leave within days."""
    often = {"follow": 0.9, "unfollow": 0.9, "sign_up": 1.0, "letter_leave": 0.4, "organic_visits": 3.0}
    often |= {"other_sees": (0.2,) * 4, "deleted_share": 0.5}
    return live(world_config("base", "tiny").model_copy(update=often), 3)


@pytest.mark.parametrize("make", [world, fickle])
def test_spells_of_a_person_on_a_platform_are_disjoint(make: Callable[[], World]) -> None:
    follows, subscriptions = make().follows, make().subscriptions
    assert not spells_overlap(follows.person, follows.platform, follows.started_at, follows.ended_at)
    anywhere = np.zeros_like(subscriptions.person)
    assert not spells_overlap(subscriptions.person, anywhere, subscriptions.started_at, subscriptions.ended_at)
    assert ((subscriptions.end > 0) == ~np.isnat(subscriptions.ended_at)).all()


def test_people_leave_and_some_come_back() -> None:
    follows = small().follows
    _, spells = np.unique(follows.person * len(PLATFORMS) + follows.platform, return_counts=True)
    assert (spells > 1).any()
    assert (~np.isnat(follows.ended_at)).mean() > 0.2


def test_whoever_deletes_their_accounts_follows_and_acts_no_more() -> None:
    lived = small()
    deleted_at = lived.people.deleted_at
    gone = ~np.isnat(deleted_at)
    assert gone.any()
    follows, acts = lived.follows, lived.acts
    ours = gone[follows.person]
    assert not np.isnat(follows.ended_at[ours]).any()
    assert (follows.ended_at[ours] <= deleted_at[follows.person[ours]]).all()
    ours = gone[acts.person]
    assert (acts.at[ours] < deleted_at[acts.person[ours]]).all()


def test_an_act_follows_its_post_and_is_given_once() -> None:
    lived = world()
    acts, posts = lived.acts, lived.posts
    assert (acts.at > posts.at[acts.post]).all()
    assert not (acts.withdrawn_at <= acts.at).any()
    assert (acts.kind[~np.isnat(acts.withdrawn_at)] == ACTS.index("like")).all()
    once = acts.kind != ACTS.index("reply")
    keys = np.column_stack([acts.person, acts.post, acts.kind])[once]
    assert len(np.unique(keys, axis=0)) == len(keys)
    assert lived.people.has_account[acts.person, posts.platform[acts.post]].all()
    assert not ((acts.kind == ACTS.index("repost")) & (posts.platform[acts.post] == PLATFORMS.index("youtube"))).any()


def test_refunds_come_later_and_never_exceed_their_order() -> None:
    lived = small()
    refunds, orders = lived.refunds, lived.orders
    given = np.zeros(len(orders.at), dtype=np.int64)
    np.add.at(given, refunds.order, refunds.amount)
    assert (given <= orders.amount).all()
    assert (refunds.amount > 0).all()
    assert (refunds.at > orders.at[refunds.order]).all()
    assert not (orders.is_failed | orders.is_disputed)[refunds.order].any()
    assert ((given > 0) & (given < orders.amount)).any(), "partial"
    assert (given == orders.amount).any(), "full"
    assert (np.bincount(refunds.order) > 1).any(), "more than one"
    assert (refunds.at - orders.at[refunds.order]).max() > np.timedelta64(60, "D"), "late"


def test_what_people_pay_with_and_say_covers_every_kind() -> None:
    orders = small().orders
    assert set(np.unique(orders.currency)) == set(range(len(CURRENCIES)))
    assert set(np.unique(orders.answer)) == set(range(len(ANSWERS)))
    assert orders.is_failed.any()
    assert orders.is_disputed.any()
    assert orders.through_payment_link[orders.is_failed | orders.is_disputed | (orders.link_channel >= 0)].all()
    assert orders.second_email.any()
    assert {*CODES, CANARY_CODE} <= set(orders.code)
    referred = orders.referrer >= 0
    assert referred.any()
    assert (np.char.startswith(orders.code, "FRIEND") == referred).all()
    assert [int(code[6:]) for code in orders.code[referred]] == orders.referrer[referred].tolist()


@cache
def eager() -> World:
    """Most buy within days of the first posts, and with a code."""
    changes = {"coupon_shares": (1.0,) * 6, "buying_pace": 60.0, "other_sees": (0.2,) * 4}
    return live(world_config("base", "tiny").model_copy(update=changes), 3)


@pytest.mark.parametrize("make", [world, eager])
def test_a_code_is_used_by_those_who_saw_it_announced_or_take_codes_from_lists(make: Callable[[], World]) -> None:
    lived = make()
    orders, posts = lived.orders, lived.posts
    for channel, code in enumerate(CODES):
        used = (orders.code == code) & ~lived.people.is_canary_leaker[orders.person]
        assert used.any(), code
        assert lived.truth.saw[used, channel].all()
        announced = posts.at[(posts.code == code)] if channel < len(PLATFORMS) else lived.letters_sent
        assert (orders.at[used] >= announced.min()).all()
    leaks = lived.people.is_canary_leaker[orders.person]
    assert (orders.code[leaks] != "").all()
    assert not (orders.code[~leaks] == CANARY_CODE).any()


def test_a_thank_you_page_is_seen_after_its_order_in_the_shop_by_the_buyer() -> None:
    lived = world()
    visits, orders = lived.visits, lived.orders
    thanked = visits.order >= 0
    order = visits.order[thanked]
    assert len(np.unique(order)) == len(order)
    assert (visits.person[thanked] == orders.person[order]).all()
    assert (visits.at[thanked] > orders.at[order]).all()
    assert not (orders.through_payment_link | orders.is_failed)[order].any()
    share = len(order) / (~orders.through_payment_link).sum()
    assert share == pytest.approx(lived.config.thanked_share, abs=0.05)


def test_people_see_what_they_have_an_account_for() -> None:
    lived = world()
    assert lived.people.has_account[lived.audience.days_seen > 0].all()
    receptions = lived.receptions
    assert (receptions.impressions >= receptions.viewers).all()
    assert (receptions.viewers >= np.maximum(receptions.followers, 1)).all()
    assert receptions.viewers.sum() == lived.audience.days_seen.sum()
    published = (lived.posts.at[receptions.post] - np.datetime64(lived.config.first_day, "s")) // np.timedelta64(1, "D")
    assert set(receptions.day - published) == set(range(len(lived.config.seen_after)))


# The regimes: what each changes, and that it changes nothing else.


def same_purchases(first: World, second: World) -> bool:
    return all(
        np.array_equal(getattr(first.orders, name), getattr(second.orders, name)) for name in ("person", "at", "amount")
    )


@pytest.mark.parametrize("regime", ["bots", "coupon_leak", "survey_bad", "dark_all"])
def test_what_only_blurs_the_view_leaves_purchases_and_their_causes_as_they_are(regime: str) -> None:
    assert same_purchases(world(), world(regime))
    assert world().truth.is_caused.sum() == world(regime).truth.is_caused.sum()


def test_bots_inflate_the_likes_of_one_platform_that_causes_little() -> None:
    likes, inflated = (
        np.bincount(lived.posts.platform[lived.acts.post[lived.acts.kind == 0]], minlength=len(PLATFORMS))
        for lived in (world(), world("bots"))
    )
    x = PLATFORMS.index("x")
    assert inflated[x] > 3 * likes[x]
    assert np.argmax(inflated) == x
    assert np.argmin(world("bots").truth.cause_share.sum(0)[: len(PLATFORMS)]) == x
    assert (np.delete(inflated, x) <= np.delete(likes, x)).all()


def test_where_all_is_dark_no_visit_shows_a_channel_of_the_brand() -> None:
    visits, orders = world("dark_all").visits, world("dark_all").orders
    ours = visits.channel < OWN
    assert ours.any()
    assert visits.is_dark[ours].all()
    assert (orders.link_channel == -1).all()
    assert (world().orders.link_channel >= 0).any()


def test_pure_lurkers_neither_follow_nor_act_and_still_buy_because_of_it() -> None:
    lived = world("pure_lurkers")
    assert len(lived.follows.person) == 0
    assert len(lived.acts.person) == 0
    assert lived.audience.days_seen.any()
    assert lived.truth.is_caused.any()


def test_leaked_coupons_and_bad_answers_show_where_they_should() -> None:
    def coupons(lived: World) -> float:
        return float(np.isin(lived.orders.code, CODES)[~lived.truth.is_touched].mean())

    def false_answers(lived: World) -> float:
        answers = lived.orders.answer[~lived.truth.is_touched & (lived.orders.answer > 0)]
        return float((answers <= ANSWERS.index("newsletter")).mean())

    assert coupons(world()) < 0.03
    assert coupons(world("coupon_leak")) == pytest.approx(0.15 * len(CODES) / (len(CODES) + 1), abs=0.04)
    assert false_answers(world()) == pytest.approx(0.03, abs=0.02)
    assert false_answers(world("survey_bad")) == pytest.approx(0.10, abs=0.04)


def test_posting_follows_the_season_or_the_toss_of_a_coin() -> None:
    confounded = posting_schedule(world_config("season_confounded", "small"), 1)
    season = behaviour._season(world_config("season_confounded", "small"))
    assert str(np.datetime64("2024-06-01") + np.argmax(season)).startswith("2024-12")
    assert np.corrcoef(confounded.posting_factor, season)[0, 1] > 0.8
    assert confounded.is_on.all()
    assert not confounded.is_randomised
    config = world_config("season_randomised", "small")
    schedules = [posting_schedule(config, seed) for seed in range(200)]
    for schedule in schedules[:20]:
        paired = schedule.pair >= 0
        days_on = np.bincount(schedule.pair[paired], schedule.is_on[paired])
        assert (days_on == config.block_days).all()
    assert abs(np.mean([schedule.is_on[0] for schedule in schedules]) - 0.5) < 0.11


def test_nothing_is_published_in_an_off_block() -> None:
    lived = world()
    schedule = posting_schedule(lived.config, lived.seed)
    start = np.datetime64(lived.config.first_day, "s")
    for moments in (lived.posts.at, lived.letters_sent):
        assert schedule.is_on[(moments - start) // np.timedelta64(1, "D")].all()


def test_sizes_and_regimes_change_different_parameters_so_that_none_undoes_the_other() -> None:
    for regime, changes in CHANGES.items():
        for size, overrides in SIZES.items():
            assert set(changes) & set(overrides) == set(), (regime, size)
    for size in SIZES:
        config = world_config("base", size)
        assert np.datetime64(config.first_day) + config.days == np.datetime64("2026-06-01")


@pytest.mark.parametrize(("regime", "size", "named"), [("bass", "tiny", "base"), ("base", "huge", "small")])
def test_an_unknown_world_is_refused_with_the_names_that_there_are(regime: str, size: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        world_config(regime, size)


def test_a_parameter_out_of_range_or_misspelt_is_refused() -> None:
    with pytest.raises(ValueError, match="unfollow"):
        WorldConfig(name="x", unfollow=1.2)
    with pytest.raises(ValueError, match="unfolow"):
        WorldConfig.model_validate({"name": "x", "unfolow": 0.1})


def test_a_world_that_does_not_fit_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match=r"simulation\.large"):
        live(world_config("base", "large"), 1)


# Days and weeks.


def test_a_day_s_chances_make_up_the_chance_of_a_week() -> None:
    config = world_config("base", "small")
    life = behaviour._Life(config, 1)
    platform = PLATFORMS.index("bluesky")
    days_left = config.days - life.post_day[life.posts_of[platform]]
    posts = sum(sum(config.seen_after[:left]) for left in days_left)
    assert posts == pytest.approx(len(days_left), abs=5)
    missed = np.prod(1 - life.sees[:, :, platform], axis=1)
    sees = np.array([config.other_sees[platform], config.follower_sees[platform]])
    np.testing.assert_allclose(np.log(missed), posts * np.log(1 - sees), rtol=1e-6)


def test_the_stock_of_one_exposure_sums_to_the_weekly_model_s() -> None:
    config = world_config("base", "tiny")
    life = behaviour._Life(config, 1)
    weeks_of_stock = life.unit * np.sum(life.kept ** np.arange(2000)) / 7
    assert weeks_of_stock == pytest.approx(1 / (1 - config.stock_kept))


def test_the_base_world_has_the_margins_that_are_claimed() -> None:
    found = margins.margins(small())
    assert [margin for margin in found if not margin.holds] == []
    assert len(found) == 12


def test_a_margin_outside_its_band_does_not_hold() -> None:
    chatty = world_config("base", "replicate").model_copy(update={"like": (0.3,) * 4, "dark_shares": (0.0,) * 6})
    broken = {margin.name for margin in margins.margins(live(chatty, 1)) if not margin.holds}
    assert {"reached who never act", "Mastodon visits that are dark"} <= broken
