"""The files of the pages: read once, listed by name, so that a path in a request can only ever name one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_HERE = Path(__file__).parent
_MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file as it is served. ``etag`` is made of the content, quotes included."""

    body: bytes
    media_type: str
    etag: str


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


def _read(path: Path) -> PageFile:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return PageFile(body=body, media_type=_MEDIA_TYPES[path.suffix], etag=f'"{digest}"')
