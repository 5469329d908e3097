"""The reader of Bluesky repository exports, against a public listing, repositories built here, and damaged ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.landing.parsers import ParserError, bluesky_car

FIXTURE = Path(__file__).parents[1] / "fixtures" / "exports" / "bluesky" / "repo.car"
BRAND = "did:plc:balconyexamplebrand00001"
PERSON = "did:plc:balconyexampleperson0001"
RECORDS: dict[str, dict[str, Any]] = {
    "app.bsky.actor.profile/self": {
        "$type": "app.bsky.actor.profile",
        "createdAt": "2026-02-01T08:00:00.000Z",
        "displayName": "Lantern Press",
        "avatar": {"$type": "blob", "mimeType": "image/png", "size": 3, "ref": b"png"},
    },
    "app.bsky.feed.like/3mg2lampaaaaa": {
        "$type": "app.bsky.feed.like",
        "createdAt": "2026-03-01T08:00:00.000Z",
        "subject": {"uri": f"at://{PERSON}/app.bsky.feed.post/3mgpostbbbbbb", "cid": "bafy"},
    },
    "app.bsky.feed.post/3mgpostaaaaaa": {
        "$type": "app.bsky.feed.post",
        "createdAt": "2026-02-28T09:00:00.000Z",
        "langs": ["en"],
        "text": "The lamp is lit.",
    },
    "app.bsky.feed.post/3mgpostgggggg": {
        "$type": "app.bsky.feed.post",
        "createdAt": "2026-03-01T09:00:00.000Z",
        "reply": {
            "parent": {"uri": f"at://{PERSON}/app.bsky.feed.post/3mgpostbbbbbb", "cid": "bafy"},
            "root": {"uri": f"at://{PERSON}/app.bsky.feed.post/3mgpostbbbbbb", "cid": "bafy"},
        },
        "text": "Thank you.",
    },
    "app.bsky.feed.repost/3mgrepostbbbb": {
        "$type": "app.bsky.feed.repost",
        "createdAt": "2026-03-01T10:00:00.000Z",
        "subject": {"uri": f"at://{PERSON}/app.bsky.feed.post/3mgpostbbbbbb", "cid": "bafy"},
    },
    "app.bsky.graph.follow/3mgfollowdddd": {
        "$type": "app.bsky.graph.follow",
        "createdAt": "2026-03-01T11:00:00.000Z",
        "subject": PERSON,
    },
}
# 2026-03-02T00:00:00.000123Z and clock id 0.
REV = "3mfzx4dpk5v22"


class Car:
    """Builds a repository export block by block."""

    def __init__(self) -> None:
        self.blocks: dict[bytes, bytes] = {}

    def add(self, value: object) -> cbor2.CBORTag:
        content = cbor2.dumps(value, canonical=True)
        cid = b"\x01\x71\x12\x20" + hashlib.sha256(content).digest()
        self.blocks[cid] = content
        return link(cid)

    def to_bytes(self, root: cbor2.CBORTag) -> bytes:
        parts = [cbor2.dumps({"roots": [root], "version": 1}, canonical=True)]
        parts += [cid + content for cid, content in self.blocks.items()]
        return b"".join(varint(len(part)) + part for part in parts)


def link(cid: bytes) -> cbor2.CBORTag:
    return cbor2.CBORTag(42, b"\x00" + cid)


def varint(number: int) -> bytes:
    text = bytearray()
    while number > 0x7F:
        text.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*text, number])


def repository(
    records: Mapping[str, object], *, rev: str = REV, without: Iterable[str] = (), order: Iterable[str] | None = None
) -> bytes:
    """A repository whose tree has a left and a right subtree around its middle key. `without` leaves blocks out."""
    car = Car()
    links = {key: car.add(record) for key, record in records.items()}
    keys = list(order or sorted(records))
    middle = len(keys) // 2

    def node(part: list[str], left: object = None, right: object = None) -> cbor2.CBORTag:
        entries = []
        before = ""
        for key in part:
            shared = next((i for i, pair in enumerate(zip(before, key, strict=False)) if pair[0] != pair[1]), 0)
            entries.append({"p": shared, "k": key[shared:].encode(), "v": links[key], "t": None})
            before = key
        if entries:
            entries[-1]["t"] = right
        return car.add({"l": left, "e": entries})

    tree = node(keys[middle : middle + 1], node(keys[:middle]), node(keys[middle + 1 :]))
    commit = car.add({"did": BRAND, "version": 3, "rev": rev, "data": tree, "prev": None, "sig": b"synthetic"})
    for key in without:
        del car.blocks[links[key].value[1:]]
    return car.to_bytes(commit)


def fixture_bytes() -> bytes:
    """What `tests/fixtures/exports/bluesky/repo.car` holds."""
    return repository(RECORDS)


def read(tmp_path: Path, content: bytes) -> list[dict[str, Any]]:
    path = tmp_path / "file"
    path.write_bytes(content)
    return list(bluesky_car.records(path))


def test_a_real_repository_lists_the_same_records_as_an_independent_reader(samples: Path) -> None:
    listing = (samples / "bluesky" / "car_expected_records.tsv").read_text(encoding="utf-8").splitlines()
    commit = dict(
        line.split(": ", 1)
        for line in (samples / "bluesky" / "car_expected_commit.txt").read_text(encoding="utf-8").splitlines()
    )

    found = list(bluesky_car.records(samples / "bluesky" / "repo.car"))

    assert [f"{row['collection']}/{row['rkey']}\t{row['cid']}" for row in found] == listing
    assert {(row["did"], row["rev"]) for row in found} == {(commit["DID"], commit["Revision"])}


def test_every_flipped_byte_of_a_real_repository_is_noticed_or_harmless(samples: Path, tmp_path: Path) -> None:
    content = (samples / "bluesky" / "repo.car").read_bytes()
    sound = read(tmp_path, content)
    for position in range(0, len(content), 61):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        try:
            assert read(tmp_path, bytes(damaged)) == sound
        except ParserError:
            continue


def test_records_come_in_key_order_with_their_commit(tmp_path: Path) -> None:
    found = read(tmp_path, repository(RECORDS))

    assert [f"{row['collection']}/{row['rkey']}" for row in found] == sorted(RECORDS)
    assert {(row["did"], row["rev"], row["committed_at"]) for row in found} == {
        (BRAND, REV, "2026-03-02T00:00:00.000123Z")
    }
    assert found[2]["record"] == RECORDS["app.bsky.feed.post/3mgpostaaaaaa"]


def test_bytes_and_links_become_json(tmp_path: Path) -> None:
    target = bytes.fromhex("01551220") + hashlib.sha256(b"png").digest()

    (row,) = read(tmp_path, repository({"a.b.c/self": {"blob": b"\x00\xff", "ref": [link(target)]}}))

    assert row["record"] == {
        "blob": {"$bytes": "AP8"},
        "ref": [{"$link": "bafkreieprs5x3t2g4c6h2uzgk5e2nql5cfqjhjv2sxsee5samddw7vfinq"}],
    }


def test_a_repository_without_records_yields_none(tmp_path: Path) -> None:
    assert read(tmp_path, repository({})) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"did,handle\n", "the header", id="a csv"),
        pytest.param(fixture_bytes()[:-7], "is cut short", id="cut inside a block"),
        pytest.param(fixture_bytes()[:70], "is missing|is cut short", id="cut behind the header"),
        pytest.param(fixture_bytes()[:-1] + b"\x00", "does not match its CID", id="a flipped byte"),
        pytest.param(
            repository(RECORDS, without=["app.bsky.feed.like/3mg2lampaaaaa"]), "is missing", id="a block left out"
        ),
        pytest.param(
            repository(RECORDS, order=sorted(RECORDS, reverse=True)), "does not follow", id="keys out of order"
        ),
        pytest.param(repository({"self": {}}), "is no collection/rkey", id="a key without a collection"),
        pytest.param(repository(RECORDS, rev="latest"), "is no time id", id="a rev without a time"),
        pytest.param(repository({"a.b.c/self": {"n": cbor2.CBORTag(1, 0)}}), "is no DAG-CBOR", id="a foreign tag"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ParserError, match=reason):
        read(tmp_path, content)


def test_a_root_that_is_no_commit_is_named(tmp_path: Path) -> None:
    car = Car()
    with pytest.raises(ParserError, match="is no commit"):
        read(tmp_path, car.to_bytes(car.add({"text": "not a commit"})))


def test_a_tree_node_of_another_shape_is_named(tmp_path: Path) -> None:
    car = Car()
    tree = car.add({"l": None, "e": [{"p": 5, "k": b"a/b", "v": car.add({}), "t": None}]})
    with pytest.raises(ParserError, match="entry 1 is malformed"):
        read(tmp_path, car.to_bytes(car.add({"did": BRAND, "rev": REV, "data": tree})))


def test_a_repository_is_recognised_by_its_first_bytes() -> None:
    assert bluesky_car.recognises(fixture_bytes()[:4096])


@given(st.binary(max_size=200).map(lambda tail: bytes([len(tail) % 100]) + tail))
def test_other_bytes_are_not_recognised_and_do_no_harm(head: bytes) -> None:
    assert not bluesky_car.recognises(head)


def test_the_committed_fixture_is_what_this_file_builds() -> None:
    assert FIXTURE.read_bytes() == fixture_bytes()
