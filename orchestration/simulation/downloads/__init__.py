"""The files that the owner of a simulated brand would download over the world's days, in the platforms' own formats.

One module a platform shapes them; the writers of formats are in `orchestration/simulation/exporters.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from itertools import chain
from pathlib import Path

from orchestration.simulation.downloads import bluesky, experiments, letters, mastodon, shop, site, x, youtube
from orchestration.simulation.downloads.shared import Download, moment
from orchestration.simulation.world import World

UNKNOWN_FILE = "from a platform that Balcony does not know yet/stats.csv"
NO_DATA = "Your archive.html"
"""A page of X's archives that landing has no use for."""


@dataclass(frozen=True)
class PlantedDefects:
    """What landing must not take in of a world's files, and nothing else."""

    refused: frozenset[str]
    """Names of files, or of members of archives."""
    quarantined: Mapping[str, int]
    """Records that cannot be used, by file."""


def write_exports(world: World, folder: Path, planted: bool = True) -> None:
    """Write every file of the world below `folder`, dated when it was downloaded.

    `planted` adds `planted_defects`; without it every record of every file can be used.
    """
    for name, at, content in _downloads(world, planted):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        seconds = at.replace(tzinfo=UTC).timestamp()
        os.utime(path, (seconds, seconds))


def planted_defects(world: World, planted: bool = True) -> PlantedDefects:
    """What is wrong on purpose in the files that `write_exports` writes with the same arguments."""
    if not planted:
        return PlantedDefects(frozenset({NO_DATA}), {})
    first_log = next(site.downloads(world, planted=True)).name
    return PlantedDefects(frozenset({NO_DATA, UNKNOWN_FILE}), {first_log: 1})


def _downloads(world: World, planted: bool) -> Iterator[Download]:
    by_platform = (mastodon, bluesky, x, youtube, letters, shop, experiments)
    yield from chain.from_iterable(platform.downloads(world) for platform in by_platform)
    yield from site.downloads(world, planted=planted)
    if planted:
        yield Download(UNKNOWN_FILE, moment(world, 1), b"Week,Plays,Listeners\n2026-W10,120,80\n")
