"""How much landing takes from one file before it refuses it, and how long what it took is kept."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """Each limit is the environment's `BALCONY_` and its name in capitals, such as `BALCONY_ARCHIVE_RATIO`."""

    archive_members: int = 200_000
    """Files in one archive."""
    archive_ratio: int = 200
    """Unpacked to packed size. Text packs to about a tenth; 500 MB of zeros pack to a thousandth."""
    archive_unpacked_bytes: int = 200_000_000_000
    """All files of one archive together, whatever its ratio."""
    small_archive_bytes: int = 64_000_000
    """Below this size, unpacked, no ratio is suspicious."""
    document_bytes: int = 1_000_000_000
    """A JSON document or script, which is parsed in memory; lists of lines and csv have no such limit."""
    columns: int = 5_000
    """Headers of a csv."""
    record_bytes: int = 16_777_216
    """One record of a csv, log or list of JSON lines; a longer one goes to quarantine."""
    quarantined_bytes: int = 1_000_000
    """Of one record that quarantine keeps; the archive has the rest."""
    files_in_a_run: int = 100_000
    """New files that one run takes, some 30 to 60 minutes' worth of small ones; the next takes the others."""
    settle_seconds: float = 2.0
    """A file that was written to so recently is looked at twice, so long apart, before it is taken."""
    keep_raw_files_days: int = 0
    """Archived files are removed so long after they landed; 0 keeps them for ever."""
    keep_raw_rows: bool = True
    """Whether the rows of a file stay when the file is removed for its age."""

    @classmethod
    def from_environment(cls) -> Limits:
        """Read `BALCONY_*`. Raises `ValueError` naming the variable that is no number or is negative."""
        return cls(**{field.name: _value(field) for field in dataclasses.fields(cls)})


DEFAULTS = Limits()


def _value(field: dataclasses.Field[Any]) -> Any:
    variable = f"BALCONY_{field.name.upper()}"
    text = os.environ.get(variable)
    if not text:
        return field.default
    if isinstance(field.default, bool):
        return text.casefold() not in ("0", "no", "false")
    try:
        value = float(text) if isinstance(field.default, float) else int(text)
    except ValueError:
        raise ValueError(f"{variable}={text}: not a number") from None
    if value < 0:
        raise ValueError(f"{variable}={text}: below zero")
    return value
