"""What marts say of a simulated world, where nothing of it is unknowable: the same as the world itself."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest

from orchestration.simulation import keys
from orchestration.simulation.behaviour import live
from orchestration.simulation.regimes import world_config
from orchestration.simulation.simulate import DEMO_SEED
from orchestration.simulation.world import ACTS, CURRENCIES, LETTERS, PLATFORMS, World
from tests.integration.helpers import Demo


@pytest.fixture(scope="module")
def world() -> World:
    """The world whose exports the demo is."""
    return live(world_config("base", "tiny"), DEMO_SEED)


def _marts(demo: Demo, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(demo.publication), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_order_and_its_money_is_there_in_its_currency(world: World, demo: Demo) -> None:
    orders = world.orders
    refunded = np.zeros(len(orders.at), dtype=np.int64)
    np.add.at(refunded, world.refunds.order, world.refunds.amount)
    expected = []
    for number, currency in sorted(enumerate(CURRENCIES), key=lambda pair: pair[1]):
        paid = (orders.currency == number) & ~orders.is_failed
        expected.append((currency, int(paid.sum()), int(orders.amount[paid].sum()), int(refunded[paid].sum())))
    assert sum(count for _, count, _, _ in expected) > 50
    assert sum(back for _, _, _, back in expected) > 0
    found = """
        select currency_code, count(*), sum(gross_amount) * 100, sum(reversed_amount) * 100
        from marts.fct_conversions where conversion_kind <> 'sign_up' group by currency_code order by currency_code
    """
    assert _marts(demo, found) == expected


def test_every_order_is_found_under_its_native_id(world: World, demo: Demo) -> None:
    paid = np.flatnonzero(~world.orders.is_failed).tolist()
    found = "select conversion_id from marts.fct_conversions where conversion_kind <> 'sign_up'"
    assert {row[0] for row in _marts(demo, found)} == {keys.order_native_id(world.orders, order) for order in paid}


def test_every_post_is_found_under_its_native_id(world: World, demo: Demo) -> None:
    found = _marts(demo, "select platform_id, content_id from marts.dim_content where content_kind <> '(unknown)'")
    posts = world.posts
    assert set(found) == {
        (PLATFORMS[platform], keys.post_native_id(posts, position))
        for position, platform in enumerate(posts.platform.tolist())
    }


@pytest.mark.parametrize("kind", ["like", "repost", "reply"])
def test_bluesky_names_every_act(kind: str, world: World, demo: Demo) -> None:
    on_bluesky = world.posts.platform[world.acts.post] == PLATFORMS.index("bluesky")
    acted = world.acts.kind == ACTS.index(kind)
    word = "engagement" if kind == "reply" else "interaction"
    found = f"""
        select coalesce(sum({word}_count), 0) from marts.fct_{word}s
        where platform_id = 'bluesky' and activity_kind = '{kind}' and is_incoming
    """
    assert _marts(demo, found) == [(int((on_bluesky & acted).sum()),)]


def test_bluesky_tells_the_start_and_the_end_of_every_follow(world: World, demo: Demo) -> None:
    follows = world.follows
    on_bluesky = follows.platform == PLATFORMS.index("bluesky")
    ended = ~np.isnat(follows.ended_at[on_bluesky])
    found = "select count(*), count(ended_at) from marts.fct_entanglement_spells where platform_id = 'bluesky'"
    assert _marts(demo, found) == [(on_bluesky.sum(), ended.sum())]


def test_mastodon_names_who_follows_or_counts_them(world: World, demo: Demo) -> None:
    """Each follow is notified by name in the earlier version of the API, in a group in the later, or in both."""
    started = np.sort(world.follows.started_at[world.follows.platform == PLATFORMS.index("mastodon")])
    ((named, last),) = _marts(
        demo, "select count(*), max(started_at) from marts.fct_entanglement_spells where platform_id = 'mastodon'"
    )
    assert started[:named][-1].item() == last
    ((counted, first),) = _marts(
        demo,
        "select coalesce(sum(started_count), 0), min(entanglement_date) from marts.fct_entanglement_daily "
        "where platform_id = 'mastodon' and known_as = 'reported'",
    )
    assert counted == (started >= np.datetime64(first)).sum()
    assert named + counted >= len(started)


@pytest.mark.parametrize("platform", ["x", "youtube"])
def test_analytics_count_every_follow_and_unfollow(platform: str, world: World, demo: Demo) -> None:
    follows = world.follows
    there = follows.platform == PLATFORMS.index(platform)
    found = f"""
        select sum(started_count), sum(withdrawn_count) from marts.fct_entanglement_daily
        where platform_id = '{platform}' and known_as = 'reported'
    """
    assert _marts(demo, found) == [(there.sum(), (~np.isnat(follows.ended_at[there])).sum())]


def test_the_last_archive_of_x_lists_who_follows_at_the_end(world: World, demo: Demo) -> None:
    follows = world.follows
    standing = (follows.platform == PLATFORMS.index("x")) & np.isnat(follows.ended_at)
    found = """
        select standing_count from marts.fct_entanglement_daily
        where platform_id = 'x' and known_as = 'listed' order by entanglement_date desc limit 1
    """
    assert _marts(demo, found) == [(standing.sum(),)]


@pytest.mark.parametrize(("platform", "column"), [("x", "impressions_count"), ("youtube", "youtube_views_count")])
def test_every_reception_is_counted_once(platform: str, column: str, world: World, demo: Demo) -> None:
    shown = world.posts.platform[world.receptions.post] == PLATFORMS.index(platform)
    found = f"select sum({column}) from marts.funnel_daily where platform_id = '{platform}'"
    assert _marts(demo, found) == [(world.receptions.impressions[shown].sum(),)]


def test_who_subscribed_is_known_unless_gone_before_the_next_export(world: World, demo: Demo) -> None:
    found = dict(
        _marts(
            demo,
            "select platform_id, count(*) from marts.fct_conversions where conversion_kind = 'sign_up' group by all",
        )
    )
    subscriptions = world.subscriptions
    for number, letter in enumerate(LETTERS):
        theirs = subscriptions.letter == number
        stayed = theirs & np.isnat(subscriptions.ended_at)
        assert 0 < stayed.sum() <= found[letter] <= theirs.sum()
