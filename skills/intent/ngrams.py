"""A text as counted n-grams, and those as a sparse row of TF-IDF weights.

Two blocks, each of unit length: words and pairs of words; three to five characters inside a word with its edges, which
bear slips and endings. Terms carry their block in their first character, so that one vocabulary holds both.

Time is linear in the text, of which only the first ``LONGEST`` characters count: customers choose the text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

LONGEST = 4_000
"""Characters of a text that count; a question is over by then."""

_WORD = re.compile(r"\w+")
_OF_WORDS, _OF_CHARACTERS = "w", "c"
_LENGTHS = (3, 4, 5)
_LONGEST_WORD = 40
"""Characters of a word that give n-grams."""


def grams(text: str) -> Counter[str]:
    """How often each n-gram stands in a text, in both blocks."""
    words = _WORD.findall(text[:LONGEST].lower())
    return Counter(_grams(words))


def _grams(words: list[str]) -> Iterator[str]:
    for word in words:
        yield _OF_WORDS + word
    for first, second in pairwise(words):
        yield f"{_OF_WORDS}{first} {second}"
    for word in words:
        edged = f" {word[:_LONGEST_WORD]} "
        for length in _LENGTHS:
            for start in range(max(len(edged) - length + 1, 1)):
                yield _OF_CHARACTERS + edged[start : start + length]


def tf_idf(
    text: str, vocabulary: Mapping[str, int], rarity: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """The columns that a text has and its weights there; both empty when it has no known term.

    Args:
        text: whatever somebody wrote.
        vocabulary: the column of each term.
        rarity: the inverse document frequency of each column.
    """
    blocks: dict[str, dict[int, float]] = {_OF_WORDS: {}, _OF_CHARACTERS: {}}
    for term, count in grams(text).items():
        column = vocabulary.get(term)
        if column is not None:
            blocks[term[0]][column] = (1 + math.log(count)) * float(rarity[column])
    columns = [column for block in blocks.values() for column in block]
    weights = [weight / length for block in blocks.values() if (length := _length(block)) for weight in block.values()]
    return np.asarray(columns, dtype=np.intp), np.asarray(weights, dtype=np.float32)


def _length(block: Mapping[int, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in block.values()))
