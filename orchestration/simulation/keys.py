"""What things and people of a simulated world are called in exports: addresses, handles, numbers.

All follow from a position (and, where the platform hides the time in its ids, from the time), so that truth can name
a conversion as the marts do. Names lie in domains and addresses in ranges that are reserved for examples.
"""

from __future__ import annotations

import base64
import hashlib

import numpy as np

from orchestration.simulation.world import PLATFORMS, Orders, Posts

BRAND = "Balkon Coffee"
SITE = "shop.balkon.example"
OWNER_EMAIL = "owner@balkon.example"
MASTODON_HOST = "social.example"
MASTODON_NAME = "balkon"
MASTODON_URL = f"https://{MASTODON_HOST}/users/{MASTODON_NAME}"
BLUESKY_DID = "did:plc:balkoncoffeebalkoncoffee"
X_ACCOUNT = "4815162342"
X_NAME = "balkoncoffee"
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Gecko/20100101 Firefox/138.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:138.0) Gecko/20100101 Firefox/138.0",
)
PHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Mobile Safari/537.36",
)
X_EPOCH_MS = 1_288_834_974_657
FIRST_ORDER_NUMBER = 1001


def person_email(person: int, second: bool = False) -> str:
    """One of a person's two e-mail addresses."""
    return f"person{person:07}@example.{'com' if second else 'org'}"


def mastodon_acct(person: int) -> str:
    """The handle as the brand's server writes it: without a host for its own accounts, which half of them are."""
    return f"p{person:07}" if person % 2 else f"p{person:07}@elsewhere.example"


def mastodon_account_id(person: int) -> str:
    """The number that the brand's server gave the account; it stands for no time."""
    return str(109_000_000_000_000_000 + person * 104_729)


def bluesky_did(person: int) -> str:
    """The account's identifier, a hash in base 32 as in the real ones."""
    return f"did:plc:{_digest('bluesky', person, 15).decode().lower()}"


def x_account(person: int) -> str:
    """The account's number."""
    return str(900_000_000_000_000_000 + person * 7919)


def device(person: int, second: bool = False) -> tuple[str, str]:
    """Address and user agent of one of a person's two devices: IPv4 for some, else IPv6, no two alike."""
    host = 2 * person + second
    if person % 3 == 0 and host < 1 << 17:
        address = f"198.{18 + (host >> 16)}.{host >> 8 & 255}.{host & 255}"
    else:
        address = f"2001:db8:{host >> 16:x}:{host & 0xFFFF:x}::1"
    agents = PHONES if second else BROWSERS
    return address, agents[person % len(agents)]


def order_name(position: int) -> str:
    """An order as the shop prints it; numbers that became payments of a link or failed are missing from the shop."""
    return f"#{FIRST_ORDER_NUMBER + position}"


def order_native_id(orders: Orders, position: int) -> str:
    """What marts call `conversion_id`: the shop's order id, or the payment's id where a payment link was used."""
    if orders.through_payment_link[position]:
        return payment_native_id(position)
    return str(6_900_000_000_000 + 32_768 * position)


def payment_native_id(position: int) -> str:
    """The charge's id."""
    return f"ch_{_mixed(position)}"


def payment_intent_id(position: int) -> str:
    """What charge and shop order have in common."""
    return f"pi_{_mixed(position)}"


def post_native_id(posts: Posts, position: int) -> str:
    """What marts call `content_id`: a status's URI, a record's at-uri, a post's number, a video's id."""
    platform = PLATFORMS[posts.platform[position]]
    milliseconds = int(posts.at[position].astype("datetime64[ms]").astype(np.int64))
    if platform == "mastodon":
        return f"{MASTODON_URL}/statuses/{(milliseconds << 16) + position % 65_536}"
    if platform == "bluesky":
        return f"at://{BLUESKY_DID}/app.bsky.feed.post/{time_id(milliseconds * 1000, position)}"
    if platform == "x":
        return str((milliseconds - X_EPOCH_MS << 22) + position % 4096)
    return base64.urlsafe_b64encode(hashlib.sha256(f"video {position}".encode()).digest()[:8]).decode().rstrip("=")


def time_id(microseconds: int, clock: int = 0) -> str:
    """A record key or revision of the AT Protocol: microseconds since 1970 and a clock number, in base 32 that sorts."""
    number = microseconds << 10 | clock % 1024
    return "".join(["234567abcdefghijklmnopqrstuvwxyz"[number >> place & 31] for place in range(60, -1, -5)])


def _digest(kind: str, number: int, length: int) -> bytes:
    return base64.b32encode(hashlib.sha256(f"{kind} {number}".encode()).digest()[:length])


def _mixed(position: int) -> str:
    return f"3{_digest('payment', position, 10).decode()}{position:07}"
