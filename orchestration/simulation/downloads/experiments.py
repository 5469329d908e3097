"""The plan of a randomised switchback of posting, as the brand registered it before the first day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from orchestration.simulation import exporters as to
from orchestration.simulation.behaviour import posting_schedule
from orchestration.simulation.downloads.shared import Download, moment
from orchestration.simulation.world import World

REGISTERED_BEFORE = timedelta(days=14)
HEADERS = ("experiment_id", "pair", "arm", "starts_on", "ends_on", "washout_days", "registered_at")


def downloads(world: World) -> Iterator[Download]:
    """The plan's file; none where nothing was drawn by lot."""
    schedule = posting_schedule(world.config, world.seed)
    if not schedule.is_randomised:
        return
    first = moment(world, 0)
    registered = first - REGISTERED_BEFORE
    rows = []
    for block in np.unique(schedule.block[schedule.pair >= 0]):
        days = np.flatnonzero(schedule.block == block)
        starts, ends = (first + timedelta(days=int(day)) for day in (days[0], days[-1]))
        values = (
            "posting",
            int(schedule.pair[days[0]]) + 1,
            "on" if schedule.is_on[days[0]] else "off",
            f"{starts:%Y-%m-%d}",
            f"{ends:%Y-%m-%d}",
            len(days) // 2,
            f"{registered:%Y-%m-%dT%H:%M:%SZ}",
        )
        rows.append(dict(zip(HEADERS, values, strict=True)))
    yield Download("experiments/posting_plan.csv", registered, to.csv_file(HEADERS, rows))
