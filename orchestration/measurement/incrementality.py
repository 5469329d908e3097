"""What registered experiments say about purchases that would not have happened otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from orchestration.measurement.interrupted_series import interruption
from orchestration.measurement.measurement import Measurement
from orchestration.measurement.proportions import wilson_interval
from orchestration.measurement.switchback import (
    Interval,
    false_positive_share,
    seen_share,
    sign_flip_interval,
    sign_flip_p_value,
    sign_patterns,
)
from orchestration.measurement.synthetic_control import Floats, effect_limits, rotation_p_value, synthetic_control

FEWEST_PAIRS = 6
"""With fewer, no pattern of signs is rarer than 5 %."""
FEWEST_PURCHASES = 5.0
"""A mean below it per kept block leaves differences that are mostly ties."""
WEEKLY_FADING = 0.3
"""Assumption A6: of an act's effect at most so much is left after a week."""
FEWEST_WEEKS = 20
"""A rank among fewer rotations cannot be below 5 %."""
FEWEST_CONTROLS = 3
TOO_SHORT = f"the weeks before it are fewer than twice its own, or all together than {FEWEST_WEEKS}"
PLACEBOS = 400
FEWEST_PLACEBOS = 200
NOMINAL = 0.05
SUPPRESSED_FROM = 0.10

EXPERIMENT = ("experiment_id", "estimator", "is_randomised", "start_date", "end_date")
FIGURES = (
    *("n_blocks", "n_conversions", "caused_count", "caused_count_lower", "caused_count_upper"),
    *("caused_count_lower_975", "caused_count_upper_975", "effect_log_ratio", "p_value"),
)
CALIBRATION = ("n_placebo", "false_positive_share", "false_positive_lower", "false_positive_upper")


def incrementality_estimates(
    blocks: pd.DataFrame, weekly_series: pd.DataFrame, regional_series: pd.DataFrame
) -> pd.DataFrame:
    """Estimate every experiment of `int_holdout_blocks`. One row each: figures, null unless the status is ok, and how often
    the method finds an effect where there is none, on the same data."""
    weeks = weekly_series[weekly_series["series_kind"] == "purchases"].set_index("week_start_date")["weekly_value"]
    rows = [_estimated(group, weeks, regional_series) for _, group in blocks.groupby("experiment_id")]
    found = pd.DataFrame(rows, columns=[*EXPERIMENT, *FIGURES, *CALIBRATION, "status", "reason"])
    return found.assign(gate=[_gate(row) for row in found.to_dict("records")])


def _estimated(blocks: pd.DataFrame, weeks: pd.Series, regional_series: pd.DataFrame) -> dict[str, Any]:
    if blocks["region_code"].notna().any():
        own = regional_series["experiment_id"] == blocks["experiment_id"].iloc[0]
        return _by_region(blocks[blocks["arm"] == "on"], regional_series[own])
    return _switchback(blocks) if blocks["pair_number"].notna().any() else _intervention(blocks, weeks)


def _switchback(blocks: pd.DataFrame) -> dict[str, Any]:
    """The mean of the pairs' differences in purchases a day, times the days on which the brand acted.

    Counts a day rather than logarithms: their differences add up to a count, and stay unbiased for small ones. What an
    act still does on days off hides from the difference, so the upper limit allows for as much of it as assumed.
    """
    row = _row(blocks, "switchback", is_randomised=True)
    if not blocks["is_registered_before"].all():
        return row | {"status": "suppressed", "reason": "the plan was registered after its first day"}
    over = blocks[blocks["is_over"] & (blocks["kept_day_count"] > 0)]
    arms = over.assign(rate=over["kept_purchase_count"] / over["kept_day_count"]).pivot_table(
        index="pair_number", columns="arm", values="rate", aggfunc="mean"
    )
    pairs = arms.reindex(columns=["on", "off"]).dropna()
    row["n_blocks"] = 2 * len(pairs)
    if len(pairs) < FEWEST_PAIRS:
        return row | _too_little(f"{len(pairs)} finished pairs of blocks, {FEWEST_PAIRS} are needed")
    if over["kept_purchase_count"].mean() < FEWEST_PURCHASES:
        return row | _too_little(f"fewer than {FEWEST_PURCHASES:.0f} purchases in a block")
    compared = over[over["pair_number"].isin(pairs.index)]
    row |= {"start_date": compared["block_start_date"].min(), "end_date": compared["block_end_date"].max()}
    differences = (pairs["on"] - pairs["off"]).to_numpy(float)
    patterns = sign_patterns(len(differences))
    days_on = float(compared.loc[compared["arm"] == "on", "day_count"].sum())
    seen = _seen_share(compared)
    lower, upper = _count_interval(sign_flip_interval(differences, patterns, 0.95), days_on, seen)
    lower_975, upper_975 = _count_interval(sign_flip_interval(differences, patterns, 0.975), days_on, seen)
    figures = {
        "n_conversions": float(compared["purchase_count"].sum()),
        "caused_count": float(differences.mean()) * days_on,
        "caused_count_lower": lower,
        "caused_count_upper": upper,
        "caused_count_lower_975": lower_975,
        "caused_count_upper_975": upper_975,
        "effect_log_ratio": _log_ratio(float(pairs["on"].mean()), float(pairs["off"].mean())),
        "p_value": sign_flip_p_value(differences, patterns),
    }
    share = false_positive_share(differences, patterns, NOMINAL, PLACEBOS)
    return _gated(row, figures, PLACEBOS, share)


def _intervention(blocks: pd.DataFrame, weeks: pd.Series) -> dict[str, Any]:
    """A period without lot, in weekly counts: from the first whole week of purchases to the last of the period."""
    row = _row(blocks, "interrupted_series", is_randomised=False)
    if not blocks["is_over"].all():
        return row | _too_little("the period is not over")
    covered, before = _whole_weeks(row, weeks.index.min())
    counts = weeks.reindex(covered, fill_value=0.0).to_numpy(float)
    if before < 2 * (len(covered) - before) or before == len(covered):
        return row | _too_little(TOO_SHORT)
    found = interruption(counts, before)
    caused = counts[before:].sum()
    figures = {
        "n_blocks": 1,
        "n_conversions": float(caused),
        "caused_count": caused * (1 - np.exp(-found.effect_log_ratio)),
        "caused_count_lower": caused * (1 - np.exp(-found.lower)),
        "caused_count_upper": caused * (1 - np.exp(-found.upper)),
        "effect_log_ratio": found.effect_log_ratio,
        "p_value": found.p_value,
    }
    return _gated(row, figures, found.placebos, found.naive_false_positive_share)


def _by_region(blocks: pd.DataFrame, series: pd.DataFrame) -> dict[str, Any]:
    """Some regions against a weighted mean of the others, in weekly counts (`synthetic_control`)."""
    row = _row(blocks, "synthetic_control", is_randomised=False)
    if not blocks["is_over"].all():
        return row | _too_little("the period is not over")
    if not series["is_treated"].any():
        return row | _too_little("no purchase is known to come from its regions")
    covered, before = _whole_weeks(row, series["week_start_date"].min())
    if before < 2 * (len(covered) - before) or before == len(covered) or len(covered) < FEWEST_WEEKS:
        return row | _too_little(TOO_SHORT)
    counts = series.pivot_table(
        index=["is_treated", "region_code"], columns="week_start_date", values="purchase_count", aggfunc="sum"
    ).reindex(columns=covered, fill_value=0.0)
    counts = counts.fillna(0.0)
    usual = counts.iloc[:, :before].mean(axis=1)
    counts = counts[usual >= 1]
    is_treated = counts.index.get_level_values("is_treated")
    treated, controls = counts[is_treated].to_numpy(float), counts[~is_treated].to_numpy(float)
    if len(treated) == 0 or len(controls) < FEWEST_CONTROLS:
        return row | _too_little(
            f"a purchase a week in fewer than {FEWEST_CONTROLS} other regions, or in none of its own"
        )
    found = synthetic_control(treated, controls, before)
    lower, upper = effect_limits(treated, controls, before)
    cells = treated[:, before:].size
    figures = {
        "n_blocks": len(treated),
        "n_conversions": float(treated[:, before:].sum()),
        "caused_count": found.total_effect,
        "caused_count_lower": None if lower is None else lower * cells,
        "caused_count_upper": None if upper is None else upper * cells,
        "effect_log_ratio": float(np.log1p(found.lift)) if found.lift > -1 else None,
        "p_value": found.rotation_p_value,
    }
    placebos = _placebos_in_space(controls, len(covered) - before)
    return _gated(row, figures, len(placebos), float(np.mean(np.array(placebos) <= NOMINAL)) if placebos else 0.0)


def _placebos_in_space(controls: Floats, periods_after: int) -> list[float]:
    """p-values of regions where nothing was tried, each against the others, for periods that end in any week."""
    earliest = max(3 * periods_after, FEWEST_WEEKS)
    cases = [(unit, end) for unit in range(len(controls)) for end in range(controls.shape[1], earliest - 1, -1)]
    if len(cases) > PLACEBOS:
        cases = [cases[place] for place in np.linspace(0, len(cases) - 1, PLACEBOS).astype(int)]
    return [
        rotation_p_value(controls[[unit], :end], np.delete(controls, unit, axis=0)[:, :end], end - periods_after)
        for unit, end in cases
    ]


def _whole_weeks(row: dict[str, Any], first_known: pd.Timestamp) -> tuple[pd.DatetimeIndex, int]:
    """Mondays of the weeks from the first whole one of purchases to the last of the period, and how many lie before it."""
    first = row["start_date"] + pd.Timedelta(days=-row["start_date"].day_of_week % 7)
    last = row["end_date"] - pd.Timedelta(days=6)
    covered = pd.date_range(first_known, last, freq="7D")[1:]
    return covered, len(covered) - len(pd.date_range(first, last, freq="7D"))


def _row(blocks: pd.DataFrame, estimator: str, *, is_randomised: bool) -> dict[str, Any]:
    return {
        "experiment_id": blocks["experiment_id"].iloc[0],
        "estimator": estimator,
        "is_randomised": is_randomised,
        "start_date": blocks["block_start_date"].min(),
        "end_date": blocks["block_end_date"].max(),
    }


def _too_little(reason: str) -> dict[str, Any]:
    return {"status": "not_enough_data", "reason": reason}


def _gated(row: dict[str, Any], figures: dict[str, Any], placebos: int, share: float) -> dict[str, Any]:
    """The figures, unless the method finds effects where there are none, or could not be asked often enough."""
    lower, upper = wilson_interval(share * placebos, placebos)
    row |= dict(zip(CALIBRATION, (placebos, share, lower, upper), strict=True))
    if placebos < FEWEST_PLACEBOS:
        return row | {
            "status": "suppressed",
            "reason": f"{placebos} placebo periods, {FEWEST_PLACEBOS} are needed to know the method's false positives",
        }
    if lower > NOMINAL or share > SUPPRESSED_FROM:
        return row | {"status": "suppressed", "reason": f"finds an effect in {share:.0%} of placebo periods"}
    return row | figures | {"status": "ok", "reason": None}


def _gate(row: dict[str, Any]) -> str:
    if pd.isna(row["n_placebo"]):
        return "not_run"
    return "pass" if row["status"] == "ok" else "suppress"


def _count_interval(effects: Interval, days_on: float, seen: float) -> tuple[float | None, float | None]:
    """Limits of the count for every part of the effect between `seen` and all of it that the difference may show."""
    if effects.lower is None or effects.upper is None:
        return None, None
    lower, upper = effects.lower * days_on, effects.upper * days_on
    return min(lower, lower / seen), max(upper, upper / seen)


def _seen_share(blocks: pd.DataFrame) -> float:
    days = pd.date_range(blocks["block_start_date"].min(), blocks["block_end_date"].max())
    is_on, kept_on, kept_off = (np.zeros(len(days), dtype=bool) for _ in range(3))
    for block in blocks.to_dict("records"):
        inside = (days >= block["block_start_date"]) & (days <= block["block_end_date"])
        kept = inside & (days >= block["block_start_date"] + pd.Timedelta(days=block["washout_days"]))
        is_on |= inside & (block["arm"] == "on")
        kept_on |= kept & (block["arm"] == "on")
        kept_off |= kept & (block["arm"] == "off")
    return seen_share(is_on, kept_on, kept_off, WEEKLY_FADING)


def _log_ratio(on: float, off: float) -> float | None:
    return float(np.log(on / off)) if on > 0 and off > 0 else None


MEASUREMENTS = (
    Measurement(
        "incrementality_estimates",
        (
            "intermediate.int_holdout_blocks",
            "intermediate.int_weekly_series",
            "intermediate.int_regional_series",
        ),
        incrementality_estimates,
    ),
)
