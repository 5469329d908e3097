"""What a world must look like from outside, claimed and simulated: `python -m orchestration.simulation.margins`.

A claim is a published figure or, where none is, what the measurement design asks of the base world. The bands are wide
enough for the chance of one world of the size `small`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from orchestration.simulation.behaviour import live
from orchestration.simulation.regimes import REGIMES, SIZES, world_config
from orchestration.simulation.world import ACTS, CHANNELS, PLATFORMS, Follows, World

_WEEK = np.timedelta64(7, "D")
_REPLY = ACTS.index("reply")


@dataclass(frozen=True)
class Margin:
    """One figure of a world beside its claim; all are shares."""

    name: str
    claimed: float
    source: str
    lowest: float
    highest: float
    simulated: float

    @property
    def holds(self) -> bool:
        """Whether the simulated figure lies in the band."""
        return self.lowest <= self.simulated <= self.highest


def margins(world: World) -> list[Margin]:
    """Every claim about a world and what came out."""
    human = ~world.people.is_bot
    reached = (world.audience.days_seen > 0).any(1) & human
    acted = _have_rows(world.acts.person, len(human)) & human
    engaged = _have_rows(world.acts.person[world.acts.kind == _REPLY], len(human)) & human
    placed = ~world.orders.is_failed
    truth = world.truth
    nielsen = "90-9-1, Nielsen 2006"
    design = "base world of the measurement design"
    spark = "SparkToro and Really Good Data 2023"
    found = [
        Margin("reached who never act", 0.90, nielsen, 0.88, 0.93, 1 - acted.sum() / reached.sum()),
        Margin("reached who engage", 0.01, nielsen, 0.005, 0.015, engaged.sum() / reached.sum()),
        Margin(
            "followers who act in a week",
            0.0045,
            "200 brands .45 %, best ten .36 %, passion brands .66 %, Ehrenberg-Bass 2012",
            0.0036,
            0.0066,
            _weekly_acting(world),
        ),
        Margin(
            "followers whom a post reaches",
            0.0615,
            "6.15 % in February 2014, Ogilvy; 2.11 to 4.04 % above 500,000 fans",
            0.053,
            0.068,
            _follower_reach(world),
        ),
        Margin(
            "followers who leave in a week",
            0.018,
            "12.28 % of one-way links in 51 days, Kwak, Chun and Moon 2011",
            0.014,
            0.022,
            _leaving(world),
        ),
        Margin("Mastodon visits that are dark", 1.0, spark, 1.0, 1.0, _dark(world, "mastodon")),
        Margin("X visits that are dark", 0.0, spark, 0.0, 0.06, _dark(world, "x")),
        Margin("YouTube visits that are dark", 0.0, spark, 0.0, 0.10, _dark(world, "youtube")),
        Margin(
            "buyers who answer the survey",
            0.45,
            "40 to 55 %, a vendor's claim",
            0.40,
            0.55,
            float((world.orders.answer[placed] > 0).mean()),
        ),
        Margin(
            "people who buy in a week",
            6045 / 104 / 20_000,
            design,
            0.0026,
            0.0032,
            placed.sum() / world.config.people / (world.config.days / 7) / world.config.buying_pace,
        ),
        Margin("orders touched", 0.22, design, 0.19, 0.26, float(truth.is_touched[placed].mean())),
        Margin("orders caused", 0.10, design, 0.085, 0.115, float(truth.is_caused[placed].mean())),
    ]
    return found


def _have_rows(positions: np.ndarray, count: int) -> np.ndarray:
    flags = np.zeros(count, dtype=bool)
    flags[positions] = True
    return flags


def _weeks(world: World, follows: Follows) -> tuple[np.ndarray, np.ndarray]:
    """The first whole week of each spell, and the first after its last whole week."""
    start = np.datetime64(world.config.first_day, "s")
    ended = np.where(np.isnat(follows.ended_at), start + np.timedelta64(world.config.days, "D"), follows.ended_at)
    return (follows.started_at - start) // _WEEK + 1, (ended - start) // _WEEK


def _weekly_acting(world: World) -> float:
    """Follower-weeks with an act over all whole weeks that people followed."""
    follows, acts, weeks = world.follows, world.acts, world.config.days // 7 + 2
    first, after = _weeks(world, follows)
    keep = ~world.people.is_bot[follows.person] & (after > first)
    pair = follows.person * len(PLATFORMS) + follows.platform
    length = (after - first)[keep]
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    followed = np.repeat(pair[keep] * weeks + first[keep], length) + offset
    week = (acts.at - np.datetime64(world.config.first_day, "s")) // _WEEK
    acted = (acts.person * len(PLATFORMS) + world.posts.platform[acts.post]) * weeks + week
    return float(np.isin(followed, acted).sum() / max(len(followed), 1))


def _follower_reach(world: World) -> float:
    """Followers who saw a post over followers standing when it was published, over all posts."""
    follows, posts = world.follows, world.posts
    follows_human = ~world.people.is_bot[follows.person]
    standing = 0
    for platform in range(len(PLATFORMS)):
        ours = follows_human & (follows.platform == platform)
        ended = follows.ended_at[ours]
        at = posts.at[posts.platform == platform]
        standing += np.searchsorted(np.sort(follows.started_at[ours]), at).sum()
        standing -= np.searchsorted(np.sort(ended[~np.isnat(ended)]), at).sum()
    return float(world.receptions.followers.sum() / max(standing, 1))


def _leaving(world: World) -> float:
    """Spells ended, other than by a deleted account, over the weeks followed."""
    follows = world.follows
    human = ~world.people.is_bot[follows.person]
    left = human & ~np.isnat(follows.ended_at) & (follows.ended_at != world.people.deleted_at[follows.person])
    end = np.datetime64(world.config.first_day, "s") + np.timedelta64(world.config.days, "D")
    ended = np.where(np.isnat(follows.ended_at), end, follows.ended_at)
    return float(left.sum() / max(((ended - follows.started_at)[human] / _WEEK).sum(), 1))


def _dark(world: World, platform: str) -> float:
    visits = world.visits
    ours = (visits.channel == CHANNELS.index(platform)) & (visits.person >= 0)
    return float(visits.is_dark[ours].mean()) if ours.any() else float("nan")


def main() -> None:
    """Print the table; exit with 1 where a claim of the base world does not hold."""
    parser = argparse.ArgumentParser(description="Compare a simulated world's margins with what is claimed of them.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--world", default="base", choices=REGIMES)
    parser.add_argument("--size", default="small", choices=SIZES)
    arguments = parser.parse_args()
    found = margins(live(world_config(arguments.world, arguments.size), arguments.seed))
    print(f"{'':36}{'claimed':>9}{'band':>17}{'simulated':>11}")
    for margin in found:
        band = f"{margin.lowest:.4f} - {margin.highest:.4f}"
        mark = "" if margin.holds else "  outside"
        print(f"{margin.name:36}{margin.claimed:9.4f}{band:>17}{margin.simulated:11.4f}{mark}  {margin.source}")
    if arguments.world == "base" and not all(margin.holds for margin in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
