"""A Spark Connect server on this machine: one driver and some executors, each a process, as a cluster would have them.

It comes from the pip package, listens on loopback only, and keeps all it writes in one folder. Leaving the block ends it
and its executors; what a killed run left is ended by the next start.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

JAVA = 17
SERVER_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
PID_FILE_NAME = "server.pid"
START_SECONDS = 180
STOP_SECONDS = 30

# Without the second compiler and a parallel collector a start takes 19 CPU seconds instead of 43. Java then keeps 48 MB for
# compiled code, which the driver fills in four minutes: a third of a core went into making room.
_JVM = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Duser.timezone=UTC"


class SparkUnavailable(RuntimeError):
    """Spark cannot be started here; the text says what is missing, or quotes the end of the server's log."""


@contextmanager
def spark_server(
    folder: Path, *, executors: int = 2, executor_megabytes: int = 1024, configured: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Start a server whose tables, catalog and logs lie in `folder`, and yield its address, `sc://127.0.0.1:port`.

    `configured` are Spark's settings that shall be others than those for little data.

    Raises `SparkUnavailable` without Java 17, without the packages, or if the server ends before it answers.
    """
    spark_home = _spark_home()
    _require_java()
    folder.mkdir(parents=True, exist_ok=True)
    _end_leftover(folder)
    port = _free_port()
    settings = {**_configuration(folder, port), **(configured or {})}
    command = [
        str(spark_home / "bin" / "spark-submit"),
        *("--class", SERVER_CLASS, "--name", f"Balcony {folder}", "--driver-memory", "1g"),
        *("--master", f"local-cluster[{executors},1,{executor_megabytes}]"),
        *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
    ]
    environment = {
        **os.environ,
        "SPARK_HOME": str(spark_home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    # The commands of another Spark's shell or a notebook would be taken for ours.
    for name in ("SPARK_REMOTE", "PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR"):
        environment.pop(name, None)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        (folder / PID_FILE_NAME).write_text(str(server.pid), encoding="ascii")
        _await(server, port, folder / "server.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        _end_session()
        _end(server.pid)
        server.wait()
        (folder / PID_FILE_NAME).unlink(missing_ok=True)


def _configuration(folder: Path, port: int) -> dict[str, str]:
    """What a cluster of one's own must set too, besides where it keeps things: see docs/spark.md."""
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.sources.partitionOverwriteMode": "DYNAMIC",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.shuffle.partitions": "2",
        # Small stages end sooner than they are planned anew: a plan of 300 lines took 308 s with, 109 to 200 s without.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        "spark.local.dir": str(folder / "local"),
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.log.level": "WARN",
        "spark.driver.extraJavaOptions": f"{_JVM} -Dderby.system.home={folder}",
        "spark.executor.extraJavaOptions": _JVM,
    }


def _spark_home() -> Path:
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise SparkUnavailable(
            "the Spark packages are not installed: they are the optional group `spark` of pyproject.toml"
        )
    return Path(found.origin).parent


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java")) if home else "java")
    if java is None:
        raise SparkUnavailable(f"Spark needs Java {JAVA}, and there is no `java` in JAVA_HOME or on the PATH")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < JAVA:
        raise SparkUnavailable(f"Spark needs Java {JAVA} or later, and {java} says: {told.partition(os.linesep)[0]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            # Until it answers, or ends.
            with suppress(subprocess.TimeoutExpired):
                server.wait(timeout=0.2)
    why = "ended" if server.poll() is not None else f"did not answer within {START_SECONDS} seconds"
    end_of_log = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
    raise SparkUnavailable(f"the Spark server {why}; {log} ends:\n{end_of_log}")


def _end_session() -> None:
    """End this process's session while its server answers: it is handed out for the next server too, and when the process
    ends, it asks the dead one for minutes."""
    module = sys.modules.get("pyspark.sql.connect.session")
    # The active one is that of a thread, and dbt's threads start it.
    if module is not None and (session := module.SparkSession._default_session) is not None:
        session.stop()


def _end_leftover(folder: Path) -> None:
    """End the server that a killed run left on this folder: two cannot share its catalog."""
    try:
        left = psutil.Process(int((folder / PID_FILE_NAME).read_text(encoding="ascii")))
        if SERVER_CLASS in left.cmdline() and f"Balcony {folder}" in left.cmdline():
            _end(left.pid)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return


def _end(pid: int) -> None:
    """End a server and its executors: kindly, so that it stops them itself, then by force."""
    try:
        server = psutil.Process(pid)
        family = [server, *server.children(recursive=True)]
        server.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        process.kill()
