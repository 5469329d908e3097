"""The end of a run as plain text: what came in, what was checked, what the marts now say, what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.freshness import overdue_sources
from orchestration.publication import DATABASE, OVERVIEW, Publication

SHOWN_REFUSALS = 50
SHOWN_CHARACTERS = 110


@dataclass(frozen=True)
class Landed:
    """What landing did in this run."""

    folder: str
    is_demo: bool
    is_new: bool
    landed: int
    skipped: int
    refused: int
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    refusals: list[dict[str, str]]
    """The first ones of what was refused or not taken."""
    not_taken: int = 0


@dataclass
class Checked:
    """How the guards of one layer went."""

    passed: int = 0
    warned: int = 0
    failed: int = 0


@dataclass
class Night:
    """One run."""

    is_success: bool
    landed: Landed | None = None
    checks: dict[str, Checked] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    peak_megabytes: float = 0
    publication: Publication | None = None
    """What readers see after the run, be it of this run or an earlier one."""
    failed_steps: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Critical checks that did not hold."""


def summary_text(night: Night, published: Path) -> str:
    """The whole summary. `published` is the folder that holds the publications."""
    blocks = []
    if night.landed:
        blocks += [_landed_block(night.landed), *_refusal_blocks(night.landed)]
    if night.checks:
        blocks.append(_checks_block(night.checks))
    if night.publication:
        with duckdb.connect(str(published / "current" / DATABASE), read_only=True) as marts:
            # The demo's data end on a day of their own.
            now = None if night.publication.is_demo else datetime.now(UTC).replace(tzinfo=None)
            blocks += [_funnel_block(marts), _unknown_block(marts), *_overdue_block(marts, now)]
    blocks += [_cost_block(night), _outcome_line(night, published)]
    return "\n\n".join(blocks)


def told_night(night: Night) -> dict[str, Any]:
    """The run in numbers and names of the project's own, for a log or a stranger's server: nothing that an export holds."""
    landed = night.landed
    counts = ("landed", "skipped", "refused", "rows_read", "rows_landed", "rows_quarantined")
    return {
        "text": _told_in_a_sentence(night),
        "is_success": night.is_success,
        "is_new": landed.is_new if landed else None,
        "is_demo": landed.is_demo if landed else None,
        "landed": {count: getattr(landed, count) for count in counts} if landed else None,
        "checks": {layer: asdict(checked) for layer, checked in night.checks.items()},
        "broken": night.broken,
        "failed_steps": night.failed_steps,
        "publication_id": night.publication.publication_id if night.publication else None,
        "seconds": {part: round(seconds, 1) for part, seconds in night.seconds.items()},
        "peak_megabytes": round(night.peak_megabytes),
    }


def _told_in_a_sentence(night: Night) -> str:
    seen = night.publication.publication_id if night.publication else "nothing yet"
    if not night.is_success:
        where = ", ".join(night.failed_steps) or "its process"
        checks = f" ({', '.join(night.broken)})" if night.broken else ""
        return f"Balcony: the run FAILED in {where}{checks}; readers still see {seen}. `make doctor` says more."
    if night.landed and not night.landed.is_new:
        return f"Balcony: nothing new; {seen} stays current."
    landed = f"{night.landed.landed:,} files landed, {night.landed.refused:,} refused" if night.landed else "built anew"
    return f"Balcony: published {seen}; {landed}."


def _landed_block(landed: Landed) -> str:
    source = f"{landed.folder}  (a demo: the folder of exports is empty)" if landed.is_demo else landed.folder
    return _table(
        ("Exports", source),
        [
            (
                "files",
                f"{landed.landed:,} landed, {landed.skipped:,} skipped (seen before), {landed.refused:,} refused"
                + f", {landed.not_taken:,} not taken yet" * bool(landed.not_taken),
            ),
            (
                "rows",
                f"{landed.rows_read:,} in, {landed.rows_landed:,} landed, {landed.rows_quarantined:,} in quarantine",
            ),
        ],
    )


def _refusal_blocks(landed: Landed) -> Iterable[str]:
    if landed.refusals:
        rows = [(refusal["file"], _shortened(refusal["reason"])) for refusal in landed.refusals[:SHOWN_REFUSALS]]
        if (more := landed.refused + landed.not_taken - len(rows)) > 0:
            rows.append((f"and {more:,} more", "see fct_landed_files"))
        yield _table(("Refused", ""), rows)


def _checks_block(checks: dict[str, Checked]) -> str:
    return _table(
        ("Checks", "passed", "warned", "failed"),
        [(layer, f"{c.passed:,}", f"{c.warned:,}", f"{c.failed:,}") for layer, c in checks.items()],
    )


def _funnel_block(marts: duckdb.DuckDBPyConnection) -> str:
    """Totals of every number in funnel_daily, a platform a column; a dash where the platform reports none."""
    numbers = [
        name
        for name, type_ in marts.execute(
            "select column_name, data_type from duckdb_columns()"
            " where schema_name = 'marts' and table_name = 'funnel_daily' order by column_index"
        ).fetchall()
        if type_ in ("BIGINT", "DOUBLE") or type_.startswith("DECIMAL")
    ]
    totals = ", ".join(f'sum("{name}")' for name in numbers)
    by_platform = marts.execute(
        f"select platform_id, {totals} from marts.funnel_daily group by platform_id order by platform_id"
    ).fetchall()
    rows = [
        (name, *(_number(platform[index]) for platform in by_platform))
        for index, name in enumerate(numbers, start=1)
        if any(platform[index] is not None for platform in by_platform)
    ]
    return _table(("Funnel", *(platform[0] for platform in by_platform)), rows)


def _unknown_block(marts: duckdb.DuckDBPyConnection) -> str:
    """How much of what was earned has no known origin."""
    conversions, unknown_conversions = _row(
        marts,
        "select count(*), count(*) filter (where link_state = 'unknown') from marts.fct_conversion_links",
    )
    rows = [("conversions", f"{_share(unknown_conversions, conversions)} of {conversions:,} unknown")]
    for currency, revenue, unknown_revenue in marts.execute(
        """
        select reporting_currency_code, sum(net_amount_reporting),
            sum(net_amount_reporting) filter (where link_state = 'unknown')
        from marts.fct_conversions inner join marts.fct_conversion_links using (conversion_key)
        group by reporting_currency_code order by reporting_currency_code
        """
    ).fetchall():
        rows.append(("net revenue", f"{_share(unknown_revenue, revenue)} of {revenue:,} {currency} unknown"))
    return _table(("Origin", ""), rows)


def _overdue_block(marts: duckdb.DuckDBPyConnection, now: datetime | None) -> Iterable[str]:
    """Sources that bring nothing any more, or whose newer file was refused."""
    if overdue := overdue_sources(marts, now):
        yield _table(("Overdue", ""), [(source.table, _shortened(source.text)) for source in overdue])


def _cost_block(night: Night) -> str:
    parts = [f"{part} {seconds:.1f} s" for part, seconds in night.seconds.items()]
    return _table(
        ("Cost", ""),
        [
            ("time", f"{sum(night.seconds.values()):.1f} s: {', '.join(parts)}"),
            ("memory", f"{night.peak_megabytes:,.0f} MB at most"),
        ],
    )


def _outcome_line(night: Night, published: Path) -> str:
    current = published / "current" / DATABASE
    if not night.is_success:
        still = f"Readers still see {night.publication.publication_id}." if night.publication else "There is none yet."
        return f"FAILED: nothing was published. {still}"
    assert night.publication is not None
    if night.landed and not night.landed.is_new:
        return f"Nothing new: publication {night.publication.publication_id} stays current\n  {current}"
    return f"Published {night.publication.publication_id}\n  {current}\n  {current.with_name(OVERVIEW)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: names left, numbers right, a sole second column left."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    is_text = len(header) == 2
    return "\n".join(
        (
            indent
            + "  ".join(
                cell.ljust(width) if index == 0 or is_text else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for indent, row in [("", (header[0].ljust(widths[0] + 2), *header[1:])), *(("  ", row) for row in rows)]
    )


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _number(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) and value % 1 else f"{value:,.0f}"


def _share(part: object, whole: object) -> str:
    return f"{float(part or 0) / float(whole):.1%}" if whole else "-"  # type: ignore[arg-type]


def _row(marts: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = marts.execute(query).fetchone()
    assert row is not None
    return row
