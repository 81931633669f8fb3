"""Whether a zip archive may be kept, judged by its table of contents. Nothing inside is ever unpacked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MAX_ENTRIES = 2_000
MAX_RATIO = 100
"""Bytes unpacked for one byte packed. Office documents reach about 20."""
MAX_UNPACKED = 500 * 1_048_576

_END = b"PK\x05\x06"
_END_LENGTH = 22
_LONGEST_COMMENT = 65_535
_LONGEST_TABLE = 400 * MAX_ENTRIES
_ENCRYPTED = 0x1
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".tar", ".cab", ".iso", ".lzh", ".arj")
_OFFICE = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_OPEN_DOCUMENTS = frozenset(("text", "spreadsheet", "presentation"))


class Verdict(Enum):
    """What is wrong with an archive."""

    FINE = "fine"
    BROKEN = "broken"
    BOMB = "bomb"
    LOCKED = "locked"
    NESTED = "nested"
    MACROS = "macros"


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip archive's table of contents, judged. ``kind`` is ``zip``, ``docx``, ``odt`` … by what is inside."""

    verdict: Verdict
    kind: str = "zip"
    names: tuple[str, ...] = ()


def inspect(data: bytes) -> Archive:
    """Judge a zip archive. Never raises, never unpacks."""
    if not _table_is_small(data):
        return Archive(Verdict.BOMB)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = opened.infolist()
    except Exception:  # noqa: BLE001 - zipfile lets through what its parts raise, and any bytes come here
        return Archive(Verdict.BROKEN)
    names = tuple(entry.filename for entry in entries)
    return Archive(_verdict(entries, len(data)), _kind(names), names)


def _verdict(entries: Sequence[zipfile.ZipInfo], size: int) -> Verdict:
    unpacked = sum(entry.file_size for entry in entries)
    names = [entry.filename.lower() for entry in entries]
    wrong = {
        Verdict.BOMB: len(entries) > MAX_ENTRIES or unpacked > min(MAX_UNPACKED, MAX_RATIO * size),
        Verdict.LOCKED: any(entry.flag_bits & _ENCRYPTED for entry in entries),
        Verdict.MACROS: any(name.endswith("vbaproject.bin") for name in names),
        Verdict.NESTED: any(name.endswith(_ARCHIVES) for name in names),
    }
    return next((verdict for verdict, holds in wrong.items() if holds), Verdict.FINE)


def _table_is_small(data: bytes) -> bool:
    """Whether the table of contents is of a size that may be read at all, by the record at the archive's end."""
    at = data.rfind(_END, max(0, len(data) - _LONGEST_COMMENT - _END_LENGTH))
    if at < 0 or at + _END_LENGTH > len(data):
        return True  # zipfile will say that it is broken
    entries = int.from_bytes(data[at + 10 : at + 12], "little")
    table = int.from_bytes(data[at + 12 : at + 16], "little")
    return entries <= MAX_ENTRIES and table <= _LONGEST_TABLE


def _kind(names: tuple[str, ...]) -> str:
    if "[Content_Types].xml" in names:
        return next((kind for start, kind in _OFFICE.items() if any(name.startswith(start) for name in names)), "zip")
    if names[:1] == ("mimetype",) and "content.xml" in names:
        return "opendocument"
    return "jar" if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names else "zip"
