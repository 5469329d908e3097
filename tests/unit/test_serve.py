"""Services are kept running, end with their parent, and are served to this machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from orchestration.serve import LOCK, Service, _end, _runs_below, _welcome, code_socket, is_loopback, services
from orchestration.settings import PROJECT_ROOT, Settings

PARENT = """
import sys
from orchestration import serve
serve.LOOK_SECONDS = 0.05
serve.LONGEST_PAUSE = 0
script = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)"
serve.keep_running([serve.Service("sleeper", (sys.executable, "-c", script))])
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "home", memory_limit="1GB", threads=1, kept_publications=3)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_service_that_ends_is_started_again_and_ends_with_its_parent(ending: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        first = int(parent.stdout.readline())
        os.kill(first, signal.SIGKILL)
        assert parent.stdout.readline() == "sleeper ended (signal 9); starting it again in 0 s\n"
        second = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(ending)
        parent.wait()
        psutil.wait_procs([second], timeout=30)
        assert not second.is_running() or second.status() == psutil.STATUS_ZOMBIE


def test_a_service_that_does_not_listen_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.serve.ENDING_SECONDS", 0)
    monkeypatch.setattr("orchestration.serve.LOOK_SECONDS", 0.01)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        _end([Service("deaf", (), process=process)])
        assert process.returncode == -signal.SIGKILL


def test_a_run_below_a_service_is_seen() -> None:
    # The child says that it started: between fork and exec it is still called as its parent is.
    script = """
import multiprocessing, sys
if __name__ == "__main__":
    told = "import signal; print('started', flush=True); signal.pause()"
    process = multiprocessing.get_context("spawn").Process(target=exec, args=(told,), daemon=True)
    process.start()
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"started\n"
        assert _runs_below(process.pid)
        process.stdin.close()
        process.wait()
        assert not _runs_below(process.pid)


def test_whoever_ends_at_once_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("broken", ("false",))
    monkeypatch.setattr(Service, "start", lambda self: None)
    service.started_at = float("inf")
    pauses = []
    for _ in range(8):
        service.restart(1)
        pauses.append(service.pause)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    service.started_at = float("-inf")
    service.restart(1)
    assert service.pause == 0


def test_the_ui_is_there_for_this_machine_only_unless_asked(settings: Settings) -> None:
    settings.dagster_home.mkdir(parents=True)
    commands = {service.name: service.command for service in services(settings)}
    assert commands["UI"][3:7] == ("-h", "127.0.0.1", "-p", "3000")
    assert "WARNING" not in _welcome(settings)
    assert "WARNING" in _welcome(replace(settings, ui_host="0.0.0.0"))
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "example.org")] == [
        True
    ] * 3 + [False] * 2


def test_the_code_location_is_asked_through_a_path_that_the_kernel_takes(settings: Settings, tmp_path: Path) -> None:
    long = replace(settings, home=tmp_path / ("x" * 100))
    path = code_socket(long)
    assert len(os.fsencode(path)) <= 107
    assert path == code_socket(long)
    assert path.parent.stat().st_mode & 0o077 == 0
    path.parent.rmdir()


def test_one_home_is_served_once(settings: Settings) -> None:
    settings.home.mkdir()
    holder = (
        "import fcntl, sys; file = open(sys.argv[1], 'a+'); fcntl.flock(file, fcntl.LOCK_EX); file.write('4242');"
        "file.flush(); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(settings.home / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        second = subprocess.run(
            [sys.executable, "-m", "orchestration.serve"],
            cwd=PROJECT_ROOT,
            env={**os.environ, "BALCONY_HOME": str(settings.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        process.stdin.close()
    assert second.returncode == 1
    assert "process 4242 serves" in second.stderr
