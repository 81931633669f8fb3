"""From words to a mood: the arithmetic of the lexicon form.

Each sentence is read by itself. A negation within the three words before turns a word round and weakens it ("not
good" is milder than "bad"); intensifiers and dampeners within two words scale it; after a "but" words count more
than before it. Shouting and repeated marks strengthen what is there and make nothing out of nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod, sqrt

from skills.language import Match, Phrases, Word, sentences, words
from skills.sentiment.lexicon import Lexicon, Vocabulary, Weight

_NEGATION_REACH = 3
_NEGATED = -0.6
_SCALE_REACH = 2
_INTENSIFIED = 1.35
_DAMPENED = 0.65
_BEFORE_CONTRAST = 0.6
_AFTER_CONTRAST = 1.25
_SATURATION = 0.5
"""How soon the sum of the weights nears 1: a single strong word gives about 0.8, two mild ones about the same."""
_SHOUTED = 1.3
_SHOUTED_ANGER = 0.25
_MARKS_ANGER = 0.15
_MARKS_URGENCY = 0.15
_FEWEST_SHOUTED = 2
_SHOUTED_SHARE = 0.5
_LEAST_SHOUTED_LETTERS = 2
_MOST_EVIDENCE = 5
_REPEATED_MARKS = re.compile(r"(?<![!?])[!?]{2,}")


@dataclass(frozen=True, slots=True)
class Mood:
    """A text's mood; the figures are those of ``Sentiment``."""

    polarity: float
    intensity: float
    anger: float
    urgency: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    weight: Weight


def mood_of(text: str, vocabulary: Vocabulary, lexicon: Lexicon) -> Mood:
    """Read a text with one language's words and everybody's emoji."""
    found = [item for sentence in sentences(text) for item in _moods_in(sentence, vocabulary)]
    found += [_Found(sign, lexicon.emoji[sign]) for sign in text if sign in lexicon.emoji]
    shouted = _is_shouted(text)
    repeated = bool(_REPEATED_MARKS.search(text))
    total = sum(item.weight.polarity for item in found) * (_SHOUTED if shouted or repeated else 1.0)
    polarity = total / sqrt(total * total + _SATURATION)
    anger = [item.weight.anger for item in found]
    urgency = [item.weight.urgency for item in found]
    if polarity < 0:
        anger += [_SHOUTED_ANGER] * shouted + [_MARKS_ANGER] * repeated
    if any(urgency):
        urgency += [_MARKS_URGENCY] * (shouted or repeated)
    strength = sum(abs(item.weight.polarity) for item in found)
    strongest = sorted(found, key=lambda item: -(abs(item.weight.polarity) + item.weight.anger + item.weight.urgency))
    return Mood(
        polarity=polarity,
        intensity=max(abs(polarity), strength / sqrt(strength * strength + _SATURATION)),
        anger=_either(anger),
        urgency=_either(urgency),
        evidence=tuple(dict.fromkeys(item.text for item in strongest))[:_MOST_EVIDENCE],
    )


def _moods_in(sentence: str, vocabulary: Vocabulary) -> Iterable[_Found]:
    said = words(sentence)
    negated, stronger, weaker = (
        _ends(listed, said) for listed in (vocabulary.negations, vocabulary.intensifiers, vocabulary.dampeners)
    )
    contrast = max((match.start for match in vocabulary.contrast.find(said)), default=None)
    for match in vocabulary.moods.find(said):
        weight = vocabulary.weights[match.phrase]
        scale = _INTENSIFIED if _near(stronger, match, _SCALE_REACH) else 1.0
        scale *= _DAMPENED if _near(weaker, match, _SCALE_REACH) else 1.0
        if contrast is not None:
            scale *= _BEFORE_CONTRAST if match.start < contrast else _AFTER_CONTRAST
        polarity, anger, urgency = weight
        if _near(negated, match, _NEGATION_REACH):
            polarity, anger, urgency = polarity * _NEGATED, 0.0, urgency / 2
        yield _Found(match.text, Weight(polarity * scale, min(1.0, anger * scale), min(1.0, urgency * scale)))


def _ends(listed: Phrases, said: list[Word]) -> list[int]:
    return [match.end for match in listed.find(said)]


def _near(ends: list[int], match: Match, reach: int) -> bool:
    return any(match.start - reach < end <= match.start for end in ends)


def _is_shouted(text: str) -> bool:
    long = [word.text for word in words(text) if word.text.isalpha() and len(word.text) > _LEAST_SHOUTED_LETTERS]
    shouted = sum(word.isupper() for word in long)
    return shouted >= _FEWEST_SHOUTED and shouted >= _SHOUTED_SHARE * len(long)


def _either(shares: list[float]) -> float:
    """Independent signs of the same thing add up towards 1 and never beyond."""
    return 1.0 - prod(1.0 - share for share in shares)
