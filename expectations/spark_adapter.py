"""Great Expectations on Spark: the same guards, their SQL in Spark's dialect.

GX 1.24.1's own Spark engine computes on DataFrames: each of our SQL claims would have a second implementation there,
and the numbers of rows that break one could differ. Asked in SQL, both engines answer one question.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sqlalchemy
from sqlalchemy.sql.compiler import IdentifierPreparer

from expectations.duckdb_adapter import DuckDBDialect, Guard
from expectations.spark_connection import SparkQueryError


class _Backticks(IdentifierPreparer):
    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect, initial_quote="`")


class SparkDialect(DuckDBDialect):
    """Spark's SQL, as far as GX writes it."""

    name = "spark_connect"
    driver = "spark_connect"
    preparer = _Backticks  # type: ignore[assignment]
    DremioDialect = False
    # By this mark GX 1.24.1 writes regexp_like, which is Spark's, and allows LIKE.
    TrinoDialect = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """The error class and parameter style of `SparkConnection`."""
        return SimpleNamespace(Error=SparkQueryError, paramstyle="qmark")

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """The names of the columns."""
        rows = connection.exec_driver_sql(f"show columns in {schema}.{table_name}")
        return [{"name": name, "type": sqlalchemy.types.NullType(), "nullable": True} for (name,) in rows]


class SparkGuard(Guard):
    """Validates checks against the tables and views of a Spark session."""

    dialect = SparkDialect
