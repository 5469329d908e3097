"""Bluesky: what a filter on Jetstream kept of everything about the brand, and the brand's repository at two dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import Download, iso, moment, post_link, post_text, posts_on
from orchestration.simulation.world import ACTS, PLATFORMS, Moments, World

EVERY = timedelta(days=91)
REWOUND = timedelta(hours=6)
"""A capture starts again at a cursor a little before the last one ended."""
COLLECTIONS = {"like": "app.bsky.feed.like", "repost": "app.bsky.feed.repost", "reply": "app.bsky.feed.post"}
PROFILE = "app.bsky.actor.profile/self"
FOLLOW = "app.bsky.graph.follow"


def downloads(world: World) -> Iterator[Download]:
    """Captures by quarter that overlap a little, `repo.car` of the middle and of the end."""
    repository = _repository(world)
    times, lines = _stream(world, repository)
    begin, last = moment(world, 0), moment(world, 1)
    while begin < last:
        end = min(begin + EVERY, last)
        first, past = np.searchsorted(times, [_microseconds(begin - REWOUND), _microseconds(end)])
        if past > first:
            yield Download(f"bluesky/jetstream-{end:%Y-%m-%d}.jsonl", end, "".join(lines[first:past]).encode())
        begin = end
    for share in (0.5, 1.0):
        at = moment(world, share)
        rev = keys.time_id(_microseconds(at))
        kept = {key: record for key, record in repository.items() if key == PROFILE or key.rpartition("/")[2] < rev}
        yield Download(f"bluesky/repo-{at:%Y-%m-%d}.car", at, to.bluesky_car(keys.BLUESKY_DID, rev, kept))


def _repository(world: World) -> dict[str, Mapping[str, Any]]:
    """Every record that the brand ever wrote, by key."""
    profile = {"$type": "app.bsky.actor.profile", "displayName": keys.BRAND}
    repository: dict[str, Mapping[str, Any]] = {PROFILE: profile}
    positions = posts_on(world.posts, "bluesky").tolist()
    for position, at in zip(positions, iso(world.posts.at[positions]), strict=True):
        record: dict[str, Any] = {"$type": "app.bsky.feed.post", "createdAt": f"{at}.000Z", "langs": ["en"]}
        text = post_text(world.posts, position)
        if link := post_link(world.posts, position):
            shown = f"{keys.SITE}/beans"
            start = len(text.encode()) + 1
            text = f"{text} {shown}"
            feature = {"$type": "app.bsky.richtext.facet#link", "uri": link}
            index = {"byteEnd": start + len(shown), "byteStart": start}
            record["facets"] = [{"features": [feature], "index": index}]
        record["text"] = text
        repository[keys.post_native_id(world.posts, position).removeprefix(f"at://{keys.BLUESKY_DID}/")] = record
    return repository


def _stream(world: World, repository: Mapping[str, Mapping[str, Any]]) -> tuple[list[int], list[str]]:
    """Every event about the brand in order of time: microseconds and lines."""
    events = [*_own_posts(repository), *_follows(world), *_acts(world, repository), *_deleted_accounts(world)]
    events.sort(key=lambda event: event[0])
    return [time for time, _ in events], [f"{to.json_text(event)}\n" for _, event in events]


Event = tuple[int, dict[str, Any]]


def _own_posts(repository: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
    for key, record in repository.items():
        collection, _, rkey = key.partition("/")
        if key != PROFILE:
            created = datetime.fromisoformat(record["createdAt"].removesuffix("Z"))
            yield _commit(keys.BLUESKY_DID, _microseconds(created), 0, collection, rkey, record)


def _follows(world: World) -> Iterator[Event]:
    """A follow is a record, and leaving deletes it; deleting the account leaves the record to the account's own event."""
    follows = world.follows
    positions = np.flatnonzero(follows.platform == PLATFORMS.index("bluesky"))
    started, written = _moments(follows.started_at[positions]), iso(follows.started_at[positions])
    ended = follows.ended_at[positions]
    gone = ~np.isnat(ended) & (ended == world.people.deleted_at[follows.person[positions]])
    unfollowed = _moments(np.where(gone, np.datetime64("NaT"), ended))
    people = follows.person[positions].tolist()
    for position, person, start, created, end in zip(
        positions.tolist(), people, started, written, unfollowed, strict=True
    ):
        did = keys.bluesky_did(person)
        rkey = keys.time_id(start, position)
        record = {"$type": FOLLOW, "createdAt": f"{created}.000Z", "subject": keys.BLUESKY_DID}
        yield _commit(did, start, position, FOLLOW, rkey, record)
        if end is not None:
            yield _commit(did, end, position, FOLLOW, rkey, None)


def _acts(world: World, repository: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
    acts = world.acts
    subjects = {}
    for post in posts_on(world.posts, "bluesky").tolist():
        uri = keys.post_native_id(world.posts, post)
        subjects[post] = {"cid": to.cid_text(repository[uri.removeprefix(f"at://{keys.BLUESKY_DID}/")]), "uri": uri}
    positions = np.flatnonzero(world.posts.platform[acts.post] == PLATFORMS.index("bluesky"))
    written = iso(acts.at[positions])
    withdrawn = _moments(acts.withdrawn_at[positions])
    columns = (positions, acts.person[positions], acts.post[positions], acts.kind[positions])
    for position, person, post, kind, at, created, end in zip(
        *(column.tolist() for column in columns), _moments(acts.at[positions]), written, withdrawn, strict=True
    ):
        did, rkey, collection = keys.bluesky_did(person), keys.time_id(at, position), COLLECTIONS[ACTS[kind]]
        record: dict[str, Any] = {"$type": collection, "createdAt": f"{created}.000Z"}
        if ACTS[kind] == "reply":
            thread = {"parent": subjects[post], "root": subjects[post]}
            record |= {"langs": ["en"], "reply": thread, "text": "Which grind?"}
        else:
            record["subject"] = subjects[post]
        yield _commit(did, at, position, collection, rkey, record)
        if end is not None:
            yield _commit(did, end, position, collection, rkey, None)


def _deleted_accounts(world: World) -> Iterator[Event]:
    """The end of an account, of those that the capture knows."""
    seen = [world.follows.person[world.follows.platform == PLATFORMS.index("bluesky")]]
    seen.append(world.acts.person[world.posts.platform[world.acts.post] == PLATFORMS.index("bluesky")])
    people = np.unique(np.concatenate(seen))
    people = people[~np.isnat(world.people.deleted_at[people])]
    deleted_at = world.people.deleted_at[people]
    for person, time, at in zip(people.tolist(), _moments(deleted_at), iso(deleted_at), strict=True):
        assert time is not None
        did = keys.bluesky_did(person)
        state = {"active": False, "did": did, "seq": time // 50_000, "status": "deleted", "time": f"{at}.000Z"}
        # After everything else that the account did in that second.
        time += 999_999
        yield time, {"did": did, "time_us": time, "kind": "account", "account": state}


def _commit(did: str, at: int, position: int, collection: str, rkey: str, record: Mapping[str, Any] | None) -> Event:
    """A record written, or deleted where `record` is none; the server stamps it within the second."""
    time = at + 1 + position * 7919 % 900_000
    commit: dict[str, Any] = {"rev": keys.time_id(time, position), "operation": "create" if record else "delete"}
    commit |= {"collection": collection, "rkey": rkey}
    if record:
        commit |= {"record": record, "cid": to.cid_text(record)}
    return time, {"did": did, "time_us": time, "kind": "commit", "commit": commit}


def _moments(moments: Moments) -> list[Any]:
    """Microseconds since 1970, None for `NaT`."""
    return [None if at is None else _microseconds(at) for at in moments.tolist()]


def _microseconds(at: datetime) -> int:
    return int(np.datetime64(at, "us").astype(np.int64))
