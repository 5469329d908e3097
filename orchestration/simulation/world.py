"""What happened in a simulated world, as columns: behaviour writes it, exports and truth are read from it.

Every table is a dataclass of numpy arrays of one length, one array a column. Moments are `datetime64[s]` in UTC,
`NaT` where it never happened; people, posts, orders and letters are named by their position in their own table; a
position of -1 means none. Money is in minor units of its own currency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration.simulation.regimes import WorldConfig

Moments = NDArray[np.datetime64]
Positions = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

PLATFORMS = ("mastodon", "bluesky", "x", "youtube")
"""Social platforms; a platform column holds positions in this list."""
CHANNELS = (*PLATFORMS, "newsletter", "referral", "search", "direct")
"""Where a visit comes from; a channel column holds positions in this list."""
LETTERS = ("mailchimp", "curated")
ACTS = ("like", "repost", "reply")
CURRENCIES = ("EUR", "USD", "GBP")
ANSWERS = ("", *PLATFORMS, "newsletter", "friend", "search", "shop in town")
"""What people answer to "how did you hear about us"; the first is no answer."""


@dataclass(frozen=True)
class People:
    """Everyone in the market, bots included; nobody outside the world knows `fondness` or `activity`."""

    fondness: Numbers
    activity: Numbers
    is_bot: Flags
    has_account: Flags
    """shape (people, platforms)"""
    has_second_email: Flags
    has_second_device: Flags
    deleted_at: Moments
    """When the person deleted all their social accounts."""
    is_canary_leaker: Flags
    """Takes coupon codes from public lists, whatever they saw."""


@dataclass(frozen=True)
class Posts:
    """What the brand published on social platforms, in order of time."""

    at: Moments
    platform: Positions
    links_to_site: Flags
    code: NDArray[np.str_]
    """Coupon code announced in the post; blank for most."""


@dataclass(frozen=True)
class Receptions:
    """Impressions per post and day, in order of both; the rows of an analytics export."""

    post: Positions
    day: Positions
    """Days since the first day of the world."""
    impressions: Positions
    viewers: Positions
    """People among them; no export of these platforms says so."""
    followers: Positions
    """Followers among the viewers."""


@dataclass(frozen=True)
class Follows:
    """Spells of following; someone who leaves and returns has two."""

    person: Positions
    platform: Positions
    started_at: Moments
    ended_at: Moments


@dataclass(frozen=True)
class Acts:
    """Likes, reposts and replies."""

    person: Positions
    post: Positions
    kind: Positions
    """Position in `ACTS`."""
    at: Moments
    withdrawn_at: Moments
    """When the like was taken back."""


@dataclass(frozen=True)
class Subscriptions:
    """Sign-ups to a letter, each with one of the person's e-mail addresses."""

    person: Positions
    letter: Positions
    """Position in `LETTERS`."""
    second_email: Flags
    started_at: Moments
    ended_at: Moments
    end: Positions
    """0 stays, 1 unsubscribes, 2 is cleaned after bounces, 3 vanishes from the list without a word (curated, or erased)."""
    channel: Positions
    """Channel of the visit that led to it; tagged links only reach the export."""


@dataclass(frozen=True)
class Visits:
    """Page views on the brand's site in order of time."""

    person: Positions
    """-1 for crawlers."""
    second_device: Flags
    at: Moments
    channel: Positions
    """Where the visit truly came from."""
    is_dark: Flags
    """Neither tag nor referrer arrives: an app or a chat swallowed both."""
    order: Positions
    """The order whose thank-you page this is, else -1."""


@dataclass(frozen=True)
class Orders:
    """Purchases, in order of time."""

    person: Positions
    second_email: Flags
    at: Moments
    amount: Positions
    currency: Positions
    through_payment_link: Flags
    """Paid through the payment provider's own page; otherwise an order of the shop."""
    code: NDArray[np.str_]
    """Coupon used, blank without one; a referral code names the person who gave it."""
    referrer: Positions
    """The person whose referral code it is, else -1."""
    answer: Positions
    """Position in `ANSWERS`."""
    link_channel: Positions
    """The channel of the tagged link that opened the payment page, else -1."""
    is_failed: Flags
    """A payment that did not go through: no order at all."""
    is_disputed: Flags


@dataclass(frozen=True)
class Refunds:
    """Money given back; an order can have more than one."""

    order: Positions
    at: Moments
    amount: Positions


@dataclass(frozen=True)
class OrderTruth:
    """What nobody outside the world knows of an order; the rows of `Orders`."""

    is_touched: Flags
    """The person saw an item of the brand's own, or heard by word of mouth of one, within the lookback."""
    is_caused: Flags
    """Would not have been placed on that day without the brand's activity: base demand alone did not reach it."""
    cause_share: Numbers
    """shape (orders, channels): whose part of the added probability it was; rows sum to 1 where caused, else 0."""
    is_word_of_mouth: Flags
    saw: Flags
    """shape (orders, channels): channels of the brand's own that the person saw within the lookback."""


@dataclass(frozen=True)
class Audience:
    """Per person and platform, over the whole world: shape (people, platforms)."""

    days_seen: Positions
    """Days on which at least one item was seen."""


@dataclass(frozen=True)
class World:
    """One simulated world."""

    config: WorldConfig
    seed: int
    people: People
    posts: Posts
    receptions: Receptions
    letters_sent: Moments
    """When each issue of the newsletter went out."""
    follows: Follows
    acts: Acts
    subscriptions: Subscriptions
    visits: Visits
    orders: Orders
    refunds: Refunds
    truth: OrderTruth
    audience: Audience
