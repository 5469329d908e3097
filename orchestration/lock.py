"""One writer at a time: whoever runs holds a lock on `$BALCONY_HOME/warehouse.lock`.

Dagster's pools know only Dagster's own queue; this one also orders runs from the command line. The kernel frees it
when its holder dies, so a killed run never blocks the next.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.settings import Settings


@contextmanager
def warehouse_lock(settings: Settings, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock; while another process has it, wait and tell `on_wait` whom for."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "warehouse.lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            on_wait(f"waiting for process {file.read().strip() or '?'}, which holds {file.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def wait_until_closed(path: Path, seconds: float, on_wait: Callable[[str], None]) -> int | None:
    """Wait for whoever has a DuckDB file open, someone's forgotten query window say; who still has it after `seconds`."""
    stop = time.monotonic() + seconds
    holder = holder_of(path)
    if holder is not None:
        on_wait(f"waiting up to {seconds:.0f} s for process {holder}, which has {path} open")
    pause = 0.1
    while holder is not None and time.monotonic() < stop:
        time.sleep(pause)
        pause = min(2 * pause, 5)
        holder = holder_of(path)
    return holder


def holder_of(path: Path) -> int | None:
    """The process that has a DuckDB file open, to read or to write; None where none has, or the system is not Linux.

    DuckDB takes a record lock on what it opens; asked for a write lock, the kernel names who stands in its way. A lock
    of this very process is not seen.
    """
    if sys.platform != "linux" or not path.exists():
        return None
    # struct flock of fcntl(2): type, whence, start, length, process.
    layout = "hhqqi"
    with path.open("rb") as file:
        asked = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(process)
