"""What a macro's comment says it gives, it gives: here on DuckDB, in tests/spark on Spark."""

import duckdb
import pytest

from tests.portability.macro_examples import MACROS, Example, examples, query, seed_statement, shown


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.macro}: {example.result}")
def test_an_example_holds_on_duckdb(example: Example) -> None:
    rows = duckdb.execute(query(example, "duckdb")).fetchall()
    assert shown(rows) == example.result


def test_every_macro_shows_an_example() -> None:
    # dbt's own hooks: the test below calls the first as dbt does, every unit test calls the others. A hash is another
    # number on each engine.
    without = {path.stem for path in MACROS.glob("*.sql")} - {example.macro for example in examples()}
    assert without == {
        "load_csv_rows",
        "get_fixture_sql",
        "get_expected_sql",
        "rows_of_values",
        "row_hash",
        "rows_hash",
    }


def test_a_text_of_a_seed_stays_as_it_is_and_a_blank_cell_is_null() -> None:
    assert seed_statement() == (
        "insert into reference.words values"
        r" (cast('Cubot\'s \\d' as string), cast('1' as bigint)), (cast(null as string), cast('2' as bigint))"
    )
