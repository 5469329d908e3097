"""Records of a Bluesky repository export: a CARv1 file that holds a commit and a Merkle search tree in DAG-CBOR.

Formats: https://ipld.io/specs/transport/car/carv1/ and https://atproto.com/specs/repository
"""

from __future__ import annotations

import base64
import hashlib
import math
import mmap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cbor2

from orchestration.landing.parsers import ParserError

CID_VERSION, SHA_256, DIGEST_BYTES = 1, 0x12, 32
# Sortable base 32 of the protocol's time ids: 13 letters, microseconds since 1970 above a 10 bit clock id.
TID_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
TID_LENGTH = 13
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Link(bytes):
    """A CID in its binary form, told from other bytes."""

    def __str__(self) -> str:
        return "b" + base64.b32encode(self).decode("ascii").rstrip("=").lower()


def recognises(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes is a CARv1 with one root, as repository exports are."""
    try:
        _header(head)
    except ParserError:
        return False
    return True


def records(path: Path) -> Iterator[dict[str, object]]:
    """Yield every record of the repository in key order.

    Each has `did`, `rev`, `committed_at` (the time inside `rev`), `collection`, `rkey`, `cid` and `record`, where bytes
    stand as `{"$bytes": base64}` and links as `{"$link": cid}`. Raises `ParserError` on a damaged file, a missing block
    or a block whose content is not what its CID promises.
    """
    if path.stat().st_size == 0:
        raise ParserError("the file is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        root, start = _header(data)
        blocks = _Blocks(data, start)
        commit = blocks.decoded(root)
        match commit:
            case {"did": str(did), "rev": str(rev), "data": Link() as tree}:
                pass
            case _:
                raise ParserError(f"block {root} is no commit: did, rev or data is missing")
        committed_at = _tid_time(rev)
        for key, cid in _entries(blocks, tree):
            collection, slash, rkey = key.partition("/")
            if not slash:
                raise ParserError(f"key {key!r} is no collection/rkey")
            yield {
                "did": did,
                "rev": rev,
                "committed_at": committed_at,
                "collection": collection,
                "rkey": rkey,
                "cid": str(cid),
                "record": _jsonable(blocks.decoded(cid)),
            }


class _Blocks:
    """Where each block stands in the file. Every digest is verified while the file is indexed."""

    def __init__(self, data: mmap.mmap, start: int) -> None:
        self._data = data
        self._spans: dict[Link, tuple[int, int]] = {}
        while start < len(data):
            length, body = _varint(data, start)
            end = body + length
            if end > len(data):
                raise ParserError(
                    f"block at byte {start} is cut short: {length} bytes announced, {len(data) - body} left"
                )
            cid, content = _cid(data, body, end)
            if hashlib.sha256(data[content:end]).digest() != cid[-DIGEST_BYTES:]:
                raise ParserError(f"block at byte {start} does not match its CID {cid}")
            self._spans[cid] = (content, end)
            start = end

    def decoded(self, cid: Link) -> object:
        """The content of one block."""
        if cid not in self._spans:
            raise ParserError(f"block {cid} is missing")
        start, end = self._spans[cid]
        return _decoded(self._data[start:end], f"block {cid}")


def _header(data: bytes | mmap.mmap) -> tuple[Link, int]:
    """The root CID and the offset of the first block."""
    length, start = _varint(data, 0)
    end = start + length
    if end > len(data):
        raise ParserError("the header is cut short")
    match _decoded(data[start:end], "the header"):
        case {"version": 1, "roots": [Link() as root]}:
            return root, end
    raise ParserError("the header is no CARv1 with one root")


def _entries(blocks: _Blocks, root: Link) -> Iterator[tuple[str, Link]]:
    """Walk the tree from its leftmost leaf. Within a node each key leaves out what it shares with the one before."""
    last_key = b""
    pending: list[Link | tuple[bytes, Link]] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, Link):
            pending.extend(reversed(_node_items(item, blocks.decoded(item))))
            continue
        key, cid = item
        if key <= last_key:
            raise ParserError(f"key {key!r} does not follow {last_key!r}")
        last_key = key
        try:
            yield key.decode("ascii"), cid
        except UnicodeDecodeError:
            raise ParserError(f"key {key!r} is not ASCII") from None


def _node_items(cid: Link, node: object) -> list[Link | tuple[bytes, Link]]:
    items: list[Link | tuple[bytes, Link]] = []
    key = b""
    match node:
        case {"l": (None | Link()) as left, "e": list(entries)}:
            if left is not None:
                items.append(left)
        case _:
            raise ParserError(f"block {cid} is no tree node")
    for entry in entries:
        match entry:
            case {"p": int(shared), "k": bytes(rest), "v": Link() as value, "t": (None | Link()) as right} if (
                0 <= shared <= len(key)
            ):
                key = key[:shared] + rest
                items.append((key, value))
                if right is not None:
                    items.append(right)
            case _:
                raise ParserError(f"block {cid} is no tree node: entry {len(items) + 1} is malformed")
    return items


def _varint(data: bytes | mmap.mmap, start: int) -> tuple[int, int]:
    """An unsigned LEB128 number and the offset behind it."""
    value = 0
    for index, byte in enumerate(data[start : start + 9]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, start + index + 1
    raise ParserError(f"number at byte {start} is cut short or too long")


def _cid(data: mmap.mmap, start: int, end: int) -> tuple[Link, int]:
    """The CID at an offset and the offset of the content behind it."""
    version, position = _varint(data, start)
    _, position = _varint(data, position)
    hash_function, position = _varint(data, position)
    digest_length, position = _varint(data, position)
    if (version, hash_function, digest_length) != (CID_VERSION, SHA_256, DIGEST_BYTES):
        raise ParserError(f"block at byte {start} has no CIDv1 with SHA-256")
    if position + DIGEST_BYTES > end:
        raise ParserError(f"block at byte {start} is shorter than its CID")
    return Link(data[start : position + DIGEST_BYTES]), position + DIGEST_BYTES


def _decoded(content: bytes, what: str) -> object:
    try:
        return _with_links(cbor2.loads(content))
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise ParserError(f"{what} is no DAG-CBOR: {error}") from None


def _with_links(value: object) -> object:
    match value:
        case None | bool() | int() | str() | bytes():
            return value
        case float() if math.isfinite(value):
            return value
        case list():
            return [_with_links(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _with_links(item) for key, item in value.items()}
        case cbor2.CBORTag(tag=42, value=bytes(cid)) if cid[:1] == b"\0":
            return Link(cid[1:])
    raise ValueError(f"{type(value).__name__} is not allowed in it")


def _jsonable(value: object) -> object:
    match value:
        case Link():
            return {"$link": str(value)}
        case bytes():
            return {"$bytes": base64.b64encode(value).decode("ascii").rstrip("=")}
        case dict():
            return {key: _jsonable(item) for key, item in value.items()}
        case list():
            return [_jsonable(item) for item in value]
    return value


def _tid_time(tid: str) -> str:
    """The UTC time inside a time id, as ISO text."""
    if len(tid) != TID_LENGTH or set(tid) - set(TID_LETTERS):
        raise ParserError(f"rev {tid!r} is no time id")
    number = 0
    for letter in tid:
        number = number * 32 + TID_LETTERS.index(letter)
    return f"{EPOCH + timedelta(microseconds=number >> 10):%Y-%m-%dT%H:%M:%S.%fZ}"
