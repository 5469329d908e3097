"""The scorecard's numbers against hand-made ones, its files, and what makes it fail."""

from __future__ import annotations

import csv
import dataclasses
import math
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.scorecard import __main__ as command
from orchestration.scorecard import acceptance as acceptance_module
from orchestration.scorecard import estimates, metrics, report
from orchestration.scorecard.acceptance import Claim, acceptance
from orchestration.scorecard.estimates import ALL, RANK, Estimate, EstimateError, kendall_tau, read_values
from orchestration.scorecard.metrics import Score, Summary, summarise
from orchestration.scorecard.nulls import DESIGNS, Design, table
from orchestration.scorecard.pipeline import Model, Project, Seconds
from orchestration.scorecard.report import append_scores, read_scores, write_report
from orchestration.scorecard.version import MADE_BY, code_version, without_comments, without_docstrings
from orchestration.settings import PROJECT_ROOT

REGIMES: dict[str, dict[str, object]] = {"base": {}, "pure_organic": {"effect": 0}}


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Estimate]:
    """One estimate of each kind, named after it."""
    entries = {
        kind: Estimate(
            kind, f"{kind} truth", kind, f"the {kind} one", "numbers and order" if kind == "naive" else "numbers"
        )
        for kind in ("exact", "figure", "naive", "bounds", "interval", "resampled", "verdict")
    }
    for module in (estimates, acceptance_module, metrics, report):
        monkeypatch.setattr(module, "ESTIMATES", entries)
    return entries


def score(estimate_id: str, value: float | None, truth: float, seed: int = 1, **changes: object) -> Score:
    row = Score("v1", "tiny", "base", seed, 1000, estimate_id, ALL, value, truth)
    return dataclasses.replace(row, **changes)  # type: ignore[arg-type]


def only(scores: list[Score]) -> Summary:
    (summary,) = summarise(scores)
    return summary


def test_bias_and_error_are_those_worked_out_by_hand() -> None:
    summary = only([score("figure", 110, 100, 1), score("figure", 130, 100, 2), score("figure", None, 100, 3)])
    assert (summary.worlds, summary.missing, summary.bias, summary.relative_bias) == (3, 1, 20, 0.2)
    assert summary.relative_rmse == pytest.approx(math.sqrt((10**2 + 30**2) / 2) / 100)
    assert summary.bias_se == pytest.approx(10)  # The errors 10 and 30: standard deviation 14.1, by the root of 2.
    assert summary.unequal_worlds == 2


def test_a_world_without_a_value_has_no_part_in_the_bias() -> None:
    assert only([score("figure", 110, 100, 1), score("figure", None, 900, 2)]).relative_bias == 0.1


def test_where_the_truth_is_zero_the_claim_stands_beside_it() -> None:
    summary = only([score("naive", value, 0, seed) for seed, value in enumerate((700, 732, 764))])
    assert (summary.relative_bias, summary.relative_rmse, summary.bias) == (None, None, 732)
    assert str(summary) == "732 vs 0"
    assert summary.fails
    assert not only([score("naive", value, 0, seed) for seed, value in enumerate((8, 9, 10))]).fails


def test_coverage_has_an_error_even_where_every_interval_holds_the_truth() -> None:
    intervals = [(90, 110), (95, None), (None, 105), (101, 120)]
    summary = only(
        [score("bounds", 100, 100, seed, lower=low, upper=high) for seed, (low, high) in enumerate(intervals)]
    )
    assert summary.coverage == 0.75
    assert summary.width_share == pytest.approx((20 + 19) / 2 / 1000)
    sure = only([score("bounds", 100, 100, seed, lower=90, upper=110) for seed in range(16)])
    assert (sure.coverage, sure.coverage_se) == (1.0, pytest.approx(math.sqrt(0.9 * 0.1 / 20)))


def test_bounds_need_no_point_to_hold_the_truth() -> None:
    summary = only([score("bounds", None, 100, seed, lower=90, upper=190) for seed in range(3)])
    assert (summary.missing, summary.coverage, summary.bias, str(summary)) == (0, 1.0, None, "covers 1.00, width 0.10")
    assert str(only([score("bounds", None, 100)])) == "no value"


def test_a_figure_without_interval_has_no_coverage() -> None:
    summary = only([score("figure", 100, 100)])
    assert (summary.coverage, summary.coverage_se, summary.width_share, summary.bias_se) == (None, None, None, None)


@pytest.mark.parametrize(
    ("values", "truths", "tau"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([4, 3, 2, 1], [10, 20, 30, 40], -1.0),
        ([1, 3, 2, 4], [1, 2, 3, 4], 4 / 6),
        # Of six pairs one is tied in the values; the other five agree.
        ([1, 1, 2, 3], [1, 2, 3, 4], 5 / math.sqrt(5 * 6)),
        # Tied in both: 4 agree, and 5 pairs are untied on either side.
        ([1, 1, 2, 3], [1, 1, 3, 2], 3 / 5),
        ([0, 0, 0], [1, 2, 3], 0.0),
        ([1, 2, 3], [0, 0, 0], None),
        ([], [], None),
    ],
)
def test_tau_corrects_for_ties(values: list[float], truths: list[float], tau: float | None) -> None:
    assert kendall_tau(values, truths) == (None if tau is None else pytest.approx(tau))


def test_a_planted_wrong_estimate_is_shown_as_biased() -> None:
    right = [score("figure", 100 + seed % 3, 101, seed) for seed in range(30)]
    wrong = [score("naive", 160 + seed % 3, 101, seed) for seed in range(30)]
    shown = {summary.estimate_id: summary for summary in summarise([*right, *wrong])}
    assert (shown["figure"].fails, str(shown["figure"])) == (False, "+0.0 %")
    assert (shown["naive"].fails, str(shown["naive"])) == (True, "+59 %")


def test_what_two_worlds_cannot_tell_from_chance_is_no_failure() -> None:
    assert not only([score("naive", 100, 100, 1), score("naive", 200, 100, 2)]).fails
    assert not only([score("naive", 200, 100)]).fails


def test_an_order_fails_below_a_half() -> None:
    assert only([score("naive", tau, 1, seed, scope=RANK) for seed, tau in enumerate((0.2, 0.3, 0.1))]).fails
    assert not only([score("naive", tau, 1, seed, scope=RANK) for seed, tau in enumerate((0.6, 0.7, 0.6))]).fails


def claim_of(kind: str, scores: list[Score]) -> Claim:
    claims = acceptance(summarise(scores), list(REGIMES))
    return next(claim for claim in claims if claim.text.startswith(f"the {kind} one"))


def in_every_regime(estimate_id: str, value: float, worlds: int = 3, **changes: object) -> list[Score]:
    return [
        score(estimate_id, value, 100, seed, regime=regime, **changes) for regime in REGIMES for seed in range(worlds)
    ]


def test_a_count_that_is_wrong_in_one_world_is_named() -> None:
    scores = in_every_regime("exact", 100)
    assert claim_of("exact", scores).holds is True
    wrong = claim_of("exact", [*scores, score("exact", 101, 100, 9, regime="pure_organic")])
    assert (wrong.holds, wrong.text) == (False, "the exact one: differs from the truth in pure_organic")
    assert claim_of("exact", [*scores, score("exact", None, 100, 9)]).holds is False


def test_a_naive_reading_that_never_fails_is_a_fault_of_the_worlds() -> None:
    kind = claim_of("naive", in_every_regime("naive", 101, worlds=20))
    assert (kind.holds, kind.text) == (False, "the naive one: never fails, so the worlds are too kind to it")
    strict = claim_of("naive", [*in_every_regime("naive", 101), *in_every_regime("naive", 0.1, scope=RANK)])
    assert strict.holds is True


def test_a_naive_reading_is_not_acquitted_before_every_regime_has_run() -> None:
    base, organic = (
        [row for row in in_every_regime("naive", 101, worlds=20) if row.regime == name] for name in REGIMES
    )
    assert claim_of("naive", base).holds is None
    few = claim_of("naive", base + organic[:19])
    assert (few.holds, few.text) == (
        None,
        "the naive one: fails nowhere yet, with fewer than 20 worlds of pure_organic",
    )


@pytest.mark.parametrize(
    ("kind", "held", "worlds", "holds"),
    [
        ("bounds", 200, 200, True),
        ("bounds", 189, 200, None),
        ("bounds", 180, 200, False),
        ("bounds", 100, 199, None),
        ("interval", 190, 200, True),
        ("interval", 200, 200, False),
        ("interval", 184, 200, None),
        ("interval", 176, 200, False),
    ],
)
def test_coverage_is_judged_from_two_hundred_worlds_on_and_not_by_chance(
    kind: str, held: int, worlds: int, holds: bool | None
) -> None:
    scores = [score(kind, 100, 100, seed, lower=90 if seed < held else 101, upper=110) for seed in range(worlds)]
    assert claim_of(kind, scores).holds is holds


def test_what_no_world_tells_is_held_against_the_mean_of_all() -> None:
    scores = [
        score("resampled", value, value, seed, lower=value - 3, upper=value + 3)
        for seed, value in enumerate((90, 98, 101, 111))
    ]
    summary = only(scores)
    # The mean is 100: only the intervals of 98 and 101 hold it.
    assert (summary.truth_mean, summary.coverage) == (100, 0.5)


@pytest.mark.parametrize(("found", "holds"), [(10, True), (13, None), (25, False)])
def test_a_verdict_is_judged_where_there_is_nothing_to_find(found: int, holds: bool | None) -> None:
    null = [score("verdict", int(seed < found), 0, seed, regime="pure_organic") for seed in range(200)]
    true = [score("verdict", 0, 1, seed) for seed in range(200)]
    (claim,) = [claim for claim in acceptance(summarise([*null, *true]), list(REGIMES)) if "verdict" in claim.text]
    assert claim.holds is holds
    assert f"in {found} of 200 worlds of pure_organic" in claim.text


def test_worlds_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "scorecard.csv"
    first = [score("naive", 1 / 3, 0.1, 1), score("bounds", None, 100, 1, lower=-2.5)]
    append_scores(path, first)
    append_scores(path, [score("naive", 7, 100, 2)])
    read = read_scores(path)
    assert [(row.estimate_id, row.seed, row.lower, row.upper) for row in read] == [
        ("naive", 1, None, None),
        ("bounds", 1, -2.5, None),
        ("naive", 2, None, None),
    ]
    assert read[0].value == pytest.approx(1 / 3)
    assert read_scores(tmp_path / "none.csv") == []


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scorecard.csv"
    append_scores(path, [score("naive", 1, 100)])
    with path.open("a") as file:
        file.write("v1,tiny,base,2,10")
    with pytest.raises(ValueError, match=r"scorecard\.csv, line 3: not a row of a scorecard"):
        read_scores(path)


def test_the_page_says_what_failed_and_the_picture_is_drawn(tmp_path: Path) -> None:
    scores = [*in_every_regime("exact", 100), *in_every_regime("naive", 160), *in_every_regime("figure", 130)]
    claims = write_report(tmp_path, scores, REGIMES, "Size tiny, seeds 0 to 2.")
    page = (tmp_path / "scorecard.md").read_text()
    assert "| the naive one | **+60 %** | **+60 %** |" in page
    assert "| the exact one | exact | exact |" in page
    assert "- pure_organic: `effect` 0" in page
    assert "- holds: the naive one: fails in base (+60 %); pure_organic (+60 %)" in page
    assert [claim.holds for claim in claims] == [True, True, None, None, None]
    assert (tmp_path / "scorecard.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "scorecard_summary.csv").read_text().splitlines()) == 1 + 3 * len(REGIMES)


@pytest.fixture
def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for queries in place of the project's own, with a truth of two channels and their total."""
    monkeypatch.setattr(estimates, "FOLDER", tmp_path)
    for name in ("estimates", "truths", "world"):
        (tmp_path / name).mkdir()
    (tmp_path / "views.sql").write_text("select 1")
    duckdb.sql(
        "copy (select * from (values ('all', 30), ('x', 10), ('y', 20)) as t (scope, truth)) "
        f"to '{tmp_path}/world/truth_totals.parquet'"
    )
    (tmp_path / "truths" / "a.sql").write_text("select 'naive truth' as estimand, scope, truth from truth_totals")
    return tmp_path


def values_of(queries: Path, sql: str) -> dict[tuple[str, str], tuple[float | None, float]]:
    (queries / "estimates" / "a.sql").write_text(sql)
    with duckdb.connect() as connection:
        found = read_values(connection, queries / "world")
    return {(value.estimate_id, value.scope): (value.value, value.truth) for value in found}


def test_values_stand_beside_the_truth_and_their_order_is_a_value(queries: Path) -> None:
    sql = "select 'naive' as estimate_id, scope, truth + 5 as value from truth_totals"
    assert values_of(queries, sql) == {
        ("naive", ALL): (35, 30),
        ("naive", "x"): (15, 10),
        ("naive", "y"): (25, 20),
        ("naive", RANK): (1.0, 1.0),
    }


def test_the_total_has_no_part_in_the_order(queries: Path) -> None:
    sql = "select 'naive' as estimate_id, unnest(['all', 'x', 'y']) as scope, unnest([6, 5, 1]) as value"
    assert values_of(queries, sql)["naive", RANK] == (-1.0, 1.0)


def test_where_numbers_mean_nothing_only_the_order_is_kept(queries: Path, registry: dict[str, Estimate]) -> None:
    registry["naive"] = dataclasses.replace(registry["naive"], claims="order")
    sql = "select 'naive' as estimate_id, unnest(['x', 'y']) as scope, unnest([1, 5]) as value"
    assert values_of(queries, sql) == {("naive", RANK): (1.0, 1.0)}


def test_a_scope_that_an_estimate_leaves_out_has_no_value_and_is_not_zero(queries: Path) -> None:
    sql = "select 'naive' as estimate_id, 'x' as scope, 3 as value"
    assert values_of(queries, sql) == {("naive", ALL): (None, 30), ("naive", "x"): (3, 10), ("naive", "y"): (None, 20)}
    sql = "select 'naive' as estimate_id, 'all' as scope, 3 as value"
    assert values_of(queries, sql) == {("naive", ALL): (3, 30)}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 'new' as estimate_id, 'all' as scope, 3 as value", r"estimates/a\.sql: new is not in the registry"),
        ("select 'naive' as estimate_id, 'z' as scope, 3 as value", r"estimates/a\.sql: no truth for naive truth, z"),
        (
            "select 'naive' as estimate_id, 'x' as scope, 3 as value from range(2)",
            r"estimates/a\.sql: two rows for naive, x",
        ),
    ],
)
def test_a_query_that_does_not_fit_is_named(queries: Path, sql: str, message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        values_of(queries, sql)


def test_comments_and_docstrings_are_no_part_of_the_code() -> None:
    told = without_docstrings('"""Says."""\nX = 1  # one\n"""Of X."""\ndef f():\n    """Does."""\n    return "--"\n')
    assert told == without_docstrings('X = 1\n\n\ndef f():\n    return "--"\n')
    assert told != without_docstrings('X = 1\n\n\ndef f():\n    return "- -"\n')
    query = "select  '-- no  comment' as \"a  b\" -- a comment\nfrom t /* and\nanother */ where x"
    assert without_comments(query) == "select '-- no  comment' as \"a  b\" from t where x"
    assert without_comments(query) != without_comments(query.replace("no  comment", "no comment"))


def test_the_code_version_is_that_of_tables_and_views_in_whatever_order_they_are_made() -> None:
    tables = tuple(Model(f"marts.{name}", f"select '{name}'", is_mart=True) for name in "abc")
    views = tuple(Model(f"staging.{name}", f"select '{name}'", is_mart=False, is_view=True) for name in "abc")

    def version(tables: tuple[Model, ...], views: tuple[Model, ...]) -> str:
        return code_version(Project(Path(), tables, {}, (), views))

    assert version(tables, views) == version(tables[::-1], views[::-1])
    assert len({version(tables, views), version(tables[:2], views), version(tables, views[:2])}) == 3


def test_the_code_version_covers_every_file_that_a_figure_depends_on() -> None:
    judging = {"__init__.py", "__main__.py", "acceptance.py", "metrics.py", "nulls.py", "report.py", "version.py"}
    package = PROJECT_ROOT / "orchestration" / "scorecard"
    files = [path for path in package.rglob("*") if path.suffix in (".py", ".sql") and path.name not in judging]
    covered = [PROJECT_ROOT / part for part in MADE_BY]
    assert [part for part in covered if not part.exists()] == []
    assert [file for file in files if not any(file.is_relative_to(part) for part in covered)] == []


class Pipeline:
    """Stands in for the real one: remembers which worlds were asked for, and can break down at one."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, int]] = []
        self.breaks_at: tuple[str, int] | None = None
        self.version = "v1"

    def run_world(self, project: None, version: str, size: str, world: tuple[str, int]) -> tuple[list[Score], Seconds]:
        if world == self.breaks_at:
            raise RuntimeError("killed")
        self.ran.append(world)
        row = Score(version, size, *world, 1000, "exact", ALL, 100, 100)
        return [row, dataclasses.replace(row, estimate_id="naive", value=160 + world[1])], Seconds(1, 2, 3, 4)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    fake = Pipeline()
    monkeypatch.setattr(command, "CHANGES", REGIMES)
    monkeypatch.setattr(command, "compile_project", lambda folder, marts: None)
    monkeypatch.setattr(command, "run_world", fake.run_world)
    monkeypatch.setattr(command, "code_version", lambda project: fake.version)
    # `main` sets them for good; so they end with the test.
    for name, value in command.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return fake


def scorecard(folder: Path, *options: str) -> int:
    return command.main(["--processes", "1", "--size", "tiny", "--out", str(folder), *options])


def test_what_has_run_does_not_run_again(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.breaks_at = ("base", 2)
    with pytest.raises(RuntimeError, match="killed"):
        scorecard(tmp_path, "--worlds", "2")
    assert pipeline.ran == [("base", 1), ("pure_organic", 1)]
    pipeline.breaks_at = None
    assert scorecard(tmp_path, "--worlds", "2") == 0
    assert pipeline.ran[2:] == [("base", 2), ("pure_organic", 2)]
    written = (tmp_path / "scorecard.csv").read_text()
    assert scorecard(tmp_path, "--worlds", "2") == 0
    assert scorecard(tmp_path, "--worlds", "1", "--regime", "base", "--seed", "2") == 0
    assert (len(pipeline.ran), (tmp_path / "scorecard.csv").read_text()) == (4, written)


def test_worlds_of_other_code_are_run_again_and_left_out_of_the_report(pipeline: Pipeline, tmp_path: Path) -> None:
    scorecard(tmp_path, "--worlds", "2")
    pipeline.version = "v2"
    scorecard(tmp_path, "--worlds", "3", "--regime", "base")
    assert pipeline.ran[4:] == [("base", 1), ("base", 2), ("base", 3)]
    summaries = list(csv.DictReader((tmp_path / "scorecard_summary.csv").open()))
    assert {(row["regime"], row["worlds"]) for row in summaries} == {("base", "3")}
    assert "3 worlds of the size tiny" in (tmp_path / "scorecard.md").read_text()


def test_a_claim_that_does_not_hold_ends_the_run_with_one(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scorecard(tmp_path, "--worlds", "2")
    text = (tmp_path / "scorecard.csv").read_text()
    (tmp_path / "scorecard.csv").write_text(text.replace("exact,all,100,100", "exact,all,99,100", 1))
    assert scorecard(tmp_path, "--worlds", "2") == 1
    assert "FAILS the exact one: differs from the truth in base" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--regime", "sunny"], "There is no regime 'sunny'"),
        (["--size", "huge"], "There is no size 'huge'"),
        (["--worlds", "-1"], "--worlds is 0 or more"),
    ],
)
def test_an_unknown_world_is_refused_before_anything_runs(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        scorecard(tmp_path / "out", *options)
    assert (refused.value.code, (tmp_path / "out").exists()) == (2, False)
    assert message in capsys.readouterr().err


def test_effects_found_in_nothing_are_counted_of_the_verdicts_given() -> None:
    designs = [Design("always", lambda random: True), Design("withheld", lambda random: None)]
    assert table(designs, 10, 1)[2:] == [
        "| always | 10 | 10 | 10 | 1.000 (0.722 to 1.000) |",
        "| withheld | 10 | 0 | 0 | none given |",
    ]


def test_a_verdict_is_that_of_the_marts_functions() -> None:
    by_name = {design.name: design for design in DESIGNS}
    drawn = ("proxy test, 104 weeks", "switchback, 13 pairs", "synthetic control, memory 0.0")
    assert {by_name[name].asked(np.random.default_rng(0)) for name in drawn} == {False}
    # With memory the placebos themselves stand out, and the verdict is withheld.
    assert by_name["interrupted series, memory 0.8"].asked(np.random.default_rng(0)) is None
