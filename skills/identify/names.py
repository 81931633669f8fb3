"""Names as they are heard and spelt: compared by letters and by sound.

A recogniser writes ``Jenner would`` for Jenna Wood and ``katie martial`` for Katie Marshall; who spells is written in
pieces: ``j a n e b e LL``. So a name is compared word by word, by letters and by metaphone, and letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import jellyfish
from rapidfuzz.distance import Levenshtein

from skills.identify.spoken import LONGEST_TEXT, characters, words

_CAPITALISED = re.compile(
    r"(?<![^\W_])[^\W\d_a-z][^\W\d_]{1,30}(?:['\u2019-][^\W\d_]{1,30})?"
    r"(?:[ ][^\W\d_a-z][^\W\d_]{0,30}(?:['\u2019-][^\W\d_]{1,30})?){1,2}(?![^\W_])"
)
_MOST_WRITTEN = 20
_SOUNDS_ALIKE = 0.93
_BY_SOUND = 0.9
_SHORTEST_SOUND = 2
_SPELT_SHARE = 0.6
_LONGEST_PIECE = 3


@lru_cache(maxsize=50_000)
def sound(word: str) -> str:
    """The metaphone of a folded word: ``wright`` and ``right`` are ``RT``."""
    return jellyfish.metaphone(word)


def parts(name: str) -> tuple[str, str]:
    """First and last name, folded. Of more than two words the first is the first name, the rest the last."""
    first, *rest = words(name.replace("-", "")) or [""]
    return first, "".join(rest)


def said_names(text: str) -> tuple[str, ...]:
    """The words of an answer to "what is your name?", and neighbours put together (``o neill``)."""
    heard = [word for word in words(text) if word.isalpha()][:12]
    pairs = [left + right for left, right in pairwise(heard) if len(left) <= _LONGEST_PIECE]
    return tuple(dict.fromkeys((*heard, *pairs)))


def written(text: str) -> list[str]:
    """What a text writes like a name: two or three words with capitals, one after the other; at most twenty."""
    return [match[0] for match in _CAPITALISED.finditer(text[:LONGEST_TEXT]) if _capitals(match[0])][:_MOST_WRITTEN]


def _capitals(words_of_name: str) -> bool:
    return all(word[:1].isupper() for word in words_of_name.split())


def spelling(text: str) -> str:
    """The letters of a text that spells, in small ones; empty when it does not: most of its words are longer."""
    heard = words(text)
    short = sum(len(word) <= _LONGEST_PIECE for word in heard)
    if not heard or short < _SPELT_SHARE * len(heard) or len(heard) < _LONGEST_PIECE:
        letters = characters(text) if heard and all(characters(word) for word in heard) else ""
    else:
        letters = "".join(word if len(word) == _LONGEST_PIECE else characters(word) or word for word in heard)
    return "".join(letter for letter in letters.lower() if letter.isalpha())


def likeness(said: Sequence[str], spelt: Sequence[str], part: str, whole: str) -> float:
    """How like a part of a name the nearest word or spelling is, in [0, 1]; 1 is letter by letter.

    Args:
        said: words of every hypothesis.
        spelt: what the hypotheses that spell, spell.
        part: first or last name, folded.
        whole: both in one, for whoever spells both.
    """
    if not part:
        return 0.0
    by_word = max((_like(word, part) for word in said), default=0.0)
    by_letter = max(
        (
            max(Levenshtein.normalized_similarity(one, part), Levenshtein.normalized_similarity(one, whole))
            for one in spelt
        ),
        default=0.0,
    )
    return max(by_word, by_letter)


@lru_cache(maxsize=200_000)
def _like(word: str, part: str) -> float:
    if word == part:
        return 1.0
    heard, meant = sound(word), sound(part)
    if heard == meant and len(meant) >= _SHORTEST_SOUND:
        return _SOUNDS_ALIKE
    letters = Levenshtein.normalized_similarity(word, part)
    return max(letters, _BY_SOUND * (letters + Levenshtein.normalized_similarity(heard, meant)) / 2)


def sounds(said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every pair of words that may be first and last name, by sound."""
    keys = list(dict.fromkeys(sound(word) for word in said))
    for left in keys:
        for right in keys:
            if left and right and left != right:
                yield left, right
