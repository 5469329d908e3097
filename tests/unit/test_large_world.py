from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.simulation.large import main, write_large

ACTIVITIES, PEOPLE, BLOCK = 100_000, 9_000, 4_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "world"
    written = write_large(folder, 7, ACTIVITIES, PEOPLE, BLOCK, workers=2)
    assert (written.activities, written.plain_rows) == (ACTIVITIES, ACTIVITIES)
    return folder


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for table in ("activities", "entanglements", "conversions", "truth_orders"):
            connection.execute(
                f"create view {table} as from read_parquet('{folder}/{table}/*.parquet', filename = true)"
            )
        return connection.execute(query).fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_a_seed_gives_the_same_bytes_with_any_number_of_workers(large: Path, tmp_path: Path) -> None:
    write_large(tmp_path / "again", 7, ACTIVITIES, PEOPLE, BLOCK, workers=1)
    write_large(tmp_path / "other", 8, ACTIVITIES, PEOPLE, BLOCK, workers=1)
    assert contents(tmp_path / "again") == contents(large)
    other = contents(tmp_path / "other")
    assert other.keys() == contents(large).keys()
    assert not set(other.values()) & set(contents(large).values())


def test_there_are_as_many_activities_as_asked_for_in_blocks_of_people(large: Path) -> None:
    assert rows(large, "select count(*), count(distinct activity_id) from activities") == [(ACTIVITIES, ACTIVITIES)]
    assert len(list((large / "activities").iterdir())) == 3
    kinds = "select string_agg(native_event, ' ' order by cast(split_part(activity_id, '-', 2) as int)) from activities"
    first, second = (f"{kinds} where filename like '%000{number}.parquet'" for number in (0, 1))
    assert rows(large, first) != rows(large, second), "every block has random numbers of its own"
    acted = "select count(distinct split_part(activity_id, '-', 1)), max(cast(split_part(activity_id, '-', 1) as int))"
    people, last = rows(large, f"{acted} from activities")[0]
    assert PEOPLE / 5 < people < PEOPLE
    assert 2 * BLOCK < last < PEOPLE


def test_activities_are_those_of_staging_and_lie_within_the_world(large: Path) -> None:
    native = rows(large, "select distinct platform_id, native_event from activities order by all")
    assert native == [
        *[("bluesky", event) for event in ("like", "reply", "repost")],
        *[("mastodon", event) for event in ("favourite", "reblog", "reply")],
        *[("x", event) for event in ("like", "reply", "repost")],
    ]
    for column, table in [
        ("occurred_at", "activities"),
        ("occurred_at", "entanglements"),
        ("converted_at", "conversions"),
    ]:
        inside = f"select min({column}) >= '2024-06-01' and max({column}) < '2026-06-01' from {table}"
        assert rows(large, inside) == [(True,)], table
    one_person = """
        select count(*) from (
            select split_part(activity_id, '-', 1), platform_id from activities
            group by all having count(distinct identifier_value) > 1
        )
    """
    assert rows(large, one_person) == [(0,)]


def test_a_spell_that_ended_has_started_before(large: Path) -> None:
    spells = """
        select
            count(*) filter (started is null), count(*) filter (ended <= started), count(*) filter (ended is not null)
        from (
            select
                min(occurred_at) filter (entanglement_event = 'started') as started,
                min(occurred_at) filter (entanglement_event = 'ended') as ended
            from entanglements group by spell_id
        )
    """
    without_start, backwards, ended = rows(large, spells)[0]
    assert (without_start, backwards) == (0, 0)
    assert ended > 0


def test_every_conversion_has_its_truth_and_causes_are_touched(large: Path) -> None:
    matched = """
        select count(*), count(distinct conversion_id), count(native_conversion_id)
        from conversions
        left join truth_orders on truth_orders.native_conversion_id = conversions.conversion_id
            and truth_orders.platform_id = conversions.platform_id
    """
    count, distinct, known = rows(large, matched)[0]
    assert count == distinct == known == rows(large, "select count(*) from truth_orders")[0][0]
    assert rows(large, "select count(*) from truth_orders where is_caused and not is_touched") == [(0,)]
    assert rows(large, "select count(*) from truth_orders where is_caused <> (channel_id is not null)") == [(0,)]
    shares = "select avg(cast(is_touched as int)), avg(cast(is_caused as int)) from truth_orders"
    touched, caused = rows(large, shares)[0]
    assert touched == pytest.approx(0.24, abs=0.04)
    assert caused == pytest.approx(0.10, abs=0.03)


def test_a_folder_in_use_and_numbers_of_no_use_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(FileExistsError, match="not empty"):
        write_large(tmp_path, 7, 10)
    assert main([str(tmp_path / "new"), "--activities", "0"]) == 1
    assert "activities" in capsys.readouterr().err
