"""On Spark too a night replaces the days that changed, and leaves what DuckDB builds whole; also after a build that was
stopped. `make spark` compares the marts after such nights. Takes some ten minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbt.adapters.spark.session import Cursor

from orchestration.simulation.simulate import write_demo
from tests.spark.nights import World

LOG_TABLES = ("stg_access_log__requests", "stg_access_log__visits", "stg_access_log__identity_links")
LOGS = ("raw_access_log", "raw_balcony", "landing")
COUNTED = """
    update landing.loads
    set rows_landed_count = (select count(*) from landing.access_log__requests where _load_id = load_id)
    where source_name = 'access_log'
"""


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_demo(folder, "tiny")
    return folder


@pytest.fixture
def world(tmp_path: Path, remote: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BALCONY_REPLACE_FROM_ROWS", "0")
    # dbt's project sets it too; what follows must not look for this server.
    monkeypatch.setenv("BALCONY_SPARK_REMOTE", remote)
    world = World(tmp_path, remote)
    world.forget()
    return world


@pytest.fixture
def changing_sql() -> Iterator[Callable[[Callable[[str], str]], None]]:
    """Has a function of one's own see, change or refuse every statement that dbt sends from then on."""
    with pytest.MonkeyPatch.context() as patch:
        execute = Cursor.execute

        def change(changed: Callable[[str], str]) -> None:
            patch.setattr(Cursor, "execute", lambda self, sql, *values: execute(self, changed(sql), *values))

        yield change


def stopping_at(words: str) -> Callable[[str], str]:
    def stop(sql: str) -> str:
        if words in " ".join(sql.split()):
            raise RuntimeError(f"stopped at {words}")
        return sql

    return stop


def built_logs(world: World) -> dict[str, str]:
    return world.build_on_spark("+stg_access_log__visits", "+stg_access_log__identity_links", sources=LOGS)


def partitions(world: World, table: str) -> set[str]:
    return {day.partition("=")[2] for (day,) in world.project.execute(f"show partitions replaced.{table}__rows")}


def test_days_of_a_log_come_late_are_emptied_and_survive_killed_builds(
    world: World, exports: Path, changing_sql: Callable[[Callable[[str], str]], None]
) -> None:
    logs = sorted(str(path.relative_to(exports)) for path in (exports / "site").iterdir())
    late = logs.pop(2)
    world.land(exports, *logs)
    world.build_on_duckdb("staging")
    assert built_logs(world) == dict.fromkeys(LOG_TABLES, "whole")
    assert world.differences("staging", *LOG_TABLES) == {}

    # Stopped before anything is replaced, a table is replaced the next time; stopped in between, it is built whole.
    world.land(exports, late)
    world.build_on_duckdb("staging")
    for stopped_at in (
        "create table replaced.stg_access_log__requests__now_rows",
        "insert overwrite table replaced.stg_access_log__visits__rows",
    ):
        changing_sql(stopping_at(stopped_at))
        with pytest.raises(AssertionError, match=f"stopped at {stopped_at}"):
            built_logs(world)
        changing_sql(str)
    how_built = built_logs(world)
    assert (how_built["stg_access_log__requests"], how_built["stg_access_log__visits"]) == ("replaced", "whole")
    assert world.differences("staging", *LOG_TABLES) == {}

    # Of one visitor nothing stays, of one day neither.
    emptied = "2026-04-14"
    assert emptied in partitions(world, "stg_access_log__visits")
    world.execute(
        "delete from landing.access_log__requests where remote_address = (select max(remote_address) from"
        " landing.access_log__requests)",
        "delete from landing.access_log__requests where requested_at like '14/Apr/2026%'",
        COUNTED,
    )
    world.build_on_duckdb("staging")
    assert built_logs(world) == dict.fromkeys(LOG_TABLES, "replaced")
    assert world.differences("staging", *LOG_TABLES) == {}
    for table in ("stg_access_log__requests", "stg_access_log__visits"):
        assert emptied not in partitions(world, table)

    # What the comparison is worth: a day that is left out of the scope is found.
    def leave_out_a_day(sql: str) -> str:
        if "stg_access_log__visits__scope using" in sql:
            return sql.replace("scope_day is not null", "scope_day <> date '2026-04-20'")
        return sql

    changing_sql(leave_out_a_day)
    world.execute("delete from landing.access_log__requests where requested_at like '20/Apr/2026%'", COUNTED)
    world.build_on_duckdb("staging")
    assert built_logs(world) == dict.fromkeys(LOG_TABLES, "replaced")
    assert list(world.differences("staging", *LOG_TABLES)) == ["stg_access_log__visits"]
