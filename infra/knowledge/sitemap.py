"""Sitemaps: the addresses of a site's pages, out of XML or a plain list, also packed by gzip."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Literal

from skills.errors import KnowledgeFileError

MOST_BYTES = 64 * 1024 * 1024
"""Unpacked; the protocol allows 50 MB."""
MOST_ADDRESSES = 50_000
_LONGEST = 2_000

_GZIP = b"\x1f\x8b"
_ROOT = re.compile(rb"<(?:\w+:)?(urlset|sitemapindex)[\s>]")


class SitemapError(KnowledgeFileError):
    """That is not a sitemap."""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What a sitemap lists: pages, or further sitemaps."""

    kind: Literal["pages", "sitemaps"]
    addresses: tuple[str, ...]


def is_sitemap(data: bytes) -> bool:
    """Whether a fetched file looks like one: packed, or with its root element near the top."""
    return data.startswith(_GZIP) or _ROOT.search(data[:4096]) is not None


def parse_sitemap(data: bytes) -> Sitemap:
    """Read a sitemap.

    Raises:
        SitemapError: it is none, has a document type of its own, or is too large unpacked.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    data = _unpacked(data)
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise SitemapError(
            "is not a sitemap that can be read", hint="it has to be XML without a document type"
        ) from None
    name = root.tag.rpartition("}")[2]
    if name not in {"urlset", "sitemapindex"}:
        raise SitemapError("is not a sitemap", hint="its root has to be <urlset> or <sitemapindex>")
    entry = "url" if name == "urlset" else "sitemap"
    found = (
        (location.text or "").strip()
        for child in root
        if child.tag.rpartition("}")[2] == entry
        for location in child
        if location.tag.rpartition("}")[2] == "loc"
    )
    addresses = dict.fromkeys(address for address in found if 0 < len(address) <= _LONGEST)
    return Sitemap("pages" if name == "urlset" else "sitemaps", tuple(addresses)[:MOST_ADDRESSES])


def _unpacked(data: bytes) -> bytes:
    if data.startswith(_GZIP):
        inflate = zlib.decompressobj(wbits=31)
        try:
            data = inflate.decompress(data, MOST_BYTES + 1)
        except zlib.error:
            raise SitemapError("is packed wrongly", hint="pack it anew by gzip") from None
    if len(data) > MOST_BYTES:
        raise SitemapError(f"is larger than {MOST_BYTES >> 20} MB unpacked", hint="split it, and list the parts")
    return data
