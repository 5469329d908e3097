"""Great Expectations on DuckDB: every expectation becomes SQL on a connection that is given and stays open.

GX 1.24.1 has no DuckDB datasource. Neither a data context nor a datasource is used: its validator works on an engine
and a table. What leans on its internals names the version; tests/quality runs every kind of expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import duckdb
import sqlalchemy
from great_expectations.core.batch import Batch
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.validator import Validator
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import StaticPool

from expectations.suites import Check


class GivenConnection:
    """A DuckDB connection in the shape of a DBAPI connection and of its cursor.

    GX closes its connection before it fetches, and SQLAlchemy then rolls back: neither may reach the caller's
    connection, whose result would be lost and whose transaction is its own.
    """

    rowcount = -1

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> GivenConnection:
        """The connection itself: DuckDB's own cursor would be another connection, outside the caller's transaction."""
        return self

    def commit(self) -> None:
        """Leave the transaction to the caller."""

    def rollback(self) -> None:
        """Leave the transaction to the caller."""

    def close(self) -> None:
        """Leave the connection to the caller."""


class DuckDBDialect(DefaultDialect):
    """As much of a SQLAlchemy dialect as GX asks for: DuckDB's SQL is close enough to the standard."""

    name = "duckdb"
    driver = "duckdb"
    supports_statement_cache = True
    # GX 1.24.1 writes a regex for the dialects it knows by such a mark; the SQL it writes for this one,
    # regexp_matches(column, pattern), is DuckDB's, and LIKE is allowed by the same mark.
    DremioDialect = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """The module with DuckDB's error classes and its parameter style."""
        return duckdb

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """The names of the columns. GX asks for them to tell an unknown column from one without bad values."""
        rows = connection.exec_driver_sql(
            "select column_name from information_schema.columns"
            " where table_schema = ? and table_name = ? order by ordinal_position",
            (schema, table_name),
        )
        return [{"name": name, "type": sqlalchemy.types.NullType(), "nullable": True} for (name,) in rows]

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """None: no claim is made about declared constraints."""
        return {"constrained_columns": [], "name": None}


class ExpectQueryToReturnNoRows(UnexpectedRowsExpectation):
    """GX 1.24.1's own class fetches rows besides counting them: every anti-join would run twice."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super()._validate({**metrics, "unexpected_rows_query.table": []}, *args, **kwargs)


class RowsWhere(TableMetricProvider):
    """How many rows satisfy a condition in SQL."""

    metric_name = "table.rows_where"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> Any:
        condition: Any = sqlalchemy.literal_column(f"({metric_value_kwargs['condition']})")
        broken = sqlalchemy.case((condition, 1), else_=0)
        return sqlalchemy.func.coalesce(sqlalchemy.func.sum(broken), 0), metric_domain_kwargs, {}


class ExpectNoRowWhere(BatchExpectation):
    """GX 1.24.1 runs each UnexpectedRowsExpectation as queries of its own. All conditions on the rows of one relation
    are one query, which counts where it is a view that costs more than its checks."""

    condition: str

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_where", "table.row_count")
    success_keys: ClassVar[tuple[str, ...]] = ("condition",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        broken = metrics["table.rows_where"]
        return {
            "success": broken == 0,
            "result": {"unexpected_count": broken, "element_count": metrics["table.row_count"]},
        }


class QuietValidator(Validator):
    """GX 1.24.1 draws progress bars wherever no data context forbids it."""

    def _determine_progress_bars(self) -> bool:
        return False


class Guard:
    """Validates checks against the tables and views of one connection."""

    dialect: ClassVar[type[DefaultDialect]] = DuckDBDialect

    def __init__(self, connection: Any) -> None:
        name = self.dialect.name
        registry.register(name, self.dialect.__module__, self.dialect.__name__)
        given = GivenConnection(connection)
        self._engine = SqlAlchemyExecutionEngine(
            engine=sqlalchemy.create_engine(f"{name}://", creator=lambda: given, poolclass=StaticPool),
        )
        # GX 1.24.1 knows a fixed list of dialects and leaves this None for any other: no regex, no LIKE.
        self._engine.dialect_module = self.dialect  # type: ignore[assignment]

    def validate(
        self, relation: str, checks: Sequence[Check], result_format: str
    ) -> dict[str, ExpectationValidationResult]:
        """The results by check name. An expectation that raised carries it in its `exception_info`."""
        schema, table = relation.split(".")
        data: Any = SqlAlchemyBatchData(execution_engine=self._engine, schema_name=schema, table_name=table)
        results = QuietValidator(execution_engine=self._engine, batches=[Batch(data=data)]).graph_validate(
            configurations=[
                ExpectationConfiguration(type=check.type, kwargs=check.kwargs, meta={"name": check.name})
                for check in checks
            ],
            # No values of the rows that break a claim: only their number may leave the warehouse.
            runtime_configuration={"result_format": {"result_format": result_format, "partial_unexpected_count": 0}},
        )
        return {result.expectation_config.meta["name"]: result for result in results if result.expectation_config}
