from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance
from sqlalchemy import event

from orchestration.history import EventLog
from orchestration.home import set_up_dagster
from orchestration.settings import Settings

Instance = Callable[[], DagsterInstance]


@dg.asset(check_specs=[dg.AssetCheckSpec("has_rows", asset="posts")])
def posts() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    yield dg.MaterializeResult(metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """The instance of one home, opened anew by each call."""
    for name in (
        "PYTHONPATH",
        "DAGSTER_HOME",
        "DO_NOT_TRACK",
        "DBT_SEND_ANONYMOUS_USAGE_STATS",
        "GX_ANALYTICS_ENABLED",
    ):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("BALCONY_HOME", str(tmp_path))
    set_up_dagster(Settings.from_environment())
    return DagsterInstance.get


def test_dagster_keeps_its_history_here(instance: Instance) -> None:
    with instance() as opened:
        assert isinstance(opened.event_log_storage, EventLog)


def test_dagsters_own_programs_find_it_wherever_they_are_started(instance: Instance, tmp_path: Path) -> None:
    code = "from dagster import DagsterInstance; print(type(DagsterInstance.get().event_log_storage).__name__)"
    told = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout == "EventLog\n", told.stderr


def test_what_a_run_recorded_is_read_by_another_instance_and_by_dagsters_own_storage(
    instance: Instance, tmp_path: Path
) -> None:
    with instance() as opened:
        run = dg.materialize([posts], instance=opened)
        told = [record.dagster_event_type for record in opened.all_logs(run.run_id)]
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in told
    with instance() as again:
        assert [record.dagster_event_type for record in again.all_logs(run.run_id)] == told
        assert again.get_latest_materialization_event(dg.AssetKey("posts")) is not None
    (tmp_path / "dagster" / "dagster.yaml").unlink()
    with instance() as without_settings:
        assert not isinstance(without_settings.event_log_storage, EventLog)
        assert [record.dagster_event_type for record in without_settings.all_logs(run.run_id)] == told


def test_an_event_opens_no_connection_and_many_runs_hold_few(instance: Instance) -> None:
    with instance() as opened:
        log = opened.event_log_storage
        assert isinstance(log, EventLog)
        dg.materialize([posts], instance=opened)
        opens: list[str] = []
        for shard, engine in log._engines.items():
            event.listen(engine, "connect", lambda *_, shard=shard: opens.append(shard))
        runs = [dg.materialize([posts], instance=opened) for _ in range(log.KEPT + 1)]
        assert not opens
        assert len(log._engines) == log.KEPT
        assert all(opened.all_logs(run.run_id) for run in runs)
    assert not log._engines


def test_an_event_that_cannot_be_stored_leaves_the_log_open_for_the_next(instance: Instance) -> None:
    with instance() as opened:
        log = opened.event_log_storage
        assert isinstance(log, EventLog)
        run = dg.materialize([posts], instance=opened)

        def half_done() -> None:
            with log.run_connection(run.run_id) as connection:
                connection.exec_driver_sql("delete from event_logs")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            half_done()
        assert opened.all_logs(run.run_id)
