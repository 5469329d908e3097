"""The Dagster code location: its lineage, and that nothing passes a gate that is not open."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from expectations import Check, CheckResult, load_suites
from orchestration import exports, gates, inputs, transform
from orchestration.defs.automation import PATIENCE, exports_changed, publish_warehouse_nightly
from orchestration.defs.quality import asset_of, check_name
from orchestration.defs.watching import PID_TAG, forget_old_runs, process_tag, runs_watched
from orchestration.landing.ledger import open_warehouse
from orchestration.landing.load import FileOutcome, LandingSummary
from orchestration.lock import warehouse_lock
from orchestration.notify import told_runs
from orchestration.publication import current_publication
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.transform import NodeResult

SMALL_PROJECT = {
    "dbt_project.yml": """
        name: small
        profile: small
        model-paths: [models]
        seed-paths: [seeds]
        seeds: {small: {+schema: reference}}
        models:
          small: {staging: {+schema: staging}, intermediate: {+schema: intermediate}, marts: {+schema: marts}}
    """,
    "profiles.yml": "small: {target: duckdb, outputs: {duckdb: {type: duckdb, path: ':memory:', schema: main}}}",
    "seeds/channels.csv": "channel_id\nnews\n",
    "models/staging/_sources.yml": """
        sources:
          - {name: x, schema: raw_x, tables: [{name: posts}]}
          - {name: landing, schema: landing, tables: [{name: loads}, {name: files}, {name: rejected_rows}]}
          - {name: balcony, schema: raw_balcony, tables: [{name: check_results}]}
          - {name: measurement, schema: measurement, tables: [{name: estimates}]}
        models:
          - {name: stg_x__posts, columns: [{name: post_id, data_tests: [not_null]}]}
          - {name: stg_x__likes}
    """,
    "models/staging/stg_x__posts.sql": "select * from {{ source('x', 'posts') }}",
    "models/staging/stg_x__likes.sql": "select * from {{ ref('stg_x__posts') }}",
    "models/intermediate/int_posts.sql": "select * from {{ ref('stg_x__likes') }}",
    "models/marts/fct_posts.sql": "select * from {{ ref('int_posts') }}, {{ source('measurement', 'estimates') }}",
}
GUARDED = {
    "raw": "raw_x.posts",
    "staging": "staging.stg_x__posts",
    "intermediate": "intermediate.int_posts",
    "measurement": "measurement.estimates",
    "marts": "marts.fct_posts",
}
"""Each with a relation of its layer downstream, so that a guard must wait for the whole layer."""


def small_suites(layer: str) -> tuple[Check, ...]:
    table = GUARDED[layer].partition(".")[2]
    return tuple(
        Check(layer, f"{layer}.{table}", GUARDED[layer], f"{table}__{claim}", "critical", "A test.", "played", {})
        for claim in ("one", "two")
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the code location keeps its manifest; it is read when the module is first imported."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BALCONY_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def manifest(home: Path) -> dict[str, Any]:
    return transform.read_manifest(Settings.from_environment())


@pytest.fixture(scope="module")
def graph(home: Path) -> dg.AssetGraph:
    from orchestration.definitions import defs

    return defs.resolve_asset_graph()


@pytest.fixture(scope="module")
def small(home: Path) -> Iterator[tuple[dict[str, Any], dg.Definitions]]:
    """The code location of a project with one model or two in each layer."""
    from orchestration.definitions import code_location

    project = home / "project" / "dbt_project"
    for name, text in SMALL_PROJECT.items():
        path = project.parent / name if name.startswith("seeds") else project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).replace("seed-paths: [seeds]", "seed-paths: [../seeds]"))
    settings = replace(Settings.from_environment(), home=home / "small", dbt_project=project)
    manifest = transform.read_manifest(settings)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("orchestration.defs.quality.load_suites", small_suites)
        yield manifest, code_location(manifest)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("BALCONY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALCONY_EXPORTS", str(tmp_path / "exports"))
    settings = Settings.from_environment()
    settings.exports.mkdir()
    (settings.exports / "posts.csv").write_text("id\n1\n")
    return settings


class Night:
    """Runs the job on the small project with landing, dbt and guards played, and notes in which order they were asked."""

    def __init__(self, manifest: dict[str, Any], definitions: dg.Definitions, settings: Settings) -> None:
        self.manifest = manifest
        self.definitions = definitions
        self.settings = settings
        self.done: list[str] = []
        self.brings_news = True
        self.guard_fails: dict[str, dict[str, Any]] = {}
        self.dbt_fails: set[str] = set()

    def land(self, settings: Settings, on_file: Callable[[FileOutcome], None]) -> LandingSummary:
        self.done.append("land")
        if not self.brings_news:
            return LandingSummary([FileOutcome("posts.csv", "", "unchanged")])
        with open_warehouse(settings) as connection:
            connection.execute(
                "insert into landing.files values"
                " ('posts.csv', '', 'hash', 'landed', 1, 1, now()::timestamp, now()::timestamp, '.')"
            )
        summary = LandingSummary([FileOutcome("posts.csv", "", "landed", "x", "posts", 3, 2, 1)])
        on_file(summary.files[0])
        return summary

    def build(self, settings: Settings, layer: transform.Layer) -> list[NodeResult]:
        self.done.append(f"build {layer}")
        if layer == "marts":
            with duckdb.connect(str(settings.warehouse)) as connection:
                connection.execute("create schema if not exists marts")
                connection.execute("create or replace table marts.fct_posts as select 1 as post_id")
        nodes = {
            unique_id: node["resource_type"]
            for unique_id, node in self.manifest["nodes"].items()
            if transform.layer_of(self.manifest, unique_id) == layer
        }
        in_order = sorted(nodes, key=lambda unique_id: ("likes" in unique_id, nodes[unique_id] == "test"))
        return [
            NodeResult(
                unique_id, nodes[unique_id], "fail" if unique_id.split(".")[2] in self.dbt_fails else "success", 0.1, ""
            )
            for unique_id in in_order
        ]

    def measure(self, connection: duckdb.DuckDBPyConnection, declared: object) -> dict[str, int]:
        self.done.append("measure")
        return {"estimates": 1}

    def guard(self, connection: duckdb.DuckDBPyConnection, layer: str, run_id: str) -> list[CheckResult]:
        self.done.append(f"guard {layer}")
        first, *others = (
            CheckResult(
                run_id, layer, check.suite, check.relation, check.name, "critical", check.reason, is_passed=True
            )
            for check in small_suites(layer)
        )
        return [replace(first, **self.guard_fails.get(layer, {})), *others]

    def run(self, *keys: str) -> dg.ExecuteInProcessResult:
        """The whole job, or only what makes the assets of these names, with their checks."""
        self.done.clear()
        job = self.definitions.resolve_job_def("publish_warehouse")
        if keys:
            job = self.definitions.resolve_implicit_global_asset_job_def()
            graph = self.definitions.resolve_asset_graph()
            assets = {dg.AssetKey.from_user_string(key) for key in keys}
            made_by = {name for key in assets for name in graph.get_execution_set_asset_and_check_keys(key)}
            checks = {key for key in made_by if isinstance(key, dg.AssetCheckKey)}
            job = job.get_subset(asset_selection=made_by - checks, asset_check_selection=checks)
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(
                instance=instance, raise_on_error=False, run_config={"loggers": {"console": {}}}
            )


@pytest.fixture
def night(small: tuple[dict[str, Any], dg.Definitions], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Night:
    night = Night(*small, settings)
    monkeypatch.setattr("orchestration.defs.landing.land_folder", night.land)
    monkeypatch.setattr("orchestration.defs.warehouse.build_layer", night.build)
    monkeypatch.setattr("orchestration.defs.measurement.measure", night.measure)
    monkeypatch.setattr("orchestration.defs.measurement.declared_measurements", lambda settings: None)
    monkeypatch.setattr("orchestration.defs.quality.run_layer", night.guard)
    return night


WHOLE_NIGHT = [
    *("land", "guard raw", "build staging", "guard staging", "build intermediate", "guard intermediate"),
    *("measure", "guard measurement", "build marts", "guard marts"),
]


def test_the_lineage_leads_from_every_export_to_the_publication(graph: dg.AssetGraph) -> None:
    upstream = graph.get_ancestor_asset_keys(dg.AssetKey("publication"))
    sources = {key for key in graph.get_all_asset_keys() if key.path[0] == "exports"}
    assert len(sources) >= 9
    assert sources <= upstream
    assert {dg.AssetKey(["gates", layer]) for layer in gates.LAYERS} <= upstream


def test_every_guard_is_a_check_of_an_asset_that_exists(graph: dg.AssetGraph) -> None:
    keys = graph.asset_check_keys
    guarded = {(asset_of(check.relation), check_name(layer)) for layer in gates.LAYERS for check in load_suites(layer)}
    assert guarded == {(key.asset_key, key.name) for key in keys if key.name.startswith("expectations_")}
    assert {key.asset_key for key in keys} <= set(graph.get_all_asset_keys())


@pytest.mark.parametrize("layer", transform.LAYERS)
def test_dbt_builds_in_each_layer_what_the_lineage_says(manifest: dict[str, Any], layer: transform.Layer) -> None:
    command = ["list", *transform.layer_selection(layer), "--output", "json", "--output-keys", "unique_id"]
    listed = {json.loads(line)["unique_id"] for line in transform._invoke(Settings.from_environment(), command)}
    expected = {
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] != "operation" and transform.layer_of(manifest, unique_id) == layer
    }
    assert {unique_id for unique_id in listed if not unique_id.startswith(("source.", "unit_test."))} == expected


def test_marts_that_change_after_they_are_guarded_are_views(manifest: dict[str, Any]) -> None:
    written_later = ["source.balcony.balcony.check_results", "source.balcony.balcony.publications"]
    readers = set[str]()
    while written_later:
        children = manifest["child_map"][written_later.pop()]
        models = {child for child in children if child.startswith("model.")}
        written_later += models - readers
        readers |= models
    assert readers
    assert {manifest["nodes"][reader]["config"]["materialized"] for reader in readers} == {"view"}


def test_a_night_goes_through_every_gate_and_publishes(night: Night) -> None:
    assert night.run().success
    assert night.done == WHOLE_NIGHT
    published = current_publication(night.settings)
    assert published is not None
    assert published.tables == {"fct_posts": 1}


@pytest.mark.parametrize("point", ["measurement", "publication.before_switch"])
def test_a_night_that_is_killed_is_lived_again_whole(night: Night, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """The gates and the publication are the real ones; what lands and is built is not, so a kill costs two seconds."""
    with monkeypatch.context() as environment:
        environment.setenv("BALCONY_FAULT", point)
        killed = multiprocessing.get_context("fork").Process(target=night.run)
        killed.start()
        killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert current_publication(night.settings) is None
    assert night.run().success
    assert night.done == WHOLE_NIGHT
    published = current_publication(night.settings)
    assert published is not None
    assert published.tables == {"fct_posts": 1}


@pytest.mark.parametrize("layer", gates.LAYERS)
@pytest.mark.parametrize(
    "failure",
    [
        pytest.param({"is_passed": False, "details": "3 rows"}, id="critical"),
        pytest.param({"is_passed": False, "is_error": True, "severity": "warning"}, id="could not run"),
    ],
)
def test_a_critical_failure_stops_the_next_layer_and_the_publication(
    night: Night, layer: str, failure: dict[str, Any]
) -> None:
    night.guard_fails[layer] = failure
    result = night.run()
    assert not result.success
    assert night.done == WHOLE_NIGHT[: WHOLE_NIGHT.index(f"guard {layer}") + 1]
    assert current_publication(night.settings) is None
    (failed,) = [evaluation for evaluation in result.get_asset_check_evaluations() if not evaluation.passed]
    assert (failed.asset_key, failed.severity) == (asset_of(GUARDED[layer]), dg.AssetCheckSeverity.ERROR)
    assert [*failed.metadata["broken"].value] == [small_suites(layer)[0].name]
    assert [failed.metadata[count].value for count in ("passed", "warned", "failed")] == [1, 0, 1]


def test_a_warning_stops_nothing(night: Night) -> None:
    night.guard_fails = {layer: {"is_passed": False, "severity": "warning"} for layer in gates.LAYERS}
    result = night.run()
    assert result.success
    assert night.done == WHOLE_NIGHT
    failed = [evaluation for evaluation in result.get_asset_check_evaluations() if not evaluation.passed]
    assert [evaluation.severity for evaluation in failed] == [dg.AssetCheckSeverity.WARN] * len(gates.LAYERS)


@pytest.mark.parametrize("node", ["stg_x__posts", "not_null_stg_x__posts_post_id"])
def test_a_failure_of_dbt_stops_the_next_layer(night: Night, node: str) -> None:
    night.dbt_fails = {node}
    assert not night.run().success
    assert night.done == WHOLE_NIGHT[: WHOLE_NIGHT.index("build staging") + 1]


def test_every_check_result_stands_in_the_warehouse(night: Night) -> None:
    night.guard_fails["staging"] = {"is_passed": False, "severity": "warning", "unexpected_count": 3}
    result = night.run()
    with duckdb.connect(str(night.settings.warehouse)) as connection:
        kept = connection.execute(
            "select run_id, layer_name, is_passed, unexpected_count from raw_balcony.check_results"
        )
        rows = kept.fetchall()
    assert len(rows) == 2 * len(gates.LAYERS)
    assert {row[0] for row in rows} == {result.run_id}
    assert [row[1:] for row in rows if not row[2]] == [("staging", False, 3)]


def test_a_night_with_nothing_new_builds_and_publishes_nothing(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.run()
    first = current_publication(night.settings)
    night.brings_news = False
    assert night.run().success
    assert night.done == ["land"]
    assert current_publication(night.settings) == first
    monkeypatch.setenv("BALCONY_REPORTING_CURRENCY", "EUR")
    assert night.run().success
    assert night.done == WHOLE_NIGHT
    assert current_publication(night.settings) != first


def test_what_is_started_by_hand_stays_behind_a_closed_gate(night: Night) -> None:
    night.guard_fails["intermediate"] = {"is_passed": False}
    night.run()
    night.guard_fails.clear()
    assert not night.run("marts/fct_posts").success
    assert not night.run("publication").success
    assert night.done == []

    assert night.run("gates/intermediate").success
    assert not night.run("marts/fct_posts").success
    assert night.run("measurement/estimates").success
    assert night.run("gates/measurement").success
    assert night.run("marts/fct_posts").success
    assert not night.run("publication").success
    assert night.run("gates/marts").success
    assert night.run("publication").success
    assert current_publication(night.settings) is not None


def test_what_lands_after_the_guards_closes_every_gate(settings: Settings) -> None:
    with open_warehouse(settings) as connection:
        for layer in gates.LAYERS:
            gates.record(connection, layer, "run", [])
        gates.require_open(connection, "marts")
        connection.execute(
            "insert into landing.files values ('a', '', 'h', 'landed', 1, 1, now()::timestamp, now()::timestamp, '.')"
        )
        with pytest.raises(gates.GateClosedError, match="raw, staging, intermediate, measurement, marts"):
            gates.require_open(connection, "marts")


def test_the_inputs_are_what_changes_marts_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    (project / "models").mkdir(parents=True)
    model = project / "models" / "one.sql"
    model.write_text("select {{ env_var('BALCONY_ONE', '') }}, {{ env_var('BALCONY_MEMORY_LIMIT', '') }}")
    settings = replace(settings, dbt_project=project)
    states = [inputs.project_state(settings)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BALCONY_ONE", "1")
        states.append(inputs.project_state(settings))
        patched.setenv("BALCONY_MEMORY_LIMIT", "1GB")
        assert inputs.project_state(settings) == states[-1]
        model.write_text("select 2")
        (project / "target").mkdir()
        states.append(inputs.project_state(settings))
        (project / "target" / "run.sql").write_text("select 3")
        assert inputs.project_state(settings) == states[-1]
    assert len(set(states)) == len(states)


class Ticks:
    """The sensor, asked again and again with what it remembered."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None

    def next(self) -> dg.RunRequest | dg.SkipReason:
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        answer = exports_changed(context)
        self.cursor = context.cursor
        assert isinstance(answer, dg.RunRequest | dg.SkipReason)
        return answer


@pytest.fixture
def ticks(settings: Settings) -> Iterator[Ticks]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Ticks(instance)


def test_the_sensor_waits_until_the_folder_stands_still(settings: Settings, ticks: Ticks) -> None:
    assert isinstance(ticks.next(), dg.SkipReason)
    (settings.exports / "likes.csv").write_text("id\n")
    assert isinstance(ticks.next(), dg.SkipReason)
    asked = ticks.next()
    assert isinstance(asked, dg.RunRequest)
    assert isinstance(ticks.next(), dg.SkipReason)
    (settings.exports / "likes.csv").write_text("id\n1\n")
    assert isinstance(ticks.next(), dg.SkipReason)
    again = ticks.next()
    assert isinstance(again, dg.RunRequest)
    assert again.run_key != asked.run_key


def test_the_sensor_asks_again_while_a_run_leaves_files(settings: Settings, ticks: Ticks) -> None:
    (settings.exports / "likes.csv").write_text("id\n")
    settings.home.mkdir(exist_ok=True)
    asked = []
    for left in (2, 1, None):
        asked += [ticks.next(), ticks.next(), ticks.next()]
        settings.files_left.unlink(missing_ok=True)
        if left:
            settings.files_left.write_text(f"{left}\n")
            os.utime(settings.files_left, (left, left))
    asked += [ticks.next(), ticks.next()]
    assert [isinstance(answer, dg.RunRequest) for answer in asked] == [*[False, True, False] * 3, False, False]


def test_a_file_that_never_comes_to_rest_holds_the_others_back_for_a_while_only(
    settings: Settings, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100 * 60, 60))
    monkeypatch.setattr(
        "orchestration.defs.automation.datetime",
        SimpleNamespace(now=lambda zone: datetime.fromtimestamp(next(clock), zone)),
    )
    asked = 0
    for length in range(40):
        (settings.exports / "growing.log").write_text("x" * length)
        asked += isinstance(ticks.next(), dg.RunRequest)
    assert asked == 40 // (PATIENCE // 60 + 1)


def test_the_sensor_asks_for_nothing_while_a_run_waits(settings: Settings, ticks: Ticks) -> None:
    ticks.next()
    waiting = dg.DagsterRun(job_name=publish_warehouse_nightly.job_name, status=dg.DagsterRunStatus.STARTING)
    ticks.instance.add_run(waiting)
    assert isinstance(ticks.next(), dg.SkipReason)
    ticks.instance.delete_run(waiting.run_id)
    assert isinstance(ticks.next(), dg.RunRequest)


def test_a_run_whose_process_is_gone_is_ended_and_told_of_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = ""

        def tick() -> None:
            nonlocal cursor
            context = dg.build_sensor_context(instance, cursor=cursor or None)
            runs_watched(context)
            cursor = context.cursor or ""

        tick()
        tags = process_tag()
        pid, _, started_at = tags[PID_TAG].partition("@")
        gone, recycled, alive = (
            dg.DagsterRun(job_name="job", status=dg.DagsterRunStatus.STARTED, tags={PID_TAG: tag})
            for tag in (f"{2**22 + 1}@{started_at}", f"{pid}@1", tags[PID_TAG])
        )
        for run in (gone, recycled, alive):
            instance.add_run(run)
        tick()
        tick()
        status = {run.run_id: run.status for run in instance.get_runs()}
        assert status == {
            gone.run_id: dg.DagsterRunStatus.FAILURE,
            recycled.run_id: dg.DagsterRunStatus.FAILURE,
            alive.run_id: dg.DagsterRunStatus.STARTED,
        }
        told = told_runs(settings)
        assert {run["run_id"] for run in told} == {gone.run_id, recycled.run_id}
        assert len(told) == 2
        assert "FAILED in its process" in told[0]["text"]


def test_only_so_many_runs_are_remembered(settings: Settings) -> None:
    settings = replace(settings, kept_runs=2)
    with dg.DagsterInstance.ephemeral() as instance:
        runs = [dg.DagsterRun(job_name="job", status=dg.DagsterRunStatus.SUCCESS) for _ in range(5)]
        for run in runs:
            instance.add_run(run)
        storage = settings.dagster_home / "storage" / runs[0].run_id
        storage.mkdir(parents=True)
        assert forget_old_runs(instance, settings) == 3
        assert {run.run_id for run in instance.get_runs()} == {run.run_id for run in runs[3:]}
        assert not storage.exists()


def test_an_empty_folder_lands_the_demo_until_real_files_come(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate = ModuleType("simulate")
    simulate.write_demo = lambda folder, size: (folder.mkdir(parents=True), (folder / f"{size}.csv").write_text("id\n"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "orchestration.simulation.simulate", simulate)
    (settings.exports / "posts.csv").unlink()

    to_land = exports.settings_to_land(settings)
    assert exports.is_demo(to_land)
    assert [path.name for path in exports.exported_files(to_land.exports)] == ["small.csv"]
    settings.warehouse.write_text("the demo's")
    assert exports.settings_to_land(settings) == to_land
    assert exports.settings_to_land(to_land) == to_land
    with pytest.raises(FileNotFoundError, match="nowhere"):
        exports.settings_to_land(replace(settings, exports=settings.home / "nowhere"))

    (settings.exports / "posts.csv").write_text("id\n")
    assert exports.settings_to_land(settings) == settings
    assert not settings.warehouse.exists()
    assert not exports.has_demo(settings)

    settings.warehouse.write_text("real")
    (settings.exports / "posts.csv").unlink()
    assert exports.settings_to_land(settings) == settings


def test_a_second_writer_waits_and_says_whom_for(settings: Settings) -> None:
    holder = (
        "import sys\nfrom orchestration.lock import warehouse_lock\nfrom orchestration.settings import Settings\n"
        "with warehouse_lock(Settings.from_environment(), print):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    release = process.stdin.close
    assert process.stdout.readline() == b"held\n"
    said: list[str] = []

    def tell(line: str) -> None:
        """Only who waits is told; only then does the holder let go."""
        said.append(line)
        release()

    with warehouse_lock(settings, tell):
        assert process.wait() == 0
    process.stdout.close()
    assert [f"process {process.pid}" in line for line in said] == [True]


def test_dagster_accepts_the_settings_and_reports_no_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    template = PROJECT_ROOT / "orchestration" / "dagster.yaml"
    (tmp_path / "dagster.yaml").write_text(template.read_text())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_retries_enabled
    assert yaml.safe_load(template.read_text())["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}


def test_the_schedule_runs_at_night_utc() -> None:
    schedule = publish_warehouse_nightly
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")
    assert schedule.job_name == "publish_warehouse"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
