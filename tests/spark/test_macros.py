"""Every macro's example on Spark; tests/portability has them on DuckDB."""

from typing import Any

import pytest

from tests.portability.macro_examples import Example, examples, query, seed_statement, shown


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.macro}: {example.result}")
def test_an_example_holds_on_spark(spark: Any, example: Example) -> None:
    rows = spark.sql(query(example, "spark")).collect()
    assert shown(rows) == example.result


def test_a_seed_arrives_as_it_is(spark: Any) -> None:
    spark.sql("create schema if not exists reference_words")
    spark.sql("drop table if exists reference_words.words")
    spark.sql("create table reference_words.words (word string, place bigint) using parquet")
    spark.sql(seed_statement().replace("reference.words", "reference_words.words"))
    assert shown(spark.table("reference_words.words").collect()) == "Cubot's \\d|1; null|2"
