"""A Spark session in the shape of a DuckDB connection: as much of one as the guards use."""

from __future__ import annotations

import re
from typing import Any


class SparkQueryError(RuntimeError):
    """Spark could not run a query; the text is Spark's, unless it may quote a value: then only the error's class."""


class SparkConnection:
    """A Spark session with as much of DuckDB's connection as guards use. There are no transactions."""

    def __init__(self, session: Any) -> None:
        self._session = session
        # As dbt-spark does for its own session: a cast that fails gives null.
        session.conf.set("spark.sql.ansi.enabled", "false")
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[Any, ...]] = []

    def execute(self, query: str, parameters: Any = ()) -> SparkConnection:
        """Run a query and keep its rows, of which guards ask for few."""
        try:
            frame = self._session.sql(query, args=list(parameters)) if parameters else self._session.sql(query)
            self.description = [(name, *(None,) * 6) for name in frame.columns]
            self._rows = [tuple(row) for row in frame.collect()]
        except Exception as error:
            raise SparkQueryError(_told(str(error))) from None
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """The next rows."""
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return self.fetchmany(len(self._rows))

    def relations(self) -> set[str]:
        """`schema.table` of every table and view of the catalog."""
        schemas = [schema for (schema,) in self.execute("show schemas").fetchall()]
        return {
            f"{schema}.{name}"
            for schema in schemas
            for _, name, _ in self.execute(f"show tables in {schema}").fetchall()
        }


def _told(text: str) -> str:
    """Errors about the query itself keep their first line; others may quote what they met in the data."""
    error_class = re.search(r"\[([A-Z_.]+)\]", text)
    if error_class is None:
        return "Spark error"
    about_query = ("UNRESOLVED", "PARSE", "TABLE_OR_VIEW", "DATATYPE", "MISSING", "AMBIGUOUS", "UNSUPPORTED")
    return text.splitlines()[0] if error_class[1].startswith(about_query) else error_class[1]
