"""The immutable archive: every file ever seen, once, under the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BLOCK_BYTES = 1 << 22
SMALL_BYTES = 1 << 16


@dataclass(frozen=True)
class Archived:
    """A file in the archive."""

    sha256: str
    path: Path
    byte_count: int


def store(archive: Path, stream: IO[bytes], max_bytes: int | None = None) -> Archived:
    """Copy a stream into the archive and return where it is; content already there is not written twice.

    The name has no extension: DuckDB would glob a `*` and guess a compression from a `.gz`. Raises `ValueError`
    when the stream is longer than `max_bytes`.
    """
    archive.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix="incoming-", dir=archive)
    digest = hashlib.sha256()
    byte_count = 0
    try:
        # Hashing beside writing, not after it: neither holds the interpreter's lock.
        with os.fdopen(handle, "wb") as copy, ThreadPoolExecutor(1) as beside:
            while block := stream.read(BLOCK_BYTES):
                byte_count += len(block)
                if max_bytes is not None and byte_count > max_bytes:
                    raise ValueError(f"longer than the {max_bytes:,} bytes that its archive declares")
                if len(block) < SMALL_BYTES:  # Sooner done than a thread is started.
                    digest.update(block)
                    copy.write(block)
                    continue
                hashed = beside.submit(digest.update, block)
                copy.write(block)
                hashed.result()
            copy.flush()
            os.fsync(copy.fileno())
        sha256 = digest.hexdigest()
        path = place(archive, sha256)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            os.chmod(temporary, 0o444)
            os.replace(temporary, path)
            bring_to_disk(path.parent)
        return Archived(sha256, path, byte_count)
    finally:
        Path(temporary).unlink(missing_ok=True)


def digest(path: Path) -> str:
    """SHA-256 of a file, as a hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def place(archive: Path, sha256: str) -> Path:
    """Where a content lies if it is kept."""
    return archive / sha256[:2] / sha256


def remove(archive: Path, sha256: str) -> None:
    """Take a content out of the archive, if it is there."""
    place(archive, sha256).unlink(missing_ok=True)


def sweep(archive: Path) -> None:
    """Remove what a killed run left half copied."""
    for leftover in archive.glob("incoming-*"):
        leftover.unlink()


def bring_to_disk(path: Path) -> None:
    """Have a file, or the names in a folder, outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
