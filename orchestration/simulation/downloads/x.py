"""X: account archives with the followers of their day, and Analytics; nobody who acts is named.

The days of Analytics are those of whoever clicks export: here in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import (
    Download,
    day,
    day_of,
    moment,
    post_link,
    post_text,
    posts_on,
)
from orchestration.simulation.world import ACTS, CHANNELS, PLATFORMS, World

ARCHIVED = (0.25, 0.5, 0.75, 1.0)
ANALYSED = (0.4, 0.7, 1.0)
REACH_BACK = 30
"""Days of the last export that an export of Analytics shows again."""
NEW_DIALECTS_FROM = 0.5
"""Archives and content exports before this share of the days are in the older dialect."""
X = PLATFORMS.index("x")


def downloads(world: World) -> Iterator[Download]:
    """Archives, then both files of Analytics."""
    for share in ARCHIVED:
        at = moment(world, share)
        packed = to.zip_file(_archive(world, at, is_old=share < NEW_DIALECTS_FROM), at)
        yield Download(f"x/twitter-{at:%Y-%m-%d}-{at.toordinal():064x}.zip", at, packed)
    since = 0
    for number, share in enumerate(ANALYSED):
        at = moment(world, share)
        until = (at.date() - world.config.first_day).days
        suffix = f" ({number})" if number else ""
        # The last day of an export is not over yet, except of the last export.
        is_over = share == 1
        overview = _overview(world, since, until, is_over=is_over)
        yield Download(f"x/account_overview_analytics{suffix}.csv", at, overview)
        window = f"{day(world, since)}_{at:%Y-%m-%d}"
        content = _content(world, since, at, is_old=share < NEW_DIALECTS_FROM)
        yield Download(f"x/account_analytics_content_{window}.csv", at, content)
        since = max(until - REACH_BACK, 0)


def _archive(world: World, at: datetime, *, is_old: bool) -> dict[str, bytes]:
    """The members of an archive; until 2022 posts were in `tweet.js` and knew of no edits."""
    until = np.datetime64(at)
    posts = world.posts
    positions = [index for index in posts_on(posts, "x").tolist()[::-1] if posts.at[index] < until]
    acts = world.acts
    standing = (acts.at < until) & ~(acts.withdrawn_at < until)
    likes, reposts = (
        np.bincount(acts.post[standing & (acts.kind == ACTS.index(kind))], minlength=len(posts.at)).tolist()
        for kind in ("like", "repost")
    )
    tweets = [{"tweet": _tweet(world, index, likes[index], reposts[index], is_old=is_old)} for index in positions]
    follows = world.follows
    listed = (follows.platform == X) & (follows.started_at < until) & ~(follows.ended_at <= until)
    people = follows.person[listed][np.argsort(follows.started_at[listed], kind="stable")[::-1]]
    followers = [{"follower": _named(keys.x_account(person))} for person in people.tolist()]
    followings = [{"following": _named(keys.x_account(-person))} for person in range(1, 4)]
    account = {
        "email": keys.OWNER_EMAIL,
        "createdVia": "web",
        "username": keys.X_NAME,
        "accountId": keys.X_ACCOUNT,
        "createdAt": "2019-05-04T08:00:00.000Z",
        "accountDisplayName": keys.BRAND,
    }
    tweet_file = "tweet" if is_old else "tweets"
    rows: dict[str, tuple[str, Sequence[object]]] = {
        "account": ("account", [{"account": account}]),
        "directMessages": ("direct-messages", []),
        "follower": ("follower", followers),
        "following": ("following", followings),
        "like": ("like", []),
        tweet_file: (tweet_file, tweets),
    }
    counts = {kind: (file, len(values)) for kind, (file, values) in rows.items()}
    return {
        "Your archive.html": b"<!doctype html>",
        **{f"data/{file}.js": to.x_script(file.replace("-", "_"), values) for file, values in rows.values()},
        "data/manifest.js": to.x_manifest(keys.X_ACCOUNT, keys.X_NAME, at, counts),
    }


def _tweet(world: World, position: int, likes: int, reposts: int, *, is_old: bool) -> dict[str, object]:
    number = keys.post_native_id(world.posts, position)
    text = post_text(world.posts, position) + (" https://t.co/roastery01" if post_link(world.posts, position) else "")
    at = world.posts.at[position].astype(datetime)
    editable = {
        "initial": {
            "editTweetIds": [number],
            "editableUntil": f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000Z}",
            "editsRemaining": "5",
            "isEditEligible": True,
        }
    }
    return {
        **({} if is_old else {"edit_info": editable}),
        "retweeted": False,
        "source": '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>',
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        "display_text_range": ["0", str(len(text))],
        "favorite_count": str(likes),
        "id_str": number,
        "truncated": False,
        "retweet_count": str(reposts),
        "id": number,
        "created_at": f"{at:%a %b %d %H:%M:%S +0000 %Y}",
        "favorited": False,
        "full_text": text,
        "lang": "en",
    }


def _named(account: str) -> dict[str, str]:
    return {"accountId": account, "userLink": f"https://twitter.com/intent/user?user_id={account}"}


def _overview(world: World, since: int, until: int, *, is_over: bool) -> bytes:
    """A row a day, newest first, without a final line end."""
    days = world.config.days
    shown = world.posts.platform[world.receptions.post] == X
    on_x = world.posts.platform[world.acts.post] == X
    followed = world.follows.platform == X

    def count(days_of_events: NDArray[np.int64], weights: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        inside = (days_of_events >= 0) & (days_of_events < days)
        kept = None if weights is None else weights[inside]
        return np.bincount(days_of_events[inside], kept, minlength=days).astype(np.int64)

    acted = {kind: count(day_of(world, world.acts.at[on_x & (world.acts.kind == ACTS.index(kind))])) for kind in ACTS}
    ended = world.follows.ended_at[followed]
    new_follows = count(day_of(world, world.follows.started_at[followed]))
    unfollows = count(day_of(world, ended[~np.isnat(ended)]))
    clicked = count(day_of(world, world.visits.at[world.visits.channel == CHANNELS.index("x")]))
    columns = {
        "Impressions": count(world.receptions.day[shown], world.receptions.impressions[shown]),
        "Likes": acted["like"],
        "Engagements": acted["like"] + acted["repost"] + acted["reply"] + clicked,
        "New follows": new_follows,
        "Unfollows": unfollows,
        "Replies": acted["reply"],
        "Reposts": acted["repost"],
        "Profile visits": 2 * new_follows + unfollows,
        "Create Post": count(day_of(world, world.posts.at[posts_on(world.posts, "x")])),
    }
    table = np.zeros((until - since, len(to.X_OVERVIEW_HEADER) - 1), dtype=np.int64)
    for name, values in columns.items():
        table[:, to.X_OVERVIEW_HEADER.index(name) - 1] = values[since:until]
    if not is_over:
        table[-1] = table[-1] * 3 // 5
    lines = [",".join(to.X_OVERVIEW_HEADER)]
    for number, row in zip(range(until - 1, since - 1, -1), table[::-1].tolist(), strict=True):
        lines.append(f'"{_new_date(day(world, number))}",{",".join(map(str, row))}')
    return "\n".join(lines).encode()


def _content(world: World, since: int, at: datetime, *, is_old: bool) -> bytes:
    """A row for each post of the days from `since` on, newest first, with what it received up to the export."""
    posts, until = world.posts, np.datetime64(at)
    on_x = posts_on(posts, "x")
    of_window = on_x[(day_of(world, posts.at[on_x]) >= since) & (posts.at[on_x] < until)][::-1]
    acts, receptions = world.acts, world.receptions
    size = len(posts.at)
    standing = (acts.at < until) & ~(acts.withdrawn_at < until)
    acted = {kind: np.bincount(acts.post[standing & (acts.kind == ACTS.index(kind))], minlength=size) for kind in ACTS}
    seen = receptions.day < (at.date() - world.config.first_day).days
    impressions = np.bincount(receptions.post[seen], receptions.impressions[seen], minlength=size).astype(np.int64)
    visits = world.visits.at[(world.visits.channel == CHANNELS.index("x")) & (world.visits.at < until)]
    # Nobody outside X knows which post a visitor came from; X counts the click with the newest one.
    clicked_post = np.searchsorted(posts.at[on_x], visits, side="right") - 1
    clicks = np.zeros(size, dtype=np.int64)
    clicks[on_x] = np.bincount(clicked_post[clicked_post >= 0], minlength=len(on_x))
    lines = [",".join(to.X_CONTENT_OLD_HEADER if is_old else to.X_CONTENT_HEADER)]
    for index in of_window.tolist():
        number = keys.post_native_id(posts, index)
        likes, reposts, replies = (int(acted[kind][index]) for kind in ACTS)
        engagements = likes + reposts + replies + int(clicks[index])
        written = posts.at[index].astype(datetime).date()
        shown = f"{written:%a %b %d %Y}" if is_old else f'"{_new_date(written)}"'
        text = post_text(posts, index)
        lines.append(
            f'{number},{shown},"{text}",https://x.com/{keys.X_NAME}/status/{number},{impressions[index]},{likes},'
            f"{engagements},0,0,0,{replies},{reposts},0,0,{clicks[index]},0,0"
        )
    return "\r\n".join([*lines, ""]).encode()


def _new_date(written: date) -> str:
    return f"{written:%a, %b} {written.day}, {written.year}"
