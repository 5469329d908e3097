"""A small brand and its people over three months: what `make run` shows when nobody has dropped a file yet.

`write_demo` writes the exports that the brand's owner would download, with the habits of the real ones: an archive
downloaded twice, an overlapping analytics export whose last day is restated, an order refunded after the first
shop export, one damaged log line, and one file that Balcony does not know.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from orchestration.simulation import exporters as to

FIRST_DAY = datetime(2026, 3, 1)
DAYS = 92
PEOPLE = 400
SITE = "shop.balkon.example"
BRAND_ACCT = "balkon@social.example"
BRAND_DID = "did:plc:balkoncoffeebalkoncoffee"
BRAND_X = "4815162342"
CHANNELS = ("mastodon", "bluesky", "x", "youtube", "newsletter", "search", "direct")
WEIGHTS = (3, 3, 2, 3, 4, 6, 9)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Gecko/20100101 Firefox/138.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36",
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
REFERRERS = {
    "mastodon": "-",
    "bluesky": "https://go.bsky.app/",
    "x": "https://t.co/",
    "youtube": "https://www.youtube.com/",
    "newsletter": "-",
    "search": "https://www.google.com/",
    "direct": "-",
}


@dataclass
class Person:
    """Someone in the brand's audience; most of them never act where anyone can see it."""

    number: int
    favourite: str
    is_active: bool
    clicks: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def email(self) -> str:
        return f"person{self.number:03}@example.org"

    @property
    def acct(self) -> str:
        return f"p{self.number:03}" if self.number % 2 else f"p{self.number:03}@elsewhere.example"

    @property
    def did(self) -> str:
        return f"did:plc:person{self.number:03}".ljust(32, "a")

    @property
    def x_id(self) -> str:
        return str(900_000_000_000_000_000 + self.number * 7919)

    @property
    def address(self) -> str:
        return f"198.51.{self.number // 250}.{self.number % 250 + 1}"

    @property
    def agent(self) -> str:
        return AGENTS[self.number % len(AGENTS)]


@dataclass
class World:
    """Everything that happened, before it is written as exports."""

    random: Random
    people: list[Person]
    posts: list[tuple[datetime, str]]
    requests: list[tuple[datetime, str]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    subscribers: list[dict[str, Any]] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)

    def moment(self, day: int) -> datetime:
        return FIRST_DAY + timedelta(days=day, seconds=self.random.randrange(7 * 3600, 22 * 3600))


def write_demo(folder: Path, seed: int = 7) -> None:
    """Write the demo's exports below `folder`; the same seed gives the same bytes and file times."""
    world = _happen(seed)
    end = FIRST_DAY + timedelta(days=DAYS)
    files = {
        **_mastodon(world),
        **_bluesky(world),
        **_x(world),
        **_youtube(world),
        **_newsletters(world, end),
        **_shop(world, end),
        f"site/access.log-{end:%Y%m%d}.gz": gzip.compress(_log(world), mtime=0),
        "from a platform that Balcony does not know yet/stats.csv": b"Week,Plays,Listeners\n2026-W10,120,80\n",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (end.timestamp(), end.timestamp()))


def _happen(seed: int) -> World:
    random = Random(seed)
    people = [
        Person(number, random.choices(CHANNELS, WEIGHTS)[0], random.random() < 0.18) for number in range(1, PEOPLE + 1)
    ]
    posts = [
        (FIRST_DAY + timedelta(days=day, hours=9 + index), platform)
        for day in range(0, DAYS, 2)
        for index, platform in enumerate(("mastodon", "bluesky", "x"))
    ]
    world = World(random, people, posts)
    for person in people:
        for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
            channel = person.favourite if random.random() < 0.7 else random.choices(CHANNELS, WEIGHTS)[0]
            person.clicks.append((world.moment(random.randrange(DAYS)), channel))
        person.clicks.sort()
        for at, channel in person.clicks:
            world.requests += _click(person, at, channel)
        _buy(world, person)
        _sign_up(world, person)
    for day in range(DAYS):
        at = world.moment(day)
        world.requests.append((at, to.log_line("192.0.2.9", at, "/", "-", CRAWLER)))
    return world


def _click(person: Person, at: datetime, channel: str) -> list[tuple[datetime, str]]:
    """The page and the style sheet that a browser asks for after it, with the site itself as referrer."""
    tagged = {
        "mastodon": "/beans?utm_source=mastodon&utm_medium=social&utm_campaign=spring",
        "bluesky": "/beans?utm_source=bluesky&utm_medium=social&utm_campaign=spring",
        "newsletter": "/offers?utm_source=newsletter&utm_medium=email&utm_campaign=march",
        "youtube": "/brewing?utm_source=youtube&utm_medium=video",
    }
    page = to.log_line(person.address, at, tagged.get(channel, "/"), REFERRERS[channel], person.agent)
    style = to.log_line(person.address, at, "/assets/theme.css", f"https://{SITE}/", person.agent)
    return [(at, page), (at + timedelta(seconds=1), style)]


def _buy(world: World, person: Person) -> None:
    """Some buy after a click, some unseen; some in the shop, some through a payment link."""
    random = world.random
    clicked = [at for at, _ in person.clicks]
    if random.random() > (0.35 if clicked else 0.08):
        return
    after = random.choice(clicked) if clicked else world.moment(random.randrange(DAYS))
    at = (
        after + timedelta(minutes=random.randrange(4, 25))
        if random.random() < 0.5
        else after + timedelta(hours=random.randrange(20, 240))
    )
    at = min(at, FIRST_DAY + timedelta(days=DAYS) - timedelta(minutes=person.number % 50 + 1))
    total = random.choice((1450, 1900, 2380, 3200, 5950))
    if random.random() < 0.7:
        name = f"#{1001 + len(world.orders)}"
        coupon = (
            {"youtube": "BREW10", "newsletter": "LETTER5"}.get(person.favourite, "") if random.random() < 0.3 else ""
        )
        if coupon == "" and random.random() < 0.04:
            coupon = "FRIENDS20"
        if clicked and random.random() < 0.8:
            world.requests.append(
                (
                    at,
                    to.log_line(
                        person.address, at, f"/orders/{name[1:]}/thank_you", f"https://{SITE}/checkout", person.agent
                    ),
                )
            )
        world.orders.append(
            {
                "person": person,
                "name": name,
                "at": at,
                "total": total,
                "currency": random.choice(("EUR", "EUR", "EUR", "GBP", "USD")),
                "coupon": coupon,
                "refund": total if random.random() < 0.05 else 500 if random.random() < 0.05 else 0,
                "heard": random.choice(("A friend", "YouTube", "Found your shop in town", ""))
                if random.random() < 0.2
                else "",
            }
        )
        return
    channel = person.clicks[-1][1] if clicked and person.clicks[-1][0] <= at else ""
    world.payments.append(
        {
            "person": person,
            "at": at,
            "total": total,
            "currency": random.choice(("usd", "eur")),
            "source": channel if channel in ("mastodon", "bluesky", "newsletter", "youtube") else "",
            "status": "Refunded" if random.random() < 0.06 else "Failed" if random.random() < 0.06 else "Paid",
        }
    )


def _sign_up(world: World, person: Person) -> None:
    random = world.random
    if random.random() < 0.2:
        at = world.moment(random.randrange(DAYS - 20))
        leaves = at + timedelta(days=random.randrange(5, 20)) if random.random() < 0.2 else None
        status = "subscribed" if leaves is None else random.choice(("unsubscribed", "unsubscribed", "cleaned"))
        world.members.append({"person": person, "at": at, "left": leaves, "status": status})
    elif random.random() < 0.08:
        at = world.moment(random.randrange(DAYS))
        world.subscribers.append({"person": person, "at": at, "channel": person.favourite})


def _acting(world: World, platform: str, share: float) -> list[tuple[Person, datetime, int]]:
    """Who acted on which post, and when: few people, most of them once."""
    random = world.random
    posts = [(index, at) for index, (at, where) in enumerate(world.posts) if where == platform]
    acts = []
    for person in world.people:
        if person.is_active and random.random() < (0.8 if person.favourite == platform else share):
            for index, at in random.sample(posts, min(len(posts), 1 + int(random.expovariate(0.5)))):
                acts.append((person, at + timedelta(minutes=random.randrange(3, 2000)), index))
    return sorted(acts, key=lambda act: act[1])


def _mastodon(world: World) -> dict[str, bytes]:
    random = world.random
    host = BRAND_ACCT.partition("@")[2]
    brand = _mastodon_account(BRAND_ACCT.partition("@")[0], host, 1)

    def status(index: int) -> dict[str, Any]:
        at = world.posts[index][0]
        return {
            "id": str(116_000_000_000_000_000 + index),
            "created_at": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
            "in_reply_to_id": None,
            "visibility": "public",
            "language": "en",
            "uri": f"https://{host}/users/balkon/statuses/{116_000_000_000_000_000 + index}",
            "url": f"https://{host}/@balkon/{116_000_000_000_000_000 + index}",
            "replies_count": 0,
            "reblogs_count": 0,
            "favourites_count": 0,
            "content": "<p>Fresh from the roaster</p>",
            "account": brand,
        }

    events: list[tuple[datetime, str, Person, int | None]] = [
        (at, random.choices(("favourite", "reblog", "mention"), (8, 3, 1))[0], person, index)
        for person, at, index in _acting(world, "mastodon", 0.15)
    ]
    events += [
        (world.moment(random.randrange(DAYS)), "follow", person, None)
        for person in world.people
        if person.favourite == "mastodon" or random.random() < 0.06
    ]
    notifications = []
    for number, (at, kind, person, index) in enumerate(sorted(events, key=lambda event: event[0]), 1):
        account = _mastodon_account(person.acct, host, 1000 + person.number)
        notification: dict[str, Any] = {
            "id": str(number),
            "type": kind,
            "created_at": f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "group_key": f"ungrouped-{number}",
            "account": account,
        }
        if index is not None:
            shown = status(index)
            if kind == "mention":
                shown |= {
                    "id": str(117_000_000_000_000_000 + number),
                    "in_reply_to_id": shown["id"],
                    "account": account,
                    "url": f"{account['url']}/{117_000_000_000_000_000 + number}",
                    "mentions": [{"id": "1", "username": "balkon", "acct": "balkon", "url": brand["url"]}],
                }
            notification["status"] = shown
        notifications.append(notification)
    items = [
        {
            "id": f"{status(index)['uri']}/activity",
            "type": "Create",
            "actor": f"https://{host}/users/balkon",
            "published": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
            "cc": [f"https://{host}/users/balkon/followers"],
            "object": {
                "id": status(index)["uri"],
                "type": "Note",
                "summary": None,
                "inReplyTo": None,
                "published": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "url": status(index)["url"],
                "attributedTo": f"https://{host}/users/balkon",
                "to": ["https://www.w3.org/ns/activitystreams#Public"],
                "cc": [f"https://{host}/users/balkon/followers"],
                "content": "<p>Fresh from the roaster</p>",
                "attachment": [],
                "tag": [],
            },
        }
        for index, (at, where) in enumerate(world.posts)
        if where == "mastodon"
    ]
    context = "https://www.w3.org/ns/activitystreams"
    archive = {
        "actor.json": {
            "@context": [context],
            "id": f"https://{host}/users/balkon",
            "type": "Person",
            "following": f"https://{host}/users/balkon/following",
            "followers": f"https://{host}/users/balkon/followers",
            "inbox": f"https://{host}/users/balkon/inbox",
            "outbox": "outbox.json",
            "preferredUsername": "balkon",
            "name": "Balkon Coffee",
            "summary": "",
            "url": f"https://{host}/@balkon",
            "published": "2022-11-06T00:00:00Z",
            "publicKey": {"id": f"https://{host}/users/balkon#main-key", "owner": "", "publicKeyPem": ""},
            "likes": "likes.json",
            "bookmarks": "bookmarks.json",
        },
        "outbox.json": {
            "@context": context,
            "id": "outbox.json",
            "type": "OrderedCollection",
            "totalItems": len(items),
            "orderedItems": items,
        },
        "likes.json": {"@context": context, "id": "likes.json", "type": "OrderedCollection", "orderedItems": []},
        "bookmarks.json": {
            "@context": context,
            "id": "bookmarks.json",
            "type": "OrderedCollection",
            "orderedItems": [],
        },
    }
    at = FIRST_DAY + timedelta(days=DAYS)
    tar = to.tar_file({name: to.json_line(document) for name, document in archive.items()}, at)
    return {
        "mastodon/notifications.json": to.json_line(notifications),
        f"mastodon/archive-{at:%Y%m%d%H%M%S}.tar.gz": gzip.compress(tar, mtime=0),
    }


def _mastodon_account(acct: str, host: str, number: int) -> dict[str, Any]:
    name, _, elsewhere = acct.partition("@")
    return {
        "id": str(115_000_000_000_000_000 + number),
        "username": name,
        "acct": acct,
        "display_name": "",
        "locked": False,
        "bot": False,
        "created_at": "2022-11-06T00:00:00.000Z",
        "note": "",
        "url": f"https://{elsewhere or host}/@{name}",
        "uri": f"https://{elsewhere or host}/users/{name}",
        "followers_count": 12,
        "following_count": 30,
        "statuses_count": 80,
    }


def _bluesky(world: World) -> dict[str, bytes]:
    random = world.random
    posts = {index: at for index, (at, where) in enumerate(world.posts) if where == "bluesky"}
    repository: dict[str, Mapping[str, Any]] = {
        "app.bsky.actor.profile/self": {"$type": "app.bsky.actor.profile", "displayName": "Balkon Coffee"}
    }
    for at in posts.values():
        repository[f"app.bsky.feed.post/{to.time_id(at)}"] = {
            "$type": "app.bsky.feed.post",
            "createdAt": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
            "langs": ["en"],
            "text": "Fresh from the roaster",
        }
    events: list[tuple[datetime, Person, str, str, dict[str, Any] | None]] = []
    for number, (person, at, index) in enumerate(_acting(world, "bluesky", 0.15)):
        key = f"app.bsky.feed.post/{to.time_id(posts[index])}"
        subject = {"cid": to.cid_text(repository[key]), "uri": f"at://{BRAND_DID}/{key}"}
        kind = random.choices(("like", "repost", "post"), (8, 2, 1))[0]
        record: dict[str, Any] = {"$type": f"app.bsky.feed.{kind}", "createdAt": f"{at:%Y-%m-%dT%H:%M:%S.000Z}"}
        record |= (
            {"text": "Which grind?", "reply": {"parent": subject, "root": subject}}
            if kind == "post"
            else {"subject": subject}
        )
        events.append((at, person, f"app.bsky.feed.{kind}", to.time_id(at, number), record))
    for person in world.people:
        if person.favourite == "bluesky" or random.random() < 0.05:
            at = world.moment(random.randrange(DAYS - 10))
            rkey = to.time_id(at, person.number)
            record = {
                "$type": "app.bsky.graph.follow",
                "createdAt": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
                "subject": BRAND_DID,
            }
            events.append((at, person, "app.bsky.graph.follow", rkey, record))
            if random.random() < 0.15:
                events.append(
                    (at + timedelta(days=random.randrange(1, 9)), person, "app.bsky.graph.follow", rkey, None)
                )
    lines = []
    for at, person, collection, rkey, written in sorted(events, key=lambda event: event[0]):
        commit: dict[str, Any] = {
            "rev": to.time_id(at, person.number),
            "operation": "delete" if written is None else "create",
            "collection": collection,
            "rkey": rkey,
        }
        if written is not None:
            commit |= {"record": written, "cid": to.cid_text(written)}
        time_us = int((at - datetime(1970, 1, 1)).total_seconds() * 1_000_000) + person.number
        lines.append({"did": person.did, "time_us": time_us, "kind": "commit", "commit": commit})
    return {
        "bluesky/jetstream.jsonl": to.json_lines(lines),
        "bluesky/repo.car": to.bluesky_car(BRAND_DID, to.time_id(FIRST_DAY + timedelta(days=DAYS)), repository),
    }


def _x(world: World) -> dict[str, bytes]:
    random = world.random
    posts = {index: at for index, (at, where) in enumerate(world.posts) if where == "x"}
    ids = {index: str(2_028_000_000_000_000_000 + index * 10_007) for index in posts}
    followers = [person for person in world.people if person.favourite == "x" or random.random() < 0.08]
    files: dict[str, bytes] = {}
    for half, kept in ((DAYS // 2, followers[: len(followers) * 3 // 4]), (DAYS, followers[3:])):
        at = FIRST_DAY + timedelta(days=half, hours=1)
        tweets = [
            {
                "tweet": {
                    "retweeted": False,
                    "source": '<a href="https://mobile.x.com" rel="nofollow">X Web App</a>',
                    "favorite_count": str(random.randrange(0, 9)),
                    "id_str": ids[index],
                    "truncated": False,
                    "retweet_count": str(random.randrange(0, 3)),
                    "id": ids[index],
                    "created_at": f"{posted:%a %b %d %H:%M:%S +0000 %Y}",
                    "favorited": False,
                    "full_text": "Fresh from the roaster",
                    "lang": "en",
                }
            }
            for index, posted in posts.items()
            if posted < at
        ]
        listed = [
            {"follower": {"accountId": p.x_id, "userLink": f"https://twitter.com/intent/user?user_id={p.x_id}"}}
            for p in kept
        ]
        members = {
            "Your archive.html": b"<!doctype html>",
            "data/tweets.js": to.x_script("tweets", tweets),
            "data/follower.js": to.x_script("follower", listed),
            "data/direct-messages.js": to.x_script("direct_messages", []),
            "data/manifest.js": to.x_manifest(
                BRAND_X, "balkoncoffee", at, {"tweets": len(tweets), "follower": len(listed)}
            ),
        }
        files[f"x/twitter-{at:%Y-%m-%d}.zip"] = to.zip_file(members, at)
    daily: list[dict[str, Any]] = []
    for day in range(DAYS):
        date = FIRST_DAY + timedelta(days=day)
        impressions = random.randrange(200, 900) * (3 if date.date() in {at.date() for at in posts.values()} else 1)
        likes = random.randrange(0, 14)
        counts = {
            "Likes": likes,
            "Engagements": likes * 3,
            "Bookmarks": random.randrange(2),
            "Shares": random.randrange(2),
        }
        counts |= {"New follows": random.randrange(4), "Unfollows": random.randrange(2), "Replies": random.randrange(3)}
        counts |= {
            "Reposts": random.randrange(4),
            "Profile visits": random.randrange(20),
            "Create Post": 1,
            "Video views": 0,
            "Media views": 0,
        }
        daily.append({"Date": f"{date:%a, %b} {date.day}, {date.year}", "Impressions": impressions, **counts})
    cut = DAYS // 2 + 5
    first = [*daily[: cut - 1], {**daily[cut - 1], "Impressions": daily[cut - 1]["Impressions"] - 150}]
    for name, rows in (("account_overview_analytics.csv", first), ("account_overview_analytics (1).csv", daily[20:])):
        files[f"x/{name}"] = to.csv_file(to.X_OVERVIEW_HEADER, reversed(rows)).rstrip(b"\n")
    content = [
        {
            "Post id": ids[index],
            "Date": f"{at:%a, %b} {at.day}, {at.year}",
            "Post text": "Fresh from the roaster",
            "Post Link": f"https://x.com/balkoncoffee/status/{ids[index]}",
            "Impressions": random.randrange(300, 2500),
            "Likes": random.randrange(0, 9),
            "Engagements": random.randrange(5, 40),
            **dict.fromkeys(to.X_CONTENT_HEADER[7:], 0),
            "Replies": random.randrange(3),
            "Reposts": random.randrange(3),
            "URL Clicks": random.randrange(8),
        }
        for index, at in posts.items()
    ]
    files["x/account_analytics_content_2026-03-01_2026-05-31.csv"] = to.csv_file(
        to.X_CONTENT_HEADER, content, line_end="\r\n"
    )
    return files


def _youtube(world: World) -> dict[str, bytes]:
    random = world.random
    videos = [
        (f"vid{number:08}", FIRST_DAY + timedelta(days=number * 9), f"How to brew, part {number}")
        for number in range(1, 9)
    ]
    table: list[dict[str, Any]] = []
    chart: list[dict[str, object]] = []
    totals: dict[str, int] = {}
    for video, published, title in videos:
        shown = {
            "Content": video,
            "Video title": title,
            "Video publish time": f"{published:%b} {published.day}, {published.year}",
        }
        views_total = 0
        for day in range((published - FIRST_DAY).days, DAYS):
            date = f"{FIRST_DAY + timedelta(days=day):%Y-%m-%d}"
            views = int(random.expovariate(1 / 120))
            views_total += views
            totals[date] = totals.get(date, 0) + views
            chart.append({"Date": date, **shown, "Duration": 600, "Views": views})
        table.append(
            {
                **shown,
                "Duration": 600,
                "Average view duration": "0:03:21",
                "Views": views_total,
                "Watch time (hours)": f"{views_total * 201 / 3600:.4f}",
                "Subscribers": random.randrange(-1, 12),
                "Impressions": views_total * 9,
                "Impressions click-through rate (%)": "4.2",
            }
        )
    header = [*table[0]]
    summed = ("Views", "Subscribers", "Impressions")
    total_row = {"Content": "Total", **{name: sum(row[name] for row in table) for name in summed}}
    end = FIRST_DAY + timedelta(days=DAYS)
    members = {
        "Table data.csv": to.csv_file(header, [total_row, *table]),
        "Chart data.csv": to.csv_file([*chart[0]], chart),
        "Totals.csv": to.csv_file(
            ["Date", "Views"], [{"Date": date, "Views": views} for date, views in sorted(totals.items())]
        ),
    }
    return {f"youtube/Content {FIRST_DAY:%Y-%m-%d}_{end:%Y-%m-%d} Balkon Coffee.zip": to.zip_file(members, end)}


def _newsletters(world: World, end: datetime) -> dict[str, bytes]:
    rows: dict[str, list[dict[str, object]]] = {status: [] for status in to.MAILCHIMP_STATUS}
    for member in world.members:
        person, at, left = member["person"], member["at"], member["left"]
        row: dict[str, object] = {
            "Email Address": person.email,
            "MEMBER_RATING": 2,
            "OPTIN_TIME": f"{at:%Y-%m-%d %H:%M:%S}",
            "CONFIRM_TIME": f"{at:%Y-%m-%d %H:%M:%S}",
            "LEID": 5000 + person.number,
            "EUID": f"euid{person.number:06}",
            "TAGS": '"Shop"',
        }
        if left is None:
            row["LAST_CHANGED"] = row["OPTIN_TIME"]
        else:
            row["UNSUB_TIME" if member["status"] == "unsubscribed" else "CLEAN_TIME"] = f"{left:%Y-%m-%d %H:%M:%S}"
        rows[member["status"]].append(row)
    members = {f"{status}_members_export_1.csv": to.mailchimp_members(status, rows[status]) for status in rows}
    subscribers = [
        {
            "Email Address": entry["person"].email,
            "Subscribed at": f"{entry['at']:%Y-%m-%d %H:%M:%S +0000}",
            "UTM Source": entry["channel"] if entry["channel"] in ("mastodon", "bluesky", "youtube") else "",
            "UTM Medium": "social" if entry["channel"] in ("mastodon", "bluesky", "youtube") else "",
        }
        for entry in sorted(world.subscribers, key=lambda entry: entry["at"], reverse=True)
    ]
    return {
        "mailchimp/audience_export_1.zip": to.zip_file(members, end),
        "curated/subscribers.csv": to.csv_file(to.CURATED_HEADER, subscribers),
    }


def _shop(world: World, end: datetime) -> dict[str, bytes]:
    orders = sorted(world.orders, key=lambda order: order["at"], reverse=True)
    half = FIRST_DAY + timedelta(days=DAYS * 2 // 3)
    early = [_order_lines(order, refunded=False) for order in orders if order["at"] < half]
    late = [_order_lines(order, refunded=True) for order in orders]
    payments = []
    for number, payment in enumerate(sorted(world.payments, key=lambda payment: payment["at"]), 1):
        refunded = payment["status"] == "Refunded"
        payments.append(
            {
                "id": f"ch_demo{number:06}",
                "Created date (UTC)": f"{payment['at']:%Y-%m-%d %H:%M:%S}",
                "Amount": f"{payment['total'] / 100:.2f}",
                "Amount Refunded": f"{payment['total'] / 100 if refunded else 0:.2f}",
                "Currency": payment["currency"],
                "Captured": "true",
                "Mode": "Live",
                "PaymentIntent ID": f"pi_demo{number:06}",
                "Refunded date (UTC)": f"{payment['at'] + timedelta(days=6):%Y-%m-%d %H:%M:%S}" if refunded else "",
                "Status": payment["status"],
                "Customer ID": f"cus_demo{payment['person'].number:04}",
                "Customer Email": payment["person"].email,
                "UTM Source": payment["source"],
                "UTM Medium": "social" if payment["source"] else "",
            }
        )
    return {
        "shopify/orders_export_1.csv": to.csv_file(to.SHOPIFY_HEADER, [line for order in early for line in order]),
        "shopify/orders_export_1 (1).csv": to.csv_file(to.SHOPIFY_HEADER, [line for order in late for line in order]),
        "stripe/unified_payments.csv": to.csv_file(to.STRIPE_HEADER, reversed(payments)),
    }


def _order_lines(order: dict[str, Any], *, refunded: bool) -> list[dict[str, object]]:
    """An order's rows: the order stands on the first, every further line repeats its name, e-mail and time only."""
    at = f"{order['at'] + timedelta(hours=1):%Y-%m-%d %H:%M:%S +0100}"
    refund = order["refund"] if refunded else 0
    shared = {"Name": order["name"], "Email": order["person"].email, "Created at": at, "Vendor": "Balkon Coffee"}
    first = {
        "Financial Status": "paid" if not refund else "refunded" if refund == order["total"] else "partially_refunded",
        "Paid at": at,
        "Fulfillment Status": "fulfilled",
        "Accepts Marketing": "no",
        "Currency": order["currency"],
        "Subtotal": f"{order['total'] / 100:.2f}",
        "Shipping": "0.00",
        "Taxes": "0.00",
        "Total": f"{order['total'] / 100:.2f}",
        "Discount Code": order["coupon"],
        "Discount Amount": "0.00",
        "Note Attributes": f"how_did_you_hear: {order['heard']}" if order["heard"] else "",
        "Refunded Amount": f"{refund / 100:.2f}",
        "Outstanding Balance": "0.00",
        "Id": str(6_900_000_000_000 + int(order["name"][1:])),
        "Source": "web",
        "Lineitem quantity": 1,
        "Lineitem name": "House blend, 500 g",
        "Lineitem price": f"{order['total'] / 100:.2f}",
    }
    lines: list[dict[str, object]] = [{**shared, **first}]
    if order["total"] > 3000:
        lines.append({**shared, "Lineitem quantity": 1, "Lineitem name": "Sample bag", "Lineitem price": "0.00"})
    return lines


def _log(world: World) -> bytes:
    lines = [line for _, line in sorted(world.requests)]
    lines.insert(len(lines) // 2, "\\x16\\x03\\x01 this line was cut by a full disk\n")
    return "".join(lines).encode()
