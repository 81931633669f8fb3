"""Markdown as a channel shows it: plain paragraphs and lists, with what markup its rule allows.

Draft and customer's words are treated alike: whatever somebody writes, only a rule's own marks come out of it.
"""

from __future__ import annotations

import re
import unicodedata

from skills.adapt.emoji import at_most
from skills.adapt.rules import ChannelRule, Links
from skills.language import unmarked

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)[\s#]*$")
_RULE = re.compile(r"\s{0,3}(?:(?:-\s{0,2}){3,}|(?:\*\s{0,2}){3,}|(?:_\s{0,2}){3,}|=+)$|\s*\|[\s:|-]*-[\s:|-]*$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_ITEM = re.compile(r"^(\s{0,12})[*+•-]\s+(?=\S)")
_QUOTE = re.compile(r"^\s{0,3}>\s?")
_BLANK_LINES = re.compile(r"\n{3,}")
_LINKS: dict[Links, str] = {
    "address": "{address}",
    "label: address": "{label}: {address}",
    "label (address)": "{label} ({address})",
    "[label](address)": "[{label}]({address})",
}
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what follows, and so can make an address look like another one."""
_UNSENDABLE = frozenset(("Cc", "Cs"))


def shown(text: str, rule: ChannelRule) -> str:
    """The text as the channel shows it."""
    link = _LINKS[rule.links]
    lines: list[str] = []
    for raw in text.splitlines():
        line = _QUOTE.sub("", raw, count=1)
        if _FENCE.match(line) or _RULE.match(line):
            lines.append("")
        elif heading := _HEADING.match(line):
            title = unmarked(heading[1], link=link)
            lines += [f"{rule.bold}{title}{rule.bold}" if title else "", ""]
        elif line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            lines.append(rule.item + unmarked(", ".join(filter(None, cells)), strong=rule.bold, link=link))
        else:
            line = _ITEM.sub(lambda found: found[1] + rule.item, line, count=1)
            lines.append(unmarked(line, strong=rule.bold, link=link).rstrip())
    whole = _BLANK_LINES.sub("\n\n", _printable("\n".join(lines))).strip()
    return whole if rule.emoji == "kept" else at_most(whole, 1 if rule.emoji == "one" else 0)


def _printable(text: str) -> str:
    """Without control characters and lone surrogates, which no channel can send, and without marks that deceive."""
    return "".join(
        mark
        for mark in text
        if mark in "\n\t" or (unicodedata.category(mark) not in _UNSENDABLE and mark not in _TURNING)
    )
