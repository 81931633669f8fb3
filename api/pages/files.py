"""The files of the pages: read once, listed by name, so that a path in a request can only ever name one of them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from api.pages.bundle import bundle

_HERE = Path(__file__).parent
_MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file as it is served. ``etag`` is made of the content, quotes included."""

    body: bytes
    media_type: str
    etag: str
    zipped: bytes | None = None
    """The same content in gzip, where it is worth it."""


@cache
def page_files() -> Mapping[str, PageFile]:
    """Every file by its path below this package, such as ``chat.html`` or ``assets/theme.css``."""
    return MappingProxyType(
        {
            path.relative_to(_HERE).as_posix(): _read(path)
            for path in sorted(_HERE.rglob("*"))
            if path.suffix in _MEDIA_TYPES
        }
    )


@cache
def chat_script() -> PageFile:
    """The script that sites embed: all of the chat's modules as one, also zipped, for it has to be small."""
    script = bundle(_HERE / "assets/chat/widget.js")
    return _file(script, ".js", zipped=_zipped(script))


def _zipped(body: bytes) -> bytes:
    """In gzip. With less memory zlib begins a new block sooner, which fits a script that has words and styles in it."""

    def pressed(memory: int) -> bytes:
        press = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16, memory)
        return press.compress(body) + press.flush()

    return min(map(pressed, range(5, 10)), key=len)


def _read(path: Path) -> PageFile:
    return _file(path.read_bytes(), path.suffix)


def _file(body: bytes, suffix: str, *, zipped: bytes | None = None) -> PageFile:
    digest = hashlib.sha256(body).hexdigest()[:32]
    return PageFile(body=body, media_type=_MEDIA_TYPES[suffix], etag=f'"{digest}"', zipped=zipped)
