"""What of raw reaches Spark, and what is said where Spark cannot start. No Spark here."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.spark import server
from orchestration.spark.raw import PARTITION, export_raw, registration
from orchestration.spark.server import SparkUnavailable, spark_server


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        """
        create schema landing; create schema raw_x;
        create table landing.x__posts (post_id varchar, _load_id bigint, _source_row_number bigint);
        insert into landing.x__posts values ('1', 1, 1), ('1', 2, 1), ('0002', 2, 2), ('', 2, 3);
        create view raw_x.posts as select post_id, null::varchar as url, _load_id, _source_row_number
            from landing.x__posts;
        create table raw_x.empty_ones (post_id varchar, _load_id bigint);
        create table landing.loads as select load_id, timestamp '2026-01-01 00:00:01' as landed_at
            from (values (1::bigint), (2)) as loads (load_id)
        """
    )
    return connection


def test_raw_rows_come_back_from_parquet_partitioned_by_load(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    posts, loads = export_raw(warehouse, [("raw_x", "posts"), ("landing", "loads")], tmp_path / "raw")
    assert sorted(path.name for path in posts.location.glob(f"{PARTITION}=*")) == ["_load_id=1", "_load_id=2"]
    for table, relation in ((posts, "raw_x.posts"), (loads, "landing.loads")):
        names = ", ".join(table.columns)
        written = f"select {names} from read_parquet('{table.location}/**/*.parquet')"
        assert warehouse.execute(f"{written} except all select {names} from {relation}").fetchall() == []
        assert warehouse.execute(f"select {names} from {relation} except all {written}").fetchall() == []


def test_loads_that_came_went_or_changed_are_written_anew_and_no_others(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    def export() -> dict[str, int]:
        (posts,) = export_raw(warehouse, [("raw_x", "posts")], tmp_path / "raw")
        names = ", ".join(posts.columns)
        written = f"select {names} from read_parquet('{posts.location}/**/*.parquet')"
        assert warehouse.execute(f"{written} except all from raw_x.posts").fetchall() == []
        assert warehouse.execute(f"from raw_x.posts except all {written}").fetchall() == []
        return {path.parent.name: path.stat().st_mtime_ns for path in posts.location.rglob("*.parquet")}

    first = export()
    assert export() == first
    warehouse.execute(
        "insert into landing.loads values (3, timestamp '2026-01-02'); delete from landing.x__posts where _load_id = 2"
    )
    warehouse.execute("insert into landing.x__posts values ('3', 3, 1)")
    second = export()
    assert second.keys() == {"_load_id=1", "_load_id=3"}
    assert second["_load_id=1"] == first["_load_id=1"]
    warehouse.execute("update landing.loads set landed_at = timestamp '2026-01-03' where load_id = 1")
    warehouse.execute(
        "delete from landing.x__posts where _load_id = 1; insert into landing.x__posts values ('4', 1, 1)"
    )
    third = export()
    assert third["_load_id=3"] == second["_load_id=3"]
    warehouse.execute("create or replace view raw_x.posts as select post_id, _load_id from landing.x__posts")
    assert export()["_load_id=3"] > third["_load_id=3"]


def test_only_the_owner_reads_what_is_exported(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    export_raw(warehouse, [("raw_x", "posts")], tmp_path / "raw")
    assert (tmp_path / "raw").stat().st_mode & 0o077 == 0


def test_a_table_is_declared_with_every_column_and_its_partitions_are_looked_for(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    tables = export_raw(
        warehouse, [("raw_x", "posts"), ("raw_x", "empty_ones"), ("landing", "loads")], tmp_path / "raw"
    )
    statements = list(registration(tables))
    assert (
        "create table raw_x.posts (`post_id` string, `url` string, `_load_id` bigint, `_source_row_number` bigint)"
        f" using parquet partitioned by (_load_id) location '{tmp_path}/raw/raw_x/posts'"
    ) in statements
    assert [one for one in statements if "msck" in one] == [
        "msck repair table raw_x.posts",
        "msck repair table raw_x.empty_ones",
    ]
    assert any("`landed_at` timestamp_ntz) using parquet  location" in one for one in statements)
    assert tables[1].location.is_dir()


def test_types_of_seeds_are_known_too(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute("create table raw_x.typed as select 1::integer as rule_order, 1.5::decimal(18, 2) as cost_amount")
    (typed,) = export_raw(warehouse, [("raw_x", "typed")], tmp_path / "raw")
    assert typed.columns == {"rule_order": "int", "cost_amount": "decimal(18,2)"}


def test_an_unknown_type_is_named(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute("create table raw_x.odd as select 1.5::float as share")
    with pytest.raises(KeyError, match="FLOAT"):
        export_raw(warehouse, [("raw_x", "odd")], tmp_path / "raw")


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SparkUnavailable, match="optional group `spark`"), spark_server(tmp_path):
        pass


@pytest.mark.parametrize(
    ("told", "why"),
    [(None, "no `java`"), ('openjdk version "11.0.2"', 'version "11'), ("nonsense", "nonsense")],
)
def test_without_java_17_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str | None, why: str
) -> None:
    monkeypatch.setattr(server, "_spark_home", lambda: tmp_path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if told else str(tmp_path))
    if told:
        (tmp_path / "java").write_text(f"#!/bin/sh\necho '{told}' >&2\n")
        (tmp_path / "java").chmod(0o755)
    with pytest.raises(SparkUnavailable, match=f"Java 17.*{why}"), spark_server(tmp_path / "server"):
        pass


def test_a_server_that_ends_before_it_answers_is_told_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(server, "_spark_home", lambda: tmp_path)
    monkeypatch.setattr(server, "_require_java", lambda: None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spark-submit").write_text("#!/bin/sh\necho no memory\nexit 1\n")
    (tmp_path / "bin" / "spark-submit").chmod(0o755)
    with pytest.raises(SparkUnavailable, match="no memory"), spark_server(tmp_path / "server"):
        pass
    assert not (tmp_path / "server" / "server.pid").exists()
