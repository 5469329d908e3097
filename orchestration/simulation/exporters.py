"""Writers of export files in the platforms' own formats, byte shape and quirks included.

Each takes plain rows and returns the bytes of one file. The formats' sources are named in the dbt source files.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import cbor2

SHOPIFY_HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Billing Name,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,"
    "Refunded Amount,Vendor,Outstanding Balance,Id,Tags,Risk Level,Source,Lineitem discount,Phone,Payment References"
).split(",")
STRIPE_HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Currency,Description,Fee,"
    "Mode,PaymentIntent ID,Refunded date (UTC),Status,Seller Message,Taxes On Fee,Customer ID,Customer Email,"
    "Disputed Amount,Dispute Date (UTC),Dispute Status,Client Reference ID,Payment Link ID,UTM Campaign,UTM Content,"
    "UTM Medium,UTM Source,UTM Term"
).split(",")
MAILCHIMP_FIXED = (
    "MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION"
).split(",")
MAILCHIMP_STATUS = {
    "subscribed": ["LAST_CHANGED"],
    "unsubscribed": ["UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER"],
    "cleaned": ["CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"],
}
CURATED_HEADER = (
    "Email Address,Subscribed at,UTM Source,UTM Medium,UTM Term,UTM Content,UTM Campaign,UTM Last Path,UTM Referrer"
).split(",")
X_OVERVIEW_HEADER = (
    "Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits,"
    "Create Post,Video views,Media views"
).split(",")
X_CONTENT_HEADER = (
    "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,"
    "Profile visits,Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks"
).split(",")


def csv_file(header: Sequence[str], rows: Iterable[Mapping[str, object]], *, line_end: str = "\n") -> bytes:
    """A csv with quotes where needed; keys that a row lacks are blank cells."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def mailchimp_members(status: str, rows: Iterable[Mapping[str, object]]) -> bytes:
    """One file of an audience export; `status` is subscribed, unsubscribed or cleaned, and stands only in the file's columns."""
    header = ["Email Address", "First Name", "Last Name", *MAILCHIMP_FIXED, *MAILCHIMP_STATUS[status]]
    return csv_file([*header, "LEID", "EUID", "NOTES", "TAGS"], rows)


def json_line(value: object) -> bytes:
    """JSON on one line without a final line end, as API servers send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_lines(values: Iterable[object]) -> bytes:
    """One JSON object per line, as a stream is captured."""
    return b"".join(json_line(value) + b"\n" for value in values)


def x_script(name: str, values: Sequence[object], part: int = 0) -> bytes:
    """A data file of an X archive: a script that assigns a list, without a final line end."""
    return f"window.YTD.{name}.part{part} = ".encode() + json.dumps(values, ensure_ascii=False, indent=2).encode()


def x_manifest(account_id: str, user_name: str, generated_at: datetime, counts: Mapping[str, int]) -> bytes:
    """`data/manifest.js` of an X archive; `counts` are rows per data type, written as text."""
    manifest = {
        "userInfo": {"accountId": account_id, "userName": user_name, "displayName": user_name},
        "archiveInfo": {
            "sizeBytes": "1048576",
            "generationDate": f"{generated_at:%Y-%m-%dT%H:%M:%S.000Z}",
            "isPartialArchive": False,
            "maxPartSizeBytes": "53687091200",
        },
        "dataTypes": {
            name: {"files": [{"fileName": f"data/{name}.js", "globalName": f"YTD.{name}.part0", "count": str(count)}]}
            for name, count in counts.items()
        },
    }
    return b"window.__THAR_CONFIG = " + json.dumps(manifest, ensure_ascii=False, indent=2).encode()


def log_line(host: str, at: datetime, path: str, referrer: str, agent: str, status: int = 200) -> str:
    """A line of an access log in combined format."""
    return f'{host} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} 5120 "{referrer}" "{agent}"\n'


def zip_file(members: Mapping[str, bytes], at: datetime) -> bytes:
    """A zip whose bytes depend on its content alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def tar_file(members: Mapping[str, bytes], at: datetime) -> bytes:
    """An uncompressed tar; gzip it for a `.tar.gz`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = int(at.replace(tzinfo=UTC).timestamp())
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def bluesky_car(did: str, rev: str, records: Mapping[str, Mapping[str, Any]]) -> bytes:
    """A repository as CARv1: a commit, a Merkle search tree over the keys `collection/rkey`, and the records.

    The commit is not signed: a zero signature stands where a real one does.
    """
    blocks: dict[bytes, bytes] = {}
    links = {key: _put(blocks, record) for key, record in sorted(records.items())}
    tree = _tree(blocks, sorted(links.items()), 128)
    commit = {"did": did, "rev": rev, "sig": b"\x00" * 64, "data": tree, "prev": None, "version": 3}
    root = _put(blocks, commit)
    header = cbor2.dumps({"roots": [_link(root)], "version": 1}, canonical=True)
    parts = [_varint(len(header)) + header]
    parts += [_varint(len(cid) + len(block)) + cid + block for cid, block in blocks.items()]
    return b"".join(parts)


class _Cid(bytes):
    """A content identifier: version 1, DAG-CBOR, SHA-256."""


def time_id(at: datetime, clock: int = 0) -> str:
    """A record key or revision of the AT Protocol: microseconds and a clock number, in base 32 that sorts by time."""
    number = int((at - datetime(1970, 1, 1)).total_seconds() * 1_000_000) << 10 | clock % 1024
    return "".join("234567abcdefghijklmnopqrstuvwxyz"[number >> 5 * place & 31] for place in range(12, -1, -1))


def cid_text(record: Mapping[str, Any]) -> str:
    """The identifier under which a record is known, as text."""
    return "b" + base64.b32encode(_put({}, record)).decode().lower().rstrip("=")


def _put(blocks: dict[bytes, bytes], value: Any) -> _Cid:
    block = cbor2.dumps(_linked(value), canonical=True)
    cid = _Cid(b"\x01\x71\x12\x20" + hashlib.sha256(block).digest())
    blocks[cid] = block
    return cid


def _linked(value: Any) -> Any:
    if isinstance(value, _Cid):
        return _link(value)
    if isinstance(value, Mapping):
        return {key: _linked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_linked(item) for item in value]
    return value


def _link(cid: bytes) -> cbor2.CBORTag:
    return cbor2.CBORTag(42, b"\x00" + cid)


def _layer(key: str) -> int:
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")
    return (256 - digest.bit_length()) // 2


def _tree(blocks: dict[bytes, bytes], entries: list[tuple[str, _Cid]], below: int) -> _Cid:
    """A node with the entries of the highest layer present, subtrees of lower layers between them."""
    top = max((_layer(key) for key, _ in entries), default=0)
    assert top < below
    node: list[dict[str, Any]] = []
    left: _Cid | None = None
    between: list[tuple[str, _Cid]] = []
    previous = b""

    def close() -> None:
        nonlocal left
        subtree = _tree(blocks, between, top) if between else None
        if node:
            node[-1]["t"] = subtree
        else:
            left = subtree
        between.clear()

    for key, cid in entries:
        if _layer(key) < top:
            between.append((key, cid))
            continue
        close()
        encoded = key.encode()
        shared = next(
            (i for i, (a, b) in enumerate(zip(previous, encoded, strict=False)) if a != b),
            min(len(previous), len(encoded)),
        )
        node.append({"p": shared, "k": encoded[shared:], "v": cid, "t": None})
        previous = encoded
    close()
    return _put(blocks, {"l": left, "e": node})


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
