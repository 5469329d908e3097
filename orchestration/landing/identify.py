"""Which source a file is, told by its content; or a refusal that says what differs from the nearest spec."""

from __future__ import annotations

import codecs
import csv
import difflib
import importlib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.landing.limits import DEFAULTS, Limits
from orchestration.landing.spec import LandingSpec, fold

HEAD_BYTES = 1 << 18
LOG_LINES = 20
LOG_LINE_CHARACTERS = 4_096
"""Longer lines tell nothing: Python tries a pattern in every way, which takes minutes where a line has 70,000 characters."""
NAME_SHOWN = 80
"""Characters of a header that a reason shows."""

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Recognised:
    """A file that exactly one spec fits."""

    spec: LandingSpec
    encoding: str = "utf-8"
    delimiter: str = ""
    header: tuple[str, ...] = ()
    """csv: the headers as they stand in the file."""
    rows_path: str = ""
    """json, js: which of the spec's `rows` yields the rows."""
    row_count: int | None = None
    """json, js: rows counted by Python's parser, without DuckDB."""
    prefix_length: int = 0
    """js: characters before the JSON."""


@dataclass(frozen=True)
class Refusal:
    """A file that no spec fits, or more than one."""

    reason: str
    nearest: str | None = None


def identify(path: Path, specs: Iterable[LandingSpec], limits: Limits = DEFAULTS) -> Recognised | Refusal:
    """Recognise a file by its content. The name plays no part."""
    specs = tuple(specs)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        return Refusal("empty file")
    for spec in specs:
        if spec.parser and _parser(spec).recognises(head):
            return Recognised(spec)
    if head.startswith(b"PK"):
        return Refusal("an office document: save or export its sheets as csv")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)
    # A cell may hold a stray NUL, a header never does.
    if encoding is None and b"\x00" in head[:1024].partition(b"\n")[0]:
        return Refusal("binary data that is no archive and no known format")
    whole = len(head) < HEAD_BYTES
    text = codecs.getincrementaldecoder(encoding or "utf-8")("replace").decode(head, final=whole).lstrip("\ufeff")
    start = text.lstrip()[:1]
    if script := re.match(r"\s*([A-Za-z_][\w.]*)\s*=\s*(?=[\[{])", text):
        scripts = [s for s in specs if s.format == "js"]
        return _identify_script(path, script.group(1), script.end(), scripts, limits)
    if start in tuple("[{"):
        documents = [s for s in specs if s.format in ("json", "ndjson")]
        return _identify_json(path, text, encoding or "utf-8", documents, limits)
    logs = _matching_logs(text, [spec for spec in specs if spec.format == "log"])
    if logs:
        return Recognised(logs[0], encoding or logs[0].encoding)
    return _identify_csv(text, encoding, [spec for spec in specs if spec.format == "csv"], limits)


def walk(document: Any, path: str) -> list[Any]:
    """The values at a JSON path made of `.key`, `.*` and `[*]`, in document order."""
    values = [document]
    for step in re.findall(r"\.\*|\[\*\]|\.\w+", path):
        if step == "[*]":
            values = [item for value in values if isinstance(value, list) for item in value]
        elif step == ".*":
            values = [item for value in values if isinstance(value, dict) for item in value.values()]
        else:
            values = [value[step[1:]] for value in values if isinstance(value, dict) and step[1:] in value]
    return values


def _parser(spec: LandingSpec) -> Any:
    return importlib.import_module(f"orchestration.landing.parsers.{spec.parser}")


def _identify_script(
    path: Path, name: str, prefix_length: int, specs: list[LandingSpec], limits: Limits
) -> Recognised | Refusal:
    fitting = [spec for spec in specs if spec.signature.prefix and re.fullmatch(spec.signature.prefix, name)]
    if not fitting:
        return Refusal(f"script variable {name} is none that Balcony reads", _nearest_name(name, specs))
    document = _parse(path, "utf-8", prefix_length, limits)
    if isinstance(document, Refusal):
        return Refusal(document.reason, fitting[0].name)
    return _fit_rows(fitting, document, "utf-8", prefix_length)


def _identify_json(
    path: Path, text: str, encoding: str, specs: list[LandingSpec], limits: Limits
) -> Recognised | Refusal:
    first, _, rest = text.lstrip().partition("\n")
    many_lines = rest.lstrip().startswith("{")
    try:
        keys = set(json.loads(first)) if first.startswith("{") else set()
    except (ValueError, RecursionError):
        keys, many_lines = set(), many_lines and first.rstrip().endswith("}")
    lines = [s for s in specs if s.format == "ndjson" and s.signature.has <= keys and not s.signature.lacks & keys]
    if lines and keys:
        return Recognised(max(lines, key=_strength), encoding)
    if many_lines and first.rstrip().endswith("}"):
        return Refusal(f"lines of JSON with the keys {_listed(keys)}", _nearest_keys(keys, specs))
    document = _parse(path, encoding, 0, limits)
    if isinstance(document, Refusal):
        return Refusal(document.reason, _nearest_keys(keys, specs))
    documents = [s for s in specs if s.format == "json"]
    if isinstance(document, dict):
        folded = {fold(key) for key in document}
        documents = [
            s
            for s in documents
            if s.signature.has <= folded
            and not s.signature.lacks & folded
            and all(document.get(key) == value for key, value in s.signature.equals.items())
        ]
    else:
        documents = [s for s in documents if not s.signature.has and not s.signature.equals]
    return _fit_rows(documents, document, encoding, 0)


def _fit_rows(specs: list[LandingSpec], document: Any, encoding: str, prefix_length: int) -> Recognised | Refusal:
    fitting: list[Recognised] = []
    keys: set[str] = set(document) if isinstance(document, dict) else set()
    for spec in specs:
        for rows_path in spec.rows:
            rows = walk(document, rows_path)
            first = set(rows[0]) if rows and isinstance(rows[0], dict) else set()
            keys |= first
            named = spec.signature.has or spec.signature.equals or spec.signature.prefix
            if spec.signature.row_has <= first if rows else named:
                fitting.append(Recognised(spec, encoding, "", (), rows_path, len(rows), prefix_length))
                break
    if not fitting:
        return Refusal(
            f"JSON with the keys {_listed(keys)}" if keys else "JSON without rows", _nearest_keys(keys, specs)
        )
    fitting.sort(key=lambda found: _strength(found.spec), reverse=True)
    if len(fitting) > 1 and _strength(fitting[0].spec) == _strength(fitting[1].spec):
        return Refusal(f"fits both {fitting[0].spec.name} and {fitting[1].spec.name}", fitting[0].spec.name)
    return fitting[0]


def _parse(path: Path, encoding: str, prefix_length: int, limits: Limits) -> Any:
    if path.stat().st_size > limits.document_bytes:
        return Refusal(f"JSON of more than {limits.document_bytes:,} bytes, which is parsed in memory: split it")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig" if encoding == "utf-8" else encoding)[prefix_length:])
    except UnicodeDecodeError as error:
        return Refusal(f"not {encoding} at byte {error.start:,}")
    except json.JSONDecodeError as error:
        return Refusal(f"damaged JSON at line {error.lineno}, column {error.colno}: {error.msg}")
    except UnicodeError:
        return Refusal(f"not {encoding}")
    except RecursionError:
        return Refusal("JSON nested too deep to be an export")
    except ValueError:
        return Refusal("JSON with a number of thousands of digits")


def _matching_logs(text: str, specs: list[LandingSpec]) -> list[LandingSpec]:
    lines = [line for line in text.splitlines()[:LOG_LINES] if line.strip() and len(line) <= LOG_LINE_CHARACTERS]
    return [
        spec
        for spec in specs
        if lines and 2 * sum(re.match(spec.pattern or "", line) is not None for line in lines) >= len(lines)
    ]


def _identify_csv(text: str, encoding: str | None, specs: list[LandingSpec], limits: Limits) -> Recognised | Refusal:
    fitting: list[Recognised] = []
    best: tuple[float, LandingSpec | None, set[str]] = (0.0, None, set())
    for spec in specs:
        for delimiter in spec.delimiters:
            header = _header(text, delimiter)
            folded = {fold(name) for name in header}
            signature = spec.signature
            meant = folded.union(*(column.headers for column in spec.columns if column.headers & folded))
            if (
                signature.has <= meant
                and not signature.lacks & folded
                and (not signature.any_of or signature.any_of & meant)
            ):
                fitting.append(Recognised(spec, encoding or spec.encoding, delimiter, header))
                break
            known = {name for column in spec.columns for name in column.headers}
            likeness = len(known & folded) / len(known | folded)
            if likeness > best[0]:
                best = (likeness, spec, folded)
    fitting.sort(key=lambda found: _strength(found.spec), reverse=True)
    if len(fitting) > 1 and _strength(fitting[0].spec) == _strength(fitting[1].spec):
        return Refusal(f"fits both {fitting[0].spec.name} and {fitting[1].spec.name}", fitting[0].spec.name)
    if fitting:
        return _without_doubts(fitting[0], limits)
    _, nearest, folded = best
    if nearest is None:
        first = next(iter(text.splitlines()), "")
        return Refusal(f"no known header in its first line: {first[:120]!r}")
    return Refusal(_difference(nearest, folded), nearest.name)


def _without_doubts(found: Recognised, limits: Limits) -> Recognised | Refusal:
    """The file itself, unless its header leaves open which of two cells is meant by a column that must be there.

    Mailchimp writes one of the others twice; its second cell goes to `_extra`.
    """
    if len(found.header) > limits.columns:
        return Refusal(f"{len(found.header):,} columns, more than {limits.columns:,}", found.spec.name)
    folded = [fold(name) for name in found.header]
    known = {name for column in found.spec.columns if column.required for name in column.headers}
    if twice := {name for name in folded if name in known and folded.count(name) > 1}:
        return Refusal(
            f"a header stands twice: {_listed(twice)}; remove the column that does not count", found.spec.name
        )
    return found


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter)))
    except (csv.Error, StopIteration):
        return ()


def _difference(spec: LandingSpec, folded: set[str]) -> str:
    signature = spec.signature
    parts = []
    meant = folded.union(*(column.headers for column in spec.columns if column.headers & folded))
    if missing := signature.has - meant:
        parts.append(f"missing {_listed(missing)}")
    if unwanted := signature.lacks & folded:
        parts.append(f"must not have {_listed(unwanted)}")
    if signature.any_of and not signature.any_of & folded:
        parts.append(f"needs one of {_listed(signature.any_of)}")
    if unknown := folded - {name for column in spec.columns for name in column.headers}:
        parts.append(f"not known {_listed(unknown)}")
    return f"headers differ from {spec.name}: {'; '.join(parts)}{_remedy(spec, missing, unknown)}"


def _remedy(spec: LandingSpec, missing: Collection[str], unknown: Collection[str]) -> str:
    """What would make the file land, if the headers that it lacks are there under other names."""
    if not missing or not unknown:
        return ""
    wanted = min(missing)
    column = next((column.name for column in spec.columns if wanted in column.headers), wanted)
    alike = difflib.get_close_matches(wanted, sorted(unknown), 1, 0.5)
    example = f", such as {alike[0]}" if alike else ""
    return (
        f". If one of those not known{example}, is {wanted} under another name, add it to the aliases of {column} in"
        f" models/staging/{spec.source}/_{spec.source}__sources.yml"
    )


def _strength(spec: LandingSpec) -> int:
    signature = spec.signature
    return (
        len(signature.has)
        + len(signature.row_has)
        + len(signature.equals)
        + bool(signature.any_of)
        + bool(signature.prefix)
    )


def _nearest_keys(keys: set[str], specs: list[LandingSpec]) -> str | None:
    scored = [(len(keys & (spec.signature.has | spec.signature.row_has)), spec.name) for spec in specs]
    best = max(scored, default=(0, ""))
    return best[1] if best[0] else None


def _nearest_name(name: str, specs: list[LandingSpec]) -> str | None:
    words = set(re.split(r"[._]", name.casefold()))
    scored = [(len(words & set(re.findall(r"[a-z]+", spec.signature.prefix or ""))), spec.name) for spec in specs]
    best = max(scored, default=(0, ""))
    return best[1] if best[0] > 1 else None


def _listed(names: Iterable[str]) -> str:
    ordered = [name if len(name) <= NAME_SHOWN else f"{name[:NAME_SHOWN]}..." for name in sorted(names)]
    return ", ".join(ordered[:12]) + (f" and {len(ordered) - 12} more" if len(ordered) > 12 else "")
