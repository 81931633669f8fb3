"""A passage's text as pieces that can be quoted: sentences, and lists with the line that introduces them.

Headings, table rules, fences and images are layout and never part of an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from skills.language import fold, sentences, unmarked
from skills.turn import Passage

_HEADING = re.compile(r"\s{0,3}#{1,6}(?:\s|$)")
_RULE = re.compile(r"\s{0,3}(?:[-=*_]\s{0,2}){3,}$|\s*\|?[\s:|-]{3,}\|?\s*$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_ITEM = re.compile(r"\s{0,12}(?:[-*+•]|(\d{1,2})[.)])\s+")
_QUOTE = re.compile(r"\s{0,3}(?:>\s?)+")
_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]{0,200}|!--[^<>]{0,500}--)>")
_SENTENCE_MARKS = (".", "!", "?", "…", ":", "。")


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to quote whole: one sentence, or a list as its introduction and its items, one a line."""

    lines: tuple[str, ...]
    paragraph: int
    """Pieces of one paragraph stand on one line in an answer."""

    @property
    def text(self) -> str:
        """The piece as it stands in an answer."""
        return "\n".join(self.lines)


def pieces_of(passage: Passage) -> list[Piece]:
    """The pieces of a passage, in order."""
    reader = _Reader({fold(passage.heading.strip()), fold(passage.title.strip())})
    for line in passage.text.splitlines():
        reader.read(line)
    return reader.finish()


class _Reader:
    """Goes through the lines once, collecting a paragraph or a list at a time."""

    def __init__(self, headings: set[str]) -> None:
        self._headings = headings
        self._pieces: list[Piece] = []
        self._paragraph: list[str] = []
        self._items: list[str] = []
        self._number = 0

    def read(self, raw: str) -> None:
        line = _QUOTE.sub("", raw, count=1) if raw.lstrip().startswith(">") else raw
        stripped = _TAG.sub("", line).strip()
        if not stripped or _HEADING.match(line) or _RULE.match(line) or _FENCE.match(line):
            self._end_paragraph()
        elif fold(stripped) in self._headings:
            return
        elif stripped.startswith("|"):
            self._add_item("- " + _row(stripped))
        elif item := _ITEM.match(line):
            marker = f"{item[1]}. " if item[1] else "- "
            self._add_item(marker + stripped[len(item[0].strip()) :].strip())
        elif self._items and line[:1].isspace():
            self._items[-1] += " " + stripped
        else:
            self._end_list()
            self._paragraph.append(stripped)

    def finish(self) -> list[Piece]:
        self._end_paragraph()
        self._end_list()
        return self._pieces

    def _add_item(self, item: str) -> None:
        self._end_paragraph()
        self._items.append(item)

    def _end_paragraph(self) -> None:
        text = unmarked(" ".join(self._paragraph))
        self._paragraph = []
        if not text:
            return
        self._end_list()
        self._number += 1
        found = sentences(text)
        self._pieces += [Piece((sentence,), self._number) for sentence in found if _reads_whole(sentence)]

    def _end_list(self) -> None:
        if not self._items:
            return
        lines = [unmarked(item) for item in self._items]
        self._items = []
        self._number += 1
        if self._pieces and self._pieces[-1].text.endswith(":"):
            lines.insert(0, self._pieces.pop().text)
        self._pieces.append(Piece(tuple(lines), self._number))


def _reads_whole(sentence: str) -> bool:
    return sentence.endswith((*_SENTENCE_MARKS, ")", '"', "”", "»")) or len(sentence.split()) > 3  # noqa: PLR2004


def _row(line: str) -> str:
    cells = [cell.strip() for cell in line.strip("|").split("|") if cell.strip()]
    return f"{cells[0]}: {', '.join(cells[1:])}" if len(cells) > 1 else "".join(cells)
