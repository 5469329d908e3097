"""Land a folder of exports: each file once, in one transaction, every record accounted for."""

from __future__ import annotations

import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.faults import fault_point
from orchestration.landing import archive
from orchestration.landing.containers import DAMAGE, ContainerError, container_kind, members
from orchestration.landing.identify import Recognised, Refusal, identify
from orchestration.landing.index import Kept, index_of, keep_first_sight, restore_suppressed, unknown_files, write_index
from orchestration.landing.ledger import KnownLoad, Ledger, add_raw_columns, open_warehouse
from orchestration.landing.parsers import ParserError
from orchestration.landing.read import Source, UnreadableError, open_source, rejected_ordinals
from orchestration.landing.spec import Column, LandingSpec, load_specs, specs_version
from orchestration.landing.suppression import Suppression
from orchestration.settings import Settings
from orchestration.warehouse import is_damage

ADDRESS = re.compile(r"[^\s,;:'\"<>@]+(?:@|%40)[^\s,;:'\"<>]+")
"""E-mail addresses, which no log and no error text may hold."""
REASON_CHARACTERS = 2_000
"""The longest reason; looking for addresses takes the square of its length where it is one long word."""

BULK_MEMORY = 512_000_000
"""Bytes. 10 million rows took 7 % more processor time than with 6 GB."""
MEMORY_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
"""As DuckDB writes them."""

Outcome = Literal["landed", "duplicate", "unchanged", "refused", "container", "not_taken", "lost"]
"""not_taken: not even read, and looked at again in the next run; the ledger knows nothing of it.

lost: an earlier warehouse knew it, and neither the archive nor this one has it."""

SMALL_BYTES = 1 << 20
"""Below, a file is read by one thread."""

BATCH = 4096
"""Files that are looked up in the ledger at once."""

STOPS_THE_RUN = (
    *(duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException, duckdb.ConnectionException),
    *(duckdb.InternalException, duckdb.TransactionException, duckdb.InterruptException, OSError, MemoryError),
)
"""Errors of the machine or the warehouse. Any other that a file raises is that file's alone."""


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
    rows_erased: int = 0
    """Records of persons who were erased before."""
    unknown_columns: tuple[str, ...] = ()
    """Headers that the spec does not know; their cells are kept in `_extra`."""


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

    @property
    def rows_erased(self) -> int:
        return sum(file.rows_erased for file in self.files if file.outcome == "landed")


class UnusableError(ValueError):
    """No row of a file can be used; the text says why."""


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
        restore_suppressed(connection, settings)
        lander = Lander(settings, specs, connection)
        lander.sweep_archive()
        for outcome in chain(lander.land_again(), lander.land_all()):
            summary.files.append(outcome)
            if on_file:
                on_file(outcome)
        is_expired = lander.expire() > 0
        idle = summary.count("unchanged") + summary.count("not_taken")
        if len(summary.files) > idle or is_expired or not index_of(settings).exists():
            write_index(connection, settings)
        if lander.files_left:
            settings.files_left.write_text(f"{lander.files_left}\n", encoding="utf-8")
        else:
            settings.files_left.unlink(missing_ok=True)
        connection.execute("checkpoint")
    finally:
        connection.close()
    return summary


@dataclass(frozen=True)
class Found:
    """A file in the exports folder as it was when first looked at, or the reason why it is not even read."""

    path: Path
    name: str
    """Relative to the folder; bytes that are no text as `\\xNN`."""
    byte_count: int = 0
    modified_ns: int = 0
    reason: str | None = None

    @property
    def modified_at(self) -> datetime:
        return datetime.fromtimestamp(self.modified_ns / 1_000_000_000, UTC).replace(tzinfo=None)


def find_files(exports: Path) -> Iterator[Found]:
    """What lies in the exports folder, in name order, without what is hidden. Links are followed inside the folder only.

    Memory grows with the largest folder, not with the tree.
    """
    yield from _walk(exports, exports, exports.resolve())


def _walk(folder: Path, exports: Path, root: Path) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except PermissionError:
        yield Found(folder, readable(folder.relative_to(exports).as_posix()), reason="it may not be read by this user")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = folder / entry.name
        name = readable(path.relative_to(exports).as_posix())
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(path, exports, root)
                continue
            if entry.is_symlink():
                target = path.resolve()
                if not target.is_relative_to(root):
                    yield Found(path, name, reason="a link that leads out of the folder: put the file itself there")
                    continue
                if target.is_dir():  # What it leads to lies in the folder and is looked at there.
                    continue
            status = path.stat()
        except (OSError, RuntimeError):
            yield Found(path, name, reason="it is gone, or a link that leads nowhere")
            continue
        if not stat.S_ISREG(status.st_mode):
            yield Found(path, name, reason="no regular file")
        else:
            yield Found(path, name, status.st_size, status.st_mtime_ns)


def readable(name: str) -> str:
    """A file's name as text that can be stored and shown: undecodable bytes and control characters escaped."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class Lander:
    """Lands files into one open warehouse."""

    def __init__(
        self, settings: Settings, specs: tuple[LandingSpec, ...], connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.settings = settings
        self.specs = specs
        self.connection = connection
        self.ledger = Ledger(connection, specs_version(specs))
        self.suppression = Suppression(connection)
        self.threads = settings.threads
        self.files_left = 0
        self.known_columns: dict[str, set[str]] = defaultdict(set)
        """Columns that the tables of landed rows have, by spec, as far as an earlier file of this run has told."""

    def sweep_archive(self) -> None:
        """Remove contents that the ledger says are not kept as they came; a killed run may have left them."""
        rows = self.connection.execute(
            "select file_sha256 from landing.loads where archived_sha256 is distinct from file_sha256"
            " and file_sha256 not in (select archived_sha256 from landing.loads where archived_sha256 is not null)"
        ).fetchall()
        for (sha256,) in rows:
            archive.remove(self.settings.archive, sha256)

    def land_again(self) -> Iterator[FileOutcome]:
        """Land from the archive what an earlier warehouse knew and this one does not."""
        kept_files = unknown_files(self.connection, self.settings)
        for kept in kept_files:
            yield self._land_kept(kept)
        if kept_files:
            keep_first_sight(self.connection, self.settings)

    def _land_kept(self, kept: Kept) -> FileOutcome:
        name, member, sha256 = kept.file_name, kept.member_name, kept.archived_sha256
        if kept.outcome == "container":
            self.ledger.enter_file(name, "", kept.sha256, "container", None, kept.byte_count, kept.modified_at)
            return FileOutcome(name, "", "container")
        if sha256 is None:
            return FileOutcome(name, member, "lost", reason="the archive does not keep it")
        path = archive.place(self.settings.archive, sha256)
        if not path.exists() or archive.digest(path) != sha256:
            # Out of the way of a sound copy, which the exports folder may still hold.
            path.unlink(missing_ok=True)
            return FileOutcome(name, member, "lost", reason="no sound copy of it is in the archive")
        archived = archive.Archived(sha256, path, path.stat().st_size)
        if kept.outcome == "refused" and not member and container_kind(path):
            return self._refuse(archived, name, "", kept.modified_at, Refusal(kept.refusal_reason or ""))
        return self._land_archived(archived, name, member, kept.modified_at)

    def expire(self) -> int:
        """Remove archived contents that are older than the limit, and their rows too if those are not to stay; how many.

        The ledger keeps saying what they were. A row that goes counts as erased, so that what was read still adds up.
        """
        limits = self.settings.limits
        if not limits.keep_raw_files_days:
            return 0
        loads = self.connection.execute(
            "select load_id, archived_sha256, source_name || '.' || table_name from landing.loads"
            " where archived_sha256 is not null and landed_at < now()::timestamp - to_days($1::integer)",
            [limits.keep_raw_files_days],
        ).fetchall()
        specs = {spec.name: spec for spec in self.specs}
        for load_id, sha256, name in loads:
            with self._transaction():
                if name in specs and not limits.keep_raw_rows:
                    self._delete_rows(specs[name], load_id)
                self.connection.execute(
                    "update landing.loads set archived_sha256 = null, archive_state = 'expired' where load_id = ?",
                    [load_id],
                )
            # After the commit: a run that is killed in between leaves a content that the next one sweeps.
            archive.remove(self.settings.archive, sha256)
        return len(loads)

    def _delete_rows(self, spec: LandingSpec, load_id: int) -> None:
        for table, load, number in (
            (spec.landed_table, "_load_id", "_source_row_number"),
            ("landing.rejected_rows", "load_id", "source_row_number"),
        ):
            self.connection.execute(
                f"insert into landing.erased_rows select {load}, {number}, true from {table} where {load} = ?",
                [load_id],
            )
            self.connection.execute(f"delete from {table} where {load} = ?", [load_id])
        self.connection.execute(
            "update landing.loads set rows_landed_count = 0, rows_quarantined_count = 0,"
            " rows_erased_count = rows_read_count where load_id = ?",
            [load_id],
        )

    def land_all(self) -> Iterator[FileOutcome]:
        """Land what lies in the exports folder. Memory does not grow with the number of files, but for the outcomes."""
        files = find_files(self.settings.exports)
        most = self.settings.limits.files_in_a_run
        taken = 0
        while batch := [self._named(file) for file in islice(files, BATCH)]:
            whole = [(file.name, file.byte_count, file.modified_at) for file in batch if file.reason is None]
            seen = self.ledger.seen(whole) if whole else set()
            new = [file for file in batch if file.reason is None and file.name not in seen]
            if taken < most:
                self._wait_until_settled(new)
            for file in batch:
                if file.reason is not None:
                    yield FileOutcome(file.name, "", "not_taken", reason=file.reason)
                elif file.name in seen:
                    yield FileOutcome(file.name, "", "unchanged")
                elif taken == most:
                    self.files_left += 1
                    yield FileOutcome(
                        file.name, "", "not_taken", reason=f"more than {most:,} new files: a later run takes it"
                    )
                else:
                    taken += 1
                    yield from self._land_found(file)

    def _named(self, file: Found) -> Found:
        return replace(file, name=self.suppression.without_names(file.name))

    def _wait_until_settled(self, files: list[Found]) -> None:
        """Let the second look at a file come late enough to notice that it is still being written."""
        newest = max((file.modified_ns for file in files), default=0) / 1_000_000_000
        age = time.time() - newest
        if 0 <= age < self.settings.limits.settle_seconds:
            time.sleep(self.settings.limits.settle_seconds - age)

    def _land_found(self, file: Found) -> Iterator[FileOutcome]:
        try:
            if not _is_still(file):
                yield _moving(file)
                return
            yield from self.land(file)
        except PermissionError as error:
            # An archive or spill folder that may not be written is the machine's trouble, not the file's.
            if error.filename != str(file.path):
                raise
            yield FileOutcome(file.name, "", "not_taken", reason="it may not be read by this user")
        except FileNotFoundError as error:
            if error.filename != str(file.path):
                raise
            yield FileOutcome(file.name, "", "not_taken", reason="it is gone")

    def land(self, file: Found) -> Iterator[FileOutcome]:
        """Land one file, or each member of it."""
        kind = container_kind(file.path)
        if kind is None:
            with file.path.open("rb") as stream:
                archived = archive.store(self.settings.archive, stream)
            if not _is_still(file) or archived.byte_count != file.byte_count:
                if self.ledger.load_of(archived.sha256) is None:
                    archive.remove(self.settings.archive, archived.sha256)
                yield _moving(file)
                return
            yield self._land_archived(archived, file.name, "", file.modified_at)
            return
        yield from self._land_members(file, kind)

    def _land_members(self, file: Found, kind: str) -> Iterator[FileOutcome]:
        name, path = file.name, file.path
        try:
            for member, stream in members(path, kind, self.settings.limits):
                shown = self.suppression.without_names(readable(member.name))
                try:
                    archived = archive.store(self.settings.archive, stream, member.max_bytes)
                except (*DAMAGE, ValueError) as error:
                    raise ContainerError(f"{shown}: damaged in its archive: {error}") from None
                yield self._land_archived(archived, name, shown, member.modified_at)
        except ContainerError as error:
            if not _is_still(file):
                yield _moving(file)
                return
            # Kept whole, so that it can be looked into; members that were sound have landed.
            with path.open("rb") as stream:
                archived = archive.store(self.settings.archive, stream)
            known = self.ledger.load_of(archived.sha256)
            if known and known.specs_version == self.ledger.specs_version:
                yield self._seen_again(known, archived, name, "", file.modified_at)
                return
            if known:
                self.ledger.forget_refusal(known.load_id)
            yield self._refuse(archived, name, "", file.modified_at, Refusal(str(error)))
            return
        if not _is_still(file):
            yield _moving(file)
            return
        self.ledger.enter_file(name, "", archive.digest(path), "container", None, file.byte_count, file.modified_at)
        yield FileOutcome(name, "", "container")

    def _seen_again(
        self, known: KnownLoad, archived: archive.Archived, name: str, member: str, modified_at: datetime
    ) -> FileOutcome:
        outcome: Outcome = "duplicate" if known.status == "landed" else "refused"
        is_first = self.ledger.enter_file(
            name, member, archived.sha256, outcome, known.load_id, archived.byte_count, modified_at
        )
        if known.archived_sha256 != archived.sha256:
            archive.remove(self.settings.archive, archived.sha256)
        if not is_first and outcome == "duplicate":
            outcome = "unchanged"
        return FileOutcome(name, member, outcome, known.source_name, known.table_name, reason=known.reason)

    def _land_archived(self, archived: archive.Archived, name: str, member: str, modified_at: datetime) -> FileOutcome:
        fault_point("landing.archived")
        known = self.ledger.load_of(archived.sha256)
        if known and known.status == "refused" and known.specs_version != self.ledger.specs_version:
            self.ledger.forget_refusal(known.load_id)
            known = None
        if known:
            return self._seen_again(known, archived, name, member, modified_at)
        if member and container_kind(archived.path):
            return self._refuse(archived, name, member, modified_at, Refusal("an archive inside an archive"))
        nearest: str | None = None
        try:
            found = identify(archived.path, self.specs, self.settings.limits)
            if isinstance(found, Refusal):
                return self._refuse(archived, name, member, modified_at, found)
            nearest = found.spec.name
            with open_source(
                found, archived.path, self.settings.spill, self.settings.threads, self.settings.limits
            ) as source:
                return self._load(found, source, archived, name, member, modified_at)
        except STOPS_THE_RUN:
            raise
        except (ParserError, ReconciliationError, UnreadableError, UnusableError) as error:
            reason = str(error)
        except duckdb.InvalidInputException as error:
            # What follows a quotation mark or "Input:" is the file's own content.
            reason = re.split(r"\s*(?:Input:|\"|\n)", str(error))[0]
        except Exception as error:
            if is_damage(str(error)):
                raise
            # Whatever one file provokes stays with it. The text of an error may be the file's own.
            reason = f"it could not be read: {type(error).__name__}"
        return self._refuse(archived, name, member, modified_at, Refusal(reason, nearest))

    def _refuse(
        self,
        archived: archive.Archived,
        name: str,
        member: str,
        modified_at: datetime,
        refusal: Refusal,
    ) -> FileOutcome:
        load_id = self.ledger.next_load_id()
        reason = without_addresses(refusal.reason)
        # What cannot be read cannot be rewritten either: a refused file with an erased person in it is not kept.
        is_kept = not self.suppression.is_in(archived.path)
        with self._transaction():
            self.ledger.enter_load(
                load_id=load_id,
                file_sha256=archived.sha256,
                load_status="refused",
                refusal_reason=reason,
                nearest_spec=refusal.nearest,
                byte_count=archived.byte_count,
                archived_sha256=archived.sha256 if is_kept else None,
                archive_state="kept" if is_kept else "erased",
                file_name=member or name,
                container_path=name if member else None,
                modified_at=modified_at,
            )
            self.ledger.enter_file(name, member, archived.sha256, "refused", load_id, archived.byte_count, modified_at)
        if not is_kept:
            archive.remove(self.settings.archive, archived.sha256)
        return FileOutcome(name, member, "refused", reason=reason)

    def _load(
        self,
        found: Recognised,
        source: Source,
        archived: archive.Archived,
        name: str,
        member: str,
        modified_at: datetime,
    ) -> FileOutcome:
        spec = found.spec
        load_id = self.ledger.next_load_id()
        with self._tuned_to(source, archived), self._transaction():
            inserted = self._insert(spec, source, load_id)
            unread = self._quarantine_unread(spec, source, load_id, inserted)
            landed, unusable, covers_until = self._quarantine_unusable(spec, source, load_id)
            quarantined = 0
            if unread or unusable:
                quarantined = self._scalar("select count(*) from landing.rejected_rows where load_id = ?", load_id)
            read = landed + quarantined
            if read != source.row_count and not (source.recount and read == source.recount()):
                raise ReconciliationError(
                    f"{source.row_count:,} records counted, but {landed:,} landed and {quarantined:,} were refused"
                )
            if quarantined and landed and not self._stand_once(spec, load_id, read):
                raise ReconciliationError("quotes that do not pair up leave open where its records begin")
            if quarantined and not landed:
                raise UnusableError(f"none of its {quarantined:,} rows could be used: {self._reasons(load_id)}")
            kept, erased = self.suppression.apply(spec, source, load_id, archived, self.settings)
            if erased:
                landed = self._scalar(f"select count(*) from {spec.landed_table} where _load_id = ?", load_id)
                quarantined = read - erased - landed
            unknown = tuple(without_addresses(readable(header)) for header in source.unknown_columns)
            self.ledger.enter_load(
                load_id=load_id,
                file_sha256=archived.sha256,
                source_name=spec.source,
                table_name=spec.table,
                spec_version=spec.spec_version,
                load_status="landed",
                byte_count=archived.byte_count,
                archived_sha256=kept,
                archive_state="kept" if kept == archived.sha256 else "rewritten" if kept else "erased",
                rows_read_count=read,
                rows_landed_count=landed,
                rows_quarantined_count=quarantined,
                rows_erased_count=erased,
                unknown_columns=", ".join(unknown) or None,
                covers_until_text=covers_until,
                file_name=member or name,
                container_path=name if member else None,
                modified_at=modified_at,
            )
            self.ledger.enter_file(name, member, archived.sha256, "landed", load_id, archived.byte_count, modified_at)
            fault_point("landing.in_transaction")
        fault_point("landing.committed")
        if kept != archived.sha256:
            archive.remove(self.settings.archive, archived.sha256)
        return FileOutcome(
            *(name, member, "landed", spec.source, spec.table, read, landed, quarantined),
            rows_erased=erased,
            unknown_columns=unknown,
        )

    @contextmanager
    def _tuned_to(self, source: Source, archived: archive.Archived) -> Iterator[None]:
        """For a file that is read in parts, keep DuckDB from holding what it wrote as long as its limit allows.

        Stripe's 40 million rows then peak at 0.6 GB instead of 2.0. A small file has one thread for itself: handing its
        dozen statements to others takes longer than they do.
        """
        self._use_threads(1 if archived.byte_count < SMALL_BYTES else self.settings.threads)
        if len(source.queries) == 1:
            yield
            return
        (limit,) = self.connection.execute("select current_setting('memory_limit')").fetchall()[0]
        number, unit = limit.split()
        if float(number) * 1024 ** MEMORY_UNITS.index(unit) > BULK_MEMORY:
            self.connection.execute(f"set memory_limit = '{BULK_MEMORY} bytes'")
        try:
            yield
        finally:
            self.connection.execute(f"set memory_limit = '{self.settings.memory_limit}'")

    def _use_threads(self, number: int) -> None:
        if number != self.threads:
            self.connection.execute(f"set threads = {number}")
            self.threads = number

    def _insert(self, spec: LandingSpec, source: Source, load_id: int) -> int:
        """Insert what the reader reads, and say how many rows."""
        columns = ", ".join(f'"{column}"' for column in source.columns)
        known = self.known_columns[spec.name]
        # What this transaction adds goes with it if it fails, so only what stood there before is remembered.
        if not known.issuperset(source.columns) and not add_raw_columns(self.connection, spec, source.columns):
            known.update(source.columns)
        for part in source.parts:
            for table in (part.rejects, f"{part.rejects}_scan", f"{part.rejects}_again", f"{part.rejects}_again_scan"):
                self.connection.execute(f"drop table if exists {table}")
        rows = " union all ".join(f"({query})" for query in source.queries)
        inserted = self.connection.execute(
            f"insert into {spec.landed_table} ({columns}, _extra, _load_id, _source_row_number) "
            f"select {columns}, _extra, {load_id}, _source_row_number from ({rows})"
        ).fetchone()
        assert inserted is not None
        return int(inserted[0])

    def _quarantine_unread(self, spec: LandingSpec, source: Source, load_id: int, inserted: int) -> int:
        """Quarantine what the reader rejected, and give the rows after it their true numbers; how many it were."""
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
            if inserted + len(reasons) < source.row_count:
                shift = sorted(reasons)
                for (number,) in self.connection.execute(source.unreadable).fetchall():
                    reasons[_true_number(number, shift)] = f"not a line of {spec.name}"
        elif source.open_quote and source.row_count not in reasons:
            reasons[source.row_count] = "the file ends inside a quoted field"
        self._quarantine(source, load_id, reasons)
        return len(reasons)

    def _renumber(self, spec: LandingSpec, load_id: int, rows_before: int, rows_upto: int, rejected: list[int]) -> None:
        """Rows are numbered as the reader gave them; each rejected record before a row moves it by one."""
        ordered = sorted(rejected)
        self.connection.execute(
            "create or replace temp table rejected_numbers as"
            " select unnest($1::bigint[]) as shifted_from, unnest($2::bigint[]) as shift",
            [[number - index for index, number in enumerate(ordered)], list(range(1, len(ordered) + 1))],
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

    def _quarantine_unusable(self, spec: LandingSpec, source: Source, load_id: int) -> tuple[int, int, str | None]:
        """Quarantine rows without a required value or with a time that cannot be read.

        Returns how many rows stay in the table, how many went, and until when those that stay reach.
        """
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
            "select count(*), count(*) filter (unusable), max(covered::timestamp) filter (not unusable)::varchar from "
            f"(select {unusable} as unusable, {covers} as covered from {_raw(spec)} where _load_id = ?)",
            [load_id],
        ).fetchone()
        assert summary is not None
        count, unusable_count, covers_until = int(summary[0]), int(summary[1]), summary[2] and str(summary[2])
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
            count = self._scalar(f"select count(*) from {spec.landed_table} where _load_id = ?", load_id)
        return count, unusable_count, covers_until

    def _quarantine(self, source: Source, load_id: int, reasons: dict[int, str]) -> None:
        if not reasons:
            return
        numbers = sorted(reasons)
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            texts = source.raw_texts(some)
            # As columns: a row of parameters at a time takes DuckDB a millisecond each.
            self.connection.execute(
                "insert into landing.rejected_rows"
                " select $1, unnest($2::bigint[]), unnest($3::varchar[]), unnest($4::varchar[])",
                [load_id, some, [reasons[number] for number in some], [texts.get(number) for number in some]],
            )

    def _stand_once(self, spec: LandingSpec, load_id: int, read: int) -> bool:
        """Whether the numbers of landed and quarantined rows are 1 to n, each once, told by their sum and that of squares.

        The reader and the count of records may disagree on where a record begins, and yet on how many there are.
        """
        row = self.connection.execute(
            f"""
            select count(*) = $2 and 2 * sum(number) = $2::hugeint * ($2 + 1)
                and 6 * sum(number * number) = $2::hugeint * ($2 + 1) * (2 * $2 + 1)
            from (
                select _source_row_number::hugeint as number from {spec.landed_table} where _load_id = $1
                union all
                select source_row_number from landing.rejected_rows where load_id = $1
            )
            """,
            [load_id, read],
        ).fetchone()
        return bool(row and row[0])

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


def without_addresses(text: str) -> str:
    """The beginning of a text that may hold a file's own words, without e-mail addresses."""
    return ADDRESS.sub("(address)", text[:REASON_CHARACTERS])


def _is_still(file: Found) -> bool:
    """Whether size and time are still those of the first look."""
    status = file.path.stat()
    return (status.st_size, status.st_mtime_ns) == (file.byte_count, file.modified_ns)


def _moving(file: Found) -> FileOutcome:
    return FileOutcome(file.name, "", "not_taken", reason="it is still being written: the next run takes it")


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
