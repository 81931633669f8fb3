"""From words to a mood: the arithmetic of the lexicon form.

Each sentence is read by itself. A negation within the three words before turns a word round and weakens it ("not
good" is milder than "bad"); intensifiers and dampeners within two words scale it; after a "but" words count more
than before it. Praise that opens a sentence by itself ("Great, …") is taken as wry, and turned round, when the
sentence says that something happens again or the text complains elsewhere and nowhere thanks. Shouting and repeated
marks strengthen what is there and make nothing out of nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod, sqrt

from skills.language import Phrases, Word, sentences, words
from skills.sentiment.lexicon import Lexicon, Vocabulary, Weight

_NEGATION_REACH = 3
_NEGATED = -0.6
_WRY = -0.6
_LONGEST_OPENING = 4
"""Words before the first comma or stop, in a sentence that opens with nothing but praise."""
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
_OPENING = re.compile(r"[^,.!?:;…]{1,60}(?=[,.!:;…])")
_PIECES = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Mood:
    """A text's mood; the figures are those of ``Sentiment``."""

    polarity: float
    intensity: float
    anger: float
    urgency: float
    evidence: tuple[str, ...]
    praise: float
    complaint: float
    """The sums of the weights that speak for either, 0 or more."""
    shouted: bool


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    weight: Weight
    wry: bool = False
    """Whether it is praise that opens a sentence by itself."""


def mood_of(text: str, vocabulary: Vocabulary, lexicon: Lexicon) -> Mood:
    """Read a text with one language's words and everybody's emoji."""
    found = [item for sentence in sentences(text) for item in _moods_in(sentence, vocabulary)]
    found = _wry_turned(found)
    found += [_Found(sign, lexicon.emoji[sign]) for sign in text if sign in lexicon.emoji]
    found += [_Found(piece, lexicon.emoticons[piece]) for piece in _PIECES.findall(text) if piece in lexicon.emoticons]
    shouted = _is_shouted(text)
    repeated = bool(_REPEATED_MARKS.search(text))
    total = sum(item.weight.polarity for item in found) * (_SHOUTED if shouted or repeated else 1.0)
    polarity = saturated(total)
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
        intensity=max(abs(polarity), saturated(strength)),
        anger=_either(anger),
        urgency=_either(urgency),
        evidence=tuple(dict.fromkeys(item.text for item in strongest))[:_MOST_EVIDENCE],
        praise=sum(max(0.0, item.weight.polarity) for item in found),
        complaint=sum(max(0.0, -item.weight.polarity) for item in found),
        shouted=shouted,
    )


def _wry_turned(found: list[_Found]) -> list[_Found]:
    """Opening praise turned round, where the rest of the text complains and has no praise of its own."""
    rest = [item.weight.polarity for item in found if not item.wry]
    if not any(polarity < 0 for polarity in rest) or any(polarity > 0 for polarity in rest):
        return found
    return [_Found(item.text, _turned(item.weight)) if item.wry else item for item in found]


def _turned(weight: Weight) -> Weight:
    return Weight(weight.polarity * _WRY, weight.anger, weight.urgency)


def _moods_in(sentence: str, vocabulary: Vocabulary) -> Iterable[_Found]:
    said = words(sentence)
    around = _Surroundings.of(said, vocabulary)
    opening = _opening_praise(sentence, vocabulary)
    again = bool(opening) and bool(vocabulary.repeated.find(said))
    for match in vocabulary.moods.find(said):
        weight = vocabulary.weights[match.phrase]
        scale = around.scale(match.start)
        polarity, anger, urgency = weight
        if around.negates(match.start):
            polarity, anger, urgency = polarity * _NEGATED, 0.0, urgency / 2
        wry = match.end <= opening and polarity > 0
        weight = Weight(polarity * scale, min(1.0, anger * scale), min(1.0, urgency * scale))
        yield _Found(match.text, _turned(weight)) if wry and again else _Found(match.text, weight, wry)


def rated(text: str, vocabulary: Vocabulary, ratings: Mapping[str, float]) -> tuple[float, float]:
    """What people's ratings of single words add up to: for praise and for complaint, each 0 or more.

    Negation, intensifiers and contrast work on them as on our own words.
    """
    praise = complaint = 0.0
    for sentence in sentences(text):
        said = words(sentence)
        around = _Surroundings.of(said, vocabulary)
        for place, word in enumerate(said):
            rating = ratings.get(word.folded, 0.0) * around.scale(place)
            rating *= _NEGATED if around.negates(place) else 1.0
            praise, complaint = praise + max(0.0, rating), complaint + max(0.0, -rating)
    return praise, complaint


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """Where the words stand that change the weight of their neighbours."""

    negated: list[int]
    stronger: list[int]
    weaker: list[int]
    contrast: int | None

    @classmethod
    def of(cls, said: list[Word], vocabulary: Vocabulary) -> _Surroundings:
        return cls(
            negated=_ends(vocabulary.negations, said),
            stronger=_ends(vocabulary.intensifiers, said),
            weaker=_ends(vocabulary.dampeners, said),
            contrast=max((match.start for match in vocabulary.contrast.find(said)), default=None),
        )

    def negates(self, place: int) -> bool:
        return _near(self.negated, place, _NEGATION_REACH)

    def scale(self, place: int) -> float:
        scale = _INTENSIFIED if _near(self.stronger, place, _SCALE_REACH) else 1.0
        scale *= _DAMPENED if _near(self.weaker, place, _SCALE_REACH) else 1.0
        if self.contrast is not None:
            scale *= _BEFORE_CONTRAST if place < self.contrast else _AFTER_CONTRAST
        return scale


def _opening_praise(sentence: str, vocabulary: Vocabulary) -> int:
    """How many words of a sentence open it with exclaimed praise and nothing else; 0 when it does not."""
    opening = _OPENING.match(sentence)
    if opening is None:
        return 0
    said = words(opening.group())
    return len(said) if len(said) <= _LONGEST_OPENING and vocabulary.exclaimed.find(said) else 0


def _ends(listed: Phrases, said: list[Word]) -> list[int]:
    return [match.end for match in listed.find(said)]


def _near(ends: list[int], place: int, reach: int) -> bool:
    return any(place - reach < end <= place for end in ends)


def _is_shouted(text: str) -> bool:
    long = [word.text for word in words(text) if word.text.isalpha() and len(word.text) > _LEAST_SHOUTED_LETTERS]
    shouted = sum(word.isupper() for word in long)
    return shouted >= _FEWEST_SHOUTED and shouted >= _SHOUTED_SHARE * len(long)


def saturated(total: float) -> float:
    """A sum of weights as a figure in [-1, 1]."""
    return total / sqrt(total * total + _SATURATION)


def _either(shares: list[float]) -> float:
    """Independent signs of the same thing add up towards 1 and never beyond."""
    return 1.0 - prod(1.0 - share for share in shares)
