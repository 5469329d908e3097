"""People who see, follow, act, tell friends and buy, day by day: from the parameters of a world to what happened in it.

The weekly parameters become daily ones so that a week comes out the same. A follower who sees a post with probability
r sees it over four days with probabilities 1 - (1 - r)^w that multiply to r again. Hazards of standing things (leaving)
are 1 - (1 - h)^(1/7). What happens "in a week in which something was seen" happens on a day on which something was seen,
times the exposed weeks for each exposed day, (1 - (1 - r)^n) / (n r) for n posts a week. The stock of what was seen keeps
s^(1/7) a day, and an exposure adds 7 (1 - s^(1/7)) / (1 - s), so that its sum over time in weeks is the weekly model's.

Two worlds are lived at once with the same chances: in one the brand does nothing. A purchase on a day is one uniform number
below base demand (both worlds) or below base plus added demand (this world alone: caused). What base demand depends on, word
of mouth between those who would have bought anyway included, is drawn from streams that nothing else draws from, so
that the purchases which are not caused are, one by one, those of a world without any effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration.simulation.regimes import WorldConfig
from orchestration.simulation.world import (
    ACTS,
    ANSWERS,
    CHANNELS,
    PLATFORMS,
    Acts,
    Audience,
    Flags,
    Follows,
    Moments,
    Numbers,
    Orders,
    OrderTruth,
    People,
    Positions,
    Posts,
    Receptions,
    Refunds,
    Subscriptions,
    Visits,
    World,
)

CODES = ("MASTO10", "SKY10", "XTRA10", "BREW10", "LETTER5")
"""The coupon code of each platform and of the newsletter, in the order of `CHANNELS`."""
CANARY_CODE = "ROAST15"
"""Planted on coupon sites and published nowhere else: whoever uses it takes codes from lists."""
LARGEST = 500_000
"""People that are lived through at once: 20,000 over two years peak at 85 MB, and memory grows with people."""

_PLATFORMS = len(PLATFORMS)
_OWN = 6
"""Channels of the brand's own: the platforms, newsletter, referral."""
_NEWSLETTER, _REFERRAL, _SEARCH, _DIRECT = range(_PLATFORMS, len(CHANNELS))
_LIKE, _REPOST, _REPLY = range(len(ACTS))
_DAY = 86_400
_NEVER = np.iinfo(np.int64).min
_NOBODY = np.zeros(0, dtype=np.int64)
_PRICES = np.array([1450, 1900, 2380, 3200, 5950])
_CURRENCY_BOUNDS = (0.70, 0.85)
"""EUR below the first, USD below the second, GBP above, in the order of `CURRENCIES`."""

Seconds = NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """When the brand posts, sends letters and invites to its referral scheme: arrays by day."""

    is_on: Flags
    is_randomised: bool
    block: Positions
    pair: Positions
    """-1 for blocks that the end of the world cuts off or leaves without a partner."""
    posting_factor: Numbers
    """Posts of the day over the average number."""


def posting_schedule(config: WorldConfig, seed: int) -> Schedule:
    """The schedule of `live(config, seed)`: of each pair of blocks one is on, by the toss of a coin."""
    day = np.arange(config.days)
    block = day // config.block_days
    pair = np.where((block // 2 + 1) * 2 * config.block_days <= config.days, block // 2, -1)
    is_on = np.ones(config.days, dtype=bool)
    factor = np.ones(config.days)
    if config.posting == "randomised":
        first_is_on = _streams(seed)["schedule"].random(block[-1] // 2 + 1) < 0.5
        is_on = (block % 2 == 0) == first_is_on[block // 2]
        factor = np.where(is_on, 2.0, 0.0)
    elif config.posting == "season":
        factor = np.exp(config.posting_season_strength * _season(config))
        factor = np.round(factor / factor.mean(), 9)
    return Schedule(is_on, config.posting == "randomised", block, pair, factor)


def published_posts(config: WorldConfig, seed: int) -> Posts:
    """The posts of `live(config, seed)`."""
    draw = _streams(seed)["posts"]
    counts = draw.poisson(np.outer(posting_schedule(config, seed).posting_factor, config.posts) / 7)
    day, platform = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    second = day * _DAY + draw.integers(8 * 3600, 20 * 3600, len(day))
    order = np.argsort(second, kind="stable")
    platform, second = platform[order], second[order]
    announces = draw.random(len(day)) < config.code_share
    announces[np.unique(platform, return_index=True)[1]] = True
    return Posts(
        at=np.datetime64(config.first_day, "s") + second,
        platform=platform,
        links_to_site=draw.random(len(day)) < config.link_share,
        code=np.where(announces, np.array(CODES)[platform], ""),
    )


def live(config: WorldConfig, seed: int) -> World:
    """One world from its parameters; the same seed gives the same arrays, `ValueError` if it does not fit in memory."""
    if config.people > LARGEST:
        raise ValueError(
            f"A world of {config.people} people does not fit in memory (at most {LARGEST}); "
            "python -m orchestration.simulation.large writes such worlds."
        )
    life = _Life(config, seed)
    for day in range(config.days):
        life.live_through(day)
    return life.remembered()


class _Life:
    """The state of a day and the log of all days. Arrays over pairs have the shape (platforms, people)."""

    def __init__(self, config: WorldConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self.streams = _streams(seed)
        self.schedule = posting_schedule(config, seed)
        self.start = int(np.datetime64(config.first_day, "s").astype(np.int64))
        self.span = config.days * _DAY
        leaks = self.streams["leaks"].random(config.people)
        self.people = _people(config, self.streams["people"], self.streams["bot people"], leaks)
        self.log: dict[str, list[tuple[NDArray[Any], ...]]] = {name: [] for name in _LOGS}
        self.posts = published_posts(config, seed)
        since = self.posts.at.astype(np.int64) - self.start
        self.post_day, self.post_second = since // _DAY, since % _DAY
        self.posts_of = [np.flatnonzero(self.posts.platform == p) for p in range(_PLATFORMS)]
        self._prepare_chances()
        self._prepare_organic_visits()
        n = config.people
        self.people_currency = self.streams["currencies"].random(n)
        degree = self.streams["graph"].poisson(config.friends, n)
        self.friend_count, self.friends_from = degree, np.concatenate([[0], np.cumsum(degree)])
        self.friends = self.streams["graph"].integers(0, n, self.friends_from[-1])
        self.has_account = np.ascontiguousarray(self.people.has_account[:n].T)
        founding = self.streams["founding"].random((2, _PLATFORMS, n))
        founds = self.has_account & (founding[0] < config.founding_followers * config.acting_pace * self.willing)
        self.founding_day = np.where(founds, (founding[1] * 14).astype(np.int64), -1)
        deleted_at = self.people.deleted_at[:n]
        self.deleted_second = np.where(np.isnat(deleted_at), -1, deleted_at.astype(np.int64) - self.start)
        self.follows = np.zeros((_PLATFORMS, n), dtype=bool)
        self.spell = np.full(_PLATFORMS * n, -1)
        self.subscription = np.full((2, n), -1)
        self.counts = {"follow": 0, "subscribe": 0}
        long_ago = -config.lookback_days - 2
        self.stock = np.zeros((_OWN, n))
        self.seen_day = np.full((_OWN, n), long_ago)
        self.heard = np.zeros((_OWN, n))
        self.heard_organic = np.zeros(n)
        self.told_day = np.full(n, long_ago)
        self.invited_by = np.full(n, -1)

    def _prepare_chances(self) -> None:
        config = self.config
        posts_on_day = np.zeros((config.days, _PLATFORMS))
        np.add.at(posts_on_day, (self.post_day, self.posts.platform), 1)
        reach = np.zeros_like(posts_on_day)
        for lag, share in enumerate(config.seen_after):
            reach[lag:] += share * posts_on_day[: config.days - lag]
        sees = np.array([config.other_sees, config.follower_sees])
        self.sees = np.round(1 - (1 - sees[:, None]) ** reach, 12)
        """Probability to see something, by is_follower, day and platform."""
        posts = np.maximum(config.posts, 1e-9)
        self.weeks = np.round((1 - (1 - sees) ** posts) / np.maximum(posts * sees, 1e-12), 12)
        """Exposed weeks for each exposed day, by is_follower and platform."""
        self.kept = round(config.stock_kept ** (1 / 7), 12)
        self.unit = round(7 * (1 - self.kept) / (1 - config.stock_kept), 12)
        # Multiplied one after the other: a power's last bits depend on the machine.
        self.fadings = np.cumprod(np.concatenate([[1.0], np.full(config.days - 1, self.kept)]))
        slope, fondness = config.fondness_slope, self.people.fondness[: config.people]
        pace = config.buying_pace / 7
        self.base = np.round(config.base_buying * pace * np.exp(slope * fondness - slope**2 / 2), 15)
        self.season = np.round(np.exp(config.season_strength * _season(config)), 12)
        self.leaves = round(1 - (1 - config.unfollow) ** (1 / 7), 12)
        self.receptive = np.round(pace * np.exp(config.effect_slope * fondness), 15)
        self.willing = np.round(np.exp(0.5 * fondness), 12)
        weekday = (np.arange(config.days) + config.first_day.weekday()) % 7
        self.letter_day = self.schedule.is_on & (weekday == 3)

    def _prepare_organic_visits(self) -> None:
        config, draw = self.config, self.streams["organic visits"]
        weight = np.cumsum(self.willing)
        count = int(draw.poisson(config.organic_visits * config.acting_pace * config.people * config.days / 7))
        person = np.searchsorted(weight, draw.random(count) * weight[-1])
        channel = np.where(draw.random(count) < 0.6, _SEARCH, _DIRECT)
        second = np.sort((draw.random(count) * config.days).astype(np.int64) * _DAY + _hours(draw.random(count), 6, 24))
        self.organic_visits = person, second, channel
        self.organic_from = np.searchsorted(second, np.arange(config.days + 1) * _DAY)

    def live_through(self, day: int) -> None:
        """What happens on one day, in an order that lets nothing start and end on the same day."""
        self._fade(day)
        self._delete_accounts(day)
        person, platform, post, second, was_following = self._see(day)
        self._leave(day)
        self._follow(day, person, platform, second, was_following)
        self._act(person, platform, post, second, was_following)
        self._tell_what_was_seen(day, person, platform, was_following)
        visits = [self._organic(day), self._browse(person, platform, post, second), self._read_letter(day)]
        visits.append(self._buy(day))
        self._visit(*(np.concatenate(parts) for parts in zip(*visits, strict=True)))
        self._leave_letter(day)

    def _fade(self, day: int) -> None:
        """Stocks are kept in units that shrink each day, instead of shrinking every stock."""
        self.fading = self.fadings[day]
        self.adds = self.unit / self.fading
        latest = day - self.config.lookback_days - 1
        self.stock[self.seen_day == latest] = 0
        self.heard[:, self.told_day == latest] = 0

    def _delete_accounts(self, day: int) -> None:
        for person in np.flatnonzero(self.deleted_second // _DAY == day):
            ended = np.flatnonzero(self.follows[:, person]) * self.config.people + person
            self._remember("unfollow", self.spell[ended], np.full(len(ended), self.deleted_second[person]))
            self.follows[:, person] = False
            self.has_account[:, person] = False
            self.founding_day[:, person] = -1

    def _see(self, day: int) -> tuple[Positions, Positions, Positions, Seconds, Flags]:
        draw = self.streams["seeing"]
        sees = self.sees[:, day]
        drawn = draw.random(self.follows.shape)
        platform, person = np.nonzero(drawn < sees.max())
        chance = sees[self.follows[platform, person].astype(np.int64), platform] * self.has_account[platform, person]
        seers = drawn[platform, person] < chance
        platform, person = platform[seers], person[seers]
        post = np.empty(len(person), dtype=np.int64)
        choice = draw.random((2, len(person)))
        recent = len(self.config.seen_after)
        for p, positions in enumerate(self.posts_of):
            days = self.post_day[positions]
            shown = positions[np.searchsorted(days, day - recent + 1) : np.searchsorted(days, day + 1)]
            ours = platform == p
            if ours.any():
                weight = np.cumsum(np.array(self.config.seen_after)[day - self.post_day[shown]])
                post[ours] = shown[np.searchsorted(weight, choice[0, ours] * weight[-1], side="right")]
        earliest = np.where(self.post_day[post] == day, self.post_second[post] + 60, 7 * 3600)
        second = day * _DAY + (earliest + choice[1] * (23.75 * 3600 - earliest)).astype(np.int64)
        self.stock[platform, person] += self.adds
        self.seen_day[platform, person] = day
        was_following = self.follows[platform, person]
        self._remember("see", person, platform, post, np.full(len(person), day), was_following)
        return person, platform, post, second, was_following

    def _leave(self, day: int) -> None:
        draw = self.streams["following"]
        standing = np.flatnonzero(self.follows)
        leaving = standing[draw.random(len(standing)) < self.leaves]
        self._remember("unfollow", self.spell[leaving], day * _DAY + _hours(draw.random(len(leaving)), 0, 24))
        self.left_today = leaving
        self.follows.ravel()[leaving] = False

    def _follow(self, day: int, person: Positions, platform: Positions, second: Seconds, was_following: Flags) -> None:
        config, draw = self.config, self.streams["following"]
        hazard = config.follow * config.acting_pace * self.willing[person] * self.weeks[0, platform]
        follows = (draw.random(len(person)) < hazard) & ~was_following
        pair = platform[follows] * config.people + person[follows]
        moment = second[follows] + 30
        if day < 14:
            founding = np.flatnonzero((self.founding_day == day) & ~self.follows)
            founding = founding[~np.isin(founding, np.concatenate([pair, self.left_today]))]
            pair = np.concatenate([pair, founding])
            moment = np.concatenate([moment, day * _DAY + _hours(draw.random(len(founding)), 7, 23)])
        self.spell[pair] = self.counts["follow"] + np.arange(len(pair))
        self.counts["follow"] += len(pair)
        self.follows.ravel()[pair] = True
        self._remember("follow", pair % config.people, pair // config.people, moment)

    def _act(
        self, person: Positions, platform: Positions, post: Positions, second: Seconds, was_following: Flags
    ) -> None:
        config, draw = self.config, self.streams["acting"]
        activity = self.people.activity[person]
        hazards = np.array([config.like, config.repost, config.reply])[:, platform]
        hazards *= config.acting_pace * activity * self.weeks[was_following.astype(np.int64), platform]
        kind, which = np.nonzero(draw.random(hazards.shape) < hazards)
        self._remember("act", person[which], post[which], kind, second[which] + 20 + 40 * kind)
        actors = np.unique(which)
        further = np.repeat(actors, draw.poisson(config.further_likes * activity[actors]))
        back = draw.random(len(further))
        for p, positions in enumerate(self.posts_of):
            ours = platform[further] == p
            published = np.searchsorted(positions, post[further[ours]])
            liked = positions[published - (back[ours] * np.minimum(published + 1, 15)).astype(np.int64)]
            again = further[ours]
            kinds = np.full(len(again), _LIKE)
            self._remember("act", person[again], liked, kinds, second[again] + 40 + (back[ours] * 500).astype(np.int64))

    def _tell(self, stream: str, tellers: Positions, chance: float) -> tuple[Positions, Positions]:
        """Who hears, and the place among the tellers of who tells them."""
        first, count = self.friends_from[tellers], self.friend_count[tellers]
        place = np.repeat(np.arange(len(tellers)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        friend = self.friends[first[place] + within]
        hears = self.streams[stream].random(len(place)) < chance
        return friend[hears], place[hears]

    def _tell_what_was_seen(self, day: int, person: Positions, platform: Positions, was_following: Flags) -> None:
        friend, teller = self._tell("friends", person[was_following], self.config.follower_tells)
        np.add.at(self.heard, (platform[was_following][teller], friend), self.adds)
        self.told_day[friend] = day

    def _organic(self, day: int) -> tuple[Positions, Seconds, Positions]:
        today = slice(self.organic_from[day], self.organic_from[day + 1])
        person, second, channel = self.organic_visits
        return person[today], second[today], channel[today]

    def _browse(
        self, person: Positions, platform: Positions, post: Positions, second: Seconds
    ) -> tuple[Positions, Seconds, Positions]:
        goes = self.streams["visits"].random(len(person)) < np.array(self.config.browse)[platform]
        goes &= self.posts.links_to_site[post]
        return person[goes], second[goes] + 15, platform[goes]

    def _read_letter(self, day: int) -> tuple[Positions, Seconds, Positions]:
        draw = self.streams["letters"]
        subscribers = np.flatnonzero((self.subscription >= 0).any(0)) if self.letter_day[day] else _NOBODY
        choice = draw.random((3, len(subscribers)))
        opens = choice[0] < self.config.letter_open
        reader = subscribers[opens]
        self.stock[_NEWSLETTER, reader] += self.adds
        self.seen_day[_NEWSLETTER, reader] = day
        goes = choice[1, opens] < self.config.browse[_NEWSLETTER]
        second = day * _DAY + _hours(choice[2, opens][goes], 9, 23)
        return reader[goes], second + 60, np.full(goes.sum(), _NEWSLETTER)

    def _buy(self, day: int) -> tuple[Positions, Seconds, Positions]:
        """Purchases of the day, what buyers tell and whom they invite; returns the visits of the invited.

        The chance of a purchase is in layers: base demand, organic talk, talk of what the brand did, what was seen. The
        layer that the uniform number falls into is what made the purchase.
        """
        config, n = self.config, self.config.people
        chance, moment = self.streams["demand"].random((2, n))
        base = self.base * self.season[day]
        receptive = self.receptive * self.fading
        organic_talk = self.heard_organic * receptive * config.organic_friend_effect
        talk = _sum(self.heard) * receptive * config.friend_effect
        seen = _sum(self.stock, config.effects) * receptive
        without = base + organic_talk
        buyer = np.flatnonzero(chance < without + talk + seen)
        is_caused = chance[buyer] >= without[buyer]
        through_talk = is_caused & (chance[buyer] < without[buyer] + talk[buyer])
        was_told = ~is_caused & (chance[buyer] >= base[buyer])
        shares = np.where(through_talk, self.heard[:, buyer], self.stock[:, buyer] * np.array(config.effects)[:, None])
        shares *= is_caused
        shares /= np.where(is_caused, _sum(shares), 1)
        seen_day = self.seen_day[:, buyer]
        touched = (day - seen_day <= config.lookback_days).any(0) | (day - self.told_day[buyer] <= config.lookback_days)
        self._remember(
            "buy",
            buyer,
            np.full(len(buyer), day),
            moment[buyer],
            is_caused,
            through_talk | was_told,
            touched,
            shares.T,
            seen_day.T,
            self.stock[:, buyer].T * self.fading,
            self.invited_by[buyer],
        )
        tells = config.buyer_tells / max(config.buying_pace, 1)
        friend, teller = self._tell("friends of base buyers", buyer[~is_caused], tells)
        np.add.at(self.heard_organic, friend, self.adds)
        self.told_day[friend[touched[~is_caused][teller]]] = day
        friend, teller = self._tell("friends", buyer[is_caused], tells)
        np.add.at(self.heard.T, friend, self.adds * shares.T[is_caused][teller])
        self.told_day[friend] = day
        return self._invite(day, buyer)

    def _invite(self, day: int, buyer: Positions) -> tuple[Positions, Seconds, Positions]:
        draw = self.streams["referral"]
        chance = self.config.referral_joins / max(self.config.buying_pace, 1) * self.schedule.is_on[day]
        joins = draw.random(len(buyer)) < chance
        friend, teller = self._tell("referral", buyer[joins], 0.5)
        self.stock[_REFERRAL, friend] += self.adds
        self.seen_day[_REFERRAL, friend] = day
        self.invited_by[friend] = buyer[joins][teller]
        goes = draw.random(len(friend)) < self.config.browse[_REFERRAL]
        second = day * _DAY + _hours(draw.random(goes.sum()), 22, 24)
        return friend[goes], second, np.full(goes.sum(), _REFERRAL)

    def _visit(self, person: Positions, second: Seconds, channel: Positions) -> None:
        """Visits of the day, and the sign-ups that they lead to."""
        config, draw = self.config, self.streams["sign-ups"]
        self._remember("visit", person, second, channel)
        choice = draw.random((2, len(person)))
        hazard = config.acting_pace * config.sign_up * np.where(channel < _OWN, 1, 0.2)
        signs = np.flatnonzero((choice[0] < hazard) & (self.subscription[:, person] < 0).all(0))
        _, first = np.unique(person[signs], return_index=True)
        signs = signs[first]
        letter = (choice[1, signs] < config.curated_share).astype(np.int64)
        self.signed_today = person[signs]
        self.subscription[letter, self.signed_today] = self.counts["subscribe"] + np.arange(len(signs))
        self.counts["subscribe"] += len(signs)
        moment = np.minimum(second[signs] + 90, (second[signs] // _DAY + 1) * _DAY - 1)
        self._remember("subscribe", self.signed_today, letter, moment, channel[signs])

    def _leave_letter(self, day: int) -> None:
        if not self.letter_day[day]:
            return
        config, draw = self.config, self.streams["letters"]
        letter, person = np.nonzero(self.subscription >= 0)
        choice = draw.random((2, len(person)))
        ends = np.cumsum([config.letter_leave, config.letter_bounce, config.letter_vanish])
        end = 1 + np.searchsorted(ends, choice[0], side="right")
        end = np.where((end == 1) & (letter == 1), 3, end)
        gone = (choice[0] < ends[-1]) & ~np.isin(person, self.signed_today)
        letter, person, end = letter[gone], person[gone], end[gone]
        second = day * _DAY + _hours(choice[1, gone], 10, 24)
        self._remember("unsubscribe", self.subscription[letter, person], end, second)
        self.subscription[letter, person] = -1

    def _remember(self, what: str, *columns: NDArray[Any]) -> None:
        if len(columns[0]):
            self.log[what].append(columns)

    def _moments(self, second: Seconds) -> Moments:
        """Seconds since the world's start as moments."""
        return (second + self.start).astype("datetime64[s]")

    def _recalled(self, what: str) -> list[NDArray[Any]]:
        """The columns of a log; a log without rows has columns of length 0."""
        if not self.log[what]:
            return [np.zeros((0, width) if width else 0, dtype=kind) for kind, width in _LOGS[what]]
        return [np.concatenate(parts) for parts in zip(*self.log[what], strict=True)]

    def remembered(self) -> World:
        """The world from the log of its days."""
        bots = _Bots(self)
        orders, refunds, truth, order_visits = self._orders()
        seen_person, seen_platform, *seen = self._recalled("see")
        days_seen = np.bincount(
            seen_person * _PLATFORMS + seen_platform, minlength=len(self.people.activity) * _PLATFORMS
        )
        return World(
            config=self.config,
            seed=self.seed,
            people=self.people,
            posts=self.posts,
            receptions=self._receptions(*seen),
            letters_sent=self._moments(np.flatnonzero(self.letter_day) * _DAY + 9 * 3600),
            follows=self._follows(bots),
            acts=self._acts(bots),
            subscriptions=self._subscriptions(),
            visits=self._visits(order_visits),
            orders=orders,
            refunds=refunds,
            truth=truth,
            audience=Audience(days_seen.reshape(-1, _PLATFORMS)),
        )

    def _receptions(self, post: Positions, day: Positions, was_following: Flags) -> Receptions:
        pair, row, viewers = np.unique(post * self.config.days + day, return_inverse=True, return_counts=True)
        again = self.streams["logging"].poisson(0.4 * viewers)
        followers = np.bincount(row[was_following], minlength=len(pair))
        return Receptions(pair // self.config.days, pair % self.config.days, viewers + again, viewers, followers)

    def _follows(self, bots: _Bots) -> Follows:
        person, platform, started = self._recalled("follow")
        spell, moment = self._recalled("unfollow")
        ended = np.full(len(person), _NEVER)
        ended[spell] = moment + self.start
        person = np.concatenate([person, bots.follower])
        platform = np.concatenate([platform, bots.followed_platform])
        started = np.concatenate([started, bots.followed_second])
        ended = np.concatenate([ended, np.full(len(bots.follower), _NEVER)])
        order = np.argsort(started, kind="stable")
        return Follows(
            person[order], platform[order], self._moments(started[order]), ended[order].astype("datetime64[s]")
        )

    def _acts(self, bots: _Bots) -> Acts:
        person, post, kind, second = (
            np.concatenate(parts) for parts in zip(self._recalled("act"), bots.acts, strict=True)
        )
        order = np.argsort(second, kind="stable")
        person, post, kind, second = person[order], post[order], kind[order], second[order]
        # Only a reply can be given twice.
        key = (person * len(self.post_day) + post) * len(ACTS) + kind
        _, first = np.unique(key, return_index=True)
        once = np.sort(np.concatenate([first, np.setdiff1d(np.flatnonzero(kind == _REPLY), first)]))
        person, post, kind, second = person[once], post[once], kind[once], second[once]
        choice = self.streams["withdrawing"].random((2, len(person)))
        withdrawn = second + 600 + (choice[1] * 20 * _DAY).astype(np.int64)
        is_withdrawn = (kind == _LIKE) & (choice[0] < self.config.withdrawn_likes) & (withdrawn < self.span)
        withdrawn = np.where(is_withdrawn, withdrawn + self.start, _NEVER)
        return Acts(person, post, kind, self._moments(second), withdrawn.astype("datetime64[s]"))

    def _subscriptions(self) -> Subscriptions:
        person, letter, started, channel = self._recalled("subscribe")
        which, end_kind, moment = self._recalled("unsubscribe")
        end, ended = np.zeros(len(person), dtype=np.int64), np.full(len(person), _NEVER)
        end[which], ended[which] = end_kind, moment + self.start
        second_email = self.people.has_second_email[person] & (self.streams["logging"].random(len(person)) < 0.3)
        order = np.argsort(started, kind="stable")
        return Subscriptions(
            person[order],
            letter[order],
            second_email[order],
            self._moments(started[order]),
            ended[order].astype("datetime64[s]"),
            end[order],
            channel[order],
        )

    def _orders(self) -> tuple[Orders, Refunds, OrderTruth, list[NDArray[Any]]]:
        """Orders with what is left to see of their causes; what no evidence touches is drawn from streams of its own."""
        config = self.config
        person, day, moment, is_caused, by_talk, touched, shares, seen_day, stock, inviter = self._recalled("buy")
        n = len(person)
        # One uniform number gives the second of the day and, from what is left of it, the price.
        since_eight = moment * 15 * 3600
        second = day * _DAY + 8 * 3600 + since_eight.astype(np.int64)
        amount = _PRICES[(since_eight % 1 * len(_PRICES)).astype(np.int64)]
        saw = day[:, None] - seen_day <= config.lookback_days
        last = np.argmax(seen_day, 1)
        most = np.argmax(np.where(saw, stock + 1, 0), 1)
        sees = saw.any(1)
        clues = self.streams["evidence"].random((12, n))

        announced = np.array([self._first_announcement(channel) for channel in range(_NEWSLETTER + 1)] + [self.span])
        takes_code = sees & (clues[0] < np.array(config.coupon_shares)[most]) & (announced[most] <= second)
        code = np.where(takes_code, np.array([*CODES, ""])[most], "")
        listed = np.array([*CODES, CANARY_CODE])
        leaks = self.people.is_canary_leaker[person]
        code = np.where(leaks, listed[(clues[1] * len(listed)).astype(np.int64)], code)
        refers = saw[:, _REFERRAL] & (clues[2] < config.referral_use) & ~leaks
        code = np.where(refers, np.char.add("FRIEND", np.char.zfill(inviter.astype(str), 6)), code)

        answer = self._answers(most, sees, touched, by_talk, clues[3:7])
        paid = self.streams["money"].random((6, n))
        link = paid[0] < config.payment_link_share
        clicks = sees & (clues[7] < np.array(config.click_shares)[last])
        dark = clues[8] < np.array([*config.dark_shares, 0, 0])[last]
        channel = np.where(clicks, last, np.where(clues[9] < 0.6, _SEARCH, _DIRECT))
        currency = np.searchsorted(_CURRENCY_BOUNDS, self.people_currency[person], side="right")
        second_email = self.people.has_second_email[person] & (paid[1] < 0.3)

        fails = np.flatnonzero(link & (paid[2] < config.failed_share))
        rows = np.concatenate([np.arange(n), fails])
        failed = np.arange(len(rows)) >= n
        at = np.where(failed, second[rows] - 240, second[rows])
        order = np.lexsort((rows, at))
        rows, failed, at = rows[order], failed[order], at[order]
        position_of = np.empty(n, dtype=np.int64)
        position_of[rows[~failed]] = np.flatnonzero(~failed)
        orders = Orders(
            person=person[rows],
            second_email=second_email[rows],
            at=self._moments(at),
            amount=amount[rows],
            currency=currency[rows],
            through_payment_link=link[rows],
            code=code[rows],
            referrer=np.where(refers, inviter, -1)[rows],
            answer=answer[rows],
            link_channel=np.where(link & clicks & ~dark, last, -1)[rows],
            is_failed=failed,
            is_disputed=(link & (paid[3] < config.disputed_share))[rows] & ~failed,
        )
        truth = OrderTruth(
            is_touched=touched[rows],
            is_caused=is_caused[rows] & ~failed,
            cause_share=np.pad(shares, ((0, 0), (0, len(CHANNELS) - _OWN)))[rows] * ~failed[:, None],
            is_word_of_mouth=by_talk[rows] & ~failed,
            saw=np.pad(saw, ((0, 0), (0, len(CHANNELS) - _OWN)))[rows],
        )
        # The visit that led to the order: minutes before it, or on an earlier day since the item was seen.
        gap = np.where(
            clicks & (clues[10] < 0.3), (clues[11] * (day - seen_day[np.arange(n), last])).astype(np.int64), 0
        )
        before = 180 + (paid[4] * 1320).astype(np.int64)
        arrives = clicks | (clues[10] < 0.85)
        device = self.people.has_second_device[person] & (paid[5] < 0.3)
        thanks = ~link & (self.streams["thanks"].random(n) < config.thanked_share)
        strays = self.people.has_second_device[person] & (self.streams["thanks"].random(n) < 0.2)
        visits = [
            np.concatenate([person[arrives], person[thanks]]),
            np.concatenate([(second - gap * _DAY - before)[arrives], second[thanks] + 5]),
            np.concatenate([channel[arrives], np.full(thanks.sum(), _DIRECT)]),
            np.concatenate([(device ^ strays)[arrives], device[thanks]]),
            np.concatenate([(clicks & dark)[arrives], np.zeros(thanks.sum(), dtype=bool)]),
            np.concatenate([np.full(arrives.sum(), -1), position_of[thanks]]),
        ]
        return orders, self._refunds(orders), truth, visits

    def _first_announcement(self, channel: int) -> int:
        """The second since when a channel's code is public; a code that never is, at the world's end."""
        if channel == _NEWSLETTER:
            letters = np.flatnonzero(self.letter_day)
            return int(letters[0] * _DAY + 9 * 3600) if len(letters) else self.span
        posts = self.posts_of[channel]
        return int(self.post_day[posts[0]] * _DAY + self.post_second[posts[0]]) if len(posts) else self.span

    def _answers(self, most: Positions, sees: Flags, touched: Flags, by_talk: Flags, chance: Numbers) -> Positions:
        config = self.config
        friend, search, shop = (ANSWERS.index(answer) for answer in ("friend", "search", "shop in town"))
        own = np.array([*range(1, _NEWSLETTER + 2), friend])
        sensitivity = np.where(sees, np.array(config.survey_sensitivity)[most], np.mean(config.survey_sensitivity))
        names = np.where(touched, chance[1] < sensitivity, chance[1] >= config.survey_specificity)
        guess = own[(chance[2] * (_NEWSLETTER + 1)).astype(np.int64)]
        heard = np.where(touched, np.where(sees, own[most], friend), guess)
        other = np.array([search, shop, friend])[np.searchsorted([0.5, 0.9], chance[3], side="right")]
        other = np.where(by_talk, friend, other)
        return np.where(chance[0] < config.survey_response, np.where(names, heard, other), 0)

    def _refunds(self, orders: Orders) -> Refunds:
        config, draw = self.config, self.streams["refunds"]
        paid = np.flatnonzero(~orders.is_failed & ~orders.is_disputed)
        kind, part, delay = draw.random((3, len(paid)))
        bounds = np.cumsum(
            [
                config.full_refund_share,
                config.partial_refund_share,
                config.double_refund_share,
                config.late_refund_share,
            ]
        )
        full, partial, double, late = (
            (kind >= low) & (kind < high) for low, high in zip(np.concatenate([[0], bounds[:-1]]), bounds, strict=True)
        )
        amount = orders.amount[paid]
        some = np.maximum((amount * (0.1 + 0.4 * part)).astype(np.int64), 1)
        placed = orders.at[paid].astype(np.int64) - self.start
        soon = placed + _DAY + (delay * 20 * _DAY).astype(np.int64)
        much_later = placed + 60 * _DAY + (delay * 60 * _DAY).astype(np.int64)
        order = np.concatenate([paid[full], paid[partial | double], paid[double], paid[late]])
        second = np.concatenate([soon[full], soon[partial | double], soon[double] + 5 * _DAY, much_later[late]])
        given = np.concatenate([amount[full], some[partial | double], some[double], amount[late]])
        inside = second < self.span
        order, second, given = order[inside], second[inside], given[inside]
        by_time = np.lexsort((order, second))
        return Refunds(order[by_time], self._moments(second[by_time]), given[by_time])

    def _visits(self, order_visits: list[NDArray[Any]]) -> Visits:
        config, draw = self.config, self.streams["logging"]
        person, second, channel = self._recalled("visit")
        n = len(person)
        second_device = self.people.has_second_device[person] & (draw.random(n) < 0.4)
        is_dark = draw.random(n) < np.array([*config.dark_shares, 0, 0])[channel]
        crawls = draw.poisson(config.crawler_share * n)
        crawled = (draw.random(crawls) * self.span).astype(np.int64)
        no, nobody = np.zeros(crawls, dtype=bool), np.full(crawls, -1)
        own = [person, second, channel, second_device, is_dark, np.full(n, -1)]
        crawlers = [nobody, crawled, np.full(crawls, _DIRECT), no, no, nobody]
        columns = [np.concatenate(parts) for parts in zip(own, order_visits, crawlers, strict=True)]
        order = np.argsort(columns[1], kind="stable")
        inside = order[(columns[1][order] >= 0) & (columns[1][order] < self.span)]
        person, second, channel, second_device, is_dark, order_position = (column[inside] for column in columns)
        return Visits(person, second_device, self._moments(second), channel, is_dark, order_position)


class _Bots:
    """What bots do: they follow once and like; they are drawn apart, so that nobody else's life depends on them."""

    def __init__(self, life: _Life) -> None:
        config, draw = life.config, life.streams["bots"]
        bots = np.flatnonzero(life.people.is_bot)
        platform = np.argmax(life.people.has_account[bots], 1)
        follows = draw.random(len(bots)) < 0.5
        self.follower, self.followed_platform = bots[follows], platform[follows]
        self.followed_second = (draw.random(len(self.follower)) * life.span).astype(np.int64)
        likes = draw.poisson(config.bot_likes * config.acting_pace * config.days / 7, len(bots))
        bot, where = np.repeat(bots, likes), np.repeat(platform, likes)
        choice, delay = draw.random((2, len(bot)))
        count = np.array([len(positions) for positions in life.posts_of])
        first = np.cumsum(count) - count
        possible = count[where] > 0
        bot, where, choice, delay = bot[possible], where[possible], choice[possible], delay[possible]
        post = np.concatenate(life.posts_of)[first[where] + (choice * count[where]).astype(np.int64)]
        second = life.post_day[post] * _DAY + life.post_second[post] + 60 + (delay * 2 * _DAY).astype(np.int64)
        inside = second < life.span
        self.acts = [bot[inside], post[inside], np.full(inside.sum(), _LIKE), second[inside]]


_INT, _FLAG, _FLOAT = np.int64, np.bool_, np.float64
_LOGS: dict[str, list[tuple[Any, int]]] = {
    "see": [*[(_INT, 0)] * 4, (_FLAG, 0)],
    "follow": [(_INT, 0)] * 3,
    "unfollow": [(_INT, 0)] * 2,
    "act": [(_INT, 0)] * 4,
    "visit": [(_INT, 0)] * 3,
    "subscribe": [(_INT, 0)] * 4,
    "unsubscribe": [(_INT, 0)] * 3,
    "buy": [
        *[(_INT, 0)] * 2,
        (_FLOAT, 0),
        *[(_FLAG, 0)] * 3,
        (_FLOAT, _OWN),
        (_INT, _OWN),
        (_FLOAT, _OWN),
        (_INT, 0),
    ],
}
"""The columns of each log: type, and width where a row is a list."""
_STREAMS = (
    *("schedule", "people", "graph", "founding", "posts", "organic visits", "seeing", "following", "acting", "visits"),
    *("letters", "sign-ups", "demand", "friends of base buyers", "friends", "referral", "evidence", "money", "thanks"),
    *("refunds", "withdrawing", "logging", "bots", "bot people", "leaks", "currencies"),
)


def _streams(seed: int) -> dict[str, np.random.Generator]:
    """One stream of random numbers a subject, so that changing one leaves the others as they are."""
    children = np.random.SeedSequence(seed).spawn(len(_STREAMS))
    return {name: np.random.Generator(np.random.PCG64(child)) for name, child in zip(_STREAMS, children, strict=True)}


def _people(config: WorldConfig, draw: np.random.Generator, bot_draw: np.random.Generator, leaks: Numbers) -> People:
    """People, then bots; a bot has one account and nothing else."""
    n, bots = config.people, round(config.bot_share * config.people)
    deleted = draw.random((2, n))
    start = int(np.datetime64(config.first_day, "s").astype(np.int64))
    deleted_at = np.where(
        deleted[0] < config.deleted_share, start + (deleted[1] * config.days * _DAY).astype(np.int64), _NEVER
    )
    weights = np.cumsum(config.bot_platforms)
    bot_platform = np.searchsorted(weights, bot_draw.random(bots) * weights[-1], side="right")
    nothing = np.zeros(bots)
    no = np.zeros(bots, dtype=bool)
    return People(
        fondness=np.concatenate([np.round(draw.standard_normal(n), 9), nothing]),
        activity=np.concatenate(
            [np.round(draw.gamma(config.activity_shape, 1 / config.activity_shape, n), 9), nothing]
        ),
        is_bot=np.arange(n + bots) >= n,
        has_account=np.concatenate(
            [draw.random((n, _PLATFORMS)) < config.account_shares, np.arange(_PLATFORMS) == bot_platform[:, None]]
        ),
        has_second_email=np.concatenate([draw.random(n) < config.second_email_share, no]),
        has_second_device=np.concatenate([draw.random(n) < config.second_device_share, no]),
        deleted_at=np.concatenate([deleted_at, np.full(bots, _NEVER)]).astype("datetime64[s]"),
        is_canary_leaker=np.concatenate([leaks < config.coupon_leak, no]),
    )


def _season(config: WorldConfig) -> Numbers:
    """-1 to 1 by day, highest in the middle of December."""
    of_year = (np.datetime64(config.first_day) - np.datetime64(f"{config.first_day.year}-01-01")).astype(np.int64)
    angle = 2 * np.pi * (of_year + np.arange(config.days) - 349) / 365.25
    season: Numbers = np.round(np.cos(angle), 12)
    return season


def _hours(uniform: Numbers, earliest: float, latest: float) -> Seconds:
    """Seconds of the day between two hours."""
    seconds: Seconds = (3600 * (earliest + (latest - earliest) * uniform)).astype(np.int64)
    return seconds


def _sum(rows: Numbers, weights: tuple[float, ...] = (1.0,) * _OWN) -> Numbers:
    """The weighted sum of rows, added in order: a matrix product's last bits depend on the machine."""
    total = np.zeros(rows.shape[1:])
    for row, weight in zip(rows, weights, strict=True):
        if weight:
            total += row * weight
    return total
