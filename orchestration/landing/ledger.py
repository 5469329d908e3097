"""What landing remembers: the schemas `landing` and `raw_<source>` of the warehouse, and who wrote what there.

Rows land in `landing.<source>__<table>`, which has the columns that files have brought; models read the view
`raw_<source>.<table>`, which has all that are declared.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import duckdb
import numpy as np
from numpy.typing import NDArray

from orchestration.landing.spec import LandingSpec, load_specs
from orchestration.settings import Settings
from orchestration.warehouse import open_file

LINEAGE_COLUMNS = {"_extra": "varchar", "_load_id": "bigint", "_source_row_number": "bigint"}

_TABLES = """
create schema if not exists landing;
create table if not exists landing.loads (
    load_id bigint not null unique, file_sha256 varchar not null, source_name varchar, table_name varchar,
    spec_version bigint, specs_version varchar not null, load_status varchar not null, refusal_reason varchar,
    nearest_spec varchar, byte_count bigint not null, rows_read_count bigint, rows_landed_count bigint,
    rows_quarantined_count bigint, covers_until_text varchar, file_name varchar not null, container_path varchar,
    modified_at timestamp not null, landed_at timestamp not null
);
alter table landing.loads add column if not exists rows_erased_count bigint;
alter table landing.loads add column if not exists unknown_columns varchar;
alter table landing.loads add column if not exists archived_sha256 varchar;
alter table landing.loads add column if not exists archive_state varchar;
alter table landing.loads drop column if exists export_group;
update landing.loads set archived_sha256 = file_sha256, archive_state = 'kept' where archive_state is null;
create table if not exists landing.files (
    file_name varchar not null, member_name varchar not null, file_sha256 varchar not null,
    file_outcome varchar not null, load_id bigint, byte_count bigint not null, modified_at timestamp not null,
    first_seen_at timestamp not null
);
alter table landing.files add column if not exists export_group varchar;
update landing.files
set export_group = if(member_name = '', coalesce(nullif(regexp_replace(file_name, '/?[^/]*$', ''), ''), '.'), file_name)
where export_group is null;
create table if not exists landing.rejected_rows (
    load_id bigint not null, source_row_number bigint, rejection_reason varchar not null, raw_text varchar
);
create table if not exists landing.erased_rows (
    load_id bigint not null, source_row_number bigint, is_out_of_archive boolean not null
);
create table if not exists landing.suppressed_identifiers (
    identifier_type varchar not null, identifier_hash varchar not null, key_check varchar not null,
    suppressed_at timestamp not null
);
create schema if not exists raw_balcony;
create table if not exists raw_balcony.identity_keys (key_text varchar not null);
create table if not exists raw_balcony.check_results (
    run_id varchar, layer_name varchar, suite_name varchar, relation_name varchar, check_name varchar,
    severity varchar, is_passed boolean, unexpected_count bigint, details varchar, checked_at timestamp
);
create table if not exists raw_balcony.publications (
    publication_id varchar, run_id varchar, table_count bigint, row_count bigint, published_at timestamp
);
alter table raw_balcony.publications add column if not exists removed_at timestamp;
"""


@dataclass(frozen=True)
class KnownLoad:
    """What is known of one file content."""

    load_id: int
    status: str
    specs_version: str
    source_name: str | None
    table_name: str | None
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    reason: str | None
    archived_sha256: str | None
    """Where its content lies in the archive; null where it is not kept."""


def open_warehouse(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the working file for writing, with every raw table and ledger table that the specs ask for.

    Raises `UnusableWarehouseError`, which names the process that holds the file, if another one does.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    settings.spill.mkdir(exist_ok=True)
    connection = open_file(settings, preserve_insertion_order=False)
    make_tables(connection)
    for spec in load_specs(settings.dbt_project):
        _create_raw_table(connection, spec)
    _set_identity_key(connection, settings.home)
    return connection


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the ledger's own tables, and give those of an earlier version what they lack."""
    connection.execute(_TABLES)


def _create_raw_table(connection: duckdb.DuckDBPyConnection, spec: LandingSpec) -> None:
    declared = ", ".join(f'"{name}" {type_}' for name, type_ in LINEAGE_COLUMNS.items())
    connection.execute(f"create table if not exists {spec.landed_table} ({declared})")
    connection.execute(f"create schema if not exists {spec.raw_schema}")
    _show_raw_table(connection, spec)


def add_raw_columns(connection: duckdb.DuckDBPyConnection, spec: LandingSpec, columns: Collection[str]) -> bool:
    """Give the table of landed rows the columns that no file has brought so far, and say whether there were any.

    A column that is null throughout still costs a write: with Stripe's 15 default columns of 80 it took 13.3 s
    instead of 6.3 s to land 3 million rows.
    """
    landed = _landed_columns(connection, spec)
    missing = [column for column in columns if column not in landed]
    for column in missing:
        connection.execute(f'alter table {spec.landed_table} add column "{column}" varchar')
    if missing:
        _show_raw_table(connection, spec)
    return bool(missing)


def _show_raw_table(connection: duckdb.DuckDBPyConnection, spec: LandingSpec) -> None:
    """Show the landed rows as the declared raw table, null where no file has brought a column."""
    landed = _landed_columns(connection, spec)
    shown = [f'"{c.name}"' if c.name in landed else f'null::varchar as "{c.name}"' for c in spec.columns]
    connection.execute(
        f'create or replace view {spec.raw_schema}."{spec.table}" as '
        f"select {', '.join([*shown, *LINEAGE_COLUMNS])} from {spec.landed_table}"
    )


def _landed_columns(connection: duckdb.DuckDBPyConnection, spec: LandingSpec) -> set[str]:
    described = connection.execute(f"describe {spec.landed_table}").fetchall()
    return {row[0] for row in described}


def _set_identity_key(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Keep the key of person hashes: the user's own, or one made at the first run and kept readable to the owner only."""
    key = os.environ.get("BALCONY_HASH_KEY")
    path = home / "identity.key"
    if not key:
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
        key = path.read_text(encoding="ascii").strip()
    connection.execute("delete from raw_balcony.identity_keys")
    connection.execute("insert into raw_balcony.identity_keys values (?)", [key])


class Ledger:
    """Questions to, and entries in, the ledger tables of one open warehouse, which nobody else writes meanwhile."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, specs_version: str) -> None:
        self.connection = connection
        self.specs_version = specs_version
        self._last_load_id: int | None = None
        self._contents = Contents(connection)

    def seen(self, files: Sequence[tuple[str, int, datetime]]) -> set[str]:
        """Names of those files (name, size and time) that were fully dealt with under these specs or landed before.

        A few thousand at once: one by one, each would read the whole ledger.
        """
        self.connection.execute(
            "create or replace temp table looked_at (file_name varchar, byte_count bigint, modified_at timestamp)"
        )
        # As columns: DuckDB takes 5 seconds for 5,000 rows of parameters.
        names, sizes, times = (list(column) for column in zip(*files, strict=True))
        self.connection.execute(
            "insert into looked_at select unnest($1::varchar[]), unnest($2::bigint[]), unnest($3::timestamp[])",
            [names, sizes, times],
        )
        rows = self.connection.execute(
            """
            with same_files as (
                select file_name
                from landing.files inner join looked_at using (file_name, byte_count, modified_at)
                where member_name = ''
            )
            select file_name
            from landing.files semi join same_files using (file_name) left join landing.loads using (load_id)
            group by file_name
            having bool_and(file_outcome <> 'refused' or specs_version = ?)
            """,
            [self.specs_version],
        ).fetchall()
        return {name for (name,) in rows}

    def load_of(self, sha256: str) -> KnownLoad | None:
        """What became of a content: its landing, else its latest refusal."""
        if self._contents.are_without(sha256):
            return None
        row = self.connection.execute(
            """
            select load_id, load_status, specs_version, source_name, table_name, coalesce(rows_read_count, 0),
                coalesce(rows_landed_count, 0), coalesce(rows_quarantined_count, 0), refusal_reason, archived_sha256
            from landing.loads where file_sha256 = $1 or archived_sha256 = $1
            order by load_status = 'landed' desc, load_id desc limit 1
            """,
            [sha256],
        ).fetchone()
        return KnownLoad(*row) if row else None

    def next_load_id(self) -> int:
        if self._last_load_id is None:
            row = self.connection.execute("select coalesce(max(load_id), 0) from landing.loads").fetchone()
            assert row is not None
            self._last_load_id = int(row[0])
        return self._last_load_id + 1

    def forget_refusal(self, load_id: int) -> None:
        """Take out a refusal that other specs get to judge anew."""
        for table in ("landing.loads", "landing.files", "landing.rejected_rows"):
            self.connection.execute(f"delete from {table} where load_id = ?", [load_id])
        self._last_load_id = None

    def enter_load(self, *, load_id: int, file_sha256: str, archived_sha256: str | None, **others: object) -> None:
        values = {"load_id": load_id, "file_sha256": file_sha256, "archived_sha256": archived_sha256, **others}
        columns = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        self.connection.execute(
            f"insert into landing.loads ({columns}, specs_version, landed_at) values ({marks}, ?, now()::timestamp)",
            [*values.values(), self.specs_version],
        )
        self._last_load_id = load_id
        if archived_sha256 and archived_sha256 != file_sha256:
            self._contents.add(archived_sha256)

    def enter_file(
        self,
        file_name: str,
        member_name: str,
        sha256: str,
        outcome: str,
        load_id: int | None,
        byte_count: int,
        modified_at: datetime,
    ) -> bool:
        """Enter a sighting and say whether it is the first; a file that was only touched keeps its row."""
        if not self._contents.are_without(sha256):
            again = self.connection.execute(
                "update landing.files set modified_at = ?"
                " where file_name = ? and member_name = ? and file_sha256 = ? returning 1",
                [modified_at, file_name, member_name, sha256],
            ).fetchall()
            if again:
                return False
        export_group = file_name if member_name else PurePosixPath(file_name).parent.as_posix()
        self.connection.execute(
            "insert into landing.files values (?, ?, ?, ?, ?, ?, ?, now()::timestamp, ?)",
            [file_name, member_name, sha256, outcome, load_id, byte_count, modified_at, export_group],
        )
        self._contents.add(sha256)
        return True


class Contents:
    """Which contents the ledger may know, told without asking it: for each question it would read a whole table.

    Holds the first 8 bytes of each hash, sorted: 8 MB for a million contents. What came since is merged now and then.
    """

    MERGED_AT = 1 << 16

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._sorted: NDArray[np.uint64] | None = None
        self._new: set[int] = set()

    def are_without(self, sha256: str) -> bool:
        """Whether no content of the ledger has this hash; False where one may have."""
        if self._sorted is None:
            hashes = self._connection.execute(
                """
                select distinct ('0x' || left(sha256, 16))::ubigint as hash
                from (
                    select file_sha256 as sha256 from landing.files
                    union all select file_sha256 from landing.loads
                    union all select archived_sha256 from landing.loads where archived_sha256 is not null
                )
                order by hash
                """
            ).fetchnumpy()["hash"]
            self._sorted = np.asarray(hashes, dtype=np.uint64)
        hash_ = _first_bytes(sha256)
        place = int(np.searchsorted(self._sorted, np.uint64(hash_)))
        return hash_ not in self._new and (place == len(self._sorted) or int(self._sorted[place]) != hash_)

    def add(self, sha256: str) -> None:
        """Tell of a content that is being entered."""
        self._new.add(_first_bytes(sha256))
        if self._sorted is not None and len(self._new) > self.MERGED_AT:
            new = np.fromiter(self._new, dtype=np.uint64, count=len(self._new))
            self._sorted = np.union1d(self._sorted, new)
            self._new.clear()


def _first_bytes(sha256: str) -> int:
    return int(sha256[:16], 16)
