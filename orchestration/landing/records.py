"""Physical records of a text file, found without the reader that lands them.

DuckDB's reader can lose lines without a reject, so every file is counted here as well: a record ends at a line feed
outside quotes, blank lines are none. Vectorised over blocks, so memory does not grow with the file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 24
SMALL_BYTES = 1 << 16
QUOTE, LINE_FEED, CARRIAGE_RETURN = 34, 10, 13

Offsets = NDArray[np.int64]


class RecordScanner:
    """One pass over a file's records.

    After iteration `open_quote` tells whether the file ends inside quotes, and `line_ends` how records end:
    a subset of {"\\n", "\\r\\n"}.
    """

    def __init__(self, path: Path, *, quoted: bool) -> None:
        self.path = path
        self.quoted = quoted
        self.open_quote = False
        self.line_ends: set[str] = set()

    def __iter__(self) -> Iterator[tuple[Offsets, Offsets]]:
        """Yield start and end offsets (int64, end exclusive, line end not included) of records that are not blank."""
        position = start = 0
        open_quotes = 0
        for feeds, returned, quotes, length in self._blocks():
            if len(quotes) or open_quotes:
                outside = (np.searchsorted(quotes, feeds) + open_quotes) % 2 == 0
                feeds, returned = feeds[outside], returned[outside]
                open_quotes = (open_quotes + len(quotes)) % 2
            if returned.any():
                self.line_ends.add("\r\n")
            if not returned.all():
                self.line_ends.add("\n")
            ends = feeds + position
            starts = np.concatenate(([start], ends[:-1] + 1)) if len(ends) else ends
            if len(ends):
                start = int(ends[-1]) + 1
            filled = ends - returned > starts
            yield starts[filled], (ends - returned)[filled]
            position += length
        self.open_quote = bool(open_quotes)
        if start < position:
            yield np.array([start]), np.array([position])

    def _blocks(self) -> Iterator[tuple[Offsets, NDArray[np.bool_], Offsets, int]]:
        """Marks of each block in order, of the next ones found beside it: numpy looks without the interpreter's lock."""
        ahead: deque[Future[tuple[Offsets, NDArray[np.bool_], Offsets, int]]] = deque()
        before = b""
        with self.path.open("rb") as file, ThreadPoolExecutor(2) as beside:
            while block := file.read(BLOCK_BYTES):
                if len(block) < SMALL_BYTES and not ahead:  # Sooner done than a thread is started.
                    yield _marks(block, before, self.quoted)
                    before = block[-1:]
                    continue
                ahead.append(beside.submit(_marks, block, before, self.quoted))
                before = block[-1:]
                if len(ahead) == 2:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()


def _marks(block: bytes, before: bytes, quoted: bool) -> tuple[Offsets, NDArray[np.bool_], Offsets, int]:
    """Where the line feeds are, whether a carriage return stands before each, and where the quotes are."""
    values = np.frombuffer(block, dtype=np.uint8)
    feeds = np.flatnonzero(values == LINE_FEED)
    returned = values[feeds - 1] == CARRIAGE_RETURN
    if len(feeds) and feeds[0] == 0:
        returned[0] = before == b"\r"
    quotes = np.flatnonzero(values == QUOTE) if quoted and QUOTE in block else np.zeros(0, dtype=np.int64)
    return feeds, returned, quotes, len(block)


@dataclass(frozen=True)
class RecordCount:
    """What one pass found. `parts` are (first byte, records before it), cut at record starts."""

    records: int
    open_quote: bool
    line_ends: frozenset[str]
    parts: tuple[tuple[int, int], ...]


def count_records(path: Path, *, quoted: bool, parts: int = 1) -> RecordCount:
    """Count the records of a file and find where to cut it into about equal `parts`."""
    size = path.stat().st_size
    targets = [size * part // parts for part in range(1, parts)]
    cuts = [(0, 0)]
    records = 0
    scanner = RecordScanner(path, quoted=quoted)
    for starts, _ in scanner:
        while targets and len(starts) and starts[-1] >= targets[0]:
            index = int(np.searchsorted(starts, targets.pop(0)))
            cuts.append((int(starts[index]), records + index))
        records += len(starts)
    return RecordCount(records, scanner.open_quote, frozenset(scanner.line_ends), tuple(cuts))


def ordinals_at(path: Path, offsets: Collection[int], *, quoted: bool) -> list[int]:
    """For byte offsets inside a file, the ordinal (from 0) of the record that holds each, in ascending order.

    A line end belongs to the record after it: DuckDB's reader has a rejected line of undecodable bytes begin at the `\\n`
    of the `\\r\\n` before it.
    """
    wanted = np.array(sorted(offsets), dtype=np.int64)
    found: list[int] = []
    records = 0
    for _, ends in RecordScanner(path, quoted=quoted):
        if len(ends):
            upto = wanted[len(found) :]
            inside = upto[upto < ends[-1]]
            found += (np.searchsorted(ends, inside, side="right") + records).tolist()
            records += len(ends)
    return found + [records - 1] * (len(wanted) - len(found))


def record_texts(path: Path, ordinals: Collection[int], *, quoted: bool, most: int | None = None) -> dict[int, bytes]:
    """The bytes of some records, by ordinal (from 0), of each the first `most`."""
    wanted = np.array(sorted(ordinals), dtype=np.int64)
    texts: dict[int, bytes] = {}
    records = 0
    with path.open("rb") as file:
        for starts, ends in RecordScanner(path, quoted=quoted):
            for ordinal in wanted[(wanted >= records) & (wanted < records + len(starts))]:
                file.seek(int(starts[ordinal - records]))
                length = int(ends[ordinal - records] - starts[ordinal - records])
                texts[int(ordinal)] = file.read(length if most is None else min(length, most))
            records += len(starts)
    return texts


def copy_records(
    path: Path, target: Path, without: Collection[int], change: Callable[[bytes], bytes], *, quoted: bool
) -> None:
    """Copy a text file record by record, each changed, without those of some ordinals (from 0). Blank lines go too."""
    with path.open("rb") as source, target.open("wb") as copy:
        ordinal = 0
        for starts, ends in RecordScanner(path, quoted=quoted):
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                if ordinal not in without:
                    source.seek(start)
                    copy.write(change(source.read(end - start)) + b"\n")
                ordinal += 1


def write_with_line_feeds(path: Path, target: Path, *, quoted: bool) -> None:
    """Copy a text file so that every record ends in a line feed alone: DuckDB's strict parser refuses mixed ends.

    Line breaks inside quotes stay as they are. A file without any line feed has old Mac line ends.
    """
    with path.open("rb") as source, target.open("wb") as copy:
        if LINE_FEED not in source.read(BLOCK_BYTES):
            source.seek(0)
            while block := source.read(BLOCK_BYTES):
                copy.write(block.replace(b"\r", b"\n"))
            return
        for starts, ends in RecordScanner(path, quoted=quoted):
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                source.seek(start)
                copy.write(source.read(end - start) + b"\n")
