"""A published figure with what a reader must know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

COLUMNS = (
    "figure", "lower_bound", "upper_bound", "basis_count", "status", "reason", "method", "assumption_ids"
)  # fmt: skip
"""What every measurement table of figures has, after the columns that say whose figure it is."""

Status = Literal["ok", "partial", "not_identified", "not_enough_data", "suppressed"]
"""partial: holds for a part of what it is about, which the reason names. not_identified: no export tells.
suppressed: so few people that a figure would be about persons."""


@dataclass(frozen=True)
class Figure:
    """A figure, its interval or bounds, and how it came about; without a figure and bounds the reason says why."""

    figure: float | None = None
    lower: float | None = None
    upper: float | None = None
    count: int | None = None
    """On how many observations it rests: n."""
    status: Status = "ok"
    reason: str | None = None
    method: str = "counted"
    assumptions: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """As the measurement tables have it."""
        return {
            "figure": self.figure,
            "lower_bound": self.lower,
            "upper_bound": self.upper,
            "basis_count": self.count,
            "status": self.status,
            "reason": self.reason,
            "method": self.method,
            "assumption_ids": " ".join(self.assumptions) or None,
        }

    def because(self, reason: str, status: Status) -> Figure:
        """The same figure with a reservation."""
        return replace(self, reason=reason, status=status)

    def assuming(self, *assumptions: str) -> Figure:
        """The same figure under these assumptions."""
        return replace(self, assumptions=assumptions)


def nothing(reason: str, method: str, status: Status = "not_identified", count: int | None = None) -> Figure:
    """No figure, and why."""
    return Figure(count=count, status=status, reason=reason, method=method)


def counted(figure: int, count: int, *assumptions: str) -> Figure:
    """A number that was counted and has no error but what the assumptions hide."""
    return Figure(figure, figure, figure, count, assumptions=assumptions)


def union(parts: Sequence[tuple[str, Figure]], *assumptions: str) -> Figure:
    """How many people some groups are together, whose overlap nobody knows (Frechet): from the largest to the sum.

    `parts` are pairs of a group's name and its figure. A group of which no upper bound is known leaves the upper side
    open; one of which nothing at all is known still leaves the lower side.
    """
    lowers = [part.lower for _, part in parts if part.lower is not None]
    # Of a part of what it is about a figure bounds nothing from above.
    uppers = {name: part.upper for name, part in parts if part.upper is not None and part.status != "partial"}
    unbounded = [name for name, _ in parts if name not in uppers]
    reason = f"no upper bound is known of: {', '.join(unbounded)}" if unbounded else None
    if not lowers and (unbounded or not uppers):
        return nothing(reason or "no platform tells", "frechet")
    return Figure(
        None,
        max(lowers, default=None),
        None if unbounded else sum(uppers.values()),
        sum(part.count or 0 for _, part in parts),
        "partial" if unbounded else "ok",
        reason,
        "frechet",
        assumptions,
    )
