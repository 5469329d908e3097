"""The worlds that can be simulated: sizes, and regimes that each change a few parameters of the base world.

A parameter's docstring says where its value is from; "chosen" means that no publication grounds it. Shares and
probabilities are in [0, 1], rates are per week, and a tuple has one value for each platform (Mastodon, Bluesky, X,
YouTube) or for each channel of the brand's own (those four, newsletter, referral).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0)]
PlatformShares = tuple[Share, Share, Share, Share]
PlatformRates = tuple[Rate, Rate, Rate, Rate]
ChannelShares = tuple[Share, Share, Share, Share, Share, Share]
ChannelRates = tuple[Rate, Rate, Rate, Rate, Rate, Rate]


class WorldConfig(BaseModel):
    """Every parameter of a world."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    first_day: date = date(2024, 6, 1)
    days: int = Field(730, ge=28, le=3650)
    people: int = Field(20_000, ge=50)
    """Bots come on top."""
    buying_pace: Rate = 1.0
    """Multiplies base buying and every effect alike, and divides what each buyer tells and invites: a small world with
    enough orders and the same shares of them."""
    acting_pace: Rate = 1.0
    """Multiplies following, acts, visits and sign-ups alike: a small world with some of each."""

    # Who there is
    account_shares: PlatformShares = (0.20, 0.25, 0.40, 0.60)
    """Part of the people with an account. Chosen."""
    activity_shape: Annotated[float, Field(gt=0)] = 0.25
    """Activity is gamma with this shape and mean 1. Chosen so that 90-9-1 (Nielsen 2006) emerges."""
    second_email_share: Share = 0.12
    """Chosen."""
    second_device_share: Share = 0.40
    """Chosen."""
    deleted_share: Share = 0.02
    """Part of the people who delete all their social accounts some day. Chosen."""
    bot_share: Share = 0.002
    """Bots for each person. Chosen."""
    bot_likes: Rate = 0.1
    """Likes a week of a bot. Chosen."""
    bot_platforms: PlatformRates = (1, 1, 1, 1)
    """Weights of the platforms on which bots are. Chosen."""

    # What the brand does
    posting: Literal["steady", "season", "randomised"] = "randomised"
    """Steady, after the season, or on and off in blocks by the toss of a coin. The base world is randomised, so that
    the only design that identifies influence can be scored in every regime."""
    block_days: int = Field(14, ge=1)
    """Length of an on or off block; of each pair of blocks one is on (measurement design, section 6)."""
    posts: PlatformRates = (5, 4, 6, 1.5)
    """Posts a week on the average over on and off blocks. Chosen."""
    link_share: Share = 0.5
    """Part of the posts that link to the site. Chosen."""
    code_share: Share = 0.1
    """Part of the posts that announce the platform's coupon code; its first post does. Chosen."""
    season_strength: Rate = 0.15
    """Demand moves with exp(strength x sin(...)), highest in December. Chosen."""
    posting_season_strength: Rate = 1.5
    """As `season_strength`, of the number of posts where posting follows the season. Chosen."""

    # Who sees it
    follower_sees: PlatformShares = (0.06, 0.06, 0.06, 0.06)
    """Probability that a follower sees a post: organic reach 6 % of followers (Ogilvy, February 2014: 6.15 %)."""
    other_sees: PlatformShares = (0.0037, 0.0047, 0.0051, 0.012)
    """Probability that someone with an account who does not follow sees a post. Chosen; .010 in the prototype."""
    seen_after: tuple[Share, Share, Share, Share] = (0.70, 0.20, 0.07, 0.03)
    """Parts of a post's views on its day and the three days after. Chosen."""
    founding_followers: Share = 0.01
    """Part of the account holders who follow in the first two weeks, as those do who know the brand. Chosen."""
    follow: Share = 0.004
    """Probability to follow in a week in which something was seen, times exp(.5 fondness). Chosen (prototype)."""
    unfollow: Share = 0.018
    """Probability to leave in a week: 12.28 % of one-way links broken in 51 days (Kwak, Chun and Moon 2011)."""

    # Who acts where it can be seen
    like: PlatformShares = (0.026, 0.026, 0.015, 0.032)
    """Probability of a like in a week in which something was seen, times activity. Chosen (prototype)."""
    repost: PlatformShares = (0.004, 0.004, 0.003, 0.0)
    """As `like`; YouTube has no reposts. Chosen."""
    reply: PlatformShares = (0.002, 0.002, 0.002, 0.002)
    """As `like`. Chosen (prototype: engage)."""
    further_likes: Rate = 1.2
    """Whoever acts likes Poisson(this x activity) more recent posts: few people, most of the acts. Chosen."""
    withdrawn_likes: Share = 0.03
    """Part of the likes that are taken back. Chosen."""

    # What raises demand
    base_buying: Rate = 0.0025
    """Probability to buy in a week without any activity, at the mean. Chosen (prototype)."""
    fondness_slope: Rate = 0.6
    """Base buying goes with exp(slope x fondness). Chosen (prototype)."""
    effect_slope: Rate = 0.3
    """Added demand goes with exp(slope x fondness). Chosen (prototype)."""
    effects: ChannelRates = (0.009, 0.004, 0.001, 0.007, 0.004, 0.045)
    """Added probability to buy in a week for each unit of the stock of what was seen. Chosen for a true effect of 10 %."""
    stock_kept: Share = 0.3
    """Part of the stock of what was seen that is left after a week. Chosen (prototype)."""
    lookback_days: int = Field(30, ge=1)
    """Whoever saw something at most this long ago is touched; what was seen earlier has no effect any more."""

    # Word of mouth and the referral scheme
    friends: Rate = 3.0
    """Mean number of people that one tells. Chosen."""
    buyer_tells: Share = 0.15
    """Probability that a buyer tells a friend. Chosen."""
    follower_tells: Share = 0.01
    """Probability that a follower who saw something tells a friend. Chosen."""
    organic_friend_effect: Rate = 0.02
    """As `effects`, of hearing from someone who bought without any activity: no influence of the brand's. Chosen."""
    friend_effect: Rate = 0.02
    """As `effects`, of hearing from someone whom the activity moved or who follows. Chosen."""
    referral_joins: Share = 0.3
    """Probability that a buyer takes part in the referral scheme; invitations go out in on-blocks only. Chosen."""
    referral_use: Share = 0.6
    """Probability that an invited friend who buys uses the code. Chosen."""

    # The newsletter
    letter_open: Share = 0.35
    """Part of the subscribers who see an issue. Chosen."""
    curated_share: Share = 0.2
    """Part of the sign-ups that are for the second letter. Chosen."""
    sign_up: Share = 0.05
    """Probability that a visit from a channel of the brand's own leads to a sign-up; another visit's is a fifth. Chosen."""
    letter_leave: Share = 0.003
    """Probability to unsubscribe after an issue. Chosen."""
    letter_bounce: Share = 0.0005
    """Probability that an issue bounces and the address is cleaned. Chosen."""
    letter_vanish: Share = 0.0003
    """Probability that a subscriber is erased after an issue. Chosen; those who leave the second letter vanish too."""

    # What is left to see of it
    browse: ChannelShares = (0.05, 0.05, 0.05, 0.05, 0.08, 0.2)
    """Probability that whoever sees an item that links to the site visits it. Chosen."""
    organic_visits: Rate = 0.035
    """Visits a week of a person through search or straight to the site. Chosen."""
    dark_shares: ChannelShares = (1.0, 0.3, 0.02, 0.05, 0.0, 0.5)
    """Part of a channel's visits that bring neither tag nor referrer. Mastodon 1.0, X and YouTube next to 0 (SparkToro and
    Really Good Data 2023); Bluesky was not measured, newsletter and referral neither: chosen."""
    click_shares: ChannelShares = (0.25, 0.25, 0.25, 0.25, 0.25, 0.25)
    """Probability that a touched buyer came through the item seen last. Chosen (prototype)."""
    coupon_shares: ChannelShares = (0.20, 0.20, 0.20, 0.20, 0.20, 0.20)
    """Probability that a touched buyer uses the code of the channel seen most. Chosen (prototype)."""
    coupon_leak: Share = 0.01
    """Part of the people who take a code from public lists, whatever they saw. Chosen (prototype)."""
    survey_response: Share = 0.45
    """Part of the buyers who say how they heard of the brand (40 to 55 %, a vendor's claim)."""
    survey_sensitivity: ChannelShares = (0.70, 0.70, 0.70, 0.70, 0.70, 0.70)
    """Probability that a touched buyer names the channel seen most. Chosen (prototype)."""
    survey_specificity: Share = 0.97
    """Probability that an untouched buyer names no channel of the brand's own. Chosen (prototype)."""
    thanked_share: Share = 0.8
    """Part of the shop's orders whose thank-you page is in the log. Chosen."""
    crawler_share: Share = 0.1
    """Crawlers' page views for each visit. Chosen."""

    # Money
    payment_link_share: Share = 0.3
    """Part of the orders paid through a payment link instead of the shop. Chosen."""
    failed_share: Share = 0.06
    """Part of the payments that failed before they went through. Chosen."""
    disputed_share: Share = 0.008
    """Part of the payments that are disputed; the brand keeps the money. Chosen."""
    full_refund_share: Share = 0.05
    """Chosen, as the three below."""
    partial_refund_share: Share = 0.04
    double_refund_share: Share = 0.01
    """Part of the orders with two partial refunds."""
    late_refund_share: Share = 0.01
    """Part of the orders with a full refund 60 to 120 days later."""


_NONE = (0.0, 0.0, 0.0, 0.0)
CHANGES: dict[str, dict[str, Any]] = {
    "base": {},
    "pure_organic": {"effects": (*_NONE, 0.0, 0.0), "friend_effect": 0.0},
    "pure_lurkers": {
        "founding_followers": 0.0,
        "follow": 0.0,
        "like": _NONE,
        "repost": _NONE,
        "reply": _NONE,
        "bot_share": 0.0,
    },
    "season_confounded": {"season_strength": 0.6, "posting": "season"},
    "season_randomised": {"season_strength": 0.6},
    "bots": {"bot_share": 0.02, "bot_likes": 1.0, "bot_platforms": (0, 0, 1, 0)},
    "coupon_leak": {"coupon_leak": 0.15},
    "survey_bad": {"survey_sensitivity": (0.45,) * 6, "survey_specificity": 0.90},
    "dark_all": {"dark_shares": (1.0,) * 6},
    "unequal_rates": {
        "effects": (0.020, 0.010, 0.0005, 0.001, 0.004, 0.045),
        "click_shares": (0.10, 0.15, 0.45, 0.40, 0.25, 0.25),
        "coupon_shares": (0.05, 0.10, 0.35, 0.40, 0.20, 0.20),
        "survey_sensitivity": (0.45, 0.55, 0.85, 0.90, 0.70, 0.70),
    },
    "word_of_mouth": {"effects": (*_NONE, 0.0, 0.0), "follower_tells": 0.25, "friend_effect": 0.09},
}
"""What each regime changes of the base world."""

REGIMES = {name: WorldConfig(name=name, **changes) for name, changes in CHANGES.items()}

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {
        "first_day": date(2026, 3, 1),
        "days": 92,
        "people": 400,
        "buying_pace": 10.0,
        "acting_pace": 6.0,
        "other_sees": (0.010, 0.012, 0.014, 0.030),
        "failed_share": 0.15,
        "disputed_share": 0.05,
    },
    "replicate": {"first_day": date(2025, 6, 2), "days": 364, "people": 3_000, "buying_pace": 4.0},
    "small": {},
    "large": {"people": 5_000_000},
}
"""What each size changes; all end on 2026-06-01. Tiny and replicate are livelier: margins are claimed of `small`."""


def world_config(regime: str, size: str) -> WorldConfig:
    """The parameters of a regime in a size; `ValueError` names what there is where one is unknown."""
    if regime not in REGIMES:
        raise ValueError(f"There is no regime {regime!r}. There are: {', '.join(REGIMES)}.")
    if size not in SIZES:
        raise ValueError(f"There is no size {size!r}. There are: {', '.join(SIZES)}.")
    return WorldConfig.model_validate(REGIMES[regime].model_dump() | SIZES[size])
