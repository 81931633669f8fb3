"""Postcodes as they are said and typed: British, and those of five digits (France, Germany, Spain, Italy, Poland).

A normal form is capitals and digits without a space: ``EC1A1BB``, ``75011``, ``00950``. In the grammar of a postcode
every place wants a letter or a digit, so what sounds alike is read as what has to stand there: ``o`` is zero in one
place and the letter in another, ``v`` is five (recognisers write Roman numerals).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein

from skills.identify.spoken import characters, folded

_BRITISH = ("A99AA", "A999AA", "A9A9AA", "AA99AA", "AA999AA", "AA9A9AA")
_FIVE_DIGITS = "99999"
_AS_DIGIT: Mapping[str, str] = {"O": "0", "I": "1", "L": "1", "V": "5", "S": "5", "B": "8", "Z": "2", "Q": "2"}
_AS_LETTER: Mapping[str, str] = {"0": "O", "1": "I", "5": "V", "8": "H", "2": "Q", "6": "S"}
_MOST_COERCED = 3
_WRITTEN = re.compile(
    r"(?<![a-z0-9])([a-z]{1,2}\d[a-z\d]?)[ ]?(\d[a-z]{2})(?![a-z0-9])"
    r"|(?<![\d.,/-])(\d{2})[ -]?(\d{3})(?![\d.,/-]|[ ]\d)"
)
_ALIKE = {
    letter: group[0]
    for group in ("BDPTEGCV3Z", "MN", "AH8KJ", "FSX", "IY5", "0O", "2QUW", "19", "L4R", "67")
    for letter in group
}
_SOUNDS = str.maketrans(_ALIKE)


def normal(postcode: str) -> str:
    """Capitals and digits, nothing else."""
    return "".join(character for character in folded(postcode).upper() if character.isalnum())


def written(text: str) -> list[str]:
    """Postcodes that stand in a text as they are typed: ``EC1A 1BB``, ``00-950``, ``75011``."""
    return list(
        dict.fromkeys("".join(filter(None, match.groups())).upper() for match in _WRITTEN.finditer(folded(text)))
    )


def spoken(text: str) -> list[str]:
    """Postcodes that a text may spell, the least bent first; for an answer to "what is your postcode?"."""
    said = characters(text)
    found: dict[str, int] = {}
    for grammar in (*_BRITISH, _FIVE_DIGITS):
        for start in range(len(said) - len(grammar) + 1):
            read, bent = _read(said[start : start + len(grammar)], grammar)
            outside = len(said) - len(grammar)
            if read and bent <= _MOST_COERCED:
                found[read] = min(found.get(read, 99), bent + 2 * outside)
    return sorted(found, key=lambda read: found[read])


def distance(said: Sequence[str], postcode: str) -> float:
    """How far the nearest of several readings is from a postcode: edits, of which like-sounding ones count half.

    Args:
        said: what ``characters`` made of each hypothesis.
        postcode: in normal form.
    """
    sound = postcode.translate(_SOUNDS)
    return min(
        (
            (Levenshtein.distance(one, postcode) + Levenshtein.distance(one.translate(_SOUNDS), sound)) / 2
            for one in said
            if one
        ),
        default=float("inf"),
    )


def _read(said: str, grammar: str) -> tuple[str, int]:
    """The characters as the grammar wants them, and how many had to be bent; empty when one can't be."""
    read, bent = [], 0
    for character, wanted in zip(said, grammar, strict=True):
        if character.isdigit() == (wanted == "9"):
            read.append(character)
            continue
        other = (_AS_DIGIT if wanted == "9" else _AS_LETTER).get(character)
        if other is None:
            return "", 0
        read.append(other)
        bent += 1
    return "".join(read), bent
