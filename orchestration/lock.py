"""One writer at a time: whoever runs holds a lock on `$BALCONY_HOME/warehouse.lock`.

Dagster's pools know only Dagster's own queue; this one also orders runs from the command line. The kernel frees it
when its holder dies, so a killed run never blocks the next.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
