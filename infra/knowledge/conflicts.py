"""Finds sentences of different texts that say nearly the same with different figures: four euros here, five there.

Figures are amounts, dates, periods, percentages: every number, in digits or as a small number word. Two sentences are
compared by their content words without the figures. To find near ones among many, each is looked up by its rarest words
only: sentences that share so much of their words must share one of those (prefix filtering, as in Chaudhuri, Ganti and
Kaushik, "A primitive operator for similarity joins in data cleaning", 2006).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from skills.language import content_words, sentences, unmarked

MOST = 200
"""Conflicts that are reported."""
_FEWEST = 3
"""Content words of a sentence that can be compared at all."""
_LONGEST = 400
"""Characters of a sentence; longer ones are tables and lists that ran together."""
_COMMON = 400
"""Sentences with one word, beyond which the word leads nowhere."""

_COUNTED = (
    "zero _ two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn",
    "cero _ dos tres cuatro cinco seis siete ocho nueve diez _ doce trece catorce quince dieciséis diecisiete",
)
"""From nought up; ``_`` where the word is more often something else (one, uno, once)."""
_TENS = (
    "ten twenty thirty forty fifty sixty seventy eighty ninety hundred",
    "zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert",
    "diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien",
)
_NUMBER_WORDS = MappingProxyType(
    {word: str(value) for words in _COUNTED for value, word in enumerate(words.split()) if word != "_"}
    | {word: str(10 * value) for words in _TENS for value, word in enumerate(words.split(), start=1)}
)
_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two texts, by their places, and the sentences that differ in a figure. ``similarity`` is in (0, 1]."""

    one: int
    other: int
    sentence: str
    other_sentence: str
    similarity: float


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: int
    written: str
    words: frozenset[str]
    figures: tuple[str, ...]


def conflicting_sentences(texts: Sequence[str], *, similar: float) -> list[Conflict]:
    """Conflicts between different texts, the most similar sentences first, one for each pair of texts.

    Args:
        texts: Markdown.
        similar: the part of their words that two sentences share at least, in (0, 1].
    """
    found = [sentence for place, text in enumerate(texts) for sentence in _with_figures(place, text)]
    best: dict[tuple[int, int], Conflict] = {}
    for one, other, similarity in _near(found, similar):
        if sorted(one.figures) == sorted(other.figures) or len(one.figures) != len(other.figures):
            continue
        pair = (one.text, other.text)
        if pair not in best or best[pair].similarity < similarity:
            best[pair] = Conflict(one.text, other.text, one.written, other.written, similarity)
    return sorted(best.values(), key=lambda conflict: (-conflict.similarity, conflict.one, conflict.other))[:MOST]


def _with_figures(place: int, text: str) -> Iterator[_Sentence]:
    for line in text.split("\n"):
        for sentence in sentences(unmarked(line.strip(" #|-*"))):
            if len(sentence) > _LONGEST:
                continue
            figures = []
            rest = []
            for token in _FIGURE.findall(sentence.lower()):
                figure = token if token[0].isdigit() else _NUMBER_WORDS.get(token)
                if figure is None:
                    rest.append(token)
                else:
                    figures.append(_plain(figure))
            words = content_words(" ".join(rest))
            if figures and len(words) >= _FEWEST:
                yield _Sentence(place, sentence, words, tuple(figures))


def _plain(figure: str) -> str:
    """``4,00`` and ``4.00`` and ``4`` are one figure; thousands are told by three digits after the mark."""
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", figure):
        return re.sub(r"[.,]", "", figure)
    decimal = re.fullmatch(r"(\d+)[.,](\d{1,2})", figure)
    return f"{decimal[1]}.{decimal[2]}".rstrip("0").rstrip(".") if decimal else figure


def _near(found: Sequence[_Sentence], similar: float) -> Iterator[tuple[_Sentence, _Sentence, float]]:
    """Pairs of sentences of different texts whose words have that Jaccard similarity at least."""
    frequency = Counter(word for sentence in found for word in sentence.words)
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for number, sentence in enumerate(found):
        rarest = sorted(sentence.words, key=lambda word: (frequency[word], word))
        prefix = rarest[: len(rarest) - math.ceil(similar * len(rarest)) + 1]
        candidates = {before for word in prefix if frequency[word] <= _COMMON for before in seen[word]}
        for before in sorted(candidates):
            other = found[before]
            if other.text == sentence.text:
                continue
            shared = len(sentence.words & other.words)
            similarity = shared / (len(sentence.words) + len(other.words) - shared)
            if similarity >= similar:
                yield other, sentence, similarity
        for word in prefix:
            seen[word].append(number)
