"""Archives that hold exports: zip, tar.gz, tar and single gzip files, opened without trusting them."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

MAX_MEMBERS = 200_000
MAX_RATIO = 200
"""Unpacked to packed size. Text packs to about a tenth; 500 MB of zeros pack to a thousandth."""
SMALL_BYTES = 64 << 20
"""Below this size no ratio is suspicious."""


DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError)
"""What the standard library raises while it reads a damaged archive or member."""


class ContainerError(ValueError):
    """An archive, or one member of it, that cannot or must not be opened."""


@dataclass(frozen=True)
class Member:
    """A file inside an archive."""

    name: str
    modified_at: datetime
    max_bytes: int


def container_kind(path: Path) -> str | None:
    """zip, tar, gzip or None, told by the content."""
    with path.open("rb") as file:
        head = file.read(4)
        if head in (b"PK\x03\x04", b"PK\x05\x06"):
            return None if is_workbook(path) else "zip"
        if head[:2] == b"\x1f\x8b":
            try:
                with gzip.open(path) as unpacked:
                    return "tar" if unpacked.read(262)[257:262] == b"ustar" else "gzip"
            except (OSError, EOFError, zlib.error):
                return "gzip"
        file.seek(257)
        return "tar" if file.read(5) == b"ustar" else None


def is_workbook(path: Path) -> bool:
    """Whether a zip is an office document, which is one file to its owner."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except DAMAGE:
        return False


def members(path: Path, kind: str) -> Iterator[tuple[Member, IO[bytes]]]:
    """Yield each regular file of an archive with a stream of its bytes, in the order in which they stand there.

    Checksums are checked as the stream is read to its end. Raises `ContainerError` for an archive that is damaged,
    encrypted, has two members of one name, or unpacks to more than `MAX_RATIO` times its size.
    """
    try:
        if kind == "zip":
            yield from _zip_members(path)
        elif kind == "tar":
            yield from _tar_members(path)
        else:
            with gzip.open(path) as stream:
                limit = max(SMALL_BYTES, path.stat().st_size * MAX_RATIO)
                yield Member(path.stem, _file_time(path), limit), cast(IO[bytes], stream)
    except DAMAGE as error:
        raise ContainerError(f"damaged archive: {error}") from None


def _zip_members(path: Path) -> Iterator[tuple[Member, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        names = [info.filename for info in infos]
        if len(infos) > MAX_MEMBERS:
            raise ContainerError(f"{len(infos):,} members, more than {MAX_MEMBERS:,}")
        if len(set(names)) != len(names):
            raise ContainerError("two members have the same name")
        if any(info.flag_bits & 1 for info in infos):
            raise ContainerError("encrypted: unpack it first")
        _refuse_bomb(sum(info.file_size for info in infos), path)
        for info in infos:
            with archive.open(info) as stream:
                yield Member(info.filename, _zip_time(info, path), info.file_size), stream


def _zip_time(info: zipfile.ZipInfo, path: Path) -> datetime:
    try:
        return datetime(*info.date_time, tzinfo=UTC).replace(tzinfo=None)
    except ValueError:  # Writers that know no time leave month and day at 0.
        return _file_time(path)


def _file_time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def _tar_members(path: Path) -> Iterator[tuple[Member, IO[bytes]]]:
    unpacked = 0
    with tarfile.open(path, "r:*") as archive:
        for count, info in enumerate(archive):
            if count >= MAX_MEMBERS:
                raise ContainerError(f"more than {MAX_MEMBERS:,} members")
            if not info.isfile():
                continue
            unpacked += info.size
            _refuse_bomb(unpacked, path)
            stream = archive.extractfile(info)
            assert stream is not None
            yield Member(info.name, datetime.fromtimestamp(info.mtime, UTC).replace(tzinfo=None), info.size), stream


def _refuse_bomb(unpacked: int, path: Path) -> None:
    if unpacked > max(SMALL_BYTES, path.stat().st_size * MAX_RATIO):
        raise ContainerError(f"unpacks to {unpacked:,} bytes, more than {MAX_RATIO} times its size")
