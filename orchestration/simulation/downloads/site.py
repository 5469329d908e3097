"""The site's access log in combined format, rotated by the month; all but the newest are compressed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import REFERRERS, Download, iso, moment, tagged
from orchestration.simulation.world import CHANNELS, Moments, World

LANDING = {"youtube": "/brewing", "newsletter": "/offers"}
CRAWLERS = (
    ("192.0.2.9", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("192.0.2.31", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    ("192.0.2.77", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    ("192.0.2.140", "python-requests/2.32.3"),
)
COPIED_BEFORE_END = timedelta(days=12)
"""The owner copied the log of the last month while it was still being written."""
CUT_AT = 40
"""Characters left of the planted line."""
HOME = f"https://{keys.SITE}/"
A_SECOND = np.timedelta64(1, "s")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def downloads(world: World, *, planted: bool) -> Iterator[Download]:
    """A log a month, and a copy of the last before it was full; `planted` leaves a line of the first cut by a full disk."""
    times, lines = _requests(world)
    begin, last = moment(world, 0), moment(world, 1)
    while begin < last:
        end = min((begin.replace(day=1) + timedelta(days=32)).replace(day=1), last)
        first, past = np.searchsorted(times, [np.datetime64(begin), np.datetime64(end)]).tolist()
        month = lines[first:past]
        if planted and month:
            month.insert(len(month) // 2, f"{month[len(month) // 2][:CUT_AT]}\n")
            planted = False
        content = "".join(month).encode()
        if content and end < last:
            yield Download(f"site/access.log-{end:%Y%m%d}.gz", end, to.gzip_file(content))
        elif content:
            yield Download(f"site/access.log-{end:%Y%m%d}", end, content)
            until = int(np.searchsorted(times, np.datetime64(last - COPIED_BEFORE_END)))
            if until > first:
                yield Download("site/access.log", last - COPIED_BEFORE_END, "".join(lines[first:until]).encode())
        begin = end


def _requests(world: World) -> tuple[Moments, list[str]]:
    """Every line in order of time: the page that a person opens, and the style sheet that the browser asks for next."""
    visits = world.visits
    pages, styles = [], []
    columns = (visits.person, visits.second_device, visits.channel, visits.is_dark, visits.order)
    rows = zip(*(column.tolist() for column in columns), _times(visits.at), _times(visits.at + A_SECOND), strict=True)
    for number, (person, second, channel, is_dark, order, at, a_second_later) in enumerate(rows):
        if person < 0:
            address, agent = CRAWLERS[number % len(CRAWLERS)]
            is_known = number % 5 == 0
            pages.append(
                to.LOG_LINE.format(
                    address, at, "/beans", 304 if is_known else 200, "-" if is_known else 5120, "-", agent
                )
            )
            continue
        address, agent = keys.device(person, second)
        path, referrer = _page(CHANNELS[channel], is_dark, order, number)
        pages.append(to.LOG_LINE.format(address, at, path, 200, 5120, referrer, agent))
        styles.append(to.LOG_LINE.format(address, a_second_later, "/assets/theme.css", 200, 2048, HOME, agent))
    times = np.concatenate([visits.at, visits.at[visits.person >= 0] + A_SECOND])
    in_time = np.argsort(times, kind="stable")
    lines = pages + styles
    return times[in_time], [lines[index] for index in in_time.tolist()]


def _page(channel: str, is_dark: bool, order: int, number: int) -> tuple[str, str]:
    """The page of a visit and the referrer. A visit that an app or chat made dark looks like one straight to the site."""
    if order >= 0:
        return f"/orders/{keys.order_name(order)[1:]}/thank_you", f"{HOME}checkout"
    if is_dark or channel == "direct":
        return "/beans" if number % 2 else "/", "-"
    return tagged(LANDING.get(channel, "/beans"), channel), REFERRERS.get(channel, "-")


def _times(moments: Moments) -> list[str]:
    """Times as a log writes them, `exporters.LOG_TIME`; the date is written once a day."""
    dates: dict[str, str] = {}
    times = []
    for text in iso(moments):
        date = text[:10]
        if date not in dates:
            dates[date] = f"{date[8:]}/{_MONTHS[int(date[5:7]) - 1]}/{date[:4]}"
        times.append(f"{dates[date]}:{text[11:]}")
    return times
