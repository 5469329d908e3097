"""What a measurement is: relations that it reads, the table that it fills, and the function between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Measurement:
    """One table of the schema `measurement`, computed from relations that are small whatever the size of the warehouse.

    `measure` gets one frame for each name in `reads`, in their order, rows sorted by all columns, so that a seeded
    method gives the same figures in every run. It returns exactly the columns that the dbt source `measurement`
    declares for `table`, in any order; a missing figure is null, never NaN that SQL would read as a number.
    """

    table: str
    reads: tuple[str, ...]
    """`schema.table`: models of the intermediate layer, seeds, or tables of measurements that come before."""
    measure: Callable[..., pd.DataFrame]
