"""Mastodon: notifications of both versions of the API, and two archives of the brand's account.

The owner's client stored notifications as they came: who withdraws a follow or favourite later stays in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import Download, iso, moment, post_link, post_text, posts_on
from orchestration.simulation.world import ACTS, PLATFORMS, Moments, World

EARLIER_UNTIL, LATER_FROM = 0.62, 0.55
"""Shares of the world's days: up to the first the owner reads `/api/v1`, from the second on `/api/v2`."""
EVERY = timedelta(days=91)
REACH_BACK = timedelta(days=4)
GROUP_HOURS = 12
"""Mastodon's MAXIMUM_GROUP_SPAN_HOURS."""
SAMPLED = 8
"""Accounts that a group names at most."""
KINDS = {"like": "favourite", "repost": "reblog", "reply": "mention"}
CONTEXT = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{CONTEXT}#Public"
PROFILE = f"https://{keys.MASTODON_HOST}/@{keys.MASTODON_NAME}"


@dataclass(frozen=True)
class _Events:
    """What the brand was notified of, in order of time: arrays of one length."""

    at: Moments
    kind: NDArray[np.str_]
    person: NDArray[np.int64]
    post: NDArray[np.int64]
    """-1 for follows."""
    withdrawn_at: Moments
    group: list[str]
    text_at: list[str]


def downloads(world: World) -> Iterator[Download]:
    """Notifications by quarter, and an archive in the shape of 2022 and one in that of 2026."""
    events = _events(world)
    for version, first, last in (("v1", 0.0, EARLIER_UNTIL), ("v2", LATER_FROM, 1.0)):
        begin = moment(world, first)
        while begin < moment(world, last):
            end = min(begin + EVERY, moment(world, last))
            window = (events.at >= np.datetime64(begin - REACH_BACK)) & (events.at < np.datetime64(end))
            if window.any():
                write = _notifications if version == "v1" else _grouped_notifications
                name = f"mastodon/notifications-{version}-{end:%Y-%m-%d}.json"
                yield Download(name, end, write(world, events, np.flatnonzero(window)[::-1], end))
            begin = end
    for share, suffix in ((0.5, ".tar.gz"), (1.0, ".zip")):
        at = moment(world, share)
        members = {
            name: to.json_line(document).replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
            for name, document in _archive(world, events, at, counted=suffix == ".zip").items()
        }
        packed = to.zip_file(members, at) if suffix == ".zip" else to.gzip_file(to.tar_file(members, at))
        yield Download(f"mastodon/archive-{at:%Y%m%d%H%M%S}-{world.seed:032x}{suffix}", at, packed)


def _events(world: World) -> _Events:
    follows, acts = world.follows, world.acts
    follow = np.flatnonzero(follows.platform == PLATFORMS.index("mastodon"))
    act = np.flatnonzero(world.posts.platform[acts.post] == PLATFORMS.index("mastodon"))
    at = np.concatenate([follows.started_at[follow], acts.at[act]])
    kinds = np.array([KINDS[name] for name in ACTS])
    kind = np.concatenate([np.full(len(follow), "follow"), kinds[acts.kind[act]]])
    person = np.concatenate([follows.person[follow], acts.person[act]])
    post = np.concatenate([np.full(len(follow), -1), acts.post[act]])
    withdrawn_at = np.concatenate([follows.ended_at[follow], acts.withdrawn_at[act]])
    order = np.lexsort((post, person, kind, at))
    at, kind, person, post = at[order], kind[order], person[order], post[order]
    return _Events(at, kind, person, post, withdrawn_at[order], _groups(world, at, kind, post), iso(at))


def _groups(world: World, at: Moments, kind: NDArray[np.str_], post: NDArray[np.int64]) -> list[str]:
    """Events of one kind and status share a group while they are within the span from its first hour."""
    opened: dict[tuple[str, int], int] = {}
    groups = []
    hours = at.astype("datetime64[h]").astype(np.int64)
    for number, (name, position, hour) in enumerate(zip(kind.tolist(), post.tolist(), hours.tolist(), strict=True), 1):
        if name == "mention":
            groups.append(f"ungrouped-{number}")
            continue
        bucket = opened.get((name, position))
        if bucket is None or hour >= bucket + GROUP_HOURS:
            bucket = opened[name, position] = hour
        groups.append(f"{name}-{bucket}" if position < 0 else f"{name}-{_status_id(world, position)}-{bucket}")
    return groups


def _notifications(world: World, events: _Events, window: NDArray[np.int64], end: datetime) -> bytes:
    """Pages of `/api/v1/notifications` as one list, newest first."""
    account = cache(lambda person: to.json_text(_account(person)))
    status = _status_texts(world, events, end)
    rows = []
    for index in window.tolist():
        kind = str(events.kind[index])
        shown = "" if kind == "follow" else f',"status":{status(index)}'
        rows.append(
            f'{{"id":"{index + 1}","type":"{kind}","created_at":"{events.text_at[index]}.000Z",'
            f'"group_key":"{events.group[index]}","account":{account(int(events.person[index]))}{shown}}}'
        )
    return f"[{','.join(rows)}]".encode()


def _grouped_notifications(world: World, events: _Events, window: NDArray[np.int64], end: datetime) -> bytes:
    """Pages of `/api/v2/notifications` merged, newest group first. A group counts all its events up to the download."""
    status = _status_texts(world, events, end)
    wanted = dict.fromkeys(events.group[index] for index in window.tolist())
    members: dict[str, list[int]] = {group: [] for group in wanted}
    for index in np.flatnonzero(events.at < np.datetime64(end))[::-1].tolist():
        if events.group[index] in members:
            members[events.group[index]].append(index)
    accounts: dict[int, str] = {}
    partial: dict[int, str] = {}
    statuses: dict[str, str] = {}
    groups = []
    for group, indices in members.items():
        newest = indices[0]
        people = [*dict.fromkeys(events.person[indices].tolist())][:SAMPLED]
        accounts.setdefault(people[0], to.json_text(_account(people[0])))
        for person in people[1:]:
            partial.setdefault(person, to.json_text(_partial_account(person)))
        row: dict[str, Any] = {
            "group_key": group,
            "notifications_count": len(indices),
            "type": str(events.kind[newest]),
            "most_recent_notification_id": newest + 1,
            "page_min_id": str(indices[-1] + 1),
            "page_max_id": str(newest + 1),
            "latest_page_notification_at": f"{events.text_at[newest]}.000Z",
            "sample_account_ids": [keys.mastodon_account_id(person) for person in people],
        }
        if events.post[newest] >= 0:
            row["status_id"] = _shown_status_id(world, events, newest)
            statuses.setdefault(row["status_id"], status(newest))
        groups.append(to.json_text(row))
    partial = {person: text for person, text in partial.items() if person not in accounts}
    lists = (("accounts", accounts), ("partial_accounts", partial), ("statuses", statuses))
    shown = "".join(f'"{name}":[{",".join(texts.values())}],' for name, texts in lists)
    return f'{{{shown}"notification_groups":[{",".join(groups)}]}}'.encode()


def _status_texts(world: World, events: _Events, end: datetime) -> Any:
    """The status that an event shows, as JSON: the brand's own with its counts at the download, or a reply to it."""
    standing = (events.at < np.datetime64(end)) & ~(events.withdrawn_at < np.datetime64(end)) & (events.post >= 0)
    counts = {
        kind: np.bincount(events.post[standing & (events.kind == kind)], minlength=len(world.posts.at)).tolist()
        for kind in KINDS.values()
    }
    brand = _account(-1)

    @cache
    def own(position: int) -> str:
        text = f"<p>{post_text(world.posts, position)}</p>"
        if link := post_link(world.posts, position):
            text += f'<p><a href="{link.replace("&", "&amp;")}" rel="nofollow noopener">{keys.SITE}/beans</a></p>'
        return to.json_text(
            _status(_status_id(world, position), iso(world.posts.at[[position]])[0], text, brand)
            | {
                "replies_count": counts["mention"][position],
                "reblogs_count": counts["reblog"][position],
                "favourites_count": counts["favourite"][position],
            }
        )

    def shown(index: int) -> str:
        if events.kind[index] != "mention":
            return own(int(events.post[index]))
        sender = _account(int(events.person[index]))
        text = f'<p><a href="{PROFILE}" class="u-url mention">@{keys.MASTODON_NAME}</a> Which grind?</p>'
        reply = _status(_shown_status_id(world, events, index), events.text_at[index], text, sender)
        reply["in_reply_to_id"] = _status_id(world, int(events.post[index]))
        reply["in_reply_to_account_id"] = brand["id"]
        reply["mentions"] = [
            {"id": brand["id"], "username": keys.MASTODON_NAME, "url": PROFILE, "acct": keys.MASTODON_NAME}
        ]
        return to.json_text(reply)

    return shown


def _status_id(world: World, position: int) -> str:
    return keys.post_native_id(world.posts, position).rpartition("/")[2]


def _shown_status_id(world: World, events: _Events, index: int) -> str:
    if events.kind[index] != "mention":
        return _status_id(world, int(events.post[index]))
    milliseconds = int(events.at[index].astype("datetime64[ms]").astype(np.int64))
    return str((milliseconds << 16) + 1 + index % 65_535)


def _account(person: int) -> dict[str, Any]:
    """An account as the API shows it; -1 is the brand."""
    name, _, elsewhere = (keys.MASTODON_NAME if person < 0 else keys.mastodon_acct(person)).partition("@")
    host = elsewhere or keys.MASTODON_HOST
    picture = f"https://{keys.MASTODON_HOST}/avatars/original/missing.png"
    header = f"https://{keys.MASTODON_HOST}/headers/original/missing.png"
    return {
        "id": keys.mastodon_account_id(person),
        "username": name,
        "acct": f"{name}@{elsewhere}" if elsewhere else name,
        "display_name": keys.BRAND if person < 0 else "",
        "locked": False,
        "bot": False,
        "discoverable": None,
        "indexable": False,
        "group": False,
        "created_at": "2022-11-06T00:00:00.000Z",
        "note": "",
        "url": f"https://{host}/@{name}",
        "uri": f"https://{host}/users/{name}",
        "avatar": picture,
        "avatar_static": picture,
        "avatar_description": "",
        "header": header,
        "header_static": header,
        "header_description": "",
        "followers_count": 12,
        "following_count": 30,
        "statuses_count": 80,
        "last_status_at": None,
        "hide_collections": None,
        "show_media": True,
        "show_media_replies": True,
        "show_featured": True,
        "noindex": False,
        "feature_approval": {"automatic": [], "manual": [], "current_user": "denied"},
        "emojis": [],
        **({} if elsewhere else {"roles": []}),
        "fields": [],
    }


def _partial_account(person: int) -> dict[str, Any]:
    shown = ("id", "acct", "locked", "bot", "url", "avatar", "avatar_static", "avatar_description")
    account = _account(person)
    return {key: account[key] for key in shown}


def _status(number: str, at: str, content: str, account: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "created_at": f"{at}.000Z",
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"{account['uri']}/statuses/{number}",
        "url": f"{account['url']}/{number}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "quotes_count": 0,
        "edited_at": None,
        "favourited": False,
        "reblogged": False,
        "muted": False,
        "bookmarked": False,
        "content": content,
        "filtered": [],
        "reblog": None,
        "application": None,
        "account": account,
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "tagged_collections": [],
        "quote": None,
        "card": None,
        "poll": None,
        "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"},
    }


def _archive(world: World, events: _Events, at: datetime, *, counted: bool) -> dict[str, dict[str, Any]]:
    """The documents of an archive; `counted`: since 2025 a status tells how many likes and shares it has."""
    standing = (events.at < np.datetime64(at)) & ~(events.withdrawn_at < np.datetime64(at)) & (events.post >= 0)
    likes, shares = (
        np.bincount(events.post[standing & (events.kind == kind)], minlength=len(world.posts.at)).tolist()
        for kind in ("favourite", "reblog")
    )
    items = []
    for position in posts_on(world.posts, "mastodon").tolist():
        if world.posts.at[position] >= np.datetime64(at):
            break
        note = _note(world, position)
        if counted:
            uri = note["id"]
            note |= {
                "context": f"https://{keys.MASTODON_HOST}/contexts/{_status_id(world, position)}",
                "interactionPolicy": {"canQuote": {"automaticApproval": [PUBLIC]}},
                "likes": {"id": f"{uri}/likes", "type": "Collection", "totalItems": likes[position]},
                "shares": {"id": f"{uri}/shares", "type": "Collection", "totalItems": shares[position]},
            }
        activity = {key: note[key] for key in ("published", "to", "cc")}
        items.append(
            {"id": f"{note['id']}/activity", "type": "Create", "actor": keys.MASTODON_URL} | activity | {"object": note}
        )
    actor = {
        "@context": [CONTEXT, "https://w3id.org/security/v1"],
        "id": keys.MASTODON_URL,
        "type": "Person",
        "following": f"{keys.MASTODON_URL}/following",
        "followers": f"{keys.MASTODON_URL}/followers",
        "inbox": f"{keys.MASTODON_URL}/inbox",
        "outbox": "outbox.json",
        "featured": f"{keys.MASTODON_URL}/collections/featured",
        "featuredTags": f"{keys.MASTODON_URL}/collections/tags",
        "preferredUsername": keys.MASTODON_NAME,
        "name": keys.BRAND,
        "summary": "",
        "url": PROFILE,
        "manuallyApprovesFollowers": False,
        "discoverable": True,
        "published": "2022-11-06T00:00:00Z",
        "publicKey": {"id": f"{keys.MASTODON_URL}#main-key", "owner": keys.MASTODON_URL, "publicKeyPem": ""},
        "tag": [],
        "attachment": [],
        "endpoints": {"sharedInbox": f"https://{keys.MASTODON_HOST}/inbox"},
        "likes": "likes.json",
        "bookmarks": "bookmarks.json",
    }
    # The number counts what the archive leaves out and forgets what it puts in: it is not to be trusted.
    lists = {"outbox.json": (max(len(items) - 2, 0), items), "likes.json": (0, []), "bookmarks.json": (0, [])}
    return {"actor.json": actor} | {
        name: {"@context": CONTEXT, "id": name, "type": "OrderedCollection", "totalItems": total, "orderedItems": rows}
        for name, (total, rows) in lists.items()
    }


def _note(world: World, position: int) -> dict[str, Any]:
    number = _status_id(world, position)
    uri = f"{keys.MASTODON_URL}/statuses/{number}"
    at = f"{iso(world.posts.at[[position]])[0]}Z"
    link = post_link(world.posts, position)
    content = f"<p>{post_text(world.posts, position)}{f' {link}' if link else ''}</p>"
    replies = f"{uri}/replies"
    return {
        "id": uri,
        "type": "Note",
        "summary": None,
        "inReplyTo": None,
        "published": at,
        "url": f"{PROFILE}/{number}",
        "attributedTo": keys.MASTODON_URL,
        "to": [PUBLIC],
        "cc": [f"{keys.MASTODON_URL}/followers"],
        "sensitive": False,
        "atomUri": uri,
        "inReplyToAtomUri": None,
        "conversation": f"tag:{keys.MASTODON_HOST},{at[:10]}:objectId={position}:objectType=Conversation",
        "content": content,
        "contentMap": {"en": content},
        "attachment": [],
        "tag": [],
        "replies": {
            "id": replies,
            "type": "Collection",
            "first": {
                "type": "CollectionPage",
                "next": f"{replies}?only_other_accounts=true&page=true",
                "partOf": replies,
                "items": [],
            },
        },
    }
