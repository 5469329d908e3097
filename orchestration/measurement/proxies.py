"""Whether reception, entanglement, interaction or engagement on a platform forecasts purchases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.measurement.lagged_ranks import LaggedRanks, false_discovery_q_values, lagged_rank_test
from orchestration.measurement.measurement import Measurement

FEWEST_WEEKS = 52
FIRM_WEEKS = 104
FALSE_DISCOVERIES = 0.10
DETECTABLE = 0.30
"""An effect that a test could not have found says nothing by its absence."""


def proxy_tests(weekly_series: pd.DataFrame) -> pd.DataFrame:
    """Test every proxy of `int_weekly_series` against purchases. One row per platform and proxy."""
    series = {
        key: frame.set_index("week_start_date")["weekly_value"].astype(float)
        for key, frame in weekly_series.groupby(["series_kind", "platform_id", "proxy_id"])
    }
    purchases = series.get(("purchases", "(all)", "purchases"))
    rows = []
    for (kind, platform_id, proxy_id), proxy in series.items():
        if kind == "proxy":
            posts = series.get(("posts", platform_id, "posts"))
            weeks = _common_weeks(proxy, purchases)
            test = _test(proxy, purchases, posts, weeks) if len(weeks) >= FEWEST_WEEKS else None
            rows.append({"platform_id": platform_id, "proxy_id": proxy_id, **_figures(len(weeks), test)})
    tests = pd.DataFrame(rows, columns=[*_COLUMNS])
    tested = tests["p_value"].notna()
    tests["q_value"] = np.nan
    tests.loc[tested, "q_value"] = false_discovery_q_values(tests.loc[tested, "p_value"].to_numpy(float))
    verdicts = [_verdict(row) for row in tests.to_dict("records")]
    return tests.assign(
        verdict=[verdict for verdict, _ in verdicts], reason=pd.Series([why for _, why in verdicts], dtype=object)
    )


_COLUMNS = (
    *("platform_id", "proxy_id", "week_count", "is_exploratory", "statistic", "reverse_statistic", "p_value"),
    "detectable_correlation",
)


def _common_weeks(proxy: pd.Series, purchases: pd.Series | None) -> pd.DatetimeIndex:
    """Weeks that both series cover; their first and last are left out, because exports begin and end within them."""
    if purchases is None:
        return pd.DatetimeIndex([])
    first, last = max(proxy.index.min(), purchases.index.min()), min(proxy.index.max(), purchases.index.max())
    return pd.date_range(first, last, freq="7D")[1:-1]


def _test(
    proxy: pd.Series, purchases: pd.Series | None, posts: pd.Series | None, weeks: pd.DatetimeIndex
) -> LaggedRanks | None:
    def counts(series: pd.Series | None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.zeros(len(weeks)) if series is None else series.reindex(weeks, fill_value=0.0).to_numpy(float)

    return lagged_rank_test(counts(proxy).clip(min=0), counts(purchases), counts(posts))


def _figures(weeks: int, test: LaggedRanks | None) -> dict[str, object]:
    return {
        "week_count": weeks,
        "is_exploratory": weeks < FIRM_WEEKS,
        "statistic": test and test.statistic,
        "reverse_statistic": test and test.reverse_statistic,
        "p_value": test and test.p_value,
        "detectable_correlation": test and test.detectable_correlation,
    }


def _verdict(test: dict[str, object]) -> tuple[str, str | None]:
    if pd.isna(test["p_value"]):
        if test["week_count"] < FEWEST_WEEKS:  # type: ignore[operator]
            return "not_enough_data", f"{test['week_count']} common weeks, {FEWEST_WEEKS} are needed"
        return "not_enough_data", "one of the series does not vary"
    found = test["q_value"] <= FALSE_DISCOVERIES  # type: ignore[operator]
    if found and test["reverse_statistic"] >= test["statistic"]:  # type: ignore[operator]
        return "demand_leads", "purchases forecast the proxy at least as well as the other way round"
    if found:
        return "predicts", None
    if test["detectable_correlation"] <= DETECTABLE:  # type: ignore[operator]
        return "no_evidence", None
    smallest = f"{test['detectable_correlation']:.2f}"
    return "not_enough_data", f"the smallest correlation that so many weeks can show is {smallest}"


MEASUREMENTS = (Measurement("proxy_tests", ("intermediate.int_weekly_series",), proxy_tests),)
