"""What is told of a run, to whom, and what is never told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from orchestration import notify
from orchestration.notify import LOG, WEBHOOK, tell, told_runs
from orchestration.settings import Settings
from orchestration.summary import Landed, Night, told_night


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(exports=tmp_path, home=tmp_path / "home", memory_limit="1GB", threads=1, kept_publications=3)


class Answering(BaseHTTPRequestHandler):
    status = 200
    posted: list[dict[str, object]]

    def do_POST(self) -> None:
        self.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    answering = type("ThisAnswering", (Answering,), {"posted": []})
    with HTTPServer(("127.0.0.1", 0), answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv(WEBHOOK, f"http://127.0.0.1:{server.server_port}/secret-token")
        yield answering
        server.shutdown()


def test_a_run_is_told_once_to_the_log_and_the_webhook(settings: Settings, webhook: type[Answering]) -> None:
    assert tell(settings, {"run_id": "a", "text": "done"}) is None
    assert tell(settings, {"run_id": "a", "text": "done again"}) is None
    assert tell(settings, {"run_id": "b", "text": "more"}) is None
    assert [run["text"] for run in told_runs(settings)] == ["done", "more"]
    assert [run["text"] for run in webhook.posted] == ["done", "more"]


def test_a_webhook_that_fails_is_said_without_its_address(settings: Settings, webhook: type[Answering]) -> None:
    webhook.status = 500
    assert tell(settings, {"run_id": "a"}) == "the webhook was not reached: HTTPError 500"
    assert len(told_runs(settings)) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/secret-token", "file:///secret-token", "http://[secret-token"])
def test_no_address_makes_a_run_fail_or_is_repeated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(WEBHOOK, address)
    trouble = tell(settings, {"run_id": "a"})
    assert trouble
    assert "secret-token" not in trouble + (settings.logs / LOG).read_text()


def test_the_log_is_bounded_and_passes_over_half_a_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "MOST_BYTES", 2000)
    for number in range(200):
        tell(settings, {"run_id": f"{number:060}"})
    assert sum(path.stat().st_size for path in settings.logs.iterdir()) < 5000
    assert told_runs(settings)[-1]["run_id"].endswith("199")
    with (settings.logs / LOG).open("a") as file:
        file.write('{"run_id": "half')
    assert told_runs(settings)[-1]["run_id"].endswith("199")


def test_no_file_name_and_no_reason_is_told() -> None:
    refusals = [{"file": "ann@example.com.csv", "reason": "header bob@example.com"}]
    landed = Landed("/home of ann", False, True, 1, 2, 1, 10, 9, 1, refusals)
    told = json.dumps(told_night(Night(is_success=False, landed=landed, failed_steps=["build_staging"])))
    assert "example.com" not in told
    assert "ann" not in told
    assert "build_staging" in told
