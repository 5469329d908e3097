"""Damaged exports through the real landing: `python -m tests.faults.mutations --files 10000 --seed 7`.

Each file is a fixture with one to four mutations, drawn from the seed and the file's number alone. After each batch it is
checked that landing neither stopped nor hung, that every file has an outcome, that for each landed file the
records, counted here without landing's code, are landed or in quarantine, each number once, that cells without
quotes are those that Python's csv reader finds, and that the warehouse opens again.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import faulthandler
import gzip
import io
import json
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from orchestration.landing.identify import walk
from orchestration.landing.load import FileOutcome, land_folder
from orchestration.landing.spec import LandingSpec, fold, load_specs
from orchestration.settings import PROJECT_ROOT, Settings

FIXTURES = PROJECT_ROOT / "tests" / "fixtures" / "exports"
BATCH = 100
SECONDS_A_FILE = 600
"""More is a hang, even where others keep the machine busy: the process is ended with the stack that it hung in."""

Mutation = Callable[[random.Random, bytes, bytes], bytes]


def _flip_bits(draw: random.Random, content: bytes, _: bytes) -> bytes:
    changed = bytearray(content)
    for _again in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _truncate(draw: random.Random, content: bytes, _: bytes) -> bytes:
    return content[: draw.randrange(len(content))]


def _behead(draw: random.Random, content: bytes, _: bytes) -> bytes:
    return content[draw.randrange(len(content)) :]


def _insert(draw: random.Random, content: bytes, _: bytes) -> bytes:
    pieces = [b'"', b"\n", b"\r", b"\r\n", b"\x00", b",", b";", b"\t", b"\\", b"'", b"\xff\xfe", b"\xef\xbb\xbf", b"{"]
    pieces += [b"]", b'""', b"=HYPERLINK(1)", "ß€".encode(), b"\xdf", bytes(draw.randrange(256) for _n in range(9))]
    pieces += [b"\x1f", b"\x01", b"x" * 70_000, b"[" * 3_000, b"9" * 5_000, b'","', b"\n\n\n"]
    for _again in range(draw.randint(1, 4)):
        at = draw.randrange(len(content) + 1)
        content = content[:at] + draw.choice(pieces) + content[at:]
    return content


def _delete(draw: random.Random, content: bytes, _: bytes) -> bytes:
    start = draw.randrange(len(content))
    return content[:start] + content[start + draw.randint(1, 200) :]


def _lines(change: Callable[[random.Random, list[bytes]], list[bytes]]) -> Mutation:
    def mutation(draw: random.Random, content: bytes, _: bytes) -> bytes:
        return b"".join(change(draw, content.splitlines(keepends=True)))

    return mutation


def _duplicate_line(draw: random.Random, lines: list[bytes]) -> list[bytes]:
    return [*lines, draw.choice(lines)] if draw.random() < 0.5 else [lines[0], *lines]


def _remove_line(draw: random.Random, lines: list[bytes]) -> list[bytes]:
    at = 0 if draw.random() < 0.3 else draw.randrange(len(lines))
    return lines[:at] + lines[at + 1 :]


def _permute_lines(draw: random.Random, lines: list[bytes]) -> list[bytes]:
    rest = lines[1:]
    draw.shuffle(rest)
    return [lines[0], *rest] if draw.random() < 0.7 else [*rest, lines[0]]


def _change_header(draw: random.Random, lines: list[bytes]) -> list[bytes]:
    cells = lines[0].split(b",")
    choice = draw.randrange(4)
    if choice == 0:
        draw.shuffle(cells)
    elif choice == 1:
        cells.append(draw.choice(cells))
    elif choice == 2:
        cells.pop(draw.randrange(len(cells)))
    else:
        cells[draw.randrange(len(cells))] = b"A New Column"
    return [b",".join(cells), *lines[1:]]


def _repeat_lines(draw: random.Random, lines: list[bytes]) -> list[bytes]:
    return lines + lines[1:] * draw.randint(1, 40)


def _encode(draw: random.Random, content: bytes, _: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(draw.choice(["latin-1", "utf-16", "utf-16-le", "utf-8-sig", "cp1252", "utf-32"]), "replace")


def _splice(draw: random.Random, content: bytes, other: bytes) -> bytes:
    return content[: draw.randrange(len(content))] + other[draw.randrange(len(other)) :]


def _change_line_ends(draw: random.Random, content: bytes, _: bytes) -> bytes:
    lines = content.splitlines()
    return (
        b"".join(line + draw.choice([b"\n", b"\r\n"]) for line in lines) if draw.random() < 0.5 else b"\r".join(lines)
    )


def _change_delimiter(draw: random.Random, content: bytes, _: bytes) -> bytes:
    return content.replace(b",", draw.choice([b";", b"\t", b"|"]))


def _pack(draw: random.Random, content: bytes, _: bytes) -> bytes:
    if draw.random() < 0.5:
        return gzip.compress(content, mtime=0)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.csv", content)
    return packed.getvalue()


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip_bits, _truncate, _behead, _insert, _insert, _delete, _splice, _encode, _pack),
    *map(_lines, (_duplicate_line, _remove_line, _permute_lines, _change_header, _repeat_lines)),
    *(_change_line_ends, _change_delimiter),
)


@dataclasses.dataclass
class Found:
    """What came of the mutated files."""

    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)
    rows: Counter[str] = dataclasses.field(default_factory=Counter)
    compared_cells: int = 0
    slowest_seconds: float = 0.0
    problems: list[str] = dataclasses.field(default_factory=list)


def fixtures() -> list[bytes]:
    """The contents that are mutated, in a stable order."""
    return [path.read_bytes() for path in sorted(FIXTURES.rglob("*")) if path.is_file()]


def mutated(contents: list[bytes], seed: int, number: int) -> bytes:
    """The file of one number."""
    draw = random.Random(f"{seed}:{number}")
    content = draw.choice(contents)
    # Half of them keep what they are recognised by, so that the damage meets the readers.
    kept, end, body = content.partition(b"\n") if draw.random() < 0.5 else (b"", b"", content)
    for mutation in draw.choices(MUTATIONS, k=draw.choice([1, 1, 1, 2, 2, 3, 4])):
        if body:
            body = mutation(draw, body, draw.choice(contents))
    return kept + end + body


def land_mutations(
    folder: Path, files: int, seed: int, on_batch: Callable[[int, Found], None] | None = None, first: int = 0
) -> Found:
    """Land so many mutated files below `folder`, and say what came of them and what went wrong."""
    contents = fixtures()
    found = Found()
    settings = dataclasses.replace(Settings.from_environment(), home=folder / "home", memory_limit="1GB")
    specs = {spec.name: spec for spec in load_specs(settings.dbt_project)}
    for start in range(first, first + files, BATCH):
        numbers = range(start, min(start + BATCH, first + files))
        exports = folder / "exports"
        shutil.rmtree(exports, ignore_errors=True)
        exports.mkdir(parents=True)

        for number in numbers:
            (exports / f"{number:07}").write_bytes(mutated(contents, seed, number))
        _land(dataclasses.replace(settings, exports=exports), specs, numbers, found)
        if on_batch:
            on_batch(numbers[-1] + 1 - first, found)
    return found


def _land(settings: Settings, specs: dict[str, LandingSpec], numbers: range, found: Found) -> None:
    outcomes: list[FileOutcome] = []
    last = time.process_time()

    def tell(outcome: FileOutcome) -> None:
        nonlocal last
        now = time.process_time()
        found.slowest_seconds = max(found.slowest_seconds, now - last)
        last = now
        outcomes.append(outcome)
        faulthandler.dump_traceback_later(SECONDS_A_FILE, exit=True)

    faulthandler.dump_traceback_later(SECONDS_A_FILE, exit=True)
    try:
        land_folder(settings, tell)
    finally:
        faulthandler.cancel_dump_traceback_later()
    found.outcomes.update(outcome.outcome for outcome in outcomes)
    if missing := {f"{number:07}" for number in numbers} - {outcome.file_name for outcome in outcomes}:
        found.problems.append(f"files without an outcome: {sorted(missing)}")
    found.problems += [
        f"{outcome.file_name}: {outcome.reason}"
        for outcome in outcomes
        if "it could not be read" in (outcome.reason or "")
    ]
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        found.problems += _broken_identities(connection, specs, numbers)
        for outcome in outcomes:
            if outcome.outcome == "landed":
                found.rows.update(
                    read=outcome.rows_read, landed=outcome.rows_landed, quarantined=outcome.rows_quarantined
                )
                _compare(settings, specs[f"{outcome.source_name}.{outcome.table_name}"], outcome, connection, found)


def _broken_identities(
    connection: duckdb.DuckDBPyConnection, specs: dict[str, LandingSpec], files: range
) -> Iterator[str]:
    """Loads whose numbers are not 1 to n, each once, landed or in quarantine."""
    numbers = " union all ".join(f"select _load_id, _source_row_number from {s.landed_table}" for s in specs.values())
    rows = connection.execute(
        f"""
        with numbered as ({numbers} union all select load_id, source_row_number from landing.rejected_rows),
        counted as (
            select _load_id as load_id, count(*) as row_count, count(distinct _source_row_number) as different_count,
                min(_source_row_number) as least, max(_source_row_number) as greatest
            from numbered group by _load_id
        )
        select file_name, rows_read_count, rows_landed_count, rows_quarantined_count, row_count
        from landing.loads left join counted using (load_id)
        where load_status = 'landed' and coalesce(container_path, file_name) >= '{files[0]:07}' and (
            rows_read_count <> rows_landed_count + rows_quarantined_count
            or rows_read_count <> coalesce(row_count, 0)
            or row_count > 0 and (different_count <> row_count or least <> 1 or greatest <> row_count)
        )
        """
    ).fetchall()
    for row in rows:
        yield f"{row[0]}: the ledger does not add up: {row[1:]}"


def _compare(
    settings: Settings, spec: LandingSpec, outcome: FileOutcome, connection: duckdb.DuckDBPyConnection, found: Found
) -> None:
    """Hold a landed file against the records that Python's own readers find."""
    (load_id, sha256) = connection.execute(
        "select load_id, file_sha256 from landing.loads where load_status = 'landed' and load_id ="
        " (select max(load_id) from landing.files where file_name = ? and member_name = ?)",
        [outcome.file_name, outcome.member_name],
    ).fetchall()[0]
    content = (settings.archive / sha256[:2] / sha256).read_bytes()
    counts = set(_counts(spec, content))
    if counts and outcome.rows_read not in counts:
        found.problems.append(
            f"{outcome.file_name} {outcome.member_name}: {outcome.rows_read} records by the ledger, not {sorted(counts)}"
        )
    if spec.format == "csv" and b'"' not in content and counts:
        _compare_cells(spec, _text(spec, content), load_id, outcome, connection, found)


def _compare_cells(
    spec: LandingSpec,
    text: str,
    load_id: int,
    outcome: FileOutcome,
    connection: duckdb.DuckDBPyConnection,
    found: Found,
) -> None:
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if any("\r" in line for line in lines):
        return  # Whether a return alone ends a record is a matter of taste.
    for delimiter in spec.delimiters:
        headers = [fold(header) for header in lines[0].split(delimiter)]
        if spec.signature.has <= {h for c in spec.columns for h in c.headers if c.headers & set(headers)} | set(
            headers
        ):
            break
    for column in spec.columns:
        places = [place for place, header in enumerate(headers) if header in column.headers]
        if not places:
            continue
        rows = connection.execute(
            f'select _source_row_number, "{column.name}" from {spec.raw_schema}."{spec.table}" where _load_id = ?',
            [load_id],
        ).fetchall()
        for number, value in rows:
            found.compared_cells += 1
            cell = lines[number].split(delimiter)[places[0]]
            if value != cell:
                found.problems.append(f"{outcome.file_name}: row {number} {column.name}: {value!r} is not {cell!r}")


def _text(spec: LandingSpec, content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    encoding = "utf-8" if content[:3] == b"\xef\xbb\xbf" else spec.encoding
    return content.decode(encoding, "surrogateescape").removeprefix("\ufeff")


def _counts(spec: LandingSpec, content: bytes) -> Iterator[int]:
    """How many records there are, by each reading that is as good as another where quotes are broken."""
    if spec.format in ("json", "js"):
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        document = json.loads(text[text.index("=") + 1 :] if spec.format == "js" else text)
        yield from (len(walk(document, path)) for path in spec.rows)
        return
    if spec.format == "parser":
        return
    text = _text(spec, content)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    if spec.format != "csv":
        yield sum(1 for line in text.split("\n") if line.rstrip("\r"))
        return
    records, inside, filled = 0, False, False
    for number, character in enumerate(text):
        if character == '"':
            inside = not inside
        if character == "\n" and not inside:
            records += filled
            filled = False
        elif not (character == "\r" and not inside and text[number + 1 : number + 2] == "\n"):
            filled = True
    yield records + filled - 1
    csv.field_size_limit(1 << 30)
    for delimiter in spec.delimiters:
        yield sum(1 for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if record) - 1


def main() -> int:
    """Land, print the figures, and return how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutations", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--first", type=int, default=0, help="number of the first file, to see one again")
    arguments = parser.parse_args()
    started = time.monotonic()
    told = 0

    def tell(done: int, found: Found) -> None:
        nonlocal told
        for problem in found.problems[told:]:
            print(problem[:300], flush=True)
        told = len(found.problems)
        if done % (10 * BATCH) == 0:
            print(f"{time.monotonic() - started:7.0f} s  {done:,} files, {len(found.problems)} problems", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        found = land_mutations(Path(folder), arguments.files, arguments.seed, tell, arguments.first)
    print(
        f"{arguments.files:,} mutated files, seed {arguments.seed}: {dict(found.outcomes)}; rows {dict(found.rows)};"
        f" {found.compared_cells:,} cells compared; slowest file {found.slowest_seconds:.1f} s of processor time;"
        f" {len(found.problems)} problems"
    )
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
