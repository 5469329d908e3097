"""Bytes -> rows as exported: for each format, the DuckDB queries that read a file, and how its records are counted.

Every query yields the columns that the file brings as text, then `_extra` and `_source_row_number`. Rows that the reader rejects
are in its reject tables afterwards.
"""

from __future__ import annotations

import csv
import importlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.landing.identify import Recognised, walk
from orchestration.landing.limits import DEFAULTS, Limits
from orchestration.landing.records import (
    copy_records,
    count_records,
    ordinals_at,
    record_texts,
    write_with_line_feeds,
)
from orchestration.landing.spec import Column, LandingSpec, fold

SPLIT_BYTES = 1 << 26
"""From this size on a text file is read in one part per thread: numbering rows keeps a reader on one thread."""
BUFFER_BYTES = 1 << 25
"""DuckDB's own default; unless set, it would be 16 times the longest record."""
# What stands in no csv cell: blank cells stay '' instead of becoming null.
NO_NULL = "chr(1) || 'no null' || chr(2)"
NO_DELIMITER = "chr(31)"


class UnreadableError(ValueError):
    """A file that cannot be read at all; the text says why and holds nothing of the file."""


Rewrite = Callable[[Path, Collection[int], Callable[[bytes], bytes]], None]
"""Target, row numbers to leave out, and what is done to the bytes of each record that stays."""


@dataclass(frozen=True)
class Part:
    """A stretch of a text file that one reader takes: its own file, and what comes before it."""

    path: Path
    rows_before: int
    header_records: int
    rejects: str | None


@dataclass(frozen=True)
class Source:
    """A file made ready to be read."""

    columns: tuple[str, ...]
    """The columns of the spec that the file brings, in the order in which `queries` yield them."""
    queries: tuple[str, ...]
    row_count: int
    """Records in the file, counted without DuckDB."""
    raw_texts: Callable[[Collection[int]], dict[int, str]]
    """The text of some rows, by row number from 1."""
    parts: tuple[Part, ...] = ()
    quoted: bool = False
    open_quote: bool = False
    unreadable: str | None = None
    """A query for the numbers of rows that its `queries` leave out because they do not have the format."""
    recount: Callable[[], int] | None = field(default=None)
    """A second, slower count, for files whose stray quotes mislead the first."""
    unknown_columns: tuple[str, ...] = ()
    """Headers that the spec does not know."""
    rewrite: Rewrite | None = field(default=None)
    """Writes the file anew without some rows, by row number from 1; None where a part of it cannot be taken out."""


@contextmanager
def open_source(
    found: Recognised, path: Path, spill: Path, threads: int, limits: Limits = DEFAULTS
) -> Iterator[Source]:
    """Prepare a recognised file. Temporary copies live in `spill` while the context is open.

    Raises `UnreadableError` with a reason when the file cannot be read at all.
    """
    workspace = spill / f"landing-{path.name[:16]}"
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    try:
        spec = found.spec
        if spec.format in ("csv", "log", "ndjson"):
            yield _text_source(found, _as_utf8(found, path, workspace), workspace, threads, limits)
        elif spec.format == "parser":
            yield _parsed_source(spec, path, workspace, limits)
        else:
            yield _document_source(found, _as_utf8(found, path, workspace))
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _as_utf8(found: Recognised, path: Path, workspace: Path) -> Path:
    if found.encoding in ("utf-8", "ascii"):
        return path
    target = workspace / "utf8"
    try:
        with (
            path.open(encoding=found.encoding, newline="") as source,
            target.open("w", encoding="utf-8", newline="") as copy,
        ):
            shutil.copyfileobj(source, copy, 1 << 20)
    except UnicodeError as error:
        raise UnreadableError(f"not {found.encoding}: {error}") from None
    return target


def _text_source(found: Recognised, path: Path, workspace: Path, threads: int, limits: Limits) -> Source:
    spec = found.spec
    quoted = spec.format == "csv"
    wanted = threads if path.stat().st_size >= SPLIT_BYTES else 1
    counted = count_records(path, quoted=quoted, parts=wanted)
    if len(counted.line_ends) == 2 or (not counted.line_ends and _has_returns(path)):
        normalised = workspace / "lines"
        write_with_line_feeds(path, normalised, quoted=quoted)
        path, counted = normalised, count_records(normalised, quoted=quoted, parts=wanted)
    header = 1 if quoted else 0
    parts = tuple(
        Part(part, before if before == 0 else before - header, header if before == 0 else 0, f"rejects_{number}")
        for number, (part, before) in enumerate(_cut(path, counted.parts, workspace))
    )
    if quoted:
        queries = tuple(_csv_query(found, part, limits) for part in parts)
        unreadable = None
    else:
        queries = tuple(_line_query(spec, part, limits, readable=True) for part in parts)
        unreadable = " union all ".join(_line_query(spec, part, limits, readable=False) for part in parts)

    def raw_texts(numbers: Collection[int]) -> dict[int, str]:
        ordinals = [number - 1 + header for number in numbers]
        texts = record_texts(path, ordinals, quoted=quoted, most=limits.quarantined_bytes)
        return {ordinal + 1 - header: text.decode("utf-8", "backslashreplace") for ordinal, text in texts.items()}

    def rewrite(target: Path, without: Collection[int], change: Callable[[bytes], bytes]) -> None:
        dropped = {number - 1 + header for number in without}
        copy_records(path, target, dropped, change, quoted=quoted)

    def recount() -> int:
        csv.field_size_limit(limits.record_bytes)
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return sum(1 for record in csv.reader(file, delimiter=found.delimiter) if record) - header

    known, unknown = _csv_positions(found)
    return Source(
        tuple(known) if quoted else _column_names(spec),
        queries,
        counted.records - header,
        raw_texts,
        parts,
        quoted,
        counted.open_quote,
        unreadable,
        recount if quoted else None,
        tuple(unknown) if quoted else (),
        rewrite,
    )


def _has_returns(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\r" in file.read(1 << 20)


def _cut(path: Path, cuts: tuple[tuple[int, int], ...], workspace: Path) -> Iterator[tuple[Path, int]]:
    """Each part as a file of its own; a file in one part is read where it lies."""
    if len(cuts) == 1:
        yield path, 0
        return
    ends = [*(start for start, _ in cuts[1:]), path.stat().st_size]
    with path.open("rb") as source:
        for number, ((start, records_before), end) in enumerate(zip(cuts, ends, strict=True)):
            target = workspace / f"part-{number}"
            source.seek(start)
            with target.open("wb") as copy:
                remaining = end - start
                while remaining:
                    block = source.read(min(remaining, 1 << 24))
                    copy.write(block)
                    remaining -= len(block)
            yield target, records_before


def _csv_positions(found: Recognised) -> tuple[dict[str, int], dict[str, int]]:
    """Where a csv file has the spec's columns, and where it has others."""
    positions: dict[str, int] = {}
    extra: dict[str, int] = {}
    for position, header in enumerate(found.header):
        folded = fold(header)
        column = next((c for c in found.spec.columns if folded in c.headers), None)
        if column is not None and column.name not in positions:
            positions[column.name] = position
        else:
            name = header if header not in extra else f"{header} ({position + 1})"
            extra[name] = position
    return positions, extra


def _csv_query(found: Recognised, part: Part, limits: Limits) -> str:
    positions, extra = _csv_positions(found)
    selected = [f'c{position} as "{column}"' for column, position in positions.items()]
    packed = ", ".join(f"{_text(name)}, c{position}" for name, position in extra.items())
    selected.append(f"json_object({packed})::varchar as _extra" if extra else "null::varchar as _extra")
    columns = ", ".join(f"'c{position}': 'varchar'" for position in range(len(found.header)))
    return f"""
        select {", ".join(selected)}, row_number() over () + {part.rows_before} as _source_row_number
        from read_csv({_text(str(part.path))}, columns = {{{columns}}}, auto_detect = false, header = {part.header_records == 1},
            delim = {_text(found.delimiter)}, quote = '"', escape = '"', nullstr = {NO_NULL}, compression = 'none',
            {_sizes(limits)}, store_rejects = true, rejects_table = '{part.rejects}',
            rejects_scan = '{part.rejects}_scan')
    """


def _sizes(limits: Limits) -> str:
    buffer_bytes = max(BUFFER_BYTES, 2 * limits.record_bytes)
    return f"max_line_size = {limits.record_bytes}, buffer_size = {buffer_bytes}"


def _line_query(spec: LandingSpec, part: Part, limits: Limits, *, readable: bool) -> str:
    lines = f"""
        select line, row_number() over () + {part.rows_before} as _source_row_number
        from read_csv({_text(str(part.path))}, columns = {{'line': 'varchar'}}, auto_detect = false, header = false,
            delim = {NO_DELIMITER}, quote = '', escape = '', nullstr = {NO_NULL}, compression = 'none',
            {_sizes(limits)}, store_rejects = true,
            rejects_table = '{part.rejects}{"" if readable else "_again"}',
            rejects_scan = '{part.rejects}{"" if readable else "_again"}_scan')
    """
    if spec.format == "log":
        condition = f"regexp_matches(line, {_text(spec.pattern or '')})"
        groups = ", ".join(_text(column.name) for column in spec.columns)
        matched = f"regexp_extract(line, {_text(spec.pattern or '')}, [{groups}]) as matched"
        selected = ", ".join(f'matched."{column.name}"' for column in spec.columns)
        columns = (
            f"select {selected}, null::varchar as _extra, _source_row_number from (select {matched}, _source_row_number"
        )
        end = ")"
    else:
        # Extraction runs before a filter does, and raises on a malformed line: only valid ones may reach it.
        lines = f"select *, case when json_valid(line) then line end as document from ({lines})"
        condition = "json_type(document) = 'OBJECT'"
        columns = f"select {_json_columns(spec, 'document')}, document as _extra, _source_row_number"
        end = ""
    if not readable:
        return f"select _source_row_number from ({lines}) where not coalesce({condition}, false)"
    return f"{columns} from ({lines}) where {condition}{end}"


def _document_source(found: Recognised, path: Path) -> Source:
    spec = found.spec
    document = f"substr(ltrim(content, chr(65279)), {found.prefix_length + 1})"
    if found.rows_path == "$":
        rows = f"select {document} as row, 1 as _source_row_number from read_text({_text(str(path))})"
    else:
        rows = f"""
            select unnest(rows) as row, generate_subscripts(rows, 1) as _source_row_number
            from (select json_extract({document}, {_text(found.rows_path)}) as rows from read_text({_text(str(path))}))
        """
    query = f"select {_json_columns(spec, 'row')}, row::varchar as _extra, _source_row_number from ({rows})"
    assert found.row_count is not None

    def raw_texts(numbers: Collection[int]) -> dict[int, str]:
        values = walk(json.loads(path.read_text(encoding="utf-8-sig")[found.prefix_length :]), found.rows_path)
        return {number: json.dumps(values[number - 1], ensure_ascii=False) for number in numbers}

    def rewrite(target: Path, without: Collection[int], change: Callable[[bytes], bytes]) -> None:
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text[found.prefix_length :])
        remaining = remove_rows(document, found.rows_path, without)
        whole = text[: found.prefix_length] + json.dumps(remaining, ensure_ascii=False)
        target.write_bytes(change(whole.encode("utf-8", "surrogatepass")))

    return Source(_column_names(spec), (query,), found.row_count, raw_texts, rewrite=rewrite)


def remove_rows(document: Any, rows_path: str, without: Collection[int]) -> Any:
    """A JSON document without the list items that hold some of the rows at a path; numbers from 1, in document order.

    Raises `ValueError` where no list holds the rows, or where one item holds rows that go and rows that stay.
    """
    if not without:
        return document
    head, items, tail = rows_path.rpartition("[*]")
    if not items:
        raise ValueError(f"rows at {rows_path} cannot be taken out")
    number = 0
    for values in walk(document, head):
        kept = []
        for item in values if isinstance(values, list) else ():
            held = len(walk(item, f"${tail}"))
            gone = sum(offset in without for offset in range(number + 1, number + held + 1))
            number += held
            if gone not in (0, held):
                raise ValueError(f"rows at {rows_path} cannot be taken out one by one")
            if not gone:
                kept.append(item)
        if isinstance(values, list):
            values[:] = kept
    return document


def _parsed_source(spec: LandingSpec, path: Path, workspace: Path, limits: Limits) -> Source:
    parser: Any = importlib.import_module(f"orchestration.landing.parsers.{spec.parser}")
    target = workspace / "rows"
    count = 0
    with target.open("w", encoding="utf-8") as file:
        for record in parser.records(path):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    part = Part(target, 0, 0, "rejects_0")

    def raw_texts(numbers: Collection[int]) -> dict[int, str]:
        return {n + 1: t.decode() for n, t in record_texts(target, [n - 1 for n in numbers], quoted=False).items()}

    return Source(_column_names(spec), (_line_query(spec, part, limits, readable=True),), count, raw_texts, (part,))


def _column_names(spec: LandingSpec) -> tuple[str, ...]:
    return tuple(column.name for column in spec.columns)


def _json_columns(spec: LandingSpec, row: str) -> str:
    return ", ".join(f'{_json_column(column, row)} as "{column.name}"' for column in spec.columns)


def _json_column(column: Column, row: str) -> str:
    values = [f"json_extract_string({row}, {_text(path)})" for path in column.paths]
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def rejected_ordinals(part: Part, offsets: Collection[int], *, quoted: bool) -> list[int]:
    """Row numbers within a part, from 1, of the records in which these byte offsets lie."""
    return [ordinal + 1 - part.header_records for ordinal in ordinals_at(part.path, offsets, quoted=quoted)]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
