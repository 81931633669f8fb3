"""Cuts a section that is too long for one passage, between its blocks: paragraphs, lists, tables, fences of code.

A block stays whole as long as it fits. One that says it goes on (``You need:``), and a question in a line of its own,
stay with what follows. A table that is too long is cut between rows, each part with the head of the table; a list
between its items; a paragraph between sentences, and there alone the parts overlap by a sentence, because what the
first sentence of a part means often stands in the one before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from langchain_text_splitters import RecursiveCharacterTextSplitter

LONGEST = 220
"""Words. MiniLM reads 256 tokens, which is about that much English with a title before it."""

OVERLAP = 30
"""Words of the longest sentence that the next part of a paragraph begins with again."""

_SLACK = 20
"""Words by which a part may be longer than an even share, so that a sentence more fits."""

_LEAD = 40
"""Words of the longest paragraph that is taken for the beginning of what follows it."""

FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*")
_RULE = re.compile(r"[ \t]*\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+[ \t:-]*")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""A word, or one character of a script that is written without spaces."""
_BOUNDARIES = [r"\n", r"(?<=[.!?…])\s+|(?<=[。！？])", r"\s+", ""]  # noqa: RUF001 - full-width on purpose
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")

Kind = Literal["paragraph", "list", "table", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a section that belongs together, as it stands in the text."""

    kind: Kind
    text: str

    @property
    def leads(self) -> bool:
        """Whether it makes sense only with what follows."""
        return self.kind == "paragraph" and self.text.rstrip(" *_").endswith((":", "?")) and length(self.text) <= _LEAD


def parts(section: str) -> list[str]:
    """The passages of a section's text; itself when it is short enough."""
    if length(section) <= LONGEST:
        return [section]
    units = [unit for whole in _units(blocks(section)) for unit in _fitting(whole)]
    # Of all sizes that need no more parts than the largest, the smallest: its parts are the most even.
    fewest = _packed(units, LONGEST)
    for size in range(math.ceil(sum(map(length, units)) / len(fewest)), LONGEST, 10):
        packed = _packed(units, size)
        if len(packed) == len(fewest):
            return packed
    return fewest


def blocks(section: str) -> list[Block]:
    """A section's blocks, in order. Blank lines part them; a list goes on over blank lines between its items."""
    found: list[Block] = []
    lines: list[str] = []
    kind: Kind = "paragraph"

    def close() -> None:
        text = "\n".join(lines).strip("\n")
        lines.clear()
        if not text.strip():
            return
        if kind == "list" and found and found[-1].kind == "list":
            text = f"{found.pop().text}\n\n{text}"
        found.append(Block(kind, text))

    fence: str | None = None
    for line in section.split("\n"):
        mark = FENCE.match(line)
        if fence is not None:
            lines.append(line)
            if mark and mark[1] == fence:
                fence = None
                close()
            continue
        if mark:
            close()
            fence, kind = mark[1], "code"
            lines.append(line)
            continue
        if not line.strip():
            close()
            kind = "paragraph"
            continue
        new = _kind_of(line, kind if lines else None)
        if new != kind:
            close()
            kind = new
        lines.append(line)
    close()
    return found


def length(text: str) -> int:
    """Words; in scripts without spaces, characters."""
    return sum(1 for _ in _WORD.finditer(text))


def _kind_of(line: str, current: Kind | None) -> Kind:
    if _ROW.fullmatch(line) or (current == "table" and _RULE.fullmatch(line)):
        return "table"
    if _ITEM.match(line) or current == "list":
        return "list"  # a line below an item belongs to it
    return "paragraph"


def _units(found: list[Block]) -> list[list[Block]]:
    """Blocks that must not be parted: what leads, with what it leads to."""
    units: list[list[Block]] = []
    for block in found:
        if units and units[-1][-1].leads and sum(length(one.text) for one in units[-1]) <= 2 * _LEAD:
            units[-1].append(block)
        else:
            units.append([block])
    return units


def _fitting(unit: list[Block]) -> list[str]:
    """A unit as texts of which each fits a passage."""
    whole = "\n\n".join(block.text for block in unit)
    if length(whole) <= LONGEST:
        return [whole]
    *before, last = unit
    lead = "\n\n".join(block.text for block in before)
    room = LONGEST - length(lead)
    cut = _CUTS[last.kind](last.text, room)
    return [f"{lead}\n\n{cut[0]}".strip(), *cut[1:]]


def _packed(units: list[str], size: int) -> list[str]:
    packed: list[list[str]] = []
    words = 0
    for unit in units:
        own = length(unit)
        if packed and words + own <= size:
            packed[-1].append(unit)
            words += own
        else:
            packed.append([unit])
            words = own
    return ["\n\n".join(part) for part in packed]


def _cut_table(text: str, room: int) -> list[str]:
    lines = text.split("\n")
    ruled = len(lines) > 1 and _RULE.fullmatch(lines[1]) is not None
    head, rows = (lines[:2], lines[2:]) if ruled else ([], lines)
    return _in_groups(rows, room - sum(map(length, head)), "\n", before=head)


def _cut_list(text: str, room: int) -> list[str]:
    items: list[str] = []
    for line in text.split("\n"):
        if items and not (_ITEM.match(line) and not line.startswith((" ", "\t"))):
            items[-1] += f"\n{line}"
        else:
            items.append(line)
    return _in_groups([item.rstrip() for item in items], room, "\n")


def _cut_code(text: str, room: int) -> list[str]:
    return _in_groups(text.split("\n"), room, "\n")


def _cut_paragraph(text: str, room: int) -> list[str]:
    words, most = length(text), max(room - OVERLAP, OVERLAP)
    even = math.ceil(words / math.ceil(words / most))
    cut = _by_words(text, min(even + _SLACK, most))
    overlapping = cut[:1]
    for before, part in pairwise(cut):
        last = _SENTENCE.split(before)[-1]
        # A sentence that was cut itself, and one that is too long, is not repeated.
        repeated = last != before and length(last) <= OVERLAP and last.endswith((".", "!", "?", "…"))
        overlapping.append(f"{last} {part}" if repeated else part)
    return overlapping


_CUTS: dict[Kind, Callable[[str, int], list[str]]] = {
    "paragraph": _cut_paragraph,
    "list": _cut_list,
    "table": _cut_table,
    "code": _cut_code,
}


def _in_groups(members: list[str], room: int, between: str, *, before: list[str] | None = None) -> list[str]:
    """Members in groups that fit; one that is too long by itself is cut at words."""
    room = max(room, OVERLAP)
    groups: list[list[str]] = [[]]
    words = 0
    for member in members:
        for piece in [member] if length(member) <= room else _by_words(member, room):
            own = length(piece)
            if groups[-1] and words + own > room:
                groups.append([])
                words = 0
            groups[-1].append(piece)
            words += own
    return [between.join([*(before or []), *group]) for group in groups]


def _by_words(text: str, size: int) -> list[str]:
    splitter = RecursiveCharacterTextSplitter(
        separators=_BOUNDARIES,
        is_separator_regex=True,
        keep_separator=True,
        chunk_size=size,
        chunk_overlap=0,
        length_function=length,
    )
    return splitter.split_text(text)
