"""The files of a simulated world: in the platforms' own formats, the same for the same seed, and nothing wrong by accident."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

from orchestration.landing.identify import Recognised, identify
from orchestration.landing.load import land_folder
from orchestration.landing.spec import load_specs
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.simulation import exporters as to
from orchestration.simulation import keys
from orchestration.simulation.behaviour import live
from orchestration.simulation.downloads import planted_defects, write_exports
from orchestration.simulation.downloads.shop import shop_times
from orchestration.simulation.regimes import world_config
from orchestration.simulation.simulate import main, simulate, write_demo
from orchestration.simulation.world import PLATFORMS, World

SPECS = load_specs(PROJECT_ROOT / "dbt_project")


@pytest.fixture(scope="module")
def world() -> World:
    return live(world_config("base", "tiny"), 7)


@pytest.fixture(scope="module")
def exports(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world's files, each archive opened beside itself."""
    folder = tmp_path_factory.mktemp("exports")
    write_exports(world, folder)
    for path in list(folder.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(path.with_suffix(""))
    for path in list(folder.rglob("*.tar.gz")):
        with tarfile.open(path) as archive:
            archive.extractall(path.with_suffix("").with_suffix(""), filter="data")
    return folder


def _only(exports: Path, pattern: str) -> Path:
    (path,) = sorted(exports.glob(pattern))
    return path


def _digests(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_one_seed_gives_the_same_bytes_and_times_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        write_exports(live(world_config("base", "tiny"), seed), tmp_path / name)
    assert _digests(tmp_path / "one") == _digests(tmp_path / "two")
    assert _digests(tmp_path / "one") != _digests(tmp_path / "other")


@pytest.mark.parametrize(("regime", "planted"), [("base", True), ("pure_lurkers", False)])
def test_only_what_is_planted_is_refused_or_quarantined(regime: str, planted: bool, tmp_path: Path) -> None:
    world = live(world_config(regime, "tiny"), 7)
    write_exports(world, tmp_path / "exports", planted)
    settings = dataclasses.replace(Settings.from_environment(), exports=tmp_path / "exports", home=tmp_path / "home")
    summary = land_folder(settings)
    expected = planted_defects(world, planted)
    assert {f.member_name or f.file_name for f in summary.files if f.outcome == "refused"} == expected.refused
    quarantined = {file.file_name: file.rows_quarantined for file in summary.files if file.rows_quarantined}
    assert quarantined == expected.quarantined
    landed = {f"{file.source_name}.{file.table_name}" for file in summary.files if file.outcome == "landed"}
    # Where nobody acts nobody is notified.
    silent = {"mastodon.notifications", "mastodon.notification_groups"} if regime == "pure_lurkers" else set()
    assert landed == {spec.name for spec in SPECS} - silent


def test_what_is_planted_is_what_landing_was_told(world: World, exports: Path) -> None:
    ((log, count),) = planted_defects(world).quarantined.items()
    lines = gzip.decompress((exports / log).read_bytes()).decode().splitlines()
    (spec,) = [spec for spec in SPECS if spec.format == "log"]
    assert spec.pattern is not None
    damaged = [number for number, line in enumerate(lines) if not re.match(spec.pattern, line)]
    assert len(damaged) == count == 1
    assert lines[damaged[0] + 1].startswith(lines[damaged[0]])


# What is written with templates is what the standard writers would have written.


def test_notifications_are_what_a_json_encoder_writes(exports: Path) -> None:
    paths = sorted(exports.glob("mastodon/notifications-*.json"))
    assert {path.name.split("-")[1] for path in paths} == {"v1", "v2"}
    for path in paths:
        assert to.json_line(json.loads(path.read_bytes())) == path.read_bytes()


def test_a_line_of_the_log_is_what_a_formatted_time_gives(exports: Path) -> None:
    lines = _only(exports, "site/access.log-*[0-9]").read_text().splitlines(keepends=True)[:500]
    for line in lines:
        address, at, path, status, size, referrer, agent = re.match(
            r'(\S+) - - \[(.*) \+0000\] "GET (\S+) HTTP/1.1" (\d+) (\S+) "(.*)" "(.*)"\n', line
        ).groups()  # type: ignore[union-attr]
        written = to.log_line(
            address, datetime.strptime(f"{at} +0000", f"{to.LOG_TIME} %z"), path, referrer, agent, int(status)
        )
        assert written.replace("5120", size, 1) == line


@pytest.mark.parametrize("text", ["", "plain", 'a "quoted" word', "with, comma", "two\nlines", " led by a blank"])
def test_a_csv_as_ruby_writes_it_is_read_back(text: str) -> None:
    written = to.ruby_csv_file(["given", "missing", "last"], [{"given": text, "last": "1"}])
    assert list(csv.DictReader(io.StringIO(written.decode(), newline=""))) == [
        {"given": text, "missing": "", "last": "1"}
    ]
    assert (b'""' in written) == (text == "" or '"' in text)


def test_content_of_x_is_read_back_with_its_texts(world: World, exports: Path) -> None:
    for path in exports.glob("x/account_analytics_content*.csv"):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(row["Post text"].startswith("Batch ") and None not in row.values() for row in rows)


@pytest.mark.parametrize("size", [0, 1, 0xFFFF, 0x10000, 200_000])
def test_a_gzip_of_stored_blocks_is_read_back(size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    packed = to.gzip_file(content)
    assert gzip.decompress(packed) == content
    assert len(packed) >= size


def test_the_shop_writes_central_european_time() -> None:
    hours = np.arange("2023-12-30", "2027-01-03", np.timedelta64(1, "h"), dtype="datetime64[s]")
    zone = ZoneInfo("Europe/Berlin")
    expected = [f"{datetime.fromtimestamp(second, zone):%Y-%m-%d %H:%M:%S %z}" for second in hours.astype(int).tolist()]
    assert shop_times(hours) == expected


# What only the shape of the files can say.


def test_leaving_deletes_the_record_of_the_follow_and_a_deleted_account_leaves_it(world: World, tmp_path: Path) -> None:
    leaver, deleter = np.flatnonzero(world.follows.platform == PLATFORMS.index("bluesky"))[:2]
    ended_at, deleted_at = world.follows.ended_at.copy(), world.people.deleted_at.copy()
    ended_at[[leaver, deleter]] = world.follows.started_at[[leaver, deleter]] + np.timedelta64(1, "h")
    deleted_at[world.follows.person[deleter]] = ended_at[deleter]
    follows = dataclasses.replace(world.follows, ended_at=ended_at)
    people = dataclasses.replace(world.people, deleted_at=deleted_at)
    write_exports(dataclasses.replace(world, follows=follows, people=people), tmp_path)
    events = [json.loads(line) for path in tmp_path.glob("bluesky/*.jsonl") for line in path.read_text().splitlines()]

    def of(position: int) -> list[Any]:
        did = keys.bluesky_did(int(world.follows.person[position]))
        return [event for event in events if event["did"] == did and "feed" not in str(event)]

    created, deleted = of(leaver)
    assert deleted["commit"]["operation"] == "delete"
    assert deleted["commit"]["rkey"] == created["commit"]["rkey"]
    assert "record" not in deleted["commit"]
    assert [event["kind"] for event in of(deleter)] == ["commit", "account"]
    assert of(deleter)[1]["account"]["status"] == "deleted"


def test_both_eras_of_an_archive_of_x_list_who_follows_that_day(world: World, exports: Path) -> None:
    archives = [path for path in sorted(exports.glob("x/twitter-*")) if path.is_dir()]
    assert [(path / "data/tweet.js").exists() for path in archives] == [True, False, False, False]
    follows = world.follows
    for path in archives:
        at = np.datetime64("-".join(path.name.split("-")[1:4]))
        listed = json.loads((path / "data/follower.js").read_text().partition("=")[2])
        standing = (follows.platform == PLATFORMS.index("x")) & (follows.started_at < at) & ~(follows.ended_at <= at)
        assert sorted(row["follower"]["accountId"] for row in listed) == sorted(
            keys.x_account(person) for person in follows.person[standing].tolist()
        )


def test_an_overlapping_export_restates_the_last_day_of_the_one_before(exports: Path) -> None:
    days: list[dict[str, str]] = []
    restated: list[str] = []
    for path in sorted(exports.glob("x/account_overview_analytics*.csv"), key=lambda path: path.stat().st_mtime):
        rows = csv.DictReader(io.StringIO(path.read_text()))
        days.append({row["Date"]: str(row) for row in rows})
    for earlier, later in pairwise(days):
        both = [day for day in earlier if day in later]
        assert len(both) > 5
        # Newest first; of a day without anything nothing is missing either.
        assert {day for day in both if earlier[day] != later[day]} <= {both[0]}
        restated += [day for day in both if earlier[day] != later[day]]
    assert restated


def test_no_address_is_anybodys(exports: Path) -> None:
    text = b"\n".join(path.read_bytes() for path in exports.rglob("*") if path.is_file() and path.suffix != ".car")
    hosts = {host.decode() for host in re.findall(rb"[\w.]+@([\w-]+(?:\.[\w-]+)+)", text)}
    assert hosts
    assert {host for host in hosts if not re.search(r"(^|\.)example(\.org|\.com)?$", host.lower())} == set()
    addresses = set(re.findall(rb"^(\d+\.\d+)\.\d+\.\d+ - - ", text, re.MULTILINE))
    assert addresses <= {b"198.18", b"198.19", b"192.0"}


# Beside the real files: what landing looks at is alike.

FULL = 99
"""Compare every JSON key, however deep."""
LIKE: dict[str, tuple[str, int]] = {
    "mastodon/notifications-v1-*.json": ("mastodon_api/notifications_v1_mention.json", FULL),
    "mastodon/notifications-v2-*.json": ("mastodon_api/notifications_v2_grouped_favourite.json", FULL),
    "mastodon/archive-20260416*/outbox.json": ("mastodon_archive/archive-2022-07/outbox.json", FULL),
    "mastodon/archive-20260416*/actor.json": ("mastodon_archive/archive-2022-07/actor.json", FULL),
    "mastodon/archive-20260416*/likes.json": ("mastodon_archive/archive-2022-07/likes.json", FULL),
    "mastodon/archive-20260416*/bookmarks.json": ("mastodon_archive/archive-2022-07/bookmarks.json", FULL),
    # A record is what its app makes of it.
    "bluesky/jetstream-*.jsonl": ("bluesky/jetstream_golden_v1.jsonl", 2),
    "bluesky/repo-*.car": ("bluesky/repo.car", 0),
    "x/twitter-*/data/tweets.js": ("x_archive/archive-2023-01/data/tweets.js", FULL),
    "x/twitter-*/data/follower.js": ("x_archive/archive-2023-01/data/follower.js", FULL),
    "x/twitter-*/data/following.js": ("x_archive/testfixture-2019/following.js", 0),
    "x/twitter-*/data/direct-messages.js": ("x_archive/archive-2023-01/data/direct-messages.js", FULL),
    "x/twitter-*/data/manifest.js": ("x_archive/archive-2023-01/data/manifest.js", FULL),
    "x/twitter-*/data/account.js": ("x_archive/testfixture-2019/account.js", FULL),
    "x/account_overview_analytics*.csv": ("x_analytics/koe_account_overview_analytics.csv", 0),
    "x/account_analytics_content_2026-03-01*.csv": (
        "x_analytics/kaiadevintern_account_analytics_content_2024-12-22_2025-03-22.csv",
        0,
    ),
    "youtube/*/Table data.csv": ("youtube/table_data_6col/Table data.csv", 0),
    "youtube/*/Chart data.csv": ("youtube/zip_2023-2026/Chart data.csv", 0),
    "youtube/*/Totals.csv": ("youtube/zip_2023-2026/Totals.csv", 0),
    "mailchimp/*/subscribed_members_export_*.csv": ("mailchimp/subscribed.csv", 0),
    "mailchimp/*/unsubscribed_members_export_*.csv": ("mailchimp/unsubscribed.csv", 0),
    "mailchimp/*/cleaned_members_export_*.csv": ("mailchimp/cleaned.csv", 0),
    "curated/subscribers*.csv": ("curated/subscribers.csv", 0),
    "shopify/orders_export_1*.csv": ("shopify/orders_export_1.csv", 0),
    "stripe/unified_payments-*.csv": ("stripe/unified_payments_all_columns.csv", 0),
    "site/access.log-*[0-9]": ("access_log/apache_combined_10k.log", 0),
}
"""Simulated file, the real one like it, and how deep JSON keys must be found there."""
OWN_METRICS = ("youtube/",)
"""The user picks the columns."""


@pytest.mark.parametrize("pattern", LIKE)
def test_a_simulated_file_has_the_shape_of_a_real_one(pattern: str, samples: Path, exports: Path) -> None:
    name, depth = LIKE[pattern]
    real_path, path = samples / name, sorted(exports.glob(pattern))[-1]
    real, made = identify(real_path, SPECS), identify(path, SPECS)
    assert isinstance(real, Recognised)
    assert isinstance(made, Recognised)
    assert (made.spec.name, made.encoding, made.delimiter) == (real.spec.name, real.encoding, real.delimiter)
    assert made.prefix_length == real.prefix_length
    if not pattern.startswith(OWN_METRICS):
        assert made.header == real.header
    if made.spec.format != "parser":
        assert _ends(path.read_bytes()) == _ends(real_path.read_bytes())
    if depth:
        assert set(_paths(_document(path), depth)) <= set(_paths(_document(real_path), depth))


def _ends(content: bytes) -> tuple[bytes, bool, bool]:
    """Byte order mark, whether lines end as in Windows, and whether the last one ends."""
    return content[:3] if content[:1] in b"\xef\xff\xfe" else b"", b"\r\n" in content, content.endswith(b"\n")


def _document(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text.partition("=")[2] if path.suffix == ".js" else text)


def _paths(value: Any, depth: int) -> Iterator[str]:
    """Every path of keys down to a depth; the items of a list are alike."""
    if isinstance(value, list):
        for item in value:
            yield from _paths(item, depth)
    elif isinstance(value, dict) and depth:
        for key, item in value.items():
            yield key
            yield from (f"{key}.{path}" for path in _paths(item, depth - 1))


def test_a_script_of_x_is_set_as_x_sets_it(samples: Path, exports: Path) -> None:
    """Blanks before the colon, brackets of their own: byte for byte but for the numbers."""
    for name in ("follower.js", "direct-messages.js"):
        real = (samples / "x_archive/archive-2023-01/data" / name).read_bytes().splitlines()[:6]
        made = sorted(exports.glob(f"x/twitter-*/data/{name}"))[0].read_bytes().splitlines()[:6]
        assert [re.sub(rb"\d+", b"0", line) for line in made] == [re.sub(rb"\d+", b"0", line) for line in real]


# The command.


def test_simulate_writes_exports_and_truth_and_says_what_it_cost(tmp_path: Path) -> None:
    summary = simulate(tmp_path / "out", 7, "base", "tiny")
    assert re.search(r"base, tiny, seed 7: 400 people, 92 days", summary)
    assert re.search(r"[\d.]+ s to live, [\d.]+ s to write, peak [\d,]+ MB", summary)
    write_demo(tmp_path / "demo", "tiny")
    assert _digests(tmp_path / "out" / "exports") == _digests(tmp_path / "demo")
    with duckdb.connect() as connection:
        orders = connection.execute(f"select count(*) from '{tmp_path}/out/truth/truth_orders.parquet'").fetchall()
    assert orders[0][0] > 50


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--world", "utopia"], "base, pure_organic"),
        (["--size", "huge"], "tiny, replicate, small, large"),
        ([], "not an empty folder"),
    ],
)
def test_simulate_refuses_what_it_cannot_write_and_says_why(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    command = [sys.executable, "-m", "orchestration.simulation.simulate", str(tmp_path), *arguments]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_large_base_world_is_left_to_the_module_for_large_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("orchestration.simulation.large.main", lambda arguments: asked.append(arguments) or 0)
    assert main([str(tmp_path), "--size", "large", "--seed", "3"]) == 0
    assert asked == [[str(tmp_path), "--seed", "3"]]
    assert main([str(tmp_path / "bots"), "--size", "large", "--world", "bots"]) == 1
    assert "does not fit in memory" in capsys.readouterr().err
