"""A build outlives one of its executors."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from dbt.cli.main import dbtRunner

from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.spark.build import SparkProject
from orchestration.spark.server import spark_server

EXECUTOR = "CoarseGrainedExecutorBackend"


def executors(folder: Path) -> list[psutil.Process]:
    server = psutil.Process(int((folder / "server.pid").read_text()))
    children = [child for child in server.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in children if any(EXECUTOR in word for word in child.cmdline())]


def test_a_build_ends_well_though_an_executor_is_killed_in_its_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []

    def kill_one_executor(event: Any) -> None:
        if event.info.name == "NodeFinished" and not killed:
            process = executors(tmp_path / "server")[0]
            process.kill()
            killed.append(process.pid)

    with spark_server(tmp_path / "server") as remote:
        # dbt's project sets it too; what follows must not look for this server.
        monkeypatch.setenv("BALCONY_SPARK_REMOTE", remote)
        project = SparkProject(Settings.from_environment(), tmp_path / "dbt", remote)
        monkeypatch.setattr("dbt.cli.main.dbtRunner", functools.partial(dbtRunner, callbacks=[kill_one_executor]))
        results = project.run("seed")
        assert killed
        assert [result.message for result in results if not result.is_good] == []
        seeds = [result.unique_id.rpartition(".")[2] for result in results if result.resource_type == "seed"]
        counts = project.row_counts("reference", seeds)
        again = project.run("seed")
        assert all(result.is_good for result in again)
        assert project.row_counts("reference", seeds) == counts
    rows = {
        seed: duckdb.read_csv(str(PROJECT_ROOT / "seeds" / f"{seed}.csv"), header=True, all_varchar=True).shape[0]
        for seed in seeds
    }
    assert counts == rows
