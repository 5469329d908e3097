"""Which sources have brought nothing for longer than they should, said with the clock that no mart may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

MART = "source_freshness"


@dataclass(frozen=True)
class Overdue:
    """A raw table whose newest data are too old, or whose newer file was refused."""

    table: str
    """`source.table`."""
    newest_at: datetime | None
    days_since: int | None
    expected_within_days: int | None
    refused_file_count: int
    refusal_reason: str | None

    @property
    def text(self) -> str:
        """What to tell of it."""
        since = f"since {self.newest_at:%Y-%m-%d}" if self.newest_at else "ever"
        if self.refused_file_count:
            files = "file was" if self.refused_file_count == 1 else "files were"
            return f"no file landed {since}: {self.refused_file_count} {files} refused ({self.refusal_reason})"
        return f"no file {since}, {self.days_since} days, expected within {self.expected_within_days}"


def overdue_sources(marts: duckdb.DuckDBPyConnection, now: datetime | None) -> list[Overdue]:
    """Sources that are overdue at `now`, UTC without a zone; without it, at the newest moment in the data.

    A source that never brought a file is not awaited. None where the publication is older than this mart.
    """
    if not marts.execute("select 1 from duckdb_tables() where table_name = ?", [MART]).fetchall():
        return []
    rows = marts.execute(
        f"""
        select source_name || '.' || table_name, newest_at,
            coalesce(date_diff('day', newest_at::date, $1::date), days_since) as days_passed,
            expected_within_days, refused_file_count, refusal_reason
        from marts.{MART}
        where refused_file_count > 0 or days_passed > expected_within_days
        order by 1
        """,
        [now],
    ).fetchall()
    return [Overdue(*row) for row in rows]
