"""Real export files: rows counted without Balcony = landed + quarantined, file by file."""

from __future__ import annotations

import csv
import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.landing.load import land_folder
from orchestration.settings import Settings


def _lines(path: Path) -> int:
    return int(subprocess.run(["wc", "-l", path], capture_output=True, text=True, check=True).stdout.split()[0])


def _csv(path: Path, delimiter: str = ",") -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for _ in csv.DictReader(file, delimiter=delimiter))


def _semicolons(path: Path) -> int:
    return _csv(path, ";")


def _items(path: Path) -> int:
    document = json.loads(path.read_text(encoding="utf-8"))
    return len(document) if isinstance(document, list) else len(document["orderedItems"])


def _groups(path: Path) -> int:
    return len(json.loads(path.read_text(encoding="utf-8"))["notification_groups"])


def _script(path: Path) -> int:
    return len(json.loads(path.read_text(encoding="utf-8").partition("=")[2]))


def _car(path: Path) -> int:
    return _lines(path.with_name("car_expected_records.tsv"))


def _one(_: Path) -> int:
    return 1


EXPECTED: dict[str, tuple[str, Callable[[Path], int]]] = {
    "mastodon_api/notifications_v1_mention.json": ("mastodon.notifications", _items),
    "mastodon_api/notifications_v2_grouped_favourite.json": ("mastodon.notification_groups", _groups),
    "mastodon_archive/archive-2022-07/outbox.json": ("mastodon.outbox_activities", _items),
    "mastodon_archive/archive-2022-07/likes.json": ("mastodon.liked_statuses", _items),
    "mastodon_archive/archive-2022-07/bookmarks.json": ("mastodon.bookmarked_statuses", _items),
    "mastodon_archive/archive-2022-07/actor.json": ("mastodon.accounts", _one),
    "mastodon_archive/api-outbox-mikrotik-brand.json": ("mastodon.outbox_activities", _items),
    "bluesky/jetstream_golden_v1.jsonl": ("bluesky.jetstream_events", _lines),
    "bluesky/repo.car": ("bluesky.repo_records", _car),
    "x_archive/archive-2023-01/data/tweets.js": ("x.posts", _script),
    "x_archive/archive-2023-01/data/follower.js": ("x.followers", _script),
    "x_archive/archive-2023-01/data/direct-messages.js": ("x.direct_messages", _script),
    "x_archive/archive-2023-01/data/manifest.js": ("x.archive_manifests", _one),
    "x_archive/manifest-2022-07.js": ("x.archive_manifests", _one),
    "x_archive/testfixture-2019/account.js": ("x.accounts", _script),
    "x_archive/testfixture-2019/follower.js": ("x.followers", _script),
    "x_archive/testfixture-2019/following.js": ("x.followings", _script),
    "x_analytics/kaiadevintern_account_overview_analytics.csv": ("x.analytics_overview", _csv),
    "x_analytics/koe_account_overview_analytics.csv": ("x.analytics_overview", _csv),
    "x_analytics/kaiadevintern_account_analytics_content_2024-12-22_2025-03-22.csv": ("x.analytics_content", _csv),
    "youtube/table_data_6col/Table data.csv": ("youtube.table_data", _csv),
    "youtube/zip_2023-2026/Table data.csv": ("youtube.table_data", _csv),
    "youtube/zip_2023-2026/Chart data.csv": ("youtube.chart_data", _csv),
    "youtube/zip_2023-2026/Totals.csv": ("youtube.totals", _csv),
    "mailchimp/subscribed.csv": ("mailchimp.subscribed", _csv),
    "mailchimp/unsubscribed.csv": ("mailchimp.unsubscribed", _csv),
    "mailchimp/cleaned.csv": ("mailchimp.cleaned", _csv),
    "shopify/orders_export_1.csv": ("shopify.orders", _csv),
    "stripe/unified_payments_all_columns.csv": ("stripe.payments", _csv),
    "stripe/payments_semicolon_subset.csv": ("stripe.payments", _semicolons),
    "curated/subscribers.csv": ("curated.subscribers", _csv),
    "access_log/apache_combined_10k.log": ("access_log.requests", _lines),
}
"""Every sample of this version's sources: where it lands, and a count of its rows that Balcony has no part in."""


@pytest.fixture(scope="module")
def ledger(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, int, int, int]]:
    home = tmp_path_factory.mktemp("samples")
    settings = dataclasses.replace(Settings.from_environment(), exports=samples, home=home)
    land_folder(settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows = connection.execute(
            """
            select
                files.file_name, source_name || '.' || table_name,
                rows_read_count, rows_landed_count, rows_quarantined_count
            from landing.files inner join landing.loads using (load_id) where load_status = 'landed'
            """
        ).fetchall()
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_row_of_a_real_file_is_landed_or_quarantined(
    name: str, samples: Path, ledger: dict[str, tuple[str, int, int, int]]
) -> None:
    table, count = EXPECTED[name]
    landed_in, rows_read, landed, quarantined = ledger[name]
    assert landed_in == table
    assert landed + quarantined == rows_read == count(samples / name)


def test_nothing_but_known_samples_lands_except_log_variants(ledger: dict[str, tuple[str, int, int, int]]) -> None:
    others = {name: entry[0] for name, entry in ledger.items() if name not in EXPECTED}
    assert set(others.values()) <= {"access_log.requests"}, others
