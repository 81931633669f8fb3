"""Outlook's winmail.dat (TNEF): the text and the files inside.

tnefparse cuts the stream into objects. Its reader of MAPI properties trusts their counts, so that twenty bytes keep it
busy for hours and fill the memory; ours, for the few properties that matter, believes no count that the bytes don't
hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tnefparse import properties
from tnefparse.tnef import TNEF, TNEFObject

from channels.gmail.text import decode

MAX_OBJECTS = 1_000
MAX_PROPERTIES = 2_000

_KEY_AND_SIGNATURE = 6
_SIZES = {0x02: 4, 0x0B: 4, 0x03: 4, 0x04: 4, 0x0A: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a value by its MAPI type, as padded in the stream."""
_VARIABLE = frozenset({0x00, 0x0D, 0x1E, 0x1F, 0x102})
_UNICODE = 0x1F
_MULTIPLE = 0x1000
_NAMED = 0x8000


@dataclass(frozen=True, slots=True)
class WinmailFile:
    """A file inside."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Winmail:
    """What a winmail.dat holds for us. ``text`` and ``html`` are empty when it has none."""

    text: str
    html: str
    files: tuple[WinmailFile, ...]


def open_winmail(data: bytes) -> Winmail | None:
    """The text and the files of a TNEF stream, as far as it can be read; ``None`` when it is none."""
    if data[:4] != TNEF.TNEF_SIGNATURE.to_bytes(4, "little"):
        return None
    text, html = "", ""
    names: list[str] = []
    contents: list[bytes] = []
    for item in _objects(data):
        if item.name == TNEF.ATTATTACHRENDDATA:
            names.append("")
            contents.append(b"")
        elif item.name == TNEF.ATTBODY:
            text = _plain(bytes(item.data))
        elif item.name == TNEF.ATTMAPIPROPS:
            found = dict(_properties(bytes(item.data)))
            text = text or _plain(found.get(properties.MAPI_BODY, b""))
            html = _plain(found.get(properties.MAPI_BODY_HTML, b""))
        elif not contents:
            continue
        elif item.name == TNEF.ATTATTACHTITLE:
            names[-1] = names[-1] or _plain(bytes(item.data))
        elif item.name == TNEF.ATTATTACHDATA:
            contents[-1] = bytes(item.data)
        elif item.name == TNEF.ATTATTACHMENT:
            found = dict(_properties(bytes(item.data)))
            names[-1] = _plain(found.get(properties.MAPI_ATTACH_LONG_FILENAME, b"")) or names[-1]
    files = (WinmailFile(name, content) for name, content in zip(names, contents, strict=True) if content)
    return Winmail(text, html, tuple(files))


def _objects(data: bytes) -> Iterator[TNEFObject]:
    view, offset = memoryview(data), _KEY_AND_SIGNATURE
    for _ in range(MAX_OBJECTS):
        if offset + TNEF.MIN_OBJ_SIZE >= len(data):
            return
        item = TNEFObject(view[offset:])
        yield item
        offset += item.length


def _plain(raw: bytes) -> str:
    return decode(raw).rstrip("\0")


def _properties(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Names and values of a block of MAPI properties, up to the first that makes no sense. Unicode comes as UTF-8."""
    reader = _Reader(data)
    try:
        for _ in range(min(reader.number(), MAX_PROPERTIES)):
            kind, name = reader.short(), reader.short()
            if name >= _NAMED:
                reader.take(16)
                if reader.number():
                    reader.padded(reader.number())
                else:
                    reader.take(4)
            variable = kind & ~_MULTIPLE in _VARIABLE
            values = reader.number() if variable or kind & _MULTIPLE else 1
            for _ in range(values):
                value = reader.padded(reader.number()) if variable else reader.take(_SIZES[kind & ~_MULTIPLE])
                yield name, value.decode("utf-16-le", "ignore").encode() if kind == _UNICODE else value
    except (struct.error, KeyError):
        return


class _Reader:
    """Reads little-endian numbers and stretches of bytes, and raises ``struct.error`` for what isn't there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def take(self, length: int) -> bytes:
        piece = self._data[self._offset : self._offset + length]
        if len(piece) < length:
            raise struct.error("the bytes end here")
        self._offset += length
        return piece

    def padded(self, length: int) -> bytes:
        return self.take(length + -length % 4)[:length]

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def short(self) -> int:
        return int.from_bytes(self.take(2), "little")
