"""What a night with Spark as its engine takes from the warehouse and gives back. No Spark here: DuckDB writes its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.spark_connection import SparkConnection, SparkQueryError
from orchestration import transform
from orchestration.publication import AuditError, announce, publish
from orchestration.replacing import ask_for
from orchestration.settings import Settings
from orchestration.spark import layers
from orchestration.warehouse import connect

FORGETS = "drop schema if exists replaced cascade"
DECLARED = {"fct_sales": {"sale_id": "string", "amount": "decimal(18, 2)"}}
SALES = "select * from (values ('a', 10.25::decimal(18, 2)), ('b', 20.50)) as sales (sale_id, amount)"


@dataclass
class Written:
    """A Spark project whose relations are queries of DuckDB."""

    queries: dict[str, str]
    statements: list[str] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)

    def relations(self, _schema: str) -> list[str]:
        return sorted(self.queries)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        self.statements += statements
        return []

    def row_counts(self, _schema: str, names: Sequence[str]) -> dict[str, int]:
        return {name: self.counted.get(name, len(duckdb.execute(self.queries[name]).fetchall())) for name in names}

    def write(self, _schema: str, names: Sequence[str], folder: Path) -> None:
        for name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
            duckdb.execute(f"copy ({self.queries[name]}) to '{folder / name / name}.parquet'")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        exports=tmp_path, home=tmp_path / "home", memory_limit="1GB", threads=2, kept_publications=3, target="spark"
    )


@pytest.fixture
def warehouse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.setattr(layers, "declared_marts", lambda: DECLARED)
    settings.home.mkdir()
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            """
            create schema raw_balcony; create schema marts;
            create table raw_balcony.publications (
                publication_id varchar, run_id varchar, table_count bigint, row_count bigint, published_at timestamp,
                removed_at timestamp
            );
            create table raw_balcony.check_results (run_id varchar, checked_at timestamp);
            create table marts.fct_sales as select 'from a night with DuckDB' as sale_id;
            """
        )
        yield connection


def test_what_spark_wrote_takes_the_place_of_what_duckdb_built(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    layers.bring_back(settings, Written({"fct_sales": SALES}), warehouse, "marts", ["fct_sales"])  # type: ignore[arg-type]
    assert warehouse.execute("from marts.fct_sales order by 1").fetchall() == duckdb.execute(SALES).fetchall()


@pytest.mark.parametrize(
    ("query", "counted", "told"),
    [
        (SALES, {"fct_sales": 3}, "Spark counts 3 rows, its Parquet holds 2"),
        (f"select sale_id, amount::double as amount from ({SALES})", {}, "the contract says .*DECIMAL.*DOUBLE"),
        (f"select sale_id from ({SALES})", {}, "the contract says"),
    ],
    ids="missing row|type|missing column".split("|"),
)
def test_marts_that_differ_from_spark_or_from_their_contract_do_not_come_back(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, query: str, counted: dict[str, int], told: str
) -> None:
    project: Any = Written({"fct_sales": query}, counted=counted)
    with pytest.raises(AuditError, match=f"fct_sales: .*{told}"):
        layers.bring_back(settings, project, warehouse, "marts", ["fct_sales"])
    assert warehouse.execute("from marts.fct_sales").fetchall() == [("from a night with DuckDB",)]


def test_a_publication_from_spark_has_the_layout_and_the_manifest_of_any_other(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings.home / "spark" / "raw" / "raw_balcony" / "publications"
    read_by_spark = f"select * from read_parquet('{folder}/*.parquet')"
    project: Any = Written({"fct_sales": SALES, "fct_publications": read_by_spark})
    monkeypatch.setattr(layers, "_project", lambda _: project)
    layers.bring_back(settings, project, warehouse, "marts", ["fct_sales"])
    publication_id = announce(settings, warehouse, "run00001", layers.publications_row)
    warehouse.close()
    made = publish(settings, publication_id, "run00001", "state", is_demo=False)
    published = settings.published / "current" / "parquet"
    assert made.tables == {"fct_publications": 1, "fct_sales": 2}
    assert (
        duckdb.read_parquet(f"{published}/fct_sales/fct_sales.parquet").fetchall() == duckdb.execute(SALES).fetchall()
    )
    # Announced before it is made, counted, and seen by Spark.
    entry = (
        f"select publication_id, table_count, row_count from '{published}/fct_publications/fct_publications.parquet'"
    )
    assert duckdb.execute(entry).fetchall() == [(publication_id, 2, 3)]


def test_a_layer_is_built_by_the_engine_that_the_setting_names(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "build_layer", lambda _, layer, tested: [f"{layer} on Spark, tested: {tested}"])
    built: list[Any] = transform.build_layer(settings, "intermediate")
    assert built == ["intermediate on Spark, tested: True"]


def test_a_setting_that_names_no_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALCONY_TARGET", "snowflake")
    with pytest.raises(ValueError, match="BALCONY_TARGET is snowflake"):
        Settings.from_environment()


class Session:
    """A session that cannot run anything."""

    def __init__(self, error: str) -> None:
        self.error = error
        self.conf: Any = type("Conf", (), {"set": lambda *_: None})()

    def sql(self, _query: str) -> Callable[[], None]:
        raise RuntimeError(self.error)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("[CAST_INVALID_INPUT] The value 'ada@example.com' cannot be cast.", "CAST_INVALID_INPUT"),
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `nowhere`\nplan",
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `nowhere`",
        ),
        ("ada@example.com", "Spark error"),
    ],
)
def test_an_error_of_spark_quotes_no_value(error: str, told: str) -> None:
    with pytest.raises(SparkQueryError) as raised:
        SparkConnection(Session(error)).execute("select 1")
    assert str(raised.value) == told


def asked(settings: Settings, *days: str, rebuild: bool = False) -> None:
    with connect(settings) as connection:
        ask_for(connection, days, rebuild=rebuild)


def told(settings: Settings) -> list[str]:
    project: Any = Written({})
    layers.hand_over_what_is_asked(settings, project)
    return list(project.statements)


def test_spark_forgets_once_after_a_rebuild_and_after_an_erasure(settings: Settings) -> None:
    settings.home.mkdir()
    duckdb.connect(str(settings.warehouse)).close()
    for rebuild in (False, True, False):
        with connect(settings) as connection:
            # A new warehouse, or one that an erasure has left.
            connection.execute("select 1" if rebuild else "drop schema if exists replaced cascade")
        asked(settings, rebuild=rebuild)
        # It may have been asked of a run that was killed.
        asked(settings)
        assert FORGETS in told(settings)
        asked(settings)
        assert FORGETS not in told(settings)


def test_spark_is_told_the_days_that_a_run_was_asked_for(settings: Settings) -> None:
    settings.home.mkdir()
    duckdb.connect(str(settings.warehouse)).close()
    asked(settings, "2026-02-01", "2026-02-28")
    told(settings)
    days = duckdb.read_parquet(f"{settings.home}/spark/raw/replaced/asked_days/*.parquet").fetchall()
    assert [[str(day) for day in row] for row in days] == [["2026-02-01", "2026-02-28"]]
