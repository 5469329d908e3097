"""The page that an owner reads first, drawn from the marts of a publication and lying beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.freshness import overdue_sources

MARTS = (
    *("influence_headline", "channel_attribution_total", "dim_channels", "dim_platforms", "incrementality"),
    *("proxy_validity", "audience_ladder"),
)
"""What the page is drawn from."""

RULES = {
    "first_touch_30_days": "first touch",
    "linear_30_days": "equal shares",
    "last_touch_30_days": "last touch",
    "markov_order_1": "removal effect",
}
PROXIES = {
    "reception": "views",
    "entanglement": "follows",
    "interaction": "likes",
    "engagement": "replies",
}
VERDICTS = {
    "predicts": "forecasts",
    "demand_leads": "follows purchases",
    "no_evidence": "no",
    "not_enough_data": "too few data",
}
STEPS = {
    "reach_unique": "reached",
    "entangled_open": "following",
    "actors_seen": "seen acting",
    "actors_estimated": "would ever act",
    "engaged_seen": "replied",
    "lurkers": "never act",
}
ORIGINS = {
    "linked_count": ("known", "with evidence of a channel"),
    "direct_count": ("direct", "visits without an origin"),
    "no_touch_count": ("none", "known to have met nothing"),
    "unknown_count": ("unknown", "unknown"),
}
SURPRISING = 0.05
"""A smaller p-value is said to be no chance."""
CHART_HEIGHT = 190.0
LABELLED_MONTHS = 8


def write_overview(marts: duckdb.DuckDBPyConnection, path: Path, *, is_demo: bool) -> None:
    """Write the page of the database's schema `marts` to `path`; nothing, where the schema lacks what it is drawn from."""
    there = {
        name
        for (name,) in marts.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    }
    if not there.issuperset(MARTS):
        return
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    headlines = _rows(marts, "select * from marts.influence_headline order by month_date nulls first")
    overall = next((row for row in headlines if row["period"] == "all" and row["conversion_count"]), None)
    page = environment.get_template("overview.html").render(
        is_demo=is_demo,
        headline=overall,
        ranges=_ranges(overall) if overall else [],
        influenced_note=_influenced_note(overall) if overall else "",
        months=_months([row for row in headlines if row["period"] != "all"]),
        rules=list(RULES.values()),
        credits=_credits(marts),
        experiments=_experiments(marts),
        proxy_names=list(PROXIES.values()),
        proxies=_proxies(marts),
        step_names=list(STEPS.values()),
        audience=_audience(marts),
        overdue=overdue_sources(marts, None),
    )
    path.write_text(page, encoding="utf-8")


def _rows(marts: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = marts.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _ranges(headline: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bars on a scale from none to all conversions; what has no bounds has no bar."""
    count = headline["conversion_count"]
    bars = [
        ("Unknown where from", 0, headline["unknown_count"], "var(--unknown)"),
        ("Met something of yours", headline["touched_lower"], headline["touched_upper"], "var(--range)"),
        (
            "Would not have happened without it",
            headline["influenced_lower"],
            headline["influenced_upper"],
            "var(--range)",
        ),
    ]
    return [
        {
            "name": name,
            "lower": lower / count,
            "upper": upper / count,
            "colour": colour,
            # Rounded outwards, as in the sentence.
            "text": f"{floor(lower):,} to {ceil(upper):,}" if colour == "var(--range)" else f"{floor(upper):,}",
        }
        for name, lower, upper, colour in bars
        if lower is not None and upper is not None
    ]


def _influenced_note(headline: Mapping[str, Any]) -> str:
    if headline["influenced_level"] == "A4":
        note = "The last range comes from an experiment of yours in which a coin decided when to post."
    else:
        note = "The last range can only be narrowed by an experiment: make plan draws one."
    if headline["influenced_lower"] is not None and headline["influenced_lower"] < 1:
        note += " It begins at 0: perhaps every purchase would have happened without you."
    return note


def _months(headlines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stacked bars, at most `LABELLED_MONTHS` of them with a label."""
    most = max((row["conversion_count"] for row in headlines), default=0)
    every = -(-len(headlines) // LABELLED_MONTHS)
    months = []
    for position, row in enumerate(headlines):
        evidenced = row["conversion_count"] - row["unknown_count"] - row["direct_count"] - row["no_touch_count"]
        counts = {**row, "linked_count": evidenced}
        parts, top = [], CHART_HEIGHT + 5
        for column, (kind, label) in ORIGINS.items():
            height = CHART_HEIGHT * counts[column] / most if most else 0.0
            top -= height
            parts.append({"kind": kind, "label": label, "count": counts[column], "top": top, "height": height})
        months.append(
            {"name": row["period"], "position": position, "parts": parts, "is_labelled": position % every == 0}
        )
    return months


def _credits(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Purchases credited to each channel, those with the most first, after the unknown."""
    rows = _rows(
        marts,
        """
        select channel_id, channel_name, attribution_model_id, sum(credit_count) as credit
        from marts.channel_attribution_total inner join marts.dim_channels using (channel_id)
        where conversion_kind in ('order', 'payment')
        group by all
        """,
    )
    channels: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        channels.setdefault((row["channel_id"], row["channel_name"]), {})[row["attribution_model_id"]] = row["credit"]
    ordered = sorted(channels.items(), key=lambda item: (item[0][0] != "(unknown)", -sum(map(float, item[1].values()))))
    return [
        {"channel_id": channel_id, "channel_name": name, "credits": [found.get(rule) for rule in RULES]}
        for (channel_id, name), found in ordered
    ]


def _experiments(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What each shows, as a range and in words. Without the estimate between: it would be read as the number."""
    return [
        {
            "name": row["experiment_id"],
            "method": row["estimator"].replace("_", " "),
            "range": _range(row["caused_count_lower"], row["caused_count_upper"]),
            "shown": row["reason"] or _shown(row["caused_count"], row["p_value"]),
        }
        for row in _rows(marts, "select * from marts.incrementality order by experiment_id, estimator")
    ]


def _range(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "-"
    # Limits are found to some 1e-9 of their size: no limit of 0 is to read as -1.
    return f"{floor(lower + 1e-6):,} to {ceil(upper - 1e-6):,}"


def _shown(caused: float | None, p_value: float | None) -> str:
    if caused is None or p_value is None:
        return "nothing"
    if p_value > SURPRISING:
        return "nothing that can be told from chance"
    return "more purchases than chance explains" if caused > 0 else "fewer purchases than chance explains"


def _proxies(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    verdicts: dict[str, dict[str, str]] = {}
    for row in _rows(marts, "select * from marts.proxy_validity inner join marts.dim_platforms using (platform_id)"):
        verdicts.setdefault(row["platform_name"], {})[row["proxy_id"]] = VERDICTS[row["verdict"]]
    return [
        {"name": name, "verdicts": [found.get(proxy, "-") for proxy in PROXIES]}
        for name, found in sorted(verdicts.items())
    ]


def _audience(marts: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    steps: dict[str, dict[str, str]] = {}
    query = """
        select platform_name, step, figure, lower_bound, upper_bound
        from marts.audience_ladder inner join marts.dim_platforms using (platform_id)
        where period = 'all'
    """
    for row in _rows(marts, query):
        steps.setdefault(row["platform_name"], {})[row["step"]] = _people(row)
    return [
        {"name": name, "figures": [found.get(step, "-") for step in STEPS]}
        for name, found in sorted(steps.items())
        if any(found.get(step, "-") != "-" for step in STEPS)
    ]


def _people(row: Mapping[str, Any]) -> str:
    figure, lower, upper = row["figure"], row["lower_bound"], row["upper_bound"]
    if lower is None and upper is None:
        return "-" if figure is None else f"{figure:,.0f}"
    if lower == upper:
        return f"{lower:,.0f}"
    if upper is None:
        return f"{lower:,.0f} or more"
    return f"{lower or 0:,.0f} to {upper:,.0f}"
