"""What a publication was made from, as hashes: the same inputs make the same marts, so nothing need be built."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_ROOT, Settings

SUFFIXES = {".sql", ".yml", ".csv", ".py"}

# Where a build runs, not what it makes.
NOT_INPUTS = {
    *("BALCONY_WAREHOUSE", "BALCONY_SPILL", "BALCONY_MEMORY_LIMIT", "BALCONY_SPARK_REMOTE"),
    *("BALCONY_BUILD_STATE", "BALCONY_REPLACE_FROM_ROWS"),
}


def project_state(settings: Settings) -> str:
    """Hash over all that dbt reads: project, seeds, the variables they ask for, dbt itself."""
    files = [*_files(settings.dbt_project), *_files(settings.dbt_project.parent / "seeds")]
    named = {name for path in files for name in re.findall(rb"env_var\(\s*['\"](\w+)", path.read_bytes())}
    variables = {name: os.environ.get(name, "") for name in sorted(map(bytes.decode, named)) if name not in NOT_INPUTS}
    return _digest(files, str(variables), version("dbt-core"), version("dbt-duckdb"))


def replacing_state(settings: Settings) -> str:
    """Hash over what tables depend on besides data; after another one, a table is built whole. See macros/replaced."""
    return _digest([], project_state(settings), duckdb.__version__)


def code_state(settings: Settings) -> str:
    """Hash over all that the marts and their guards depend on besides data: code, settings and engine."""
    files = [*_files(settings.expectations), *_files(PROJECT_ROOT / "orchestration")]
    return _digest(files, project_state(settings), duckdb.__version__, settings.target)


def build_state(settings: Settings, connection: duckdb.DuckDBPyConnection) -> str:
    """Hash over all that the marts and their guards depend on, what has landed too."""
    return _digest([], code_state(settings), landed_state(connection))


def landed_state(connection: duckdb.DuckDBPyConnection) -> str:
    """Hash over the ledger and the key of person hashes. Blind to load numbers and times, which do not outlive a rebuild."""
    rows = connection.execute(
        """
        select count(*), sum(md5_number_lower(to_json(entry)::varchar)::hugeint)
        from (
            select file_sha256, load_status, source_name, table_name, spec_version, refusal_reason, rows_landed_count,
                modified_at
            from landing.loads
            union all by name
            select file_name, member_name, file_sha256, file_outcome from landing.files
            union all by name
            select md5(key_text) as key_text from raw_balcony.identity_keys
        ) as entry
        """
    ).fetchall()
    return _digest([], str(rows))


def _files(folder: Path) -> list[Path]:
    """The files that count, in a stable order; not what tools write beside them."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and not {"target", "logs"} & set(path.relative_to(folder).parts[:1])
    )


def _digest(files: Iterable[Path], *texts: str) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    for text in texts:
        digest.update(f"{text}\0".encode())
    return digest.hexdigest()[:16]
