"""Persons who were erased stay out: a list of keyed hashes of what identified them, applied to all that lands.

The list holds no identifier, only what the user's key makes of it; without the key it tells nothing, and with another
key it would let everyone back in, so that is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from urllib.parse import quote, unquote

import duckdb

from orchestration.landing import archive
from orchestration.landing.read import Source
from orchestration.landing.spec import LandingSpec, Person, PersonType
from orchestration.settings import Settings

MARK = "(erased)"
"""Stands where an identifier stood in a text about someone else."""

_NORMAL: dict[PersonType, str] = {
    "email": "lower(trim({0}))",
    "shopify_order": "'#' || nullif(replace(trim({0}), '#', ''), '')",
    "stripe_customer": "trim({0})",
    "mailchimp_member": "trim({0})",
    "site_visitor": "concat({0}, ':', coalesce({1}, ''))",
    "mastodon_account": (
        "lower(case when {0} like '%@%' then {0} else {0} || '@' || regexp_extract({1}, '^https?://([^/]+)', 1) end)"
    ),
    "bluesky_account": "trim({0})",
    "bluesky_handle": "lower(trim({0}))",
    "x_account": "trim({0})",
}
"""How the models write an identifier, before they hash it."""

_MENTION = r"https?://[\w.-]+/(?:@|users/)\w+|[\w.+%-]+(?:@|%40)[\w.-]*\w|did:[a-z0-9]+:[\w.%-]*\w"
# Only where a word begins, or a word of a million letters would be tried from each of them.
_TOKEN = re.compile(rf"(?<![\w.+%-])(?:{_MENTION})")
_PROFILE = re.compile(r"https?://([\w.-]+)/(?:@|users/)(\w+)$")
_MENTIONED: tuple[PersonType, ...] = ("email", "mastodon_account", "bluesky_account")
"""What can be told in the middle of a text."""


def identifier(person: Person) -> str:
    """SQL for the identifier in a raw row, null where the cell is blank."""
    cells = [f'"{column}"' for column in person.columns]
    return f"nullif({_NORMAL[person.type].format(*cells)}, '')"


def sql_pattern(terms: Iterable[str]) -> str:
    """A regular expression of DuckDB's that finds whole terms, with what stands around them in groups 1 and 2."""
    return rf"(^|[^\w.+-])(?:{_alternatives(terms)})($|[^\w.-]|[.]($|\W))"


def bytes_pattern(terms: Iterable[str]) -> re.Pattern[bytes]:
    """The same for the bytes of a UTF-8 text."""
    return re.compile(rf"(?<![\w.+-])(?:{_alternatives(terms)})(?![\w-])(?!\.\w)".encode(), re.IGNORECASE)


def masked_sql(column: str) -> str:
    """SQL for a column with each term masked, given `sql_pattern` as `$1`. Twice: neighbours share what is between them."""
    once = rf"regexp_replace({column}, $1, '\1{MARK}\2', 'gi')"
    return rf"regexp_replace({once}, $1, '\1{MARK}\2', 'gi')"


def masker(terms: Collection[str]) -> Callable[[bytes], bytes]:
    """What masks the terms in bytes."""
    if not terms:
        return lambda content: content
    pattern = bytes_pattern(terms)
    return lambda content: pattern.sub(MARK.encode(), content)


def _alternatives(terms: Iterable[str]) -> str:
    written = {form for term in terms for form in (term, quote(term, safe=""))}
    return "|".join(re.escape(term) for term in sorted(written, key=lambda term: (-len(term), term)))


class Suppression:
    """The list of one open warehouse."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raises `ValueError` where the list was made with another key."""
        self.connection = connection
        self.key = str(connection.execute("select key_text from raw_balcony.identity_keys").fetchall()[0][0])
        self.key_check = hashlib.sha256(f"{self.key}:check".encode()).hexdigest()[:16]
        rows = connection.execute("select distinct key_check from landing.suppressed_identifiers").fetchall()
        if any(check != self.key_check for (check,) in rows):
            raise ValueError(
                "the key of person hashes is not the one with which persons were erased, so they would come back:"
                " set BALCONY_HASH_KEY, or $BALCONY_HOME/identity.key, to the old one"
            )
        self.is_active = bool(rows)

    def hash_of(self, type_: str, value: str) -> str:
        """What the list holds of an identifier."""
        return hashlib.sha256(f"{self.key}:{type_}:{value}".encode()).hexdigest()

    def add(self, type_: PersonType, values: Iterable[str]) -> None:
        """Put identifiers, written as the models do, on the list."""
        for value in values:
            self.connection.execute(
                "insert into landing.suppressed_identifiers select $1, $2, $3, now()::timestamp"
                " where not exists (from landing.suppressed_identifiers where identifier_hash = $2)",
                [type_, self.hash_of(type_, value), self.key_check],
            )
            self.is_active = True

    def without_names(self, text: str) -> str:
        """A file's name without identifiers of erased persons."""
        if self.is_active and ("@" in text or "did:" in text):
            listed = self._listed_hashes()
            for token in _tokens(text):
                # A name ends in what looks like a part of the address.
                for end in range(len(token), 0, -1):
                    if self._is_listed(token[:end], listed):
                        text = text.replace(token[:end], MARK)
                        break
        return text

    def is_in(self, path: Path) -> bool:
        """Whether a file's text names an erased person."""
        if not self.is_active:
            return False
        listed = self._listed_hashes()
        before = b""
        with path.open("rb") as file:
            while block := file.read(1 << 24):
                text = (before + block).replace(b"\x00", b"").decode("utf-8", "replace")
                if any(self._is_listed(token, listed) for token in _tokens(text)):
                    return True
                before = block[-1024:]
        return False

    def extend(self, spec: LandingSpec, load_id: int | None = None) -> int:
        """Find the rows of persons on the list, put what else identifies these persons there on it, and say how many new.

        The rows are in the temporary table `rows_of_persons` afterwards; of one load, or of all.
        """
        hashes = [(person, self._hash(person)) for person in spec.persons if not person.is_mention]
        listed = "(select identifier_hash from landing.suppressed_identifiers)"
        condition = " or ".join(f"{hash_} in {listed}" for _, hash_ in hashes) or "false"
        of_load = "true" if load_id is None else f"_load_id = {int(load_id)}"
        raw = f'{spec.raw_schema}."{spec.table}"'
        added = 0
        while True:
            self.connection.execute(
                "create or replace temp table rows_of_persons as select _load_id, _source_row_number"
                f" from {raw} where {of_load} and ({condition})",
                *([[self.key]] if hashes else []),
            )
            if len({person.type for person, _ in hashes}) < max(len(hashes), 2):
                return added
            new = 0
            for person, hash_ in hashes:
                new += len(
                    self.connection.execute(
                        f"""
                        insert into landing.suppressed_identifiers
                        select distinct '{person.type}', {hash_}, $2, now()::timestamp
                        from {raw} semi join rows_of_persons using (_load_id, _source_row_number)
                        where {hash_} is not null and {hash_} not in {listed}
                        returning 1
                        """,
                        [self.key, self.key_check],
                    ).fetchall()
                )
            if not new:
                return added
            added += new

    def apply(
        self, spec: LandingSpec, source: Source, load_id: int, archived: archive.Archived, settings: Settings
    ) -> tuple[str | None, int]:
        """Take the rows of erased persons out of a load that is being landed, and out of the archived file.

        Returns where the content lies in the archive now, null where it cannot be kept, and how many rows went.
        """
        if not self.is_active:
            return archived.sha256, 0
        self.extend(spec, load_id)
        rejected = self._rejected_rows(load_id)
        rows = self.connection.execute("select _source_row_number from rows_of_persons").fetchall()
        numbers = {int(number) for (number,) in rows} | rejected
        terms = self._mentions(spec, source.columns, load_id)
        if not numbers and not terms:
            return archived.sha256, 0
        self.connection.execute(
            f"delete from {spec.landed_table} where _load_id = $1 and list_contains($2, _source_row_number)",
            [load_id, sorted(numbers)],
        )
        self.connection.execute(
            "delete from landing.rejected_rows where load_id = $1 and list_contains($2, source_row_number)",
            [load_id, sorted(numbers)],
        )
        self.connection.execute(
            "insert into landing.erased_rows select $1, unnest($2::bigint[]), true", [load_id, sorted(numbers)]
        )
        if terms:
            pattern = sql_pattern(terms)
            for column in [f'"{name}"' for name in source.columns] + ["_extra"]:
                self.connection.execute(
                    f"update {spec.landed_table} set {column} = {masked_sql(column)}"
                    f" where _load_id = {int(load_id)} and regexp_matches({column}, $1, 'i')",
                    [pattern],
                )
            self.connection.execute(
                f"update landing.rejected_rows set raw_text = {masked_sql('raw_text')} where load_id = {int(load_id)}",
                [pattern],
            )
        return rewritten(settings, source, numbers, terms), len(numbers)

    def _hash(self, person: Person) -> str:
        """SQL for the list's hash of a row's identifier, the key as `$1`."""
        return f"sha256($1 || ':{person.type}:' || {identifier(person)})"

    def _rejected_rows(self, load_id: int) -> set[int]:
        rows = self.connection.execute(
            "select source_row_number, raw_text from landing.rejected_rows where load_id = ?", [load_id]
        ).fetchall()
        listed = self._listed_hashes()
        return {
            int(number)
            for number, text in rows
            if number is not None and any(self._is_listed(token, listed) for token in _tokens(text or ""))
        }

    def _mentions(self, spec: LandingSpec, columns: Collection[str], load_id: int) -> set[str]:
        """Identifiers on the list that stand in the texts of rows that stay, as they are written there."""
        texts = ", ".join([f'"{name}"' for name in columns] + ["_extra"])
        tokens = self.connection.execute(
            f"""
            select distinct unnest(regexp_extract_all(text, $2))
            from (select unnest([{texts}]) as text from {spec.landed_table} where _load_id = $1
                union all select raw_text from landing.rejected_rows where load_id = $1)
            where contains(text, '@') or contains(text, '%40') or contains(text, 'did:')
            """,
            [load_id, _MENTION],
        ).fetchall()
        listed = self._listed_hashes()
        found = {unquote(token) for (token,) in tokens if self._is_listed(token, listed)}
        for person in spec.persons:
            if person.is_mention:
                rows = self.connection.execute(
                    f'select distinct {identifier(person)} from {spec.raw_schema}."{spec.table}" where _load_id = $2 and'
                    f" {self._hash(person)} in (select identifier_hash from landing.suppressed_identifiers)",
                    [self.key, load_id],
                ).fetchall()
                found |= {value for (value,) in rows}
        return found

    def _is_listed(self, token: str, listed: Collection[str]) -> bool:
        text = unquote(token)
        values = {text, text.lower()}
        if profile := _PROFILE.match(text):
            values.add("@".join(reversed(profile.groups())).lower())
        return any(self.hash_of(type_, value) in listed for type_ in _MENTIONED for value in values)

    def _listed_hashes(self) -> set[str]:
        rows = self.connection.execute("select identifier_hash from landing.suppressed_identifiers").fetchall()
        return {hash_ for (hash_,) in rows}


def rewritten(settings: Settings, source: Source, without: Collection[int], terms: Collection[str]) -> str | None:
    """Archive a file anew without some rows and with terms masked; the name of its new content.

    Null where rows cannot be taken out of it: it must not be kept then.
    """
    if source.rewrite is None:
        return None
    target = settings.spill / "rewritten"
    try:
        source.rewrite(target, without, masker(terms))
        with target.open("rb") as stream:
            return archive.store(settings.archive, stream).sha256
    except ValueError:
        return None
    finally:
        target.unlink(missing_ok=True)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)
