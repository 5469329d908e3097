"""Nights without anyone at the keyboard: `python -m orchestration.serve` keeps Dagster's daemon and its UI running.

The daemon starts the nightly run and looks at the folder of exports. Whatever ends is started again; all end with this
process, however it ends. A run that is going on is finished first; one that is killed is tried again by the daemon.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import hashlib
import ipaddress
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import psutil

from orchestration.home import set_up_dagster
from orchestration.settings import PROJECT_ROOT, Settings

LOCK = "serve.lock"
LOCATION = "balcony"
WORKSPACE = "load_from: [{{grpc_server: {{socket: '{socket}', location_name: {location}}}}}]\n"
MOST_SOCKET_BYTES = 107
LOOK_SECONDS = 1
ENDING_SECONDS = 30
STEADY_SECONDS = 60
"""Who lived this long and ends is started again at once; who did not waits, longer each time."""
LONGEST_PAUSE = 60
PR_SET_PDEATHSIG = 1


@dataclass
class Service:
    """A process that is kept running."""

    name: str
    command: Sequence[str]
    pause: int = 0
    started_at: float = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it so that the kernel ends it with this process, even when that is killed, and Ctrl-C ends this one only."""
        time.sleep(self.pause)
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command, cwd=PROJECT_ROOT, preexec_fn=_die_with_parent, start_new_session=True
        )

    def restart(self, status: int) -> None:
        """Start it again after it ended."""
        is_steady = time.monotonic() - self.started_at > STEADY_SECONDS
        self.pause = 0 if is_steady else min(max(2 * self.pause, 1), LONGEST_PAUSE)
        print(f"{self.name} ended ({_ending(status)}); starting it again in {self.pause} s", flush=True)
        self.start()


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    argparse.ArgumentParser(prog="python -m orchestration.serve", description=__doc__).parse_args()
    settings = Settings.from_environment()
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / LOCK).open("a+", encoding="ascii") as lock:
        if (holder := _holder(lock)) is not None:
            print(f"process {holder} serves {settings.home} already", file=sys.stderr)
            return 1
        set_up_dagster(settings)
        signal.signal(signal.SIGTERM, _stop)
        print(_welcome(settings), flush=True)
        code_socket(settings).unlink(missing_ok=True)
        location, *others = services(settings)
        with suppress(KeyboardInterrupt):
            # Asked before it answers, it would fill the first page with errors.
            keep_running([location], until=code_socket(settings))
            keep_running([location, *others])
    return 0


def services(settings: Settings) -> list[Service]:
    """One server of the code location, and the daemon and the UI that ask it.

    Servers that Dagster would start for each of the two give up when a busy machine is silent for 20 seconds.
    """
    programs = Path(sys.executable).parent
    workspace = settings.dagster_home / "workspace.yaml"
    address = ("-h", settings.ui_host, "-p", str(settings.ui_port))
    quietly = ("--log-level", "warning")
    code = ("-m", "orchestration.definitions", "--location-name", LOCATION, "--socket", str(code_socket(settings)))
    workspace.write_text(WORKSPACE.format(socket=code_socket(settings), location=LOCATION), encoding="utf-8")
    return [
        Service("code location", (str(programs / "dagster"), "api", "grpc", *code, *quietly)),
        Service("daemon", (str(programs / "dagster-daemon"), "run", "-w", str(workspace), *quietly)),
        Service("UI", (str(programs / "dagster-webserver"), "-w", str(workspace), *address, *quietly)),
    ]


def code_socket(settings: Settings) -> Path:
    """Where the code location is asked, out of other people's reach. The kernel allows such a path 107 bytes."""
    path = settings.dagster_home / "code.sock"
    if len(os.fsencode(path)) <= MOST_SOCKET_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"balcony-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to someone else")
    return folder / "code.sock"


def keep_running(services: Sequence[Service], until: Path | None = None) -> None:
    """Start the services that do not run yet, and each again when it ends; end them all on SIGINT or SIGTERM.

    Returns when there is a file `until`; without one, when it is told to stop.
    """
    try:
        for service in services:
            if service.process is None:
                service.start()
        while until is None or not until.exists():
            for service in services:
                if service.process is not None and service.process.poll() is not None:
                    service.restart(service.process.returncode)
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        print("ending; a run that is going on is finished first, Ctrl-C once more does not wait for it", flush=True)
        _end(services)
        raise


def _end(services: Sequence[Service]) -> None:
    """Ask all to end, again and again: one that is just starting does not listen yet. Only for a run is anyone waited for long.

    Dagster's code server may hang for ever after its last answer.
    """
    stop = time.monotonic() + ENDING_SECONDS
    while running := [service for service in services if service.process and service.process.poll() is None]:
        for service in running:
            assert service.process is not None
            if time.monotonic() > stop and not _runs_below(service.process.pid):
                service.process.kill()
            else:
                service.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            assert running[0].process is not None
            running[0].process.wait(timeout=LOOK_SECONDS * 5)


def _runs_below(process: int) -> bool:
    """Whether a process has children that Python's multiprocessing started to run something."""
    with suppress(psutil.NoSuchProcess):
        return any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process(process).children())
    return False


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _holder(lock: TextIO) -> str | None:
    """Take the lock for this process, or say who has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        return lock.read().strip() or "?"
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return None


def _welcome(settings: Settings) -> str:
    lines = [
        f"UI:      http://{settings.ui_host}:{settings.ui_port} (in half a minute; Ctrl-C ends it)",
        f"Nightly: {settings.schedule} UTC",
        f"Exports: {settings.exports}, landed when files there have come to rest",
    ]
    if not is_loopback(settings.ui_host):
        lines.append("WARNING: the UI asks for no password, and whoever reaches that address can start runs.")
    return "\n".join(lines)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _ending(returncode: int) -> str:
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


if __name__ == "__main__":
    sys.exit(main())
