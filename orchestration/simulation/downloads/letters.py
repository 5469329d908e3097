"""Newsletters: Mailchimp's audience and Curated's subscribers, each exported twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import REFERRERS, Download, iso, moment, site_tags, utm_cells
from orchestration.simulation.world import CHANNELS, LETTERS, World

EXPORTED = (0.5, 1.0)
AFTER_VISIT = np.timedelta64(90, "s")
"""A sign-up's time since the visit that led to it; one shortly before midnight is not traced back."""
ENDS = ("subscribed", "unsubscribed", "cleaned", "vanished")
"""States by `Subscriptions.end`."""


def downloads(world: World) -> Iterator[Download]:
    """Both letters on both dates; whoever left Curated, or was erased, is missing from the later export."""
    for number, share in enumerate(EXPORTED):
        at = moment(world, share)
        audience = to.zip_file(_mailchimp(world, at), at)
        yield Download(f"mailchimp/audience_export_{at:%Y%m%d}.zip", at, audience)
        subscribers = to.ruby_csv_file(to.CURATED_HEADER, _curated(world, at))
        yield Download(f"curated/subscribers{f' ({number})' if number else ''}.csv", at, subscribers)


def _mailchimp(world: World, at: datetime) -> dict[str, bytes]:
    """One file for each state; an address is in one of them, that of its latest subscription."""
    subscriptions, until = world.subscriptions, np.datetime64(at)
    latest: dict[tuple[int, bool], int] = {}
    begun = (subscriptions.letter == LETTERS.index("mailchimp")) & (subscriptions.started_at < until)
    positions = np.flatnonzero(begun)
    for position in positions[np.argsort(subscriptions.started_at[positions], kind="stable")].tolist():
        address = int(subscriptions.person[position]), bool(subscriptions.second_email[position])
        latest.pop(address, None)
        latest[address] = position
    started, ended = iso(subscriptions.started_at), iso(subscriptions.ended_at)
    rows: dict[str, list[dict[str, object]]] = {state: [] for state in ENDS}
    for (person, second), position in latest.items():
        has_ended = subscriptions.ended_at[position] < until
        state = ENDS[subscriptions.end[position]] if has_ended else "subscribed"
        since, left = (text[position].replace("T", " ") for text in (started, ended))
        address_number = 2 * person + second
        row: dict[str, object] = {
            "Email Address": keys.person_email(person, second),
            "MEMBER_RATING": 2,
            "OPTIN_TIME": since,
            "CONFIRM_TIME": since,
            "LEID": 5_000_000 + address_number,
            "EUID": f"{address_number * 2_654_435_761 % (1 << 40):010x}",
            "TAGS": '"Shop"',
        }
        if state == "subscribed":
            row["LAST_CHANGED"] = since
        elif state != "vanished":
            issue = int(np.searchsorted(world.letters_sent, subscriptions.ended_at[position], side="right"))
            word = "UNSUB" if state == "unsubscribed" else "CLEAN"
            row[f"{word}_TIME"] = left
            row[f"{word}_CAMPAIGN_TITLE"] = f"Letter {issue}"
            row[f"{word}_CAMPAIGN_ID"] = f"{issue:010x}"
            if word == "UNSUB":
                row["UNSUB_REASON"] = "NORMAL"
        rows[state].append(row)
    return {
        f"{state}_members_export_{at:%Y%m%d}.csv": to.mailchimp_members(state, rows[state])
        for state in to.MAILCHIMP_STATUS
    }


def _curated(world: World, at: datetime) -> list[dict[str, str]]:
    """Who is subscribed on that day, newest first, with what came along on the visit that led to the sign-up."""
    subscriptions, visits, until = world.subscriptions, world.visits, np.datetime64(at)
    listed = (subscriptions.letter == LETTERS.index("curated")) & (subscriptions.started_at < until)
    listed &= ~(subscriptions.ended_at < until)
    positions = np.flatnonzero(listed)
    positions = positions[np.argsort(subscriptions.started_at[positions], kind="stable")[::-1]]
    told = set(zip(visits.person[~visits.is_dark].tolist(), visits.at[~visits.is_dark].tolist(), strict=True))
    rows = []
    for position, since in zip(positions.tolist(), iso(subscriptions.started_at[positions]), strict=True):
        person, second = int(subscriptions.person[position]), bool(subscriptions.second_email[position])
        row = dict.fromkeys(to.CURATED_HEADER, "")
        row["Email Address"] = keys.person_email(person, second)
        row["Subscribed at"] = f"{since.replace('T', ' ')} +0000"
        channel = CHANNELS[subscriptions.channel[position]]
        if (person, (subscriptions.started_at[position] - AFTER_VISIT).item()) in told:
            row |= utm_cells(site_tags(channel))
            row["UTM Referrer"] = REFERRERS.get(channel, "")
        rows.append(row)
    return rows
