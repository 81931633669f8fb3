"""Splits an article into passages: along its headings first, then between its blocks.

A passage is what the search finds and a reply cites, so it must make sense by itself: it keeps the path of headings
above it, and a section that is too long is cut into parts of about the same length rather than into full ones and a
crumb. A question with its answer is one passage. How a section is cut is in ``infra.knowledge.blocks``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid5

from infra.knowledge.article import Article
from infra.knowledge.blocks import FENCE, parts
from skills.turn import PassageId

SPLITTING = 2
"""The number of these rules. It goes into every content hash: raise it with a change here and all is split anew."""

_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage that is not stored yet."""

    id: PassageId
    """From the article and the text, so that a passage that a reply cites keeps its id when its neighbour changes."""
    heading: str
    """The headings above it, ``>`` between them; the title where there are none."""
    text: str
    searchable: str
    """What is embedded, and whose words are indexed: title, headings and text."""

    @property
    def hash(self) -> bytes:
        """The key of its vector in the embedding cache."""
        return text_hash(self.searchable)


def searchable(title: str, heading: str, text: str) -> str:
    """What is embedded of a passage: its title and headings say what the text itself may leave out."""
    return "\n".join([title, text] if heading == title else [title, heading, text])


def text_hash(text: str) -> bytes:
    """SHA-256 of a text that is embedded."""
    return hashlib.sha256(text.encode()).digest()


def split(article: Article) -> list[Piece]:
    """The passages of an article, in reading order; at least one."""
    found = [(path, part) for path, section in _sections(article.text) for part in (parts(section) if section else ())]
    if not found:
        # Headings alone are all there is to say.
        found = [("", re.sub(r"(?m)^\s*#+\s*", "", article.text).strip() or article.title)]
    copies: dict[tuple[str, str], int] = {}
    pieces = []
    for path, text in found:
        copy = copies[path, text] = copies.get((path, text), 0) + 1
        heading = path or article.title
        pieces.append(
            Piece(
                id=PassageId(uuid5(article.id, f"{copy}\n{path}\n{text}")),
                heading=heading,
                text=text,
                searchable=searchable(article.title, heading, text),
            )
        )
    return pieces


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The text below each heading, with the headings above it; ``#`` within a fence of code is no heading."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence: str | None = None
    for line in text.split("\n"):
        if mark := FENCE.match(line):
            fence = mark[1] if fence is None else (None if mark[1] == fence else fence)
        heading = None if fence else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        yield _joined(path), "\n".join(lines).strip()
        lines = []
        level = len(heading[1])
        path = [(depth, name) for depth, name in path if depth < level]
        if heading[2]:
            path.append((level, heading[2]))
    yield _joined(path), "\n".join(lines).strip()


def _joined(path: list[tuple[int, str]]) -> str:
    return " > ".join(name for _, name in path)
