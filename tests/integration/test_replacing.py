"""Tables that are replaced in part hold, row for row, what a whole build holds, whatever arrives in whatever order."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.replacing import ask_for
from orchestration.scorecard.pipeline import Project, land_world
from orchestration.simulation.behaviour import live
from orchestration.simulation.downloads import write_exports
from orchestration.simulation.regimes import world_config
from tests.integration.replacing import Deliveries, Nights, make_room_for_deliveries

ORDERS = int(os.environ.get("BALCONY_ORDERS", "5"))
"""Random orders of delivery, 50 in a warehouse; 200 of them take 6 minutes of processor time."""
TOGETHER = 50
KEY = "the same people every night"


class Delivery:
    """What landed of a world, cut into loads that arrive over some nights, late, twice or not at all."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, stock: Path, seed: int) -> None:
        self.connection = connection
        self.chance = random.Random(seed)
        connection.execute(f"attach '{stock}' as stock (read_only)")
        connection.execute("delete from landing.loads")
        self.waiting: list[tuple[int, int, str, int, int]] = []
        loads = connection.execute(
            "select load_id, source_name || '__' || table_name from stock.landing.loads where load_status = 'landed'"
        ).fetchall()
        for _, table in loads:
            connection.execute(f"delete from landing.{table}")
        self.night_count = self.chance.randint(3, 5)
        self.last_load_id = 1000
        for load_id, table in sorted(loads):
            part_count = self.chance.randint(1, 3)
            for part in range(part_count):
                self.waiting.append((self.chance.randrange(self.night_count), load_id, table, part, part_count))
        # One part in ten is delivered again on another night.
        again = self.chance.sample(self.waiting, len(self.waiting) // 10)
        self.waiting += [
            (self.chance.randrange(self.night_count), load_id, table, part, part_count)
            for _, load_id, table, part, part_count in again
        ]
        self.chance.shuffle(self.waiting)
        self.delivered: list[tuple[int, str]] = []

    def deliver(self, night: int) -> None:
        """What arrives on a night; on the last one, two loads go."""
        for due, load_id, table, part, part_count in self.waiting:
            if due == night:
                self.last_load_id += 1
                self.connection.execute(
                    f"""
                    insert into landing.{table} by name
                    select * replace ({self.last_load_id} as _load_id) from stock.landing.{table}
                    where _load_id = {load_id} and _source_row_number * 7919 // 13 % {part_count} = {part}
                    """
                )
                self.connection.execute(
                    f"""
                    insert into landing.loads
                    select * replace ({self.last_load_id} as load_id, sha256(file_sha256 || {part}) as file_sha256)
                    from stock.landing.loads where load_id = {load_id}
                    """
                )
                self.delivered.append((self.last_load_id, table))
        if night == self.night_count - 1:
            for load_id, table in self.chance.sample(self.delivered, 2):
                self.connection.execute(f"delete from landing.{table} where _load_id = {load_id}")
                self.connection.execute(f"delete from landing.loads where load_id = {load_id}")


@pytest.fixture(scope="session")
def stock(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world as landed, of which deliveries are cut."""
    folder = tmp_path_factory.mktemp("stock")
    write_exports(live(world_config("base", "tiny"), 5), folder / "exports")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BALCONY_HASH_KEY", KEY)
        return land_world(project, folder).warehouse


@pytest.fixture(scope="session")
def staged(nights: Nights, stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same world, built."""
    path = Path(shutil.copy(stock, tmp_path_factory.mktemp("staged") / "warehouse.duckdb"))
    with opened(path) as connection:
        nights.build(connection, is_first=True)
    return path


@pytest.fixture
def empty(project: Project, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse whose staged tables are to be filled."""
    with opened(Path(shutil.copy(project.warehouse, tmp_path / "warehouse.duckdb"))) as connection:
        yield connection


def opened(warehouse: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(warehouse), config={"threads": 1, "memory_limit": "2GB"})


@pytest.mark.skipif(ORDERS < 50, reason="dear beside the orders of staged rows below: BALCONY_ORDERS=50 or more")
@pytest.mark.parametrize("seed", range(max(1, ORDERS // 50)))
def test_files_in_any_order_twice_or_withdrawn_give_what_a_whole_build_gives(
    nights: Nights, stock: Path, tmp_path: Path, seed: int
) -> None:
    warehouse = Path(shutil.copy(stock, tmp_path / "warehouse.duckdb"))
    with opened(warehouse) as connection:
        delivery = Delivery(connection, Path(shutil.copy(stock, tmp_path / "stock.duckdb")), seed)
        for night in range(delivery.night_count):
            delivery.deliver(night)
            nights.with_small(delivery.chance).build(connection, is_first=night == 0)
        assert nights.differences(connection) == {}


@pytest.mark.parametrize("first", range(0, ORDERS, TOGETHER))
def test_any_order_of_delivery_gives_what_a_whole_build_gives(
    nights: Nights, staged: Path, empty: duckdb.DuckDBPyConnection, first: int
) -> None:
    deliveries = Deliveries(empty, staged, seed=first, copies=min(TOGETHER, ORDERS - first))
    # What a night leaves wrong the next may hide: who asks for many orders looks at each night.
    is_thorough = ORDERS >= TOGETHER
    last = Deliveries.NIGHTS - 1
    chance = random.Random(first)
    for night in range(Deliveries.NIGHTS) if is_thorough else (0, 2, last):
        deliveries.deliver(night)
        nights.after_staging.with_small(chance).build(empty, is_first=night == 0)
        if is_thorough or night == last:
            assert nights.after_staging.differences(empty) == {}, f"after night {night + 1}"


VISITED = """
    insert into delivered.stg_access_log__visits by name
    select 'site' as platform_id, $1 as visit_id, 'site_visitor' as identifier_type, $2 as identifier_value,
        $3 as utm_source, 'social' as utm_medium, false as is_bot, cast($4 as timestamp) as visited_at
"""
ORDERED = """
    insert into staging.stg_shopify__conversions by name
    select 'shopify' as platform_id, $1 as conversion_id, 'order' as conversion_kind, 'email' as identifier_type,
        $2 as identifier_value, 100 as gross_amount, 'USD' as currency_code, $3 as reversed_amount,
        $3 = 100 as is_fully_reversed, cast($4 as timestamp) as converted_at, cast($5 as timestamp) as reversed_at
"""
LINKED = """
    insert into delivered.stg_access_log__identity_links by name
    select 'site_visitor' as identifier_type, $1 as identifier_value, 'email' as other_identifier_type,
        $2 as other_identifier_value, 'order_page' as link_reason, timestamp '2026-02-10 12:00:00' as linked_at
"""
LEDGER = """
    select entry, channel_id, credit_amount from marts.fct_attribution_credits
    where attribution_model_id = 'linear_30_days' order by all
"""


@pytest.fixture(scope="session")
def built_shop(project: Project, nights: Nights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One customer came from Mastodon, bought on 10 February and got half back in March; another visitor came and went."""
    path = Path(shutil.copy(project.warehouse, tmp_path_factory.mktemp("shop") / "warehouse.duckdb"))
    with opened(path) as connection:
        make_room_for_deliveries(connection)
        connection.execute(VISITED, ["1", "ada", "mastodon", "2026-02-08 10:00:00"])
        connection.execute(VISITED, ["2", "bob", "bluesky", "2026-02-05 10:00:00"])
        connection.execute(ORDERED, ["1001", "ada@", 50, "2026-02-10 12:00:00", "2026-03-20 12:00:00"])
        connection.execute(LINKED, ["ada", "ada@"])
        nights.after_staging.build(connection, is_first=True)
        found = connection.execute(LEDGER).fetchall()
    assert found == [("original", "organic_mastodon", 100), ("reversal", "organic_mastodon", -50)]
    return path


@pytest.fixture
def shop(built_shop: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(Path(shutil.copy(built_shop, tmp_path / "warehouse.duckdb"))) as connection:
        yield connection


def test_a_late_touch_changes_the_split_of_a_purchase_and_of_its_refund_together(
    nights: Nights, shop: duckdb.DuckDBPyConnection
) -> None:
    shop.execute(VISITED, ["3", "ada", "bluesky", "2026-02-01 10:00:00"])
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(LEDGER).fetchall() == [
        ("original", "organic_bluesky", 50),
        ("original", "organic_mastodon", 50),
        ("reversal", "organic_bluesky", -25),
        ("reversal", "organic_mastodon", -25),
    ]
    days = "select attribution_date::varchar from marts.channel_attribution_daily where channel_id = 'organic_bluesky'"
    assert set(shop.execute(days).fetchall()) == {("2026-02-10",), ("2026-03-20",)}
    assert nights.after_staging.differences(shop) == {}


def test_a_purchase_that_goes_leaves_what_it_spent_to_the_next(nights: Nights, shop: duckdb.DuckDBPyConnection) -> None:
    unspent = """
        select count(*) from intermediate.int_conversion_paths inner join intermediate.int_conversions using (conversion_key)
        where conversion_id = '1002' and not is_spent
    """
    shop.execute(ORDERED, ["1002", "ada@", 0, "2026-02-25 12:00:00", None])
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(unspent).fetchall() == [(0,)]
    shop.execute("delete from staging.stg_shopify__conversions where conversion_id = '1001'")
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(unspent).fetchall() == [(1,)]
    assert nights.after_staging.differences(shop) == {}


def test_amounts_follow_a_rate_that_is_corrected(nights: Nights, shop: duckdb.DuckDBPyConnection) -> None:
    amounts = "select gross_amount_reporting from intermediate.int_conversions"
    shop.execute("update staging.stg_shopify__conversions set currency_code = 'EUR'")
    shop.execute("truncate reference.exchange_rates")
    for rate in (2, 3):
        shop.execute("insert into reference.exchange_rates values ($1, 'USD', 'EUR', $2)", ["2026-02-10", rate])
        nights.after_staging.build(shop, is_first=False)
        assert shop.execute(amounts).fetchall() == [(rate * 100,)]
        assert nights.after_staging.differences(shop) == {}
        shop.execute("truncate reference.exchange_rates")


def test_a_payment_counts_until_its_order_is_known(nights: Nights, shop: duckdb.DuckDBPyConnection) -> None:
    counted = "select conversion_id from intermediate.int_conversions order by all"
    shop.execute(
        """
        insert into staging.stg_stripe__conversions by name
        select * replace ('stripe' as platform_id, '2001' as conversion_id, 'payment' as conversion_kind, 'paid' as payment_reference)
        from staging.stg_shopify__conversions
        """
    )
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(counted).fetchall() == [("1001",), ("2001",)]
    for reference, conversions in (("paid", [("1001",)]), (None, [("1001",), ("2001",)])):
        shop.execute("update staging.stg_shopify__conversions set payment_reference = $1", [reference])
        nights.after_staging.build(shop, is_first=False)
        assert shop.execute(counted).fetchall() == conversions
        assert nights.after_staging.differences(shop) == {}


def test_two_people_merged_by_a_late_link_share_their_touches_and_parted_again_do_not(
    nights: Nights, shop: duckdb.DuckDBPyConnection
) -> None:
    before = shop.execute(LEDGER).fetchall()
    shop.execute(LINKED, ["bob", "ada@"])
    nights.after_staging.build(shop, is_first=False)
    assert {channel for _, channel, _ in shop.execute(LEDGER).fetchall()} == {"organic_bluesky", "organic_mastodon"}
    assert nights.after_staging.differences(shop) == {}
    shop.execute("delete from delivered.stg_access_log__identity_links where identifier_value = 'bob'")
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(LEDGER).fetchall() == before
    assert nights.after_staging.differences(shop) == {}


def test_a_purchase_follows_its_person_to_another_key(nights: Nights, shop: duckdb.DuckDBPyConnection) -> None:
    person = "select person_key from intermediate.int_conversions"
    before = shop.execute(person).fetchall()
    # A person's key is the smallest of the identifiers' keys: among so many there is a smaller one.
    for browser in range(20):
        shop.execute(LINKED, [f"browser {browser}", "ada@"])
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(person).fetchall() != before
    assert nights.after_staging.differences(shop) == {}


def test_people_are_those_of_a_whole_build_whatever_links_come_and_go(
    nights: Nights, empty: duckdb.DuckDBPyConnection
) -> None:
    people = nights.after_staging.only(
        "stg_access_log__identity_links", "int_identifiers", "int_identity_links", "int_people"
    )
    make_room_for_deliveries(empty)
    chance = random.Random(1)
    for night in range(5):
        # Between 30 visitors and 30 addresses; those of every fifth visitor go, other ones each night.
        empty.execute(
            "delete from delivered.stg_access_log__identity_links where hash(identifier_value, $1) % 5 = 0", [night]
        )
        for _ in range(15 if night == 0 else 3):
            empty.execute(LINKED, [f"visitor {chance.randrange(30)}", f"{chance.randrange(30)}@"])
        people.build(empty, is_first=night == 0)
        assert people.differences(empty) == {}, f"after night {night + 1}"


def test_hundreds_of_thousands_of_new_rows_are_found_again(nights: Nights, project: Project, tmp_path: Path) -> None:
    identifiers = nights.only("int_identifiers")
    warehouse = Path(shutil.copy(project.warehouse, tmp_path / "warehouse.duckdb"))
    # DuckDB 2.0.0 lost such rows with two threads and not with one.
    with duckdb.connect(str(warehouse), config={"threads": 2, "memory_limit": "2GB"}) as connection:
        identifiers.build(connection, is_first=True)
        connection.execute(
            """
            insert into staging.stg_shopify__identity_links by name
            select
                'email' as identifier_type, 'email ' || n as identifier_value, 'shopify_order' as other_identifier_type,
                'order ' || n as other_identifier_value, 'same_order' as link_reason, timestamp '2026-02-01' as linked_at
            from range(200000) as numbers(n)
            """
        )
        for _ in ("all are new", "none has changed"):
            identifiers.build(connection, is_first=False)
            assert connection.execute("select count(first_seen_at) from intermediate.int_identifiers").fetchall() == [
                (400_000,)
            ]


def test_an_emptied_day_is_empty_everywhere(nights: Nights, shop: duckdb.DuckDBPyConnection) -> None:
    shop.execute("truncate delivered.stg_access_log__visits")
    shop.execute(VISITED, ["2", "bob", "bluesky", "2026-02-05 10:00:00"])
    shop.execute("truncate staging.stg_shopify__conversions")
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute("select touched_date::varchar from marts.fct_touchpoints").fetchall() == [("2026-02-05",)]
    for emptied in ("fct_attribution_credits", "channel_attribution_daily", "channel_participation_daily"):
        assert shop.execute(f"select * from marts.{emptied}").fetchall() == []
    assert nights.after_staging.differences(shop) == {}


def test_a_touch_without_a_time_comes_and_goes_like_others(nights: Nights, shop: duckdb.DuckDBPyConnection) -> None:
    count = "select count(*) from marts.fct_touchpoints where touched_at is null"
    shop.execute(VISITED, ["4", "bob", "bluesky", None])
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(count).fetchall() == [(1,)]
    assert nights.after_staging.differences(shop) == {}
    shop.execute("delete from delivered.stg_access_log__visits where visited_at is null")
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(count).fetchall() == [(0,)]


def test_a_build_stopped_in_the_middle_leaves_the_old_rows_and_is_made_good(
    nights: Nights, shop: duckdb.DuckDBPyConnection
) -> None:
    shop.execute(VISITED, ["3", "ada", "bluesky", "2026-02-01 10:00:00"])
    nights.after_staging.build(shop, is_first=False, stopped_at='"int_conversion_touches"')
    assert {channel for _, channel, _ in shop.execute(LEDGER).fetchall()} == {"organic_mastodon"}
    nights.after_staging.build(shop, is_first=False)
    assert {channel for _, channel, _ in shop.execute(LEDGER).fetchall()} == {"organic_bluesky", "organic_mastodon"}
    assert nights.after_staging.differences(shop) == {}


def test_days_that_somebody_asks_for_are_replaced_whatever_changed(
    nights: Nights, shop: duckdb.DuckDBPyConnection
) -> None:
    for spoilt in ("marts.fct_touchpoints", "marts.fct_attribution_credits", "intermediate.int_conversion_paths"):
        shop.execute(f"delete from {spoilt}")
    shop.execute("update intermediate.int_conversions set conversion_key = 'nobody'")
    nights.after_staging.build(shop, is_first=False)
    assert nights.after_staging.differences(shop) != {}
    ask_for(shop, ["2026-02-01", "2026-02-28"], rebuild=False)
    nights.after_staging.build(shop, is_first=False)
    assert nights.after_staging.differences(shop) == {}
    for wrong in (["2026-02-01"], ["2026-02-28", "2026-02-01"]):
        with pytest.raises(ValueError, match="a first and a last day, not 2026"):
            ask_for(shop, wrong, rebuild=False)


def test_a_journey_is_lost_when_the_data_have_passed_its_lookback(
    nights: Nights, shop: duckdb.DuckDBPyConnection
) -> None:
    outcome = "select distinct journey_outcome from intermediate.int_journeys where journey_path = 'organic_bluesky'"
    assert shop.execute(outcome).fetchall() == [("open",)]
    shop.execute(VISITED, ["5", "cid", "mastodon", "2026-03-20 10:00:00"])
    nights.after_staging.build(shop, is_first=False)
    assert shop.execute(outcome).fetchall() == [("not_converted",)]
    assert nights.after_staging.differences(shop) == {}


def test_a_reason_changes_with_the_days_and_identifiers_that_anybodys_touches_show(
    nights: Nights, shop: duckdb.DuckDBPyConnection
) -> None:
    def reasons() -> list[str]:
        nights.after_staging.build(shop, is_first=False)
        assert nights.after_staging.differences(shop) == {}
        found = shop.execute(
            """
            select unknown_reason from intermediate.int_conversion_link_states
            inner join intermediate.int_conversions using (conversion_key)
            where conversion_id in ('1002', '1003') order by conversion_id
            """
        ).fetchall()
        return [reason for (reason,) in found]

    shop.execute(ORDERED, ["1000", "eve@", 0, "2025-01-01 12:00:00", None])
    shop.execute(ORDERED, ["1002", "eve@", 0, "2026-02-12 12:00:00", None])
    shop.execute(ORDERED, ["1003", "fay@", 0, "2026-06-01 12:00:00", None])
    assert reasons() == ["unresolved", "not_loaded"]
    shop.execute(VISITED, ["6", "bob", "mastodon", "2026-05-20 10:00:00"])
    assert reasons() == ["unresolved", "unresolved"]
    started = """
        insert into staging.stg_mailchimp__entanglements by name
        select 'mailchimp' as platform_id, 'list' as account_id, 'email' as identifier_type, $1 as identifier_value,
            $1 as spell_id, 'started' as entanglement_event, 'reported' as known_as,
            timestamp '2025-02-01 10:00:00' as occurred_at
    """
    shop.execute(started, ["gil@"])
    assert reasons() == ["unseen", "unseen"]
    # The day has been seen, and she before it, so that nothing but her own touch says what became of Eve's.
    shop.execute(started, ["eve@"])
    assert reasons() == ["expired", "unseen"]
    shop.execute("truncate staging.stg_mailchimp__entanglements")
    assert reasons() == ["unresolved", "unresolved"]
    # Her person keeps its key, so that nothing but another identifier of hers says that she might have been seen.
    people = "select person_key from intermediate.int_conversions where conversion_id = '1002'"
    before = shop.execute(people).fetchall()
    shop.execute(LINKED, ["eve's browser", "eve@"])
    assert reasons() == ["unseen", "unresolved"]
    assert shop.execute(people).fetchall() == before
    # Ada came on that day, too.
    shop.execute(VISITED, ["7", "eve's browser", "mastodon", "2026-02-08 10:00:00"])
    shop.execute("update delivered.stg_access_log__visits set is_bot = true where visit_id = '7'")
    assert reasons() == ["excluded", "unresolved"]
    shop.execute("delete from delivered.stg_access_log__visits where visit_id = '7'")
    assert reasons() == ["unseen", "unresolved"]
    shop.execute(
        """
        insert into staging.stg_shopify__conversion_evidence by name
        select 'shopify' as platform_id, '1003' as conversion_id, 'c' as evidence_id, 'coupon' as evidence_type,
            'nobody knows it' as evidence_text
        """
    )
    assert reasons() == ["unseen", "untagged"]


class Site:
    """The logs of a site as they land, and the requests, visits and links that three tables make of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, nights: Nights) -> None:
        self.connection = connection
        self.nights = nights.only(
            "stg_access_log__requests", "stg_access_log__visits", "stg_access_log__identity_links"
        )
        connection.execute(
            "insert into raw_balcony.identity_keys select 'key' where not exists (from raw_balcony.identity_keys)"
        )

    def land(self, load_id: int, exported: str, *lines: tuple[str, str, str]) -> None:
        """A log with a visitor, time and referrer for each page; a page of `/site.css` is asked for by itself."""
        self.connection.execute(
            """
            insert into landing.loads by name
            select $1 as load_id, sha256($1::varchar) as file_sha256, 'access_log' as source_name,
                'requests' as table_name, '1' as specs_version, 'landed' as load_status, 0 as byte_count,
                $2 as rows_landed_count, '' as file_name, $3::timestamp as modified_at, $3::timestamp as landed_at
            """,
            [load_id, len(lines), exported],
        )
        for number, (visitor, time, referrer) in enumerate(lines, start=1):
            path = "/site.css" if visitor == "asset" else f"/{visitor}"
            self.connection.execute(
                """
                insert into landing.access_log__requests by name
                select $1 as _load_id, $2 as _source_row_number, $3 as remote_address, 'Browser' as user_agent,
                    coalesce(strftime(try_cast($4 as timestamp), '%d/%b/%Y:%H:%M:%S +0000'), $4) as requested_at,
                    $5 as request_line, '200' as status_code, $6 as referrer
                """,
                [load_id, number, visitor, time, f"GET {path} HTTP/1.1", referrer],
            )

    def withdraw(self, load_id: int) -> None:
        self.connection.execute(f"delete from landing.access_log__requests where _load_id = {load_id}")
        self.connection.execute(f"delete from landing.loads where load_id = {load_id}")

    def build(self, *, is_first: bool = False) -> list[tuple[str, str, str | None]]:
        """The visits as path, start and referrer, after a night that leaves what a whole build does."""
        self.nights.build(self.connection, is_first=is_first)
        assert self.nights.differences(self.connection) == {}
        return self.connection.execute(
            "select landing_path, visited_at::varchar, referrer_host from staging.stg_access_log__visits order by all"
        ).fetchall()

    def replaced_days(self) -> set[str]:
        """Days of requests that the last build looked at."""
        query = "select scope_day::varchar from replaced.stg_access_log__requests__scope"
        return {day for (day,) in self.connection.execute(query).fetchall()}


@pytest.fixture
def site(nights: Nights, empty: duckdb.DuckDBPyConnection) -> Site:
    return Site(empty, nights)


def test_of_many_days_of_requests_those_are_replaced_that_a_new_log_holds(site: Site) -> None:
    for day in range(1, 8):
        site.land(day, f"2026-02-0{day + 1}", ("ada", f"2026-02-0{day} 10:00:00", "-"))
    site.build(is_first=True)
    site.land(8, "2026-02-09", ("ada", "2026-02-08 10:00:00", "-"))
    assert len(site.build()) == 8
    assert site.replaced_days() == {"2026-02-08"}


def test_a_late_log_ranks_before_those_that_landed_earlier(site: Site) -> None:
    shared = ("bob", "2026-02-02 10:00:00", "-")
    site.land(1, "2026-02-02", ("ada", "2026-02-01 10:00:00", "-"))
    site.land(2, "2026-02-04", shared, ("cid", "2026-02-03 10:00:00", "-"))
    site.build(is_first=True)
    site.land(3, "2026-02-03", shared, ("dan", "2026-02-02 11:00:00", "-"))
    assert [path for path, *_ in site.build()] == ["/ada", "/bob", "/cid", "/dan"]
    ranks = "select distinct _load_id, export_rank from staging.stg_access_log__requests order by all"
    assert site.connection.execute(ranks).fetchall() == [(1, 1), (2, 3), (3, 2)]


def test_a_line_that_a_log_loses_comes_back_from_an_earlier_one(site: Site) -> None:
    shared = ("bob", "2026-02-02 10:00:00", "-")
    loads = "select distinct _load_id from staging.stg_access_log__requests where url_path = '/bob'"
    site.land(1, "2026-02-03", shared, ("ada", "2026-02-01 10:00:00", "-"))
    site.land(2, "2026-02-04", shared, shared, ("cid", "2026-02-03 10:00:00", "-"))
    site.land(3, "2026-02-05", shared)
    site.build(is_first=True)
    site.withdraw(3)
    site.build()
    assert site.connection.execute(loads).fetchall() == [(2,)]
    # As an erasure does, and the ledger says.
    site.connection.execute("delete from landing.access_log__requests where _load_id = 2 and remote_address = 'bob'")
    site.connection.execute("update landing.loads set rows_landed_count = 1, rows_erased_count = 2 where load_id = 2")
    assert len(site.build()) == 3
    assert site.connection.execute(loads).fetchall() == [(1,)]


def test_a_visit_over_midnight_begins_with_a_page_that_comes_late(site: Site) -> None:
    after = ("ada", "2026-02-02 00:10:00", "-")
    site.land(1, "2026-02-03", after)
    assert site.build(is_first=True) == [("/ada", "2026-02-02 00:10:00", None)]
    site.land(2, "2026-02-04", ("ada", "2026-02-01 23:50:00", "https://social.example/post"))
    assert site.build() == [("/ada", "2026-02-01 23:50:00", "social.example")]
    site.land(3, "2026-02-05", ("ada", "2026-02-02 00:05:00", "-"))
    assert site.build() == [("/ada", "2026-02-01 23:50:00", "social.example")]
    site.withdraw(3)
    site.withdraw(2)
    assert site.build() == [("/ada", "2026-02-02 00:10:00", None)]


def test_a_host_that_turns_out_to_be_ones_own_refers_no_visit_of_any_day(site: Site) -> None:
    site.land(1, "2026-02-03", ("ada", "2026-02-01 10:00:00", "https://shop.example/"))
    assert site.build(is_first=True) == [("/ada", "2026-02-01 10:00:00", "shop.example")]
    site.land(2, "2026-02-09", ("asset", "2026-02-08 10:00:00", "https://shop.example/"))
    assert site.build() == [("/ada", "2026-02-01 10:00:00", None)]
    site.withdraw(2)
    assert site.build() == [("/ada", "2026-02-01 10:00:00", "shop.example")]


def test_an_order_is_linked_since_its_page_was_first_seen_in_any_log(site: Site) -> None:
    links = "select other_identifier_value, linked_at::varchar from staging.stg_access_log__identity_links order by all"
    site.land(1, "2026-02-03", ("orders/1001", "2026-02-02 10:00:00", "-"), ("orders/1002", "2026-02-02 11:00:00", "-"))
    site.build(is_first=True)
    site.land(2, "2026-02-02", ("orders/1001", "2026-02-01 10:00:00", "-"))
    site.build()
    assert site.connection.execute(links).fetchall() == [
        ("#1001", "2026-02-01 10:00:00"),
        ("#1002", "2026-02-02 11:00:00"),
    ]
    site.withdraw(1)
    site.build()
    assert site.connection.execute(links).fetchall() == [("#1001", "2026-02-01 10:00:00")]


def test_with_another_key_every_visitor_is_another(site: Site) -> None:
    visitors = "select visitor_hash from staging.stg_access_log__requests order by all"
    site.land(1, "2026-02-03", ("ada", "2026-02-01 10:00:00", "-"), ("bob", "2026-02-02 10:00:00", "-"))
    site.build(is_first=True)
    before = site.connection.execute(visitors).fetchall()
    site.connection.execute("update raw_balcony.identity_keys set key_text = 'another key'")
    site.build()
    assert not set(before) & set(site.connection.execute(visitors).fetchall())


def test_a_line_whose_time_nobody_can_read_comes_and_goes_like_others(site: Site) -> None:
    site.land(1, "2026-02-03", ("ada", "2026-02-01 10:00:00", "-"))
    site.build(is_first=True)
    site.land(2, "2026-02-04", ("ada", "some time", "-"), ("bob", "2026-02-01 10:00:00", "-"))
    assert len(site.build()) == 2
    site.withdraw(2)
    assert len(site.build()) == 1


def test_a_small_table_tells_which_of_its_rows_differ(site: Site) -> None:
    told = """
        select changed_day::varchar
        from replaced.stg_access_log__requests__changes natural join replaced.stg_access_log__requests__build
    """
    site.nights = dataclasses.replace(site.nights, small=frozenset({"stg_access_log__requests"}))
    site.land(1, "2026-02-03", ("ada", "2026-02-01 10:00:00", "-"), ("bob", "2026-02-02 10:00:00", "-"))
    site.build(is_first=True)
    site.build()
    assert site.connection.execute(told).fetchall() == []
    site.land(2, "2026-02-04", ("bob", "2026-02-02 12:00:00", "-"))
    assert len(site.build()) == 3
    assert site.connection.execute(told).fetchall() == [("2026-02-02",)]
    # What it remembers is what a night needs when the table has grown.
    site.nights = dataclasses.replace(site.nights, small=frozenset())
    site.withdraw(2)
    assert len(site.build()) == 2
    assert site.replaced_days() == {"2026-02-02"}
