"""Where Dagster keeps what happened: SQLite as it comes with Dagster, asked with less ado.

A run of this project records some 1,800 events. Dagster's own storage opens a connection for each of the three or four
statements of an event and asks each time which tables there are: 9.5 ms of processor time an event, here 2.1 (busy machine).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import Connection, Engine, create_engine, event


class EventLog(SqliteEventLogStorage):
    """Dagster's event log, which keeps its connections open and remembers which tables it has."""

    KEPT = 4
    """Databases held open: one for all runs, one for each run, and the UI looks at many."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._engines_lock = threading.Lock()
        super().__init__(base_dir)

    def has_table(self, table_name: str) -> bool:
        """Whether the table is there. A table that was there once stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close what is open; whoever asks again opens anew."""
        super().dispose()
        with self._engines_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine_of(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine_of(self, shard: str) -> Engine:
        with self._engines_lock:
            if shard not in self._engines:
                self._engines[shard] = _open(self.conn_string_for_shard(shard))
            self._engines.move_to_end(shard)
            while len(self._engines) > self.KEPT:
                self._engines.popitem(last=False)[1].dispose()
            return self._engines[shard]


class History(DagsterSqliteStorage):
    """Dagster's storage in SQLite with the event log above. Named in dagster.yaml."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> History:
        """From what dagster.yaml says."""
        return cls.from_local(inst_data=inst_data, **config_value)


def _open(address: str) -> Engine:
    engine = create_engine(address, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def wait_for_checkpoints_alone(connection: Any, _: Any) -> None:
        # With a write-ahead log a power cut then costs the latest events, never the file.
        connection.execute("pragma synchronous = normal")

    return engine
