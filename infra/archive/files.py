"""Writing an archive so that it is whole or not there, and reading it back.

An archive is written as ``NAME.partial`` and forced to the disk; whoever writes it holds a lock on the file. Its
manifest and then the file itself get their names only when everything has been verified, and the folder is forced to
the disk too. Killed before: a ``.partial`` that nobody has locked, which the next run removes. Killed between the two
names: a manifest without a file, which says nothing. A file under its own name always has its manifest.

Everything here blocks: from a coroutine it is called in a thread.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from infra.archive.manifest import ArchiveError, Manifest, Tally, manifest_path, read_manifest, tally

SUFFIX = ".jsonl.gz"
_PARTIAL = ".partial"
_YOUNG = 60.0


class PartialArchive:
    """An archive in the making.

    Args:
        folder: where it will lie; made if it is not there.
        name: of the file to be, without a folder.

    Raises:
        ArchiveError: the folder can't be written to.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self._draft = folder / f"{name}{_PARTIAL}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        except OSError as error:
            raise _unwritable(folder, error) from None
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._gzip = gzip.GzipFile(filename="", fileobj=self._file, mode="wb", compresslevel=6, mtime=0)

    def write(self, lines: Iterable[str]) -> None:
        """Add lines of JSON.

        Raises:
            ArchiveError: the disk is full, or gone.
        """
        try:
            for line in lines:
                self._gzip.write(f"{line}\n".encode())
        except OSError as error:
            raise _unwritable(self.path.parent, error) from None

    def finish(self) -> None:
        """Force what was written to the disk.

        Raises:
            ArchiveError: it did not get there.
        """
        try:
            self._gzip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            if hasattr(os, "posix_fadvise"):  # so that reading it back asks the disk and not the memory
                os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError as error:
            raise _unwritable(self.path.parent, error) from None

    def read_back(self) -> dict[str, Tally]:
        """The rows that lie on the disk, counted.

        Raises:
            ArchiveError: what was written can't be read.
        """
        return tally(read_lines(self._draft))

    def digest(self) -> tuple[int, str]:
        """How many bytes lie on the disk, and their SHA-256."""
        return _digest(self._draft)

    def publish(self, manifest: Manifest) -> None:
        """Give manifest and file their names.

        Raises:
            ArchiveError: they did not get them; nothing has the file's name then.
        """
        place = manifest_path(self.path)
        note = place.with_name(f"{place.name}{_PARTIAL}")
        try:
            with note.open("w", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(manifest.text())
                file.flush()
                os.fsync(file.fileno())
                note.rename(place)
            _force_folder(self.path.parent)
            self._draft.rename(self.path)
            _force_folder(self.path.parent)
        except OSError as error:
            raise _unwritable(self.path.parent, error) from None
        self._file.close()

    def abandon(self) -> None:
        """Leave nothing of it, unless it was published."""
        with suppress(OSError, ValueError):  # the disk is full, or it is closed already
            self._gzip.close()
        self._draft.unlink(missing_ok=True)
        if not self.path.exists():
            manifest_path(self.path).unlink(missing_ok=True)
        self._file.close()


def sweep(folder: Path) -> int:
    """Remove what killed runs have left half-written; how many files.

    What is younger than a minute stays: its writer may not have come to lock it yet.
    """
    removed = 0
    for path in folder.glob(f"*{_PARTIAL}"):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while somebody writes it
                if time.time() - path.stat().st_mtime > _YOUNG:
                    path.unlink()
                    removed += 1
        except (BlockingIOError, FileNotFoundError):
            continue
    return removed


def verify(path: Path) -> Manifest:
    """Read an archive from end to end and compare it with its manifest.

    Raises:
        ArchiveError: something is missing, or is not as it was written.
    """
    manifest = read_manifest(path)
    try:
        size, sha256 = _digest(path)
    except OSError as error:
        raise ArchiveError(f"{path} can't be read: {error.strerror}") from None
    if (size, sha256) != (manifest.size, manifest.sha256):
        raise ArchiveError(f"{path} was altered or cut off since it was written", hint="restore it from a copy")
    manifest.refuse_other_rows(tally(read_lines(path)))
    return manifest


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """(table, line) of an archive, in the order in which they were written.

    Raises:
        ArchiveError: it can't be read to its end.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            for line in file:
                text = line.removesuffix("\n")
                yield str(json.loads(text)["table"]), text
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(
            f"{path} can't be read to its end: {type(error).__name__}", hint="restore it from a copy"
        ) from None


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _force_folder(folder: Path) -> None:
    """A name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> ArchiveError:
    return ArchiveError(
        f"the archive folder {folder} can't be written to: {error.strerror}",
        hint="nothing was deleted; make room there",
    )
