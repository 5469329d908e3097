"""What lands, goes and comes back in the nights that the engines are compared after. No Spark here."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import pytest

from orchestration.spark.nights import NIGHTS, PARTS, withdraw


def test_loads_go_come_back_and_stay_away() -> None:
    nights = [set[int](), *map(set, NIGHTS)]
    assert all(before != after for before, after in pairwise(nights))
    assert any(before - after for before, after in pairwise(nights)), "nothing comes back"
    assert any(after - before for before, after in pairwise(nights)), "nothing goes"
    assert any(before & after for before, after in pairwise(nights)), "nothing stays away"
    assert set.union(*nights) < set(range(PARTS)), "no part is there every night"


@pytest.mark.parametrize("parts", NIGHTS)
def test_of_a_withdrawn_load_nothing_is_left(parts: tuple[int, ...]) -> None:
    connection = duckdb.connect()
    connection.execute(
        """
        create schema landing;
        create table landing.loads as select range as load_id from range(40);
        create table landing.x__posts as select load_id as _load_id, range as post_id from landing.loads, range(3);
        create table landing.rejected_rows as select load_id from landing.loads;
        create table landing.suppressed_identifiers as select 1 as identifier
        """
    )
    assert withdraw(connection, parts) == 10 * len(parts)
    kept = [load_id for load_id in range(40) if load_id % PARTS not in parts]
    assert connection.execute("select load_id from landing.loads order by 1").fetchall() == [(each,) for each in kept]
    for table, load_id, times in (("x__posts", "_load_id", 3), ("rejected_rows", "load_id", 1)):
        found = connection.execute(f"select {load_id}, count(*) from landing.{table} group by 1 order by 1").fetchall()
        assert found == [(each, times) for each in kept]
    assert connection.execute("select count(*) from landing.suppressed_identifiers").fetchall() == [(1,)]
