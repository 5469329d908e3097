"""What each table behind staging costs on a large world, and how that grows, each size in a process of its own.

`BALCONY_BENCH_ACTIVITIES` sets the larger size, a million by default; the other is a tenth of it.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import duckdb
import pytest

from orchestration.scorecard.pipeline import Project, compile_project
from orchestration.simulation.large import write_large
from tests.benchmarks.figures import Side, keep, measure, table

ACTIVITIES = int(os.environ.get("BALCONY_BENCH_ACTIVITIES", "1000000"))
MEMORY = os.environ.get("BALCONY_BENCH_MEMORY", "2GB")
TOLD = 12
"""Tables that are named one by one, the dearest."""

STAGED = {
    "activities": ("mastodon", "bluesky", "x"),
    "entanglements": ("mastodon", "bluesky", "x", "mailchimp"),
    "conversions": ("shopify",),
}
"""Which platforms' rows the world holds, by form."""
# Each conversion that the world calls touched by a channel of the brand's own says so by its link's parameters.
EVIDENCE = """
    insert into staging.stg_shopify__conversion_evidence by name
    select
        platform_id, conversion_id, 'utm' as evidence_id, 'utm' as evidence_type,
        replace(channel_id, 'organic_', '') as utm_source, if(channel_id = 'email', 'email', 'social') as utm_medium,
        converted_at as evidence_at
    from staging.stg_shopify__conversions
    inner join (select * rename (native_conversion_id as conversion_id) from read_parquet('{world}/truth_orders/*.parquet'))
        using (platform_id, conversion_id)
    where is_touched and channel_id is not null
"""
LAYERS = f"""
import pickle, shutil
import duckdb
from orchestration.measurement.registry import measure
from tests.benchmarks.test_layers import stage
project = pickle.loads((arguments[0] / "project.pickle").read_bytes())
spent = {{}}
def timed(name, work):
    before, worked = time.perf_counter(), sum(os.times()[:4])
    work()
    spent[name] = (time.perf_counter() - before, sum(os.times()[:4]) - worked)
settings = {{"threads": 2, "memory_limit": "{MEMORY}"}}
with duckdb.connect(str(shutil.copy(project.warehouse, arguments[2])), config=settings) as connection:
    connection.execute("set enable_progress_bar = false")
    files = f"read_parquet('{{arguments[1]}}/activities/*.parquet')"
    timed("a plain copy of the activities", lambda: connection.execute(f"create table plain as from {{files}}"))
    connection.execute("drop table plain")
    stage(connection, arguments[1])
    is_measured = False
    for model in project.tables:
        schema, name = model.relation.replace('"', "").split(".")[-2:]
        if schema == "staging":
            continue
        if model.is_mart and not is_measured:
            timed("all measurements", lambda: measure(connection, project.measurements))
            is_measured = True
        timed(name, lambda: connection.execute(
            f"truncate {{model.relation}}; insert into {{model.relation}} by name {{model.query}}"
        ))
result = spent
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project as dbt compiled it, every table empty."""
    folder = tmp_path_factory.mktemp("project")
    project: Project = compile_project(folder / "built")
    (folder / "project.pickle").write_bytes(pickle.dumps(project))
    return folder


def stage(connection: duckdb.DuckDBPyConnection, world: Path) -> None:
    """Fill the staging tables of a compiled project with the files of a large world."""
    for form, platforms in STAGED.items():
        for platform in platforms:
            connection.execute(
                f"insert into staging.stg_{platform}__{form} by name"
                f" select * from read_parquet('{world}/{form}/*.parquet') where platform_id = '{platform}'"
            )
    connection.execute(EVIDENCE.format(world=world))


def test_every_table_behind_staging_as_activities_grow(compiled: Path, tmp_path: Path) -> None:
    sides = {}
    for activities in (ACTIVITIES // 10, ACTIVITIES):
        world = tmp_path / str(activities)
        write_large(world, 7, activities, max(1_000, activities // 20))
        sides[activities] = measure(LAYERS, compiled, world, world / "warehouse.duckdb")
    small, large = sides.values()
    copied, *steps = large.result
    dearest = sorted(steps, key=lambda step: -large.result[step][1])
    rows = {
        f"{activities:,} activities: {name}": Side(
            *map(sum, zip(*(side.result[step] for step in part), strict=True)), side.peak, None
        )
        for activities, side in sides.items()
        for name, part in ((copied, [copied]), ("all tables", steps))
    }
    grown = [
        f"| {step} | {small.result[step][1]:.2f} | {large.result[step][1]:.2f} | {_grown(small, large, step)} |"
        for step in dearest[:TOLD]
    ]
    rest = sum(large.result[step][1] for step in dearest[TOLD:])
    notes = [
        "\n".join(
            [
                "| the dearest tables | processor seconds at a tenth | at full size | times |",
                "|---|---:|---:|---:|",
                *grown,
            ]
        ),
        f"The other {len(dearest) - TOLD} take {rest:.1f} processor seconds together. Staging is given, dbt's own time is not counted;"
        f" DuckDB may use {MEMORY}.",
    ]
    keep(
        table(
            f"All layers behind staging, {ACTIVITIES / 1e6:g} million activities",
            rows,
            notes,
            against=f"{ACTIVITIES:,} activities: {copied}",
        )
    )
    assert large.result.keys() == small.result.keys()


def _grown(small: Side, large: Side, step: str) -> str:
    return f"{large.result[step][1] / max(small.result[step][1], 0.01):.1f}"
