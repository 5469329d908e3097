"""A Spark server for these tests: their own, or the one that BALCONY_SPARK_REMOTE names."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

from orchestration.spark.server import spark_server


@pytest.fixture(scope="session")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose tables nobody else needs."""
    if running := os.environ.get("BALCONY_SPARK_REMOTE"):
        yield running
    else:
        with spark_server(tmp_path_factory.mktemp("server")) as started:
            yield started


@pytest.fixture(scope="session")
def spark(remote: str) -> Any:
    """A session on the server."""
    return importlib.import_module("pyspark.sql").SparkSession.builder.remote(remote).getOrCreate()
