"""Whether two engines made the same marts, read from Parquet and from the DuckDB warehouse by DuckDB alone.

Everything must be the same in both directions (`except all`), types too; only doubles may differ, because engines add
them in another order: by 10^-9, of the value where that is above one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

TOLERANCE = 1e-9
SHOWN_ROWS = 3


@dataclass(frozen=True)
class Comparison:
    """One mart on both engines: its rows in DuckDB, and each way in which Spark's are different."""

    mart: str
    row_count: int
    differences: tuple[str, ...]


def compare_marts(connection: duckdb.DuckDBPyConnection, schema: str, folder: Path) -> list[Comparison]:
    """Compare every relation of a schema with `folder/<relation>/*.parquet`, and find what stands in one place only."""
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = ? and table_catalog = current_database()",
        [schema],
    ).fetchall()
    here = {name for (name,) in rows}
    there = {path.name for path in folder.iterdir() if any(path.glob("*.parquet"))}
    alone = [Comparison(mart, 0, ("not in Spark",)) for mart in here - there]
    alone += [Comparison(mart, 0, ("not in DuckDB",)) for mart in there - here]
    compared = [_compare(connection, f'{schema}."{mart}"', mart, folder / mart) for mart in here & there]
    return sorted([*compared, *alone], key=lambda comparison: comparison.mart)


def verdict(comparisons: list[Comparison], nights: int = 1) -> str:
    """One line for the end of a run that compared every mart after each of so many nights."""
    different = [comparison.mart for comparison in comparisons if comparison.differences]
    if not comparisons:
        return "no marts to compare"
    if different:
        return f"{len(different)} of {len(comparisons)} marts differ between DuckDB and Spark: {', '.join(different)}"
    rows = sum(comparison.row_count for comparison in comparisons)
    times = f" after each of {nights} nights" if nights > 1 else ""
    return f"{len(comparisons) // nights} marts compared{times}, {rows:,} rows: DuckDB and Spark agree"


def _compare(connection: duckdb.DuckDBPyConnection, relation: str, mart: str, folder: Path) -> Comparison:
    sides = (relation, f"read_parquet('{str(folder).replace(chr(39), chr(39) * 2)}/*.parquet')")
    columns, spark_columns = (
        {name: type_ for name, type_, *_ in connection.execute(f"describe select * from {side}").fetchall()}
        for side in sides
    )
    row_count = _count(connection, f"select * from {relation}")
    if list(columns.items()) != list(spark_columns.items()):
        told = [
            f"{name} {columns.get(name, 'missing')} in DuckDB, {spark_columns.get(name, 'missing')} in Spark"
            for name in {**columns, **spark_columns}
            if columns.get(name) != spark_columns.get(name)
        ]
        return Comparison(mart, row_count, tuple(told) or ("columns stand in another order",))
    doubles = [name for name, type_ in columns.items() if type_ in ("DOUBLE", "FLOAT")]
    exact = ", ".join(f'"{name}"' for name in columns if name not in doubles)
    differences = []
    for where, side, other in (("DuckDB", *sides), ("Spark", *reversed(sides))):
        alone = f"select {exact} from {side} except all select {exact} from {other}"
        if count := _count(connection, alone):
            shown = connection.execute(f"{alone} order by all limit {SHOWN_ROWS}").fetchall()
            differences.append(f"{count} rows only in {where}: " + "; ".join(map(str, shown)))
    if doubles and not differences:
        differences = _different_doubles(connection, sides, next(iter(columns)), doubles)
    return Comparison(mart, row_count, tuple(differences))


def _different_doubles(
    connection: duckdb.DuckDBPyConnection, sides: tuple[str, str], key: str, doubles: list[str]
) -> list[str]:
    """Doubles that are further apart than the tolerance, row by row: a mart's first column is its key."""
    if _count(connection, f'select "{key}" from {sides[0]} group by all having count(*) > 1'):
        return [f"{key} is no key, so its doubles cannot be compared"]
    differences = []
    for name in doubles:
        one, other = f'one."{name}"', f'other."{name}"'
        apart = (
            f'select one."{key}", {one}, {other} from {sides[0]} as one join {sides[1]} as other on'
            f' one."{key}" is not distinct from other."{key}" where {one} is distinct from {other} and'
            f" coalesce(abs({one} - {other}) > {TOLERANCE} * greatest(1, abs({one})), true)"
        )
        if count := _count(connection, apart):
            shown = connection.execute(f"{apart} order by 1 limit {SHOWN_ROWS}").fetchall()
            differences.append(f"{name} differs in {count} rows: " + "; ".join(map(str, shown)))
    return differences


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(f"select count(*) from ({query})").fetchone()
    assert row is not None
    return int(row[0])
