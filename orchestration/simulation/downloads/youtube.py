"""YouTube Studio: each export is a zip of three files with the metrics that its user picked.

The days are YouTube's own (Pacific); a day of the world is taken for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.downloads.shared import Download, day, day_of, moment, post_text, posts_on
from orchestration.simulation.world import ACTS, PLATFORMS, Moments, World

FEW = ("Views", "Watch time (hours)", "Subscribers")
MANY = (
    "Average view duration,Views,Watch time (hours),Subscribers,Impressions,"
    "Impressions click-through rate (%),Likes,Comments added"
).split(",")
EXPORTED = ((0.45, FEW, ("Views",)), (1.0, MANY, ("Views",)), (1.0, MANY, ("Subscribers gained", "Subscribers lost")))
"""Share of the days, metrics of the table, metrics drawn over time. Each export is of the channel's whole life."""
CHARTED = 5
"""Videos that a chart draws: those with most views."""
THUMBNAILS = 9
"""Thumbnails shown for each view."""
VIEWED = 0.35
"""Part of a video that a view lasts on the average."""
YOUTUBE = PLATFORMS.index("youtube")


def downloads(world: World) -> Iterator[Download]:
    """The exports of the middle and of the end; the last day of the earlier one is restated by the later."""
    for number, (share, metrics, drawn) in enumerate(EXPORTED):
        at = moment(world, share)
        name = f"Content {world.config.first_day}_{at:%Y-%m-%d} {keys.BRAND}{' (1)' if number == 2 else ''}.zip"
        videos = posts_on(world.posts, "youtube")
        videos = videos[world.posts.at[videos] < np.datetime64(at)]
        if len(videos):
            daily = _daily(world, videos, (at.date() - world.config.first_day).days)
            if share < 1:
                for counts in daily.values():
                    counts[:, -1] = counts[:, -1] * 3 // 5
            yield Download(f"youtube/{name}", at, to.zip_file(_members(world, videos, daily, metrics, drawn), at))


def _members(
    world: World, videos: NDArray[np.int64], daily: dict[str, NDArray[np.int64]], metrics: Any, drawn: tuple[str, ...]
) -> dict[str, bytes]:
    order = np.argsort(-daily["Views"].sum(axis=1), kind="stable").tolist()
    named = [_named(world, int(video), with_duration=metrics is MANY) for video in videos]
    dates = [str(day(world, number)) for number in range(daily["Views"].shape[1])]
    total = {"Content": "Total"} | _figures(daily, videos, slice(None))
    table = [named[row] | _figures(daily, videos, slice(row, row + 1)) for row in order]
    by_video = {metric: daily[metric].tolist() for metric in drawn}
    chart = [
        {"Date": date} | named[row] | {metric: by_video[metric][row][number] for metric in drawn}
        for row in order[:CHARTED]
        for number, date in enumerate(dates)
    ]
    by_day = {metric: daily[metric].sum(axis=0).tolist() for metric in drawn}
    totals = [{"Date": date} | {metric: by_day[metric][n] for metric in drawn} for n, date in enumerate(dates)]
    header = [*named[0], *metrics]
    shown = [{name: row.get(name, "") for name in header} for row in (total, *table)]
    return {
        "Table data.csv": to.csv_file(header, shown),
        "Chart data.csv": to.csv_file([*chart[0]], chart),
        "Totals.csv": to.csv_file([*totals[0]], totals),
    }


def _named(world: World, position: int, *, with_duration: bool) -> dict[str, Any]:
    video = keys.post_native_id(world.posts, position)
    published = world.posts.at[position].astype(datetime)
    return {
        # A spreadsheet would take a leading hyphen for a formula.
        "Content": f" {video}" if video.startswith("-") else video,
        "Video title": f"{post_text(world.posts, position)} How to brew it",
        "Video publish time": f"{published:%b} {published.day}, {published.year}",
        **({"Duration": int(_duration(position))} if with_duration else {}),
    }


def _daily(world: World, videos: NDArray[np.int64], until: int) -> dict[str, NDArray[np.int64]]:
    """Counts by video and day. Subscriptions go with the newest video of their day."""
    receptions, acts, follows = world.receptions, world.acts, world.follows
    row = np.full(len(world.posts.at), -1)
    row[videos] = np.arange(len(videos))

    def count(rows: NDArray[np.int64], days: NDArray[np.int64], amounts: NDArray[np.int64] | None = None) -> Any:
        inside = (rows >= 0) & (days < until)
        counts = np.zeros((len(videos), until), dtype=np.int64)
        np.add.at(counts, (rows[inside], days[inside]), 1 if amounts is None else amounts[inside])
        return counts

    def followed(moments: Moments) -> Any:
        moments = moments[~np.isnat(moments)]
        newest = np.searchsorted(world.posts.at[videos], moments, side="right") - 1
        return count(np.maximum(newest, 0), day_of(world, moments))

    on_youtube = follows.platform == YOUTUBE
    acted = {kind: acts.kind == ACTS.index(kind) for kind in ACTS}
    return {
        "Views": count(row[receptions.post], receptions.day, receptions.impressions),
        "Subscribers gained": followed(follows.started_at[on_youtube]),
        "Subscribers lost": followed(follows.ended_at[on_youtube]),
        "Likes": count(row[acts.post[acted["like"]]], day_of(world, acts.at[acted["like"]])),
        "Comments added": count(row[acts.post[acted["reply"]]], day_of(world, acts.at[acted["reply"]])),
    }


def _figures(daily: dict[str, NDArray[np.int64]], videos: NDArray[np.int64], rows: slice) -> dict[str, Any]:
    """What a table says of one video, or of all together."""
    sums = {metric: int(counts[rows].sum()) for metric, counts in daily.items()}
    watched = float((daily["Views"][rows].sum(axis=1) * _duration(videos[rows])).sum()) * VIEWED
    average = round(watched / sums["Views"]) if sums["Views"] else 0
    return {
        "Average view duration": f"{average // 3600}:{average // 60 % 60:02}:{average % 60:02}",
        "Views": sums["Views"],
        "Watch time (hours)": f"{watched / 3600:.4f}",
        "Subscribers": sums["Subscribers gained"] - sums["Subscribers lost"],
        "Impressions": sums["Views"] * THUMBNAILS,
        "Impressions click-through rate (%)": f"{100 / THUMBNAILS:.2f}",
        "Likes": sums["Likes"],
        "Comments added": sums["Comments added"],
    }


def _duration(position: Any) -> Any:
    """Seconds."""
    return 240 + position * 37 % 600
