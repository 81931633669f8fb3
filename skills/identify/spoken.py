"""What people say when they spell: letters by their names, by code words and by sound, digits and numbers in words.

A speech recogniser writes what it hears: ``be for bravo`` for B, ``double o seven`` for 007, ``you`` for U. Everything
here reads one such text; whoever has several hypotheses of one utterance reads each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

LONGEST_TEXT = 2000
"""Characters that are read of one text: nobody needs more to say who they are, and time stays linear in it."""

CODE_WORDS: Mapping[str, str] = {
    word: word[0].upper()
    for word in (
        "alpha", "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "gulf", "hotel", "india", "juliet",
        "juliett", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform",
        "victor", "whiskey", "whisky", "xray", "yankee", "zulu",
    )
}  # fmt: skip
"""The spelling alphabet of radio, with what recognisers make of it."""

_LETTER_NAMES: Mapping[str, str] = {
    "eh": "A", "ay": "A", "be": "B", "bee": "B", "see": "C", "sea": "C", "dee": "D", "he": "E", "gee": "G",
    "aitch": "H", "haitch": "H", "hate": "H", "eye": "I", "jay": "J", "kay": "K", "el": "L", "ell": "L", "em": "M",
    "en": "N", "and": "N", "oh": "O", "owe": "O", "pea": "P", "pee": "P", "queue": "Q", "cue": "Q", "are": "R",
    "ess": "S", "tea": "T", "tee": "T", "you": "U", "ewe": "U", "vee": "V", "ex": "X", "why": "Y", "zed": "Z",
    "zedd": "Z", "zee": "Z",
}  # fmt: skip
_DIGITS: Mapping[str, str] = {
    "zero": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1", "won": "1", "two": "2", "to": "2", "too": "2",
    "three": "3", "tree": "3", "four": "4", "for": "4", "fore": "4", "full": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "ate": "8", "nine": "9",
}  # fmt: skip
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905 - a list
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBERS: Mapping[str, int] = {
    "zero": 0,
    **{word: number for number, word in enumerate(_UNITS, 1)},
    **{word: number for number, word in enumerate(_TEENS, 10)},
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
    **_ORDINALS,
}
"""English number words, cardinal and ordinal, that stand for themselves."""

_REPEATS: Mapping[str, int] = {"double": 2, "triple": 3, "treble": 3}
_LIKENING = frozenset({"for", "4", "four", "like"})
_WORD = re.compile(r"[a-z]+|\d+")
_LONGEST_RAW = 2
_SHORTEST_EXAMPLE = 3


def folded(text: str) -> str:
    """In small letters without accents: ``É`` is ``e``, ``ł`` is ``l``."""
    plain = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold().replace("ł", "l").replace("ß", "ss"))
    return "".join(character for character in plain if not unicodedata.combining(character))


def words(text: str) -> list[str]:
    """Runs of letters and runs of digits, folded; an apostrophe divides nothing (``o'neill`` is ``oneill``)."""
    return _WORD.findall(re.sub(r"['\u2019]", "", folded(text)).replace("x-ray", "xray").replace("x ray", "xray"))


def characters(text: str) -> str:
    """The letters and digits that a text spells, in capitals; words that spell nothing are left out.

    ``"b for bravo double o seven"`` is ``"BOO7"``. What is said alike (O and zero, V and five) is for whoever knows
    what has to stand there.
    """
    return "".join(_spelt(words(text)))


def _spelt(said: Sequence[str]) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(said):
        word = said[place]
        following = said[place + 1 : place + 3]
        if word in _REPEATS and following:
            found.append(_one(following[0])[:1] * _REPEATS[word])
            place += 2
        elif (example := _example(word, following)) is not None:
            found.append(example)
            place += 3
        else:
            found.append(_one(word))
            place += 1
    return found


def _example(word: str, following: Sequence[str]) -> str | None:
    """The letter of ``b for bravo``; the example is heard better than the letter before it.

    A digit 4 before a code word of another letter is a digit: ``b 4 kilo``.
    """
    letter = _one(word)
    if len(letter) != 1 or not letter.isalpha() or len(following) != 2 or following[0] not in _LIKENING:  # noqa: PLR2004
        return None
    example = following[1]
    if len(example) < _SHORTEST_EXAMPLE or not example.isalpha() or example in NUMBERS or example in _LETTER_NAMES:
        return None
    if example in CODE_WORDS and CODE_WORDS[example] != letter:
        return None
    return example[0].upper()


def _one(word: str) -> str:
    if word in CODE_WORDS:
        return CODE_WORDS[word]
    if word in _DIGITS:
        return _DIGITS[word]
    if word in NUMBERS:
        return str(NUMBERS[word])
    if word in _LETTER_NAMES:
        return _LETTER_NAMES[word]
    return word.upper() if word.isdigit() or len(word) <= _LONGEST_RAW else ""
