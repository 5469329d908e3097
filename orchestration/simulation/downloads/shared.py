"""What all platforms' downloads share: when the owner downloaded, and how times, money and links are written."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orchestration.simulation.keys import SITE
from orchestration.simulation.world import PLATFORMS, Moments, Posts, World

TAGS = {
    "mastodon": ("mastodon", "social"),
    "bluesky": ("bluesky", "social"),
    "x": ("x", "social"),
    "youtube": ("youtube", "video"),
    "newsletter": ("newsletter", "email"),
    "referral": ("friend", "referral"),
}
"""`utm_source` and `utm_medium` of the brand's links by channel."""
CAMPAIGN = "roastery"
UNTAGGED_ON_SITE = "x"
"""X's t.co names itself, so there the brand tags links to the payment page only."""
REFERRERS = {
    "bluesky": "https://go.bsky.app/",
    "x": "https://t.co/",
    "youtube": "https://www.youtube.com/",
    "search": "https://www.google.com/",
}
"""What a browser says it came from; Mastodon and mail programs say nothing."""


class Download(NamedTuple):
    """A file as it lies in the owner's folder."""

    name: str
    at: datetime
    content: bytes


def moment(world: World, share: float) -> datetime:
    """The midnight at which this share of the world's days is over."""
    first = world.config.first_day
    return datetime(first.year, first.month, first.day) + timedelta(days=round(world.config.days * share))


def day_of(world: World, moments: Moments) -> NDArray[np.int64]:
    """Days since the first day of the world."""
    return (moments.astype("datetime64[D]") - np.datetime64(world.config.first_day, "D")).astype(np.int64)


def day(world: World, number: int) -> date:
    """The date of a day of the world."""
    return world.config.first_day + timedelta(days=number)


def iso(moments: Moments) -> list[str]:
    """`2026-03-01T09:00:00` each; `NaT` stays that."""
    texts: list[str] = np.datetime_as_string(moments, unit="s").tolist()
    return texts


def money(minor_units: int) -> str:
    """Major units with two decimals."""
    return f"{minor_units // 100}.{minor_units % 100:02}"


def posts_on(posts: Posts, platform: str) -> NDArray[np.int64]:
    """Positions of the posts on one platform, in order of time."""
    return np.flatnonzero(posts.platform == PLATFORMS.index(platform))


def post_text(posts: Posts, position: int) -> str:
    """What a post says, its link excepted."""
    code = posts.code[position]
    return f"Batch {position + 1}, fresh from the roaster." + (f" {code} takes ten percent off." if code else "")


def post_link(posts: Posts, position: int) -> str:
    """The link in a post, blank where it has none."""
    path = tagged("/beans", PLATFORMS[posts.platform[position]])
    return f"https://{SITE}{path}" if posts.links_to_site[position] else ""


def site_tags(channel: str) -> tuple[str, str]:
    """`utm_source` and `utm_medium` of a link to the site, blank where it has none."""
    return ("", "") if channel == UNTAGGED_ON_SITE else TAGS.get(channel, ("", ""))


def tagged(path: str, channel: str) -> str:
    """A path of the site as the brand links to it from a channel."""
    source, medium = site_tags(channel)
    return f"{path}?utm_source={source}&utm_medium={medium}&utm_campaign={CAMPAIGN}" if source else path


def utm_cells(tags: tuple[str, str]) -> dict[str, str]:
    """The UTM columns of an export for who came through a link with these tags."""
    source, medium = tags
    return {"UTM Source": source, "UTM Medium": medium, "UTM Campaign": CAMPAIGN} if source else {}
