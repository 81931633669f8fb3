"""Markdown as a channel shows it: plain paragraphs and lists, with bold where the channel has it."""

from __future__ import annotations

import re
import unicodedata

from skills.language import unmarked

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)[\s#]*$")
_RULE = re.compile(r"\s{0,3}(?:(?:-\s{0,2}){3,}|(?:\*\s{0,2}){3,}|(?:_\s{0,2}){3,}|=+)$|\s*\|[\s:|-]*-[\s:|-]*$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_ITEM = re.compile(r"^(\s{0,12})[*+•-]\s+(?=\S)")
_QUOTE = re.compile(r"^\s{0,3}>\s?")
_BLANK_LINES = re.compile(r"\n{3,}")


def plain(text: str, *, strong: str = "") -> str:
    """The text without Markdown's signs; ``strong`` stands around bold text and headings."""
    lines: list[str] = []
    for raw in text.splitlines():
        line = _QUOTE.sub("", raw, count=1)
        if _FENCE.match(line) or _RULE.match(line):
            lines.append("")
        elif heading := _HEADING.match(line):
            title = unmarked(heading[1])
            lines += [f"{strong}{title}{strong}" if title else "", ""]
        elif line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            lines.append("- " + unmarked(", ".join(cell for cell in cells if cell), strong=strong))
        else:
            lines.append(unmarked(_ITEM.sub(r"\1- ", line, count=1), strong=strong).rstrip())
    return _BLANK_LINES.sub("\n\n", _printable("\n".join(lines))).strip()


def _printable(text: str) -> str:
    """Without control characters and lone surrogates, which no channel can send."""
    return "".join(mark for mark in text if mark in "\n\t" or unicodedata.category(mark) not in {"Cc", "Cs"})
