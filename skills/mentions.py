"""Which of many names a text mentions, also where they are spoken, misspelt or cut short.

A name is what a section or an article is about: a product, a hotel, "Gift cards". Its words weigh by how few names and
other texts have them: "hotel" tells little among hotels, "good" little anywhere. A name's strength is the share of its
weight that stands close together in the text; a near spelling counts less than the same one, and two words that are
written as one are the same. What stands behind a dash or a comma may be left out: "Laurel Inn, a Joie de Vivre Hotel".

Looking for names in a text of a hundred words takes some milliseconds, whatever the number of names, because only those
are compared that share enough of their words. The time is linear in the length of the text, which customers choose.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise
from operator import attrgetter

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from skills.language import EMPTY_WORDS, words

LEAST = 0.5
"""The strength below which a name is not thought to be mentioned."""
_NEAR = 0.75
"""The least likeness of two spellings: one letter of four, two of eight."""
_SHORTEST_TO_MISSPELL = 4
_LONGEST_WORD = 40
_SLACK = 2
"""Words that may stand between those of a name."""
_ENOUGH = 0.65
"""The weight that a mention needs to tell anything; a rare word weighs 1."""
_WITHIN = 0.6
"""What is left of a name that is only a part of a longer one that is mentioned there."""
_AS_SURE = 0.9
_ROUNDING = 1e-9
"""What a sum may differ by when it is added up in another order."""
_RARE, _RARE_SHARE = 20, 0.02
"""A word that no more texts than these have, and no larger share of all, is as telling as can be."""
_HARDLY = 0.3
"""What is left of the weight of a word that says little by itself: "the", "one"."""
_NUMBERS = frozenset({"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"})
_by_number = attrgetter("number")
APART = re.compile(r"\s[-–—|/:>]\s|[,:(|]")  # noqa: RUF001 - a dash is often written as the longer one
"""What sets off an addition to a name."""


@dataclass(frozen=True, slots=True)
class Mentioned:
    """``name`` is the place of the name in the list that was given; ``strength`` is in [``LEAST``, 1]."""

    name: int
    strength: float


@dataclass(frozen=True, slots=True)
class _Hit:
    """A word of a name that stands in the text: where, and how alike the spellings are, in (0, 1].

    Hits are numbered in the order of the text, those of one place too.
    """

    number: int
    place: int
    word: str
    likeness: float


@dataclass(frozen=True, slots=True)
class _Span:
    """A name as it is found: its strength, the weight of the words found, and where they stand."""

    name: int
    strength: float
    weight: float
    places: frozenset[int]

    def is_within(self, other: _Span) -> bool:
        return self.places <= other.places and self.weight < other.weight and other.strength >= _AS_SURE * self.strength


class Names:
    """Names made ready for ``mentioned_in``; never changed after that.

    ``others`` are texts of the same company that are no names: what they speak of often tells little in a name.
    """

    def __init__(self, names: Sequence[str], others: Sequence[str] = ()) -> None:
        forms = [(place, form) for place, name in enumerate(names) for form in _forms(name)]
        self._name_of = [place for place, _ in forms]
        self._forms = [form for _, form in forms]
        counts = Counter(word for text in (*names, *others) for word in dict.fromkeys(_folded(text)))
        texts = len(names) + len(others)
        self._bearers: defaultdict[str, list[int]] = defaultdict(list)
        for place, form in enumerate(self._forms):
            for word in form:
                self._bearers[word].append(place)
        self._weights = {word: _weight(word, counts[word], texts) for word in self._bearers}
        self._vocabulary = sorted(word for word in self._bearers if _can_be_misspelt(word))

    def mentioned_in(self, text: str) -> list[Mentioned]:
        """The names in a text, the surest first."""
        hits: defaultdict[str, list[_Hit]] = defaultdict(list)
        for hit in self._hits(_folded(text)):
            hits[hit.word].append(hit)
        likeness = {word: max(hit.likeness for hit in where) for word, where in hits.items()}
        found: dict[int, _Span] = {}
        for form in dict.fromkeys(form for word in hits for form in self._bearers[word]):
            shared = [word for word in self._forms[form] if word in hits]
            # Most names share one common word with the text: where it stands need not be looked at.
            most = sum(self._weights[word] * likeness[word] for word in shared)
            if self._strength(form, most) < LEAST - _ROUNDING:
                continue
            span = self._span(form, sorted(chain.from_iterable(hits[word] for word in shared), key=_by_number))
            if span.strength >= LEAST and (span.name not in found or span.strength > found[span.name].strength):
                found[span.name] = span
        mentions = [
            Mentioned(span.name, span.strength * (_WITHIN if any(map(span.is_within, found.values())) else 1.0))
            for span in found.values()
        ]
        sure = (mention for mention in mentions if mention.strength >= LEAST)
        return sorted(sure, key=lambda mention: (-mention.strength, mention.name))

    def _hits(self, said: Sequence[str]) -> Iterator[_Hit]:
        pairs = [first + second for first, second in pairwise(said)]
        known = self._alike(dict.fromkeys([*said, *pairs]))
        numbers = count()
        for place, word in enumerate(said):
            for alike, likeness in known.get(word, ()):
                yield _Hit(next(numbers), place, alike, likeness)
            for alike, likeness in known.get(pairs[place], ()) if place < len(pairs) else ():
                yield _Hit(next(numbers), place, alike, likeness)

    def _alike(self, said: Mapping[str, None]) -> dict[str, list[tuple[str, float]]]:
        """For words that are said the words of names that they may mean, with their likeness."""
        alike = {word: [(word, 1.0)] for word in said if word in self._weights}
        strange = [word for word in said if word not in alike and _can_be_misspelt(word)]
        if strange and self._vocabulary:
            scorer = Levenshtein.normalized_similarity
            likeness = process.cdist(strange, self._vocabulary, scorer=scorer, score_cutoff=_NEAR)
            for row, column in zip(*likeness.nonzero(), strict=True):
                # Half of the letters are alike by chance.
                near = (self._vocabulary[column], 2 * float(likeness[row, column]) - 1)
                alike.setdefault(strange[row], []).append(near)
        return alike

    def _span(self, form: int, hits: Sequence[_Hit]) -> _Span:
        """The closest that the words of a name stand together, by weight; ``hits`` are in the order of the text."""
        width = len(self._forms[form]) + _SLACK
        best, places = 0.0, frozenset[int]()
        end = 0
        for start, first in enumerate(hits):
            if start and hits[start - 1].place == first.place:
                continue
            while end < len(hits) and hits[end].place < first.place + width:
                end += 1
            near = hits[start:end]
            likeness: dict[str, float] = {}
            for hit in near:
                likeness[hit.word] = max(likeness.get(hit.word, 0.0), hit.likeness)
            weight = sum(self._weights[word] * alike for word, alike in likeness.items())
            if weight > best:
                best, places = weight, frozenset(hit.place for hit in near)
        return _Span(self._name_of[form], self._strength(form, best), best, places)

    def _strength(self, form: int, weight: float) -> float:
        """Of a name of which words of this weight were found."""
        share = weight / sum(self._weights[word] for word in self._forms[form])
        return share * min(1.0, weight / _ENOUGH)


def _forms(name: str) -> list[list[str]]:
    """A name's words, each once, and those of what stands before its addition."""
    whole, first = (list(dict.fromkeys(_folded(text))) for text in (name, APART.split(name)[0]))
    return [form for form in ([whole] if whole == first else [whole, first]) if form]


def _folded(text: str) -> list[str]:
    return [word.folded for word in words(text)]


def _weight(word: str, having: int, texts: int) -> float:
    rare = math.log1p(texts / max(1.0, min(_RARE, _RARE_SHARE * texts)))
    little = word in EMPTY_WORDS or word in _NUMBERS or len(word) == 1
    return min(1.0, math.log1p(texts / having) / rare) * (_HARDLY if little else 1.0)


def _can_be_misspelt(word: str) -> bool:
    return _SHORTEST_TO_MISSPELL <= len(word) <= _LONGEST_WORD and word not in EMPTY_WORDS and not word.isdigit()
