"""Writers of export files in the platforms' own formats, byte shape and quirks included.

Each takes plain rows and returns the bytes of one file. The formats' sources are named in the dbt source files.
Nothing is compressed: archives hold stored members, so that the bytes do not depend on the build of zlib.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import cbor2

SHOPIFY_HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,"
    "Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,"
    "Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,"
    "Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,"
    "Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,"
    "Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,"
    "Payment Terms Name,Next Payment Due At,Payment References"
).split(",")
STRIPE_HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,"
    "Converted Currency,Description,Fee,Is Link,Mode,PaymentIntent ID,Payment Source Type,Refunded date (UTC),"
    "Statement Descriptor,Status,Seller Message,Taxes On Fee,Card ID,Card Name,Card Address Line1,Card Address Line2,"
    "Card Address City,Card Address State,Card Address Country,Card Address Zip,Card AVS Line1 Status,"
    "Card AVS Zip Status,Card Brand,Card CVC Status,Card Exp Month,Card Exp Year,Card Fingerprint,Card Funding,"
    "Card Issue Country,Card Last4,Card Tokenization Method,Customer ID,Customer Description,Customer Email,"
    "Customer Phone,Shipping Name,Shipping Address Line1,Shipping Address Line2,Shipping Address City,"
    "Shipping Address State,Shipping Address Country,Shipping Address Postal Code,Disputed Amount,Dispute Date (UTC),"
    "Dispute Evidence Due (UTC),Dispute Reason,Dispute Status,Invoice ID,Invoice Number,Checkout Session ID,"
    "Checkout Custom Field 1 Key,Checkout Custom Field 1 Value,Checkout Custom Field 2 Key,"
    "Checkout Custom Field 2 Value,Checkout Custom Field 3 Key,Checkout Custom Field 3 Value,"
    "Checkout Line Item Summary,Checkout Promotional Consent,Checkout Terms of Service Consent,Client Reference ID,"
    "Payment Link ID,UTM Campaign,UTM Content,UTM Medium,UTM Source,UTM Term,Application Fee,Application ID,"
    "Destination,Transfer,Transfer Group"
).split(",")
STRIPE_OLD_HEADER = (
    "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
    "Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,Statement Descriptor,Customer ID,"
    "Customer Description,Customer Email,Captured,Card ID,Card Last4,Card Brand,Card Funding,Invoice ID,Transfer"
).split(",")
MAILCHIMP_FIXED = (
    "Email Address,First Name,Last Name,Company,Position,ZIP Code,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,"
    "CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION"
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
X_CONTENT_OLD_HEADER = (
    "Post id,Date,Post text,Link,Impressions,Likes,Engagements,Bookmarks,Share,New follows,Replies,Reposts,"
    "Profile visits,Detail expands,Url clicks,Hashtag clicks,Permalink clicks"
).split(",")
_QUOTED = re.compile(r'[,"\r\n]|^ | $|^$').search
LOG_TIME = "%d/%b/%Y:%H:%M:%S"
LOG_LINE = '{} - - [{} +0000] "GET {} HTTP/1.1" {} {} "{}" "{}"\n'
"""Combined log format: address, time, target, status, bytes, referrer, user agent."""


def csv_file(header: Sequence[str], rows: Iterable[Mapping[str, object]], *, line_end: str = "\n") -> bytes:
    """A csv with quotes where needed; keys that a row lacks are blank cells."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def ruby_csv_file(header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A csv as Ruby writes it (Shopify, Curated): an empty text is `""`, a cell that a row lacks is blank."""
    blank = dict.fromkeys(header, "")
    lines = [",".join(header)]
    for row in rows:
        written = {name: '"' + text.replace('"', '""') + '"' if _QUOTED(text) else text for name, text in row.items()}
        lines.append(",".join((blank | written).values()))
    return "\n".join([*lines, ""]).encode()


def mailchimp_members(status: str, rows: Iterable[Mapping[str, object]]) -> bytes:
    """One file of an audience export; `status` is subscribed, unsubscribed or cleaned, and stands only in the file's columns."""
    return csv_file([*MAILCHIMP_FIXED, *MAILCHIMP_STATUS[status], "LEID", "EUID", "NOTES", "TAGS"], rows)


json_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""JSON on one line, as API servers send it."""


def json_line(value: object) -> bytes:
    """JSON on one line without a final line end."""
    return json_text(value).encode()


def x_script(name: str, values: Sequence[object]) -> bytes:
    """A data file of an X archive: a script that assigns a list, without a final line end."""
    text = json.dumps(values, ensure_ascii=False, indent=2, separators=(",", " : ")) if values else "[ ]"
    return f"window.YTD.{name}.part0 = {text}".encode()


def x_manifest(account_id: str, user_name: str, generated_at: datetime, counts: Mapping[str, tuple[str, int]]) -> bytes:
    """`data/manifest.js` of an X archive; `counts` are file and number of rows per kind of data."""
    kinds = ",\n".join(
        f'    "{kind}" : {{\n      "files" : [ {{\n        "fileName" : "data/{file}.js",\n'
        f'        "globalName" : "YTD.{file.replace("-", "_")}.part0",\n        "count" : "{count}"\n      }} ]\n    }}'
        for kind, (file, count) in counts.items()
    )
    manifest = {
        "userInfo": {"accountId": account_id, "userName": user_name, "displayName": user_name},
        "archiveInfo": {
            "sizeBytes": "1048576",
            "generationDate": f"{generated_at:%Y-%m-%dT%H:%M:%S.000Z}",
            "isPartialArchive": False,
            "maxPartSizeBytes": "53687091200",
        },
        "readmeInfo": {"fileName": "data/README.txt", "directory": "data/", "name": "README.txt"},
        "dataTypes": None,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2, separators=(",", " : "))
    return f"window.__THAR_CONFIG = {text.replace('null', '{' + chr(10) + kinds + chr(10) + '  }')}".encode()


def log_line(host: str, at: datetime, path: str, referrer: str, agent: str, status: int = 200) -> str:
    """A line of an access log in combined format."""
    return LOG_LINE.format(host, f"{at:{LOG_TIME}}", path, status, 5120, referrer, agent)


def zip_file(members: Mapping[str, bytes], at: datetime) -> bytes:
    """A zip of stored members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, at.timetuple()[:6]), content)
    return buffer.getvalue()


def tar_file(members: Mapping[str, bytes], at: datetime) -> bytes:
    """An uncompressed tar; `gzip_file` makes it a `.tar.gz`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = int(at.replace(tzinfo=UTC).timestamp())
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def gzip_file(content: bytes) -> bytes:
    """A gzip of stored blocks (RFC 1951, 3.2.4) without a time."""
    parts = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    for start in range(0, len(content) or 1, 0xFFFF):
        block = content[start : start + 0xFFFF]
        is_last = start + 0xFFFF >= len(content)
        parts += [struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF), block]
    return b"".join([*parts, struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)])


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
