"""One person in the warehouse: `python -m orchestration.people erase|about FILE`, where FILE holds an address or a handle.

`erase` takes the person out of everything below `$BALCONY_HOME`: archived files are written anew without the records,
raw rows go, the warehouse is copied into a new file (what is deleted in a DuckDB file stays readable in it), marts are
built and published again, and earlier publications expire. Keyed hashes of the identifiers stay, so that the same export
cannot bring the person back. A search of every file at the end says what is left. `about` writes all that is known of
the person to a folder that only the owner can read.

The identifier comes from a file or, with `-`, from standard input: it would stay in the shell's history and in the list of
processes if it stood on the command line. Nothing here prints or logs one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import duckdb

from orchestration.exports import has_demo
from orchestration.landing import archive
from orchestration.landing.containers import DAMAGE, ContainerError, container_kind, members
from orchestration.landing.identify import Recognised, identify
from orchestration.landing.index import write_index
from orchestration.landing.ledger import make_tables, open_warehouse
from orchestration.landing.limits import Limits
from orchestration.landing.read import open_source
from orchestration.landing.spec import LandingSpec, load_specs
from orchestration.landing.suppression import (
    Suppression,
    bytes_pattern,
    identifier,
    masked_sql,
    masker,
    rewritten,
    sql_pattern,
)
from orchestration.lock import warehouse_lock
from orchestration.publication import current_publication, finished_publications
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import configuration, quoted

SEARCHED_CHARACTERS = 6
"""Shorter identifiers, such as `#1001`, stand for other things too; of these only rows are looked for."""
ROWS_ONLY = ("shopify_order", "site_visitor")
"""An order's number is no one's name, and an address on the network is shared: they identify rows, not texts."""


class UnknownPersonError(ValueError):
    """Nothing in the warehouse bears the identifier."""


@dataclass
class Someone:
    """All that identifies one person, as the models write it."""

    identifiers: set[tuple[str, str]] = field(default_factory=set)
    """Type and plain value."""
    keys: set[str] = field(default_factory=set)
    """Keyed hashes and person keys, under which the person stands in marts."""

    @property
    def terms(self) -> list[str]:
        """What is looked for in texts, in every form in which it is written."""
        terms = set()
        for type_, value in self.identifiers:
            if type_ in ROWS_ONLY or len(value) < SEARCHED_CHARACTERS:
                continue
            terms.add(value)
            if type_ == "mastodon_account" and "@" in value:
                user, _, host = value.partition("@")
                terms |= {f"https://{host}/@{user}", f"https://{host}/users/{user}"}
        return sorted(terms)


def find(connection: duckdb.DuckDBPyConnection, specs: Iterable[LandingSpec], text: str) -> Someone:
    """The person who bears an identifier, with all others that evidence in the warehouse ties to it.

    Raises `UnknownPersonError` where no raw row and no model has it.
    """
    specs = [spec for spec in specs if spec.persons]
    suppression = Suppression(connection)
    wanted = {text.strip(), text.strip().lower(), text.strip().removeprefix("@").lower()}
    someone = Someone()
    waiting = {value for value in wanted if value}
    looked_up: set[str] = set()
    while waiting:
        for spec in specs:
            someone.identifiers |= _in_rows(connection, spec, waiting)
        looked_up |= waiting
        plain = {value for _, value in someone.identifiers} | looked_up
        keys, linked = _in_models(connection, suppression, someone.identifiers, plain)
        someone.keys |= keys
        for spec in specs:
            someone.identifiers |= _behind_hashes(connection, suppression, spec, linked)
        someone.identifiers |= {(type_, value) for type_, value in linked if not _is_hash(value)}
        waiting = {value for _, value in someone.identifiers} - looked_up
    if not someone.identifiers:
        raise UnknownPersonError("no row bears this address, handle or number")
    return someone


def _is_hash(value: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", value) is not None


def _in_rows(connection: duckdb.DuckDBPyConnection, spec: LandingSpec, values: set[str]) -> set[tuple[str, str]]:
    """Identifiers of the rows that bear one of the values; of a row with two of one type, only the value itself."""
    persons = [person for person in spec.persons if not person.is_mention]
    listed = [identifier(person) for person in persons]
    if not listed:
        return set()
    rows = connection.execute(
        f"select distinct {', '.join(listed)} from {_raw(spec)}"
        f" where {' or '.join(f'list_contains($1, {one})' for one in listed)}",
        [sorted(values)],
    ).fetchall()
    is_one_person = len({person.type for person in persons}) == len(persons)
    return {
        (person.type, value)
        for row in rows
        for person, value in zip(persons, row, strict=True)
        if value is not None and (is_one_person or value in values)
    }


def _in_models(
    connection: duckdb.DuckDBPyConnection, suppression: Suppression, known: set[tuple[str, str]], plain: set[str]
) -> tuple[set[str], set[tuple[str, str]]]:
    """Keys in the models, and the identifiers that `int_people` ties together; both blank before the first build."""
    hashes = {_model_hash(suppression, value) for value in plain}
    there = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'intermediate' and table_name = 'int_people'"
    ).fetchall()
    if not there[0][0]:
        return {_model_hash(suppression, value) for type_, value in known if type_ in ("email", "site_visitor")}, set()
    rows = connection.execute(
        """
        with people as (
            select coalesce(person_key, identifier_key) as person_key, identifier_key, identifier_type, identifier_value
            from intermediate.int_people
        )
        select person_key, identifier_key, identifier_type, identifier_value
        from people
        where person_key in (select person_key from people where list_contains($1, identifier_value))
        """,
        [sorted(plain | hashes)],
    ).fetchall()
    keys = {value for row in rows for value in (row[0], row[1], *([row[3]] if _is_hash(row[3]) else []))}
    return keys, {(type_, value) for _, _, type_, value in rows}


def _model_hash(suppression: Suppression, value: str) -> str:
    """As `person_hash` and the visitors' hash of the models."""
    return hashlib.sha256(f"{suppression.key}:{value}".encode()).hexdigest()


def _behind_hashes(
    connection: duckdb.DuckDBPyConnection, suppression: Suppression, spec: LandingSpec, linked: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """The plain values of hashed identifiers."""
    found: set[tuple[str, str]] = set()
    for person in spec.persons:
        hashes = [value for type_, value in linked if type_ == person.type and _is_hash(value)]
        if hashes:
            value = identifier(person)
            rows = connection.execute(
                f"select distinct {value} from {_raw(spec)} where list_contains($1, sha256($2 || ':' || {value}))",
                [hashes, suppression.key],
            ).fetchall()
            found |= {(person.type, plain) for (plain,) in rows}
    return found


def _raw(spec: LandingSpec) -> str:
    return f'{spec.raw_schema}."{spec.table}"'


def masked(type_: str, value: str) -> str:
    """An identifier as it may be shown: enough to recognise it, too little to use it."""
    user, at, host = value.partition("@")
    if at:
        return f"{type_} {user[:1]}***@{host[:1]}***{host[host.rfind('.') :] if '.' in host else ''}"
    return f"{type_} {value[:2]}***"


# About


def about(settings: Settings, text: str) -> tuple[Path, int]:
    """Write all rows about one person as JSON lines to a new folder; the folder, readable to the owner only, and their number."""
    specs = load_specs(settings.dbt_project)
    with open_warehouse(settings) as connection:
        someone = find(connection, specs, text)
        parent = settings.home / "about"
        parent.mkdir(mode=0o700, exist_ok=True)
        folder = parent / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z"
        folder.mkdir(mode=0o700)
        count = 0
        with open(
            os.open(folder / "rows.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            for relation, row in _rows_about(connection, specs, someone):
                file.write(json.dumps({"relation": relation, **row}, ensure_ascii=False, default=str) + "\n")
                count += 1
    return folder, count


def _rows_about(
    connection: duckdb.DuckDBPyConnection, specs: Iterable[LandingSpec], someone: Someone
) -> Iterator[tuple[str, dict[str, Any]]]:
    values = sorted(value for _, value in someone.identifiers)
    pattern = sql_pattern(someone.terms) if someone.terms else None
    for spec in specs:
        texts = [f'"{column.name}"' for column in spec.columns] + ["_extra"]
        conditions = [f"list_contains($1, {identifier(person)})" for person in spec.persons]
        if pattern:
            conditions.append(f"regexp_matches(concat_ws(' ', {', '.join(texts)}), $2, 'i')")
        if conditions:
            yield from _dictionaries(
                connection,
                _raw(spec),
                f"from {_raw(spec)} where ({' or '.join(conditions)}) and $1 is not null and ($2 is null or true)",
                [values, pattern],
            )
    if pattern:
        yield from _dictionaries(
            connection,
            "landing.rejected_rows",
            "from landing.rejected_rows where regexp_matches(raw_text, $1, 'i')",
            [pattern],
        )
    for schema, table, columns in _tables(connection):
        if schema == "marts" and (keyed := [column for column in columns if column.endswith("person_key")]):
            relation = f'{schema}."{table}"'
            condition = " or ".join(f'list_contains($1, "{column}")' for column in keyed)
            yield from _dictionaries(
                connection, f"{schema}.{table}", f"from {relation} where {condition}", [sorted(someone.keys)]
            )


def _dictionaries(
    connection: duckdb.DuckDBPyConnection, relation: str, query: str, parameters: list[Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description or ()]
    for row in result.fetchall():
        yield relation, {name: value for name, value in zip(names, row, strict=True) if value is not None}


def _tables(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, list[str]]]:
    rows = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index) from duckdb_columns()"
        " where not internal and database_name = current_database() group by all order by all"
    ).fetchall()
    yield from rows


# Erase


@dataclass
class Erased:
    """What was taken out."""

    rows: dict[str, int] = field(default_factory=dict)
    """By relation."""
    rejected_rows: int = 0
    rewritten_files: int = 0
    removed_files: int = 0


def erase(settings: Settings, someone: Someone) -> Erased:
    """Take a person out of raw tables, archive and warehouse, and put the identifiers on the list of those who stay out.

    What the models made is dropped with the old file: it must be built again. Safe to repeat after a kill at any moment.
    """
    specs = load_specs(settings.dbt_project)
    done = Erased()
    with open_warehouse(settings) as connection:
        suppression = Suppression(connection)
        for type_, value in sorted(someone.identifiers):
            suppression.add(type_, [value])  # type: ignore[arg-type]
        while sum(suppression.extend(spec) for spec in specs if spec.persons):
            pass
        pattern = sql_pattern(someone.terms) if someone.terms else None
        connection.execute("begin")
        for spec in specs:
            if spec.persons:
                suppression.extend(spec)
                if count := _delete_rows(connection, spec):
                    done.rows[spec.name] = count
        if pattern:
            done.rejected_rows = _delete_rejected(connection, pattern)
        _count_anew(connection, specs)
        connection.execute("commit")
        _rewrite_archive(connection, settings, specs, someone, done)
        _mask_ledger(connection, pattern)
        write_index(connection, settings)
    _copy_warehouse(settings)
    if has_demo(settings):
        _rewrite_folder(settings, settings.home / "demo_exports", specs, someone)
    for leftover in ("demo_set_aside", "damaged_set_aside", "about", "spill", "spark"):
        shutil.rmtree(settings.home / leftover, ignore_errors=True)
    return done


def _delete_rows(connection: duckdb.DuckDBPyConnection, spec: LandingSpec) -> int:
    connection.execute("insert into landing.erased_rows select *, false from rows_of_persons")
    deleted = connection.execute(
        f"delete from {spec.landed_table} using rows_of_persons as gone"
        f" where {spec.landed_table}._load_id = gone._load_id"
        f" and {spec.landed_table}._source_row_number = gone._source_row_number"
    ).fetchall()
    return int(deleted[0][0])


def _delete_rejected(connection: duckdb.DuckDBPyConnection, pattern: str) -> int:
    connection.execute(
        "insert into landing.erased_rows select load_id, source_row_number, false from landing.rejected_rows"
        " where regexp_matches(raw_text, $1, 'i')",
        [pattern],
    )
    deleted = connection.execute(
        "delete from landing.rejected_rows where regexp_matches(raw_text, $1, 'i')", [pattern]
    ).fetchall()
    return int(deleted[0][0])


def _count_anew(connection: duckdb.DuckDBPyConnection, specs: Iterable[LandingSpec]) -> None:
    """What the ledger says of the loads from which rows were taken."""
    landed = " union all ".join(f"select _load_id as load_id from {spec.landed_table}" for spec in specs)
    connection.execute(
        """
        update landing.loads
        set rows_erased_count = counts.erased_count,
            rows_quarantined_count = counts.rejected_count,
            rows_landed_count = loads.rows_read_count - counts.erased_count - counts.rejected_count
        from (
            select load_id, count(*) as erased_count,
                (select count(*) from landing.rejected_rows as rejected where rejected.load_id = erased.load_id)
                    as rejected_count
            from landing.erased_rows as erased
            group by load_id
        ) as counts
        where loads.load_id = counts.load_id
        """
    )
    broken = connection.execute(
        f"""
        select count(*)
        from (select load_id, count(*) as row_count from ({landed}) group by load_id) as landed
        inner join landing.loads using (load_id)
        where row_count <> rows_landed_count
        """
    ).fetchall()[0][0]
    assert not broken, f"{broken} loads have other rows than the ledger says"


def _rewrite_archive(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    specs: tuple[LandingSpec, ...],
    someone: Someone,
    done: Erased,
) -> None:
    """Write each archived file that holds the person anew; where that cannot be done, take it out of the archive."""
    loads = connection.execute(
        """
        select load_id, archived_sha256, load_status, rows_read_count,
            coalesce(list(source_row_number) filter (is_out_of_archive), []),
            coalesce(list(source_row_number) filter (not is_out_of_archive and source_row_number is not null), [])
        from landing.loads left join landing.erased_rows using (load_id)
        where archived_sha256 is not null
        group by all order by load_id
        """
    ).fetchall()
    for load_id, sha256, status, read_count, gone, to_go in loads:
        path = archive.place(settings.archive, sha256)
        if not path.exists() or not (to_go or any(_hits(path, someone.terms))):
            continue
        # The archived file has no longer the rows that were erased before: those after them have moved up.
        numbers = {number - sum(one < number for one in gone) for number in to_go}
        rows = (read_count or 0) - len(gone)
        kept = _rewritten(settings, path, specs, numbers, someone, rows) if status == "landed" else None
        connection.execute("begin")
        connection.execute(
            "update landing.loads set archived_sha256 = ?, archive_state = ? where load_id = ?",
            [kept, "rewritten" if kept else "erased", load_id],
        )
        connection.execute("update landing.erased_rows set is_out_of_archive = true where load_id = ?", [load_id])
        connection.execute("commit")
        if kept != sha256:
            archive.remove(settings.archive, sha256)
        done.rewritten_files += kept is not None
        done.removed_files += kept is None


def _rewritten(
    settings: Settings,
    path: Path,
    specs: tuple[LandingSpec, ...],
    numbers: set[int],
    someone: Someone,
    row_count: int,
) -> str | None:
    found = identify(path, specs, settings.limits)
    if not isinstance(found, Recognised):
        return None
    with open_source(found, path, settings.spill, 1, settings.limits) as source:
        # Where stray quotes mislead the count of records, a number may stand for another record.
        return rewritten(settings, source, numbers, someone.terms) if source.row_count == row_count else None


def _mask_ledger(connection: duckdb.DuckDBPyConnection, pattern: str | None) -> None:
    """Mask what others' rows, file names and results of checks say of the person."""
    if pattern is None:
        return
    columns = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where data_type = 'VARCHAR'"
        " and (schema_name = 'landing' or schema_name || '.' || table_name = 'raw_balcony.check_results')"
        " and table_name in (select table_name from duckdb_tables())"
    ).fetchall()
    for schema, table, column in columns:
        text = f'"{column}"'
        connection.execute(
            f"update {schema}.\"{table}\" set {text} = {masked_sql(text)} where regexp_matches({text}, $1, 'i')",
            [pattern],
        )


def _copy_warehouse(settings: Settings) -> None:
    """Copy what landing and runs remember into a new file, and put it in the old one's place.

    What models and measurements made is left behind.
    """
    new = settings.warehouse.with_name("warehouse.new")
    wal = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
    for path in (new, new.with_name(f"{new.name}.wal")):
        path.unlink(missing_ok=True)
    with duckdb.connect(str(new), config=configuration(settings)) as connection:
        connection.execute("set enable_progress_bar = false")
        make_tables(connection)
        connection.execute(f"attach '{quoted(settings.warehouse)}' as old (read_only)")
        made = {f"{schema}.{table}" for schema, table, _ in _tables(connection)}
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'old' order by all"
        ).fetchall()
        for schema, table in tables:
            relation = f'{schema}."{table}"'
            if f"{schema}.{table}" in made:
                connection.execute(f"insert into {relation} by name from old.{relation}")
            elif schema == "landing":
                connection.execute(f"create table {relation} as from old.{relation}")
        connection.execute("detach old")
        connection.execute("checkpoint")
    archive.bring_to_disk(new)
    wal.unlink(missing_ok=True)
    os.replace(new, settings.warehouse)
    archive.bring_to_disk(settings.home)
    # The views that show landed rows as raw tables.
    open_warehouse(settings).close()


def _rewrite_folder(settings: Settings, folder: Path, specs: tuple[LandingSpec, ...], someone: Someone) -> None:
    """Write the files of a folder of exports anew, as their contents now lie in the archive; remove what is not kept."""
    with open_warehouse(settings) as connection:
        kept = {
            sha256: (archived, state)
            for sha256, archived, state in connection.execute(
                "select file_sha256, archived_sha256, archive_state from landing.loads where archive_state <> 'kept'"
            ).fetchall()
        }
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        kind = container_kind(path)
        if kind is None:
            content = _content_now(settings, kept, archive.digest(path))
            if content is not None:
                _replace_file(path, content)
            elif archive.digest(path) in kept:
                path.unlink()
        elif kind == "zip" and any(_hits(path, someone.terms)):
            packed = BytesIO()
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
                for info in old.infolist():
                    member = old.read(info)
                    sha256 = hashlib.sha256(member).hexdigest()
                    if sha256 in kept:
                        now = _content_now(settings, kept, sha256)
                        if now is None:
                            continue
                        member = now
                    new.writestr(info, member)
            _replace_file(path, packed.getvalue())


def _content_now(settings: Settings, kept: dict[str, tuple[str | None, str]], sha256: str) -> bytes | None:
    archived = kept.get(sha256, (None, ""))[0]
    return archive.place(settings.archive, archived).read_bytes() if archived else None


def _replace_file(path: Path, content: bytes) -> None:
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def expire_publications(settings: Settings, *, keep_current: bool) -> int:
    """Remove earlier publications; how many."""
    current = current_publication(settings)
    expired = 0
    for publication_id in finished_publications(settings):
        if keep_current and current and publication_id == current.publication_id:
            continue
        unfinished = settings.published / f"{publication_id}.tmp"
        (settings.published / publication_id).rename(unfinished)
        shutil.rmtree(unfinished)
        expired += 1
    return expired


# Proof


@dataclass
class Proof:
    """What a search of every file found."""

    files: int = 0
    byte_count: int = 0
    decoded: int = 0
    """Archives, databases and Parquet files that were also searched by what they hold."""
    found: dict[str, int] = field(default_factory=dict)
    """Hits by path."""


def prove(folder: Path, someone: Someone) -> Proof:
    """Search every file below a folder for the person's identifiers and keys, packed and encoded ones too."""
    proof = Proof()
    terms = [*someone.terms, *sorted(someone.keys)]
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        proof.files += 1
        proof.byte_count += path.stat().st_size
        hits = list(_hits(path, terms))
        proof.decoded += "decoded" in hits
        if count := sum(hit != "decoded" for hit in hits):
            proof.found[str(path.relative_to(folder))] = count
    return proof


def _hits(path: Path, terms: Iterable[str]) -> Iterator[str]:
    """`found` for each place where a term stands in a file, and `decoded` where the file was also opened as what it is."""
    terms = list(terms)
    if not terms:
        return
    with path.open("rb") as file:
        head = file.read(16)
    if head[8:12] == b"DUCK" or head[:4] == b"PAR1":
        yield "decoded"
        yield from _hits_in_tables(path, terms, is_parquet=head[:4] == b"PAR1")
    elif kind := container_kind(path):
        yield "decoded"
        try:
            for member, stream in members(path, kind, Limits()):
                yield from ("found" for _ in range(_count(stream, terms)))
                if bytes_pattern(terms).search(member.name.encode("utf-8", "replace")):
                    yield "found"
        except (ContainerError, *DAMAGE, OSError):
            pass  # What cannot be opened is searched as bytes below, and nobody else can open it either.
    with path.open("rb") as file:
        yield from ("found" for _ in range(_count(file, terms)))


def _count(stream: IO[bytes], terms: list[str]) -> int:
    """Places in a stream, whole terms only in text; in UTF-16, with its mark, as that."""
    head = stream.read(1 << 24)
    pattern = bytes_pattern(terms)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return len(pattern.findall((head + stream.read()).decode("utf-16", "replace").encode()))
    count, before, block = 0, b"", head
    while block:
        # A match that ends in what was carried over was counted with the block before.
        count += sum(match.end() > len(before) for match in pattern.finditer(before + block))
        before = (before + block)[-1024:]
        block = stream.read(1 << 24)
    return count


def _hits_in_tables(path: Path, terms: list[str], *, is_parquet: bool) -> Iterator[str]:
    pattern = sql_pattern(terms)
    # Opened as a copy where a run may hold it: one process opens a file one way only.
    with duckdb.connect(":memory:") as connection:
        if is_parquet:
            relations = [f"read_parquet('{quoted(path)}')"]
        else:
            connection.execute(f"attach '{quoted(path)}' as searched (read_only)")
            relations = [
                f'searched."{schema}"."{table}"'
                for schema, table in connection.execute(
                    "select schema_name, table_name from duckdb_tables() where database_name = 'searched'"
                ).fetchall()
            ]
        for relation in relations:
            (count,) = connection.execute(
                f"select count(*) from {relation} as entry where regexp_matches(to_json(entry)::varchar, $1, 'i')",
                [pattern],
            ).fetchall()[0]
            yield from ("found" for _ in range(int(count)))


# Command line


def main() -> int:
    """Ask, do it, print counts, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.people", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("erase", "about"))
    parser.add_argument("person", help="a file that holds the address, handle or number; - is standard input")
    parser.add_argument("--yes", action="store_true", help="erase without asking")
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    try:
        text = _read_person(arguments.person)
        if not settings.warehouse.exists():
            raise UnknownPersonError(f"nothing has landed in {settings.home} yet")
        if arguments.task == "about":
            with warehouse_lock(settings, print):
                folder, count = about(settings, text)
            print(
                f"{count:,} rows about this person in {folder}, for your eyes only; delete it when it has been handed over"
            )
            return 0
        return _erase(settings, text, is_sure=arguments.yes)
    except (UnknownPersonError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _read_person(source: str) -> str:
    text = (sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")).strip()
    if not text or "\n" in text:
        raise UnknownPersonError("give one address, handle or number, on one line")
    return text


def _erase(settings: Settings, text: str, *, is_sure: bool) -> int:
    with warehouse_lock(settings, print):
        someone = find_or_finish(settings, text)
        print("To be erased, with all rows that bear one of them:")
        for type_, value in sorted(someone.identifiers):
            print(f"  {masked(type_, value)}")
        if not is_sure and not _confirmed():
            print("Nothing was erased.")
            return 1
        done = erase(settings, someone)
    rows = ", ".join(f"{count:,} in {name}" for name, count in sorted(done.rows.items())) or "none"
    print(
        f"Raw rows erased: {rows}; in quarantine {done.rejected_rows:,}."
        f" Archived files: {done.rewritten_files:,} written anew, {done.removed_files:,} removed."
    )
    print("Building and publishing anew ...", flush=True)
    built = subprocess.run(
        [sys.executable, "-m", "orchestration.run", "--rebuild"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if built.returncode:
        print(built.stdout[-4000:])
        print(
            "Nothing was published, so earlier publications still hold keyed hashes of this person: when the run"
            " succeeds, erase once more.",
            file=sys.stderr,
        )
        return 1
    print(f"Publications expired: {expire_publications(settings, keep_current=True)}.")
    return _report(settings, someone)


def find_or_finish(settings: Settings, text: str) -> Someone:
    """The person, or, where an erasure was cut short after the rows were gone, what is left to finish it with."""
    with open_warehouse(settings) as connection:
        try:
            return find(connection, load_specs(settings.dbt_project), text)
        except UnknownPersonError:
            suppression = Suppression(connection)
            listed = dict(
                connection.execute(
                    "select identifier_hash, identifier_type from landing.suppressed_identifiers"
                ).fetchall()
            )
            for value in (text, text.lower(), text.removeprefix("@").lower()):
                for type_ in set(listed.values()):
                    if suppression.hash_of(type_, value) in listed:
                        return Someone({(type_, value)}, {_model_hash(suppression, value)})
            raise


def _report(settings: Settings, someone: Someone) -> int:
    proof = prove(settings.home, someone)
    print(
        f"Searched {proof.files:,} files with {proof.byte_count:,} bytes in {settings.home} for {len(someone.terms)}"
        f" identifiers and {len(someone.keys)} keys, {proof.decoded:,} of them unpacked or decoded:"
        f" {sum(proof.found.values()):,} found."
    )
    for name, count in proof.found.items():
        print(f"  {count:,} in {masker(someone.terms)(name.encode()).decode()}")
    if settings.exports.is_dir():
        left = prove(settings.exports, someone).found
        for name in left:
            print(f"  Your own export still holds the person: {masker(someone.terms)(name.encode()).decode()}")
    return 1 if proof.found else 0


def _confirmed() -> bool:
    try:
        with open("/dev/tty", encoding="utf-8") as terminal:
            print("Erase for good? Type yes: ", end="", flush=True)
            return terminal.readline().strip().casefold() == "yes"
    except OSError:
        print("There is nobody to ask: add --yes.", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(main())
