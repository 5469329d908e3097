"""Archives that hold exports: zip, tar.gz, tar and single gzip files, opened without trusting them."""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, cast

from orchestration.landing.limits import Limits

DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError),
    # Of headers that point nowhere: a negative place, a number too large, a name that is no text.
    *(ValueError, OverflowError, struct.error, RuntimeError, KeyError, IndexError),
)
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
    except (*DAMAGE, OSError):
        return False


def members(path: Path, kind: str, limits: Limits) -> Iterator[tuple[Member, IO[bytes]]]:
    """Yield each regular file of an archive with a stream of its bytes, in the order in which they stand there.

    Checksums are checked as the stream is read to its end. Raises `ContainerError` for an archive that is damaged or
    encrypted, that has links, two members of one name or names that lead out of it, or that is larger than `limits`.
    """
    try:
        if kind == "zip":
            yield from _zip_members(path, limits)
        elif kind == "tar":
            yield from _tar_members(path, limits)
        else:
            with gzip.open(path) as stream:
                most = max(limits.small_archive_bytes, path.stat().st_size * limits.archive_ratio)
                most = min(most, limits.archive_unpacked_bytes)
                yield Member(path.stem, _file_time(path), most), cast(IO[bytes], stream)
    except ContainerError:
        raise
    except (*DAMAGE, OSError) as error:
        raise ContainerError(f"damaged archive: {error}") from None


def _zip_members(path: Path, limits: Limits) -> Iterator[tuple[Member, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        names = [info.filename for info in infos]
        if len(infos) > limits.archive_members:
            raise ContainerError(f"{len(infos):,} members, more than {limits.archive_members:,}")
        if len(set(names)) != len(names):
            raise ContainerError("two members have the same name")
        if any(info.flag_bits & 1 for info in infos):
            raise ContainerError("encrypted: unpack it first")
        _refuse_escape(names)
        # Unix keeps the kind of a file in the upper half of this word; other systems leave it 0.
        if any(stat.S_ISLNK(info.external_attr >> 16) for info in infos):
            raise ContainerError("it holds links: pack the files themselves")
        _refuse_bomb(sum(info.file_size for info in infos), path, limits)
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


def _tar_members(path: Path, limits: Limits) -> Iterator[tuple[Member, IO[bytes]]]:
    unpacked = 0
    with tarfile.open(path, "r:*") as archive:
        for count, info in enumerate(archive):
            if count >= limits.archive_members:
                raise ContainerError(f"more than {limits.archive_members:,} members")
            if info.isdir():
                continue
            _refuse_escape([info.name])
            if not info.isfile():
                raise ContainerError("it holds links or devices: pack the files themselves")
            unpacked += info.size
            _refuse_bomb(unpacked, path, limits)
            stream = archive.extractfile(info)
            assert stream is not None
            yield Member(info.name, datetime.fromtimestamp(info.mtime, UTC).replace(tzinfo=None), info.size), stream


def _refuse_escape(names: list[str]) -> None:
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts[:1] and path.parts[0].endswith(":")):
            raise ContainerError("a member's name leads out of the archive")


def _refuse_bomb(unpacked: int, path: Path, limits: Limits) -> None:
    if unpacked > max(limits.small_archive_bytes, path.stat().st_size * limits.archive_ratio):
        raise ContainerError(f"unpacks to {unpacked:,} bytes, more than {limits.archive_ratio} times its size")
    if unpacked > limits.archive_unpacked_bytes:
        raise ContainerError(f"unpacks to {unpacked:,} bytes, more than {limits.archive_unpacked_bytes:,}")
