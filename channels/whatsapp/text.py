"""A text as WhatsApp shows it, in messages that Twilio takes.

``from_markdown`` is for texts that nobody adapted yet, such as a colleague's own words. It must see a text only once,
for WhatsApp's bold is Markdown's italic. What the agent writes was adapted before (``skills.adapt``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from skills.adapt.rules import length_of

MAX_LENGTH = 1_600
"""Twilio's limit for ``Body`` (error 21617), below WhatsApp's own 4,096. In UTF-16 code units, the strictest count."""

_FENCE = re.compile(r"[ ]{0,3}(?:```+|~~~+)")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ ]+(\S.*?)[ #]*$")
_ITEM = re.compile(r"^([ ]{0,12})[*+-][ ]+(?=\S)")
_RULE = re.compile(r"[ ]{0,3}(?:(?:-[ ]{0,2}){3,}|(?:\*[ ]{0,2}){3,}|(?:_[ ]{0,2}){3,})$")
_BLANK_LINES = re.compile(r"\n{3,}")
_INLINE = re.compile(
    r"""
      (?P<code>(?<!`)`(?!`)[^`\n]{1,500}`(?!`))
    | !?\[(?P<label>[^\[\]\n]{0,300})\]
      \([ ]{0,3}<?(?P<target>(?:[^()\s<>]|\([^()\s<>]{0,200}\)){1,2000}?)>?(?:[ ][^()\n]{0,200})?\)
    | <(?P<auto>(?:https?://|mailto:)[^<>\s]{1,2000})>
    | (?P<url>https?://\S{1,2000})
    | \\(?P<escaped>[\\`*_{}\[\]()\#+.!~>|-])
    | \*\*(?=\S)(?P<strong>[^*\n]{0,500}(?:\*[^*\n]{1,500}\*[^*\n]{0,500})?)(?<=\S)\*\*
    | (?<!\w)__(?=\S)(?P<strong_too>[^_\n]{1,500})(?<=\S)__(?!\w)
    | ~~(?=\S)(?P<struck>[^~\n]{1,500})(?<=\S)~~
    | (?<![\w*])\*(?=[^\s*])(?P<emphasis>[^*\n]{1,500})(?<=\S)\*(?![\w*])
    """,
    re.VERBOSE,
)

_LINK = re.compile(r"https?://[^\s。！？]+")  # noqa: RUF001 - full stops of Chinese and Japanese
_BORDERS = (
    re.compile(r"\n[^\S\n]*\n"),  # a paragraph
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])\s|(?<=[。！？])"),  # noqa: RUF001 - a sentence
    re.compile(r"\s"),
)
_SHORTEST = 3
"""A border in the first third of the room makes too short a message; a lesser one further on is better."""
_JOINER = "\u200d"


def from_markdown(markdown: str) -> str:
    """Markdown as WhatsApp's own markup: ``*bold*``, ``_italic_``, ``~struck~``, code, lists, "label: address"."""
    lines: list[str] = []
    inside = False
    for raw in markdown.splitlines():
        line = raw.rstrip()
        if _FENCE.match(line):
            inside = not inside
            lines.append("```")
        elif inside:
            lines.append(line)
        elif _RULE.match(line):
            lines.append("")
        elif heading := _HEADING.match(line):
            title = _INLINE.sub(_unmarked, heading[1])
            lines += [f"*{title}*", ""]
        else:
            lines.append(_INLINE.sub(_marked, _ITEM.sub(r"\1- ", line, count=1)))
    if inside:
        lines.append("```")
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _marked(found: re.Match[str]) -> str:
    for group, mark in (("strong", "*"), ("strong_too", "*"), ("struck", "~"), ("emphasis", "_")):
        inner = found[group]
        if inner is not None:
            return f"{mark}{_INLINE.sub(_marked, inner)}{mark}"
    return _plain(found)


def _unmarked(found: re.Match[str]) -> str:
    inner = found["strong"] or found["strong_too"] or found["struck"] or found["emphasis"]
    return _INLINE.sub(_unmarked, inner) if inner else _plain(found)


def _plain(found: re.Match[str]) -> str:
    if found["target"] is not None:
        label, address = found["label"].strip(), found["target"].removeprefix("mailto:")
        return address if label in {"", address, found["target"]} else f"{label}: {address}"
    if found["auto"] is not None:
        return found["auto"].removeprefix("mailto:")
    return found["escaped"] or found[0]


def split(text: str, limit: int = MAX_LENGTH) -> list[str]:
    """The text in messages of at most ``limit`` UTF-16 code units (two at least), in order; none for a blank text.

    Cut between paragraphs if it can be, else lines, sentences, words, visible characters. A link stays whole unless it
    is longer than a message itself. Only white space at the cuts is lost.
    """
    return list(_parts(text.strip(), limit))


def _parts(rest: str, limit: int) -> Iterator[str]:
    while length_of(rest) > limit:
        cut = _border(rest, _fitting(rest, limit))
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
    if rest:
        yield rest


def _fitting(text: str, limit: int) -> int:
    """How many characters of a text that is too long fit."""
    room, index = limit, 0
    while (room := room - length_of(text[index])) >= 0:
        index += 1
    return index


def _border(text: str, end: int) -> int:
    """Where to cut, at ``end`` at the latest."""
    links = [found.span() for found in _LINK.finditer(text[: end + 1])]
    for pattern in _BORDERS:
        least = 0 if pattern is _BORDERS[-1] else end // _SHORTEST
        cuts = [found.start() for found in pattern.finditer(text[: end + 1]) if found.start() > 0]
        good = [cut for cut in cuts if least < cut <= end and not any(low < cut < high for low, high in links)]
        if good:
            return good[-1]
    if links and 0 < links[-1][0] < end < links[-1][1]:
        return links[-1][0]
    cut = end
    while cut > 1 and _belong_together(text, cut):
        cut -= 1
    return end if _belong_together(text, cut) else cut


def _belong_together(text: str, cut: int) -> bool:
    """Whether the characters before and after a place look like one: accents, joined emoji, skin tones, flags."""
    before, after = text[cut - 1], text[cut]
    if (
        _JOINER in {before, after}
        or unicodedata.category(after).startswith("M")
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    ):
        return True
    if not (_is_flag_letter(before) and _is_flag_letter(after)):
        return False
    start = cut
    while start > 0 and _is_flag_letter(text[start - 1]):
        start -= 1
    return (cut - start) % 2 == 1


def _is_flag_letter(mark: str) -> bool:
    return "\U0001f1e6" <= mark <= "\U0001f1ff"
