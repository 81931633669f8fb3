"""A statement as tokens, and the two shapes in it that need more than a look at the next token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<text>'(?:[^']|'')*')|(?P<parameter>%\(\w+\)s)|(?P<word>[a-z_][\w.]*)"
    r"|(?P<number>\d+)|(?P<sign><=|>=|<>|::|\|\||\S)"
)

_ENDS = frozenset(
    {
        *("then", "else", "end", "group", "order", "limit", "for", "returning", "union", "do", "join", "left", "cross"),
        *("from", "where", "select", "as", "set", "when", "on"),
    }
)
"""A condition is over where one of these words stands beside it."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Operand:
    """A part of a condition, by its tokens, and the word that binds it to its neighbour."""

    first: int
    after: int
    bound_by: str | None
    opened_by: str


class Statement:
    """The tokens of a statement without its comments."""

    def __init__(self, source: str) -> None:
        self.source = source
        found = (Token(str(m.lastgroup), m.group(), m.start(), m.end()) for m in _TOKEN.finditer(source))
        self.tokens = [token for token in found if token.kind != "comment"]
        self.words = [token.text for token in self.tokens]
        self._closed_at = dict(self._brackets())
        self.operands = [operand for place in range(len(self.tokens)) for operand in self._operands_from(place)]

    def says(self, place: int, *words: str) -> bool:
        """Whether these words stand here."""
        return self.words[place : place + len(words)] == list(words)

    def span(self, first: int, after: int) -> tuple[int, int]:
        """The characters of the tokens from ``first`` to before ``after``."""
        return self.tokens[first].start, self.tokens[after - 1].end

    def text(self, first: int, after: int) -> str:
        start, end = self.span(first, after)
        return self.source[start:end]

    def beyond(self, place: int) -> int:
        """The token after this one; after its closing bracket, if this one opens it."""
        return self._closed_at.get(place, place) + 1

    def until(self, place: int, *words: str) -> int:
        """The first of these words from here on at this depth, or where this depth ends."""
        while place < len(self.words) and self.words[place] not in {*words, ")", ";"}:
            place = self.beyond(place)
        return place

    def parts(self, first: int, after: int) -> list[tuple[int, int]]:
        """What the commas at this depth part."""
        parts, begin, place = list[tuple[int, int]](), first, first
        while place < after:
            if self.words[place] == ",":
                parts.append((begin, place))
                begin = place + 1
            place = self.beyond(place)
        return [*parts, (begin, after)]

    def around(self, first: int, after: int) -> tuple[int, int]:
        """What a reader needs to see to understand a change of these tokens: the condition, or the line."""
        start, end = self.span(first, after)
        if around := [o for o in self.operands if o.first <= first and after <= o.after]:
            smallest = min(around, key=lambda operand: operand.after - operand.first)
            return self.span(smallest.first, smallest.after)
        begin = self.source.rfind("\n", 0, start) + 1
        finish = self.source.find("\n", end)
        return begin, len(self.source) if finish < 0 else finish

    def _brackets(self) -> Iterator[tuple[int, int]]:
        opened: list[int] = []
        for place, word in enumerate(self.words):
            if word == "(":
                opened.append(place)
            elif word == ")":
                yield opened.pop(), place

    def _operands_from(self, place: int) -> Iterator[Operand]:
        """The operands of the condition that begins after this token, if one does."""
        opened_by = self.words[place]
        if opened_by not in {"where", "on", "when", "("} or self.says(place, "on", "conflict"):
            return
        bounds, here = [place], place + 1
        while here < len(self.words) and self.words[here] not in {*_ENDS, ")", ";", ","}:
            if self.words[here] in {"and", "or"}:
                bounds.append(here)
            here = self.beyond(here)
        bounds.append(here)
        if len(bounds) == 2 and opened_by == "(":
            return
        for before, after in pairwise(bounds):
            if before + 1 < after:
                words = [self.words[bound] for bound in (before, after) if bound < len(self.words)]
                bound_by = next((word for word in words if word in {"and", "or"}), None)
                yield Operand(before + 1, after, bound_by, opened_by)
