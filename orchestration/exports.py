"""The folder of exports: whether it is still being written to, and what to land while it is empty."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from orchestration.landing.index import index_of
from orchestration.settings import Settings


def exported_files(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """The files that a person put there, folder by folder in name order; landing passes over hidden ones too."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from exported_files(entry.path)
        elif entry.is_file():
            yield entry


def folder_state(folder: Path) -> str:
    """Hash over names, sizes and times; blank for an empty folder. Looked at every half a minute, so it must be quick."""
    digest = hashlib.sha256()
    is_empty = True
    for entry in exported_files(folder):
        with suppress(FileNotFoundError):  # Taken away meanwhile.
            status = entry.stat()
            digest.update(os.fsencode(entry.path) + f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
            is_empty = False
    return "" if is_empty else digest.hexdigest()


def require_exports(settings: Settings) -> None:
    """Raise `OSError` unless the folder of exports exists and can be read; an unreadable folder would look empty."""
    if not settings.exports.is_dir():
        raise FileNotFoundError(f"the folder of exports does not exist: {settings.exports}")
    with os.scandir(settings.exports):
        pass


def settings_to_land(settings: Settings) -> Settings:
    """The settings themselves, or, while nothing was ever exported, settings whose exports are the demo's.

    Demo and real data never share a warehouse: when the first real file arrives, the demo's is set aside.
    """
    demo = _demo(settings)
    require_exports(settings)
    if any(exported_files(settings.exports)):
        if demo.exists() and not is_demo(settings):
            _set_aside(settings, demo)
        return settings
    if (settings.warehouse.exists() or index_of(settings).exists()) and not demo.exists():
        return settings
    if not demo.exists():
        from orchestration.simulation.simulate import write_demo

        unfinished = settings.home / "demo_exports.tmp"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_demo(unfinished, settings.demo_size)
        unfinished.rename(demo)
    return replace(settings, exports=demo)


def is_demo(settings: Settings) -> bool:
    """Whether these are settings that land the demo."""
    return settings.exports == _demo(settings)


def has_demo(settings: Settings) -> bool:
    """Whether what has landed is the demo's."""
    return _demo(settings).exists()


def _demo(settings: Settings) -> Path:
    return settings.home / "demo_exports"


def _set_aside(settings: Settings, demo: Path) -> None:
    """Move what the demo left out of the way; the link `current` stays on it until real marts are published."""
    aside = settings.home / "demo_set_aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    wal = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
    # The folder that marks the demo goes last: a run killed in between finds it and starts again.
    for path in (settings.warehouse, wal, settings.archive, index_of(settings).parent, demo):
        if path.exists():
            path.rename(aside / path.name)
