"""Land a folder of exports: each file once, in one transaction, every record accounted for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.faults import fault_point
from orchestration.landing import archive
from orchestration.landing.containers import DAMAGE, ContainerError, container_kind, members
from orchestration.landing.identify import Recognised, Refusal, identify
from orchestration.landing.ledger import Ledger, add_raw_columns, open_warehouse
from orchestration.landing.parsers import ParserError
from orchestration.landing.read import Source, open_source, rejected_ordinals
from orchestration.landing.spec import Column, LandingSpec, load_specs, specs_version
from orchestration.settings import Settings

ADDRESS = re.compile(r"[^\s,;:'\"<>]+@[^\s,;:'\"<>]+")
"""E-mail addresses, which no log and no error text may hold."""

BULK_MEMORY = 512_000_000
"""Bytes. 10 million rows took 7 % more processor time than with 6 GB."""
MEMORY_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
"""As DuckDB writes them."""

Outcome = Literal["landed", "duplicate", "unchanged", "refused", "container"]


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file, or of one member of an archive, in this run."""

    file_name: str
    member_name: str
    outcome: Outcome
    source_name: str | None = None
    table_name: str | None = None
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    reason: str | None = None


@dataclass
class LandingSummary:
    """All files of one run."""

    files: list[FileOutcome] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(file.outcome == outcome for file in self.files)

    @property
    def landed_count(self) -> int:
        return self.count("landed")

    @property
    def rows_read(self) -> int:
        return sum(file.rows_read for file in self.files if file.outcome == "landed")

    @property
    def rows_landed(self) -> int:
        return sum(file.rows_landed for file in self.files if file.outcome == "landed")

    @property
    def rows_quarantined(self) -> int:
        return sum(file.rows_quarantined for file in self.files if file.outcome == "landed")


class ReconciliationError(RuntimeError):
    """The records of a file and what landed of it do not add up; its transaction was rolled back."""


def land_folder(settings: Settings, on_file: Callable[[FileOutcome], None] | None = None) -> LandingSummary:
    """Land every file below the exports folder that is not landed yet, archives opened, and report on each.

    Bad files are refused and kept; they never stop the others. Safe to repeat after a kill at any moment.
    """
    specs = load_specs(settings.dbt_project)
    summary = LandingSummary()
    archive.sweep(settings.archive)
    connection = open_warehouse(settings)
    try:
        lander = _Lander(settings, specs, connection)
        for path in _files(settings.exports):
            for outcome in lander.land(path):
                summary.files.append(outcome)
                if on_file:
                    on_file(outcome)
        connection.execute("checkpoint")
    finally:
        connection.close()
    return summary


def _files(exports: Path) -> Iterator[Path]:
    """Regular files in name order, without hidden ones, and without links that lead out of the folder."""
    for path in sorted(exports.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(exports).parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(exports.resolve()):
            yield path


class _Lander:
    def __init__(
        self, settings: Settings, specs: tuple[LandingSpec, ...], connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.settings = settings
        self.specs = specs
        self.connection = connection
        self.ledger = Ledger(connection, specs_version(specs))

    def land(self, path: Path) -> Iterator[FileOutcome]:
        name = path.relative_to(self.settings.exports).as_posix()
        status = path.stat()
        modified_at = datetime.fromtimestamp(status.st_mtime, UTC).replace(tzinfo=None)
        if self.ledger.seen(name, status.st_size, modified_at):
            yield FileOutcome(name, "", "unchanged")
            return
        kind = container_kind(path)
        if kind is None:
            with path.open("rb") as stream:
                archived = archive.store(self.settings.archive, stream)
            group = path.parent.relative_to(self.settings.exports).as_posix()
            yield self._land_archived(archived, name, "", group, modified_at)
            return
        yield from self._land_members(path, kind, name, modified_at)

    def _land_members(self, path: Path, kind: str, name: str, modified_at: datetime) -> Iterator[FileOutcome]:
        try:
            for member, stream in members(path, kind):
                try:
                    archived = archive.store(self.settings.archive, stream, member.max_bytes)
                except (*DAMAGE, ValueError) as error:
                    raise ContainerError(f"{member.name}: damaged in its archive: {error}") from None
                yield self._land_archived(archived, name, member.name, name, member.modified_at)
        except ContainerError as error:
            # Kept whole, so that it can be looked into; members that were sound have landed.
            with path.open("rb") as stream:
                archived = archive.store(self.settings.archive, stream)
            yield self._refuse(archived, name, "", name, modified_at, Refusal(str(error)))
            return
        self.ledger.enter_file(name, "", archive.digest(path), "container", None, path.stat().st_size, modified_at)
        yield FileOutcome(name, "", "container")

    def _land_archived(
        self, archived: archive.Archived, name: str, member: str, group: str, modified_at: datetime
    ) -> FileOutcome:
        fault_point("landing.archived")
        known = self.ledger.load_of(archived.sha256)
        if known and known.status == "refused" and known.specs_version != self.ledger.specs_version:
            self.ledger.forget_refusal(known.load_id)
            known = None
        if known:
            outcome: Outcome = "duplicate" if known.status == "landed" else "refused"
            is_first = self.ledger.enter_file(
                name, member, archived.sha256, outcome, known.load_id, archived.byte_count, modified_at
            )
            if not is_first and outcome == "duplicate":
                outcome = "unchanged"
            return FileOutcome(name, member, outcome, known.source_name, known.table_name, reason=known.reason)
        if member and container_kind(archived.path):
            return self._refuse(archived, name, member, group, modified_at, Refusal("an archive inside an archive"))
        found = identify(archived.path, self.specs)
        if isinstance(found, Refusal):
            return self._refuse(archived, name, member, group, modified_at, found)
        try:
            with open_source(found, archived.path, self.settings.spill, self.settings.threads) as source:
                return self._load(found, source, archived, name, member, group, modified_at)
        except (ParserError, ReconciliationError, ValueError) as error:
            return self._refuse(archived, name, member, group, modified_at, Refusal(str(error), found.spec.name))
        except duckdb.InvalidInputException as error:
            # What follows a quotation mark or "Input:" is the file's own content.
            reason = re.split(r"\s*(?:Input:|\"|\n)", str(error))[0]
            return self._refuse(archived, name, member, group, modified_at, Refusal(reason, found.spec.name))

    def _refuse(
        self,
        archived: archive.Archived,
        name: str,
        member: str,
        group: str,
        modified_at: datetime,
        refusal: Refusal,
    ) -> FileOutcome:
        load_id = self.ledger.next_load_id()
        reason = ADDRESS.sub("(address)", refusal.reason)
        with self._transaction():
            self.ledger.enter_load(
                load_id=load_id,
                file_sha256=archived.sha256,
                load_status="refused",
                refusal_reason=reason,
                nearest_spec=refusal.nearest,
                byte_count=archived.byte_count,
                file_name=member or name,
                container_path=name if member else None,
                export_group=group,
                modified_at=modified_at,
            )
            self.ledger.enter_file(name, member, archived.sha256, "refused", load_id, archived.byte_count, modified_at)
        return FileOutcome(name, member, "refused", reason=reason)

    def _load(
        self,
        found: Recognised,
        source: Source,
        archived: archive.Archived,
        name: str,
        member: str,
        group: str,
        modified_at: datetime,
    ) -> FileOutcome:
        spec = found.spec
        load_id = self.ledger.next_load_id()
        with self._bounded_memory(source), self._transaction():
            self._insert(spec, source, load_id)
            self._quarantine_unread(spec, source, load_id)
            covers_until = self._quarantine_unusable(spec, source, load_id)
            landed = self._scalar(f"select count(*) from {spec.landed_table} where _load_id = ?", load_id)
            quarantined = self._scalar("select count(*) from landing.rejected_rows where load_id = ?", load_id)
            if landed + quarantined != source.row_count and not (
                source.recount and landed + quarantined == source.recount()
            ):
                raise ReconciliationError(
                    f"{source.row_count:,} records counted, but {landed:,} landed and {quarantined:,} were refused"
                )
            if quarantined and not landed:
                raise ValueError(f"none of its {quarantined:,} rows could be used: {self._reasons(load_id)}")
            self.ledger.enter_load(
                load_id=load_id,
                file_sha256=archived.sha256,
                source_name=spec.source,
                table_name=spec.table,
                spec_version=spec.spec_version,
                load_status="landed",
                byte_count=archived.byte_count,
                rows_read_count=landed + quarantined,
                rows_landed_count=landed,
                rows_quarantined_count=quarantined,
                covers_until_text=covers_until,
                file_name=member or name,
                container_path=name if member else None,
                export_group=group,
                modified_at=modified_at,
            )
            self.ledger.enter_file(name, member, archived.sha256, "landed", load_id, archived.byte_count, modified_at)
            fault_point("landing.in_transaction")
        fault_point("landing.committed")
        return FileOutcome(name, member, "landed", spec.source, spec.table, landed + quarantined, landed, quarantined)

    @contextmanager
    def _bounded_memory(self, source: Source) -> Iterator[None]:
        """For a file that is read in parts, keep DuckDB from holding what it wrote as long as its limit allows.

        Stripe's 40 million rows then peak at 0.6 GB instead of 2.0.
        """
        (limit,) = self.connection.execute("select current_setting('memory_limit')").fetchall()[0]
        number, unit = limit.split()
        if len(source.queries) > 1 and float(number) * 1024 ** MEMORY_UNITS.index(unit) > BULK_MEMORY:
            self.connection.execute(f"set memory_limit = '{BULK_MEMORY} bytes'")
        try:
            yield
        finally:
            self.connection.execute(f"set memory_limit = '{self.settings.memory_limit}'")

    def _insert(self, spec: LandingSpec, source: Source, load_id: int) -> None:
        columns = ", ".join(f'"{column}"' for column in source.columns)
        add_raw_columns(self.connection, spec, source.columns)
        for part in source.parts:
            for table in (part.rejects, f"{part.rejects}_scan", f"{part.rejects}_again", f"{part.rejects}_again_scan"):
                self.connection.execute(f"drop table if exists {table}")
        rows = " union all ".join(f"({query})" for query in source.queries)
        self.connection.execute(
            f"insert into {spec.landed_table} ({columns}, _extra, _load_id, _source_row_number) "
            f"select {columns}, _extra, {load_id}, _source_row_number from ({rows})"
        )

    def _quarantine_unread(self, spec: LandingSpec, source: Source, load_id: int) -> None:
        """Quarantine what the reader rejected, and give the rows after it their true numbers."""
        reasons: dict[int, str] = {}
        ends = [*(part.rows_before for part in source.parts[1:]), source.row_count]
        for part, rows_upto in zip(source.parts, ends, strict=False):
            rejects = self.connection.execute(
                f"select line_byte_position - 1, min(error_type::varchar) from {part.rejects} group by all order by 1"
            ).fetchall()
            if not rejects:
                continue
            ordinals = rejected_ordinals(part, [offset for offset, _ in rejects], quoted=source.quoted)
            numbers = [part.rows_before + ordinal for ordinal in ordinals]
            self._renumber(spec, load_id, part.rows_before, rows_upto, numbers)
            reasons |= {number: _reader_reason(error) for number, (_, error) in zip(numbers, rejects, strict=True)}
        if source.unreadable:
            landed = self._scalar(f"select count(*) from {spec.landed_table} where _load_id = ?", load_id)
            if landed + len(reasons) < source.row_count:
                shift = sorted(reasons)
                for (number,) in self.connection.execute(source.unreadable).fetchall():
                    reasons[_true_number(number, shift)] = f"not a line of {spec.name}"
        elif source.open_quote and source.row_count not in reasons:
            reasons[source.row_count] = "the file ends inside a quoted field"
        self._quarantine(source, load_id, reasons)

    def _renumber(self, spec: LandingSpec, load_id: int, rows_before: int, rows_upto: int, rejected: list[int]) -> None:
        """Rows are numbered as the reader gave them; each rejected record before a row moves it by one."""
        self.connection.execute("create or replace temp table rejected_numbers (shifted_from bigint, shift bigint)")
        self.connection.executemany(
            "insert into rejected_numbers values (?, ?)",
            [(number - index, index + 1) for index, number in enumerate(sorted(rejected))],
        )
        self.connection.execute(
            f"""
            update {spec.landed_table} as landed
            set _source_row_number = _source_row_number + (
                select max(shift) from rejected_numbers where shifted_from <= landed._source_row_number
            )
            where _load_id = {load_id} and _source_row_number > {rows_before} and _source_row_number <= {rows_upto}
                and _source_row_number >= (select min(shifted_from) from rejected_numbers)
            """
        )

    def _quarantine_unusable(self, spec: LandingSpec, source: Source, load_id: int) -> str | None:
        """Quarantine rows without a required value or with a time that cannot be read; say until when the others reach."""
        problems = {
            **{f"{c.name}: blank": _is_blank(c) for c in spec.columns if c.required},
            **{
                f"{c.name}: not a time of the declared format": f"{_time(c)} is null and not {_is_blank(c)}"
                for c in spec.columns
                if c.time_formats and c.name in source.columns
            },
        }
        unusable = " or ".join(f"({condition})" for condition in problems.values()) or "false"
        covers = next((_time(column) for column in spec.columns if column.name == spec.covers), "null::timestamp")
        summary = self.connection.execute(
            "select count(*) filter (unusable), max(covered::timestamp) filter (not unusable)::varchar from "
            f"(select {unusable} as unusable, {covers} as covered from {_raw(spec)} where _load_id = ?)",
            [load_id],
        ).fetchone()
        assert summary is not None
        unusable_count, covers_until = int(summary[0]), summary[1] and str(summary[1])
        if unusable_count:
            cases = " ".join(f"when {condition} then '{reason}'" for reason, condition in problems.items())
            rows = self.connection.execute(
                f"select _source_row_number, case {cases} end from {_raw(spec)} where _load_id = ? and ({unusable})",
                [load_id],
            ).fetchall()
            self._quarantine(source, load_id, dict(rows))
            self.connection.execute(
                f"delete from {spec.landed_table} where _load_id = $1 and _source_row_number in "
                "(select source_row_number from landing.rejected_rows where load_id = $1)",
                [load_id],
            )
        return covers_until

    def _quarantine(self, source: Source, load_id: int, reasons: dict[int, str]) -> None:
        if not reasons:
            return
        texts = source.raw_texts(reasons.keys())
        self.connection.executemany(
            "insert into landing.rejected_rows values (?, ?, ?, ?)",
            [(load_id, number, reason, texts.get(number)) for number, reason in sorted(reasons.items())],
        )

    def _reasons(self, load_id: int) -> str:
        rows = self.connection.execute(
            "select distinct rejection_reason from landing.rejected_rows where load_id = ? order by 1", [load_id]
        ).fetchall()
        return "; ".join(reason for (reason,) in rows)

    def _scalar(self, query: str, value: int) -> int:
        row = self.connection.execute(query, [value]).fetchone()
        assert row is not None
        return int(row[0])

    def _transaction(self) -> _Transaction:
        return _Transaction(self.connection)


class _Transaction:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.connection.execute("begin")

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.connection.execute("commit" if error is None else "rollback")


def _raw(spec: LandingSpec) -> str:
    """The landed rows with every declared column."""
    return f'{spec.raw_schema}."{spec.table}"'


def _time(column: Column) -> str:
    """The column's text as UTC, as far as its formats tell. One format on the text as it stands goes first: 4 times faster."""
    text, first = f'"{column.name}"', f"'{column.time_formats[0]}'"
    formats = ", ".join(f"'{format_}'" for format_ in column.time_formats)
    return f"coalesce(try_strptime({text}, {first}), try_strptime(trim({text}), [{formats}]))"


def _is_blank(column: Column) -> str:
    """Whether a cell holds nothing but blanks. What begins above a blank need not be trimmed to know."""
    text = f"coalesce(\"{column.name}\", '')"
    return f"({text} < '!' and trim({text}) = '')"


def _true_number(number: int, rejected: list[int]) -> int:
    """The record number of the reader's n-th row, given the sorted numbers of records that it rejected."""
    for one in rejected:
        if one <= number:
            number += 1
    return number


def _reader_reason(error: str) -> str:
    return {
        "MISSING COLUMNS": "fewer columns than the header",
        "TOO MANY COLUMNS": "more columns than the header",
        "UNQUOTED VALUE": "a quoted field that does not end where it should",
        "INVALID ENCODING": "bytes that are not text in the file's encoding",
        "LINE SIZE OVER MAXIMUM": "a record longer than the limit",
    }.get(error, error.lower())
