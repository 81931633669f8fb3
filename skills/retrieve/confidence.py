"""How likely the passages found answer the question, as one documented function.

Three signs, put together by a logistic curve:

- **similarity**, the cosine of the best passage. MiniLM gives related texts about 0.45 and more, unrelated ones less
  than 0.3;
- **overlap**, the share of the question's content words that stand in that passage or its title, rare words counting
  more. It tells "no answer about Norway" from "an answer about shipping", which lie close together for a vector;
- **margin**, how far the best passage stands above the typical other one. A question that everything resembles a
  little is answered by nothing.

The curve is calibrated for MiniLM; another embedding model spreads its cosines differently and may need other weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from skills.language import content_words
from skills.turn import Passage

_EVEN_SIMILARITY = 0.45
"""The cosine at which, with half of the words found and the usual margin, it is an even bet."""
_SIMILARITY_WEIGHT = 9.0
_EVEN_OVERLAP = 0.5
_OVERLAP_WEIGHT = 2.4
_USUAL_MARGIN = 0.12
_MARGIN_WEIGHT = 3.0
_WIDEST_MARGIN = 0.3
_PASSAGES_LOOKED_AT = 3


def confidence_of(*, similarity: float, overlap: float, margin: float) -> float:
    """The three signs as a probability in [0, 1], rising with each of them.

    ``similarity`` and ``margin`` are differences of cosines, ``overlap`` is a share in [0, 1].
    """
    evidence = (
        _SIMILARITY_WEIGHT * (similarity - _EVEN_SIMILARITY)
        + _OVERLAP_WEIGHT * (overlap - _EVEN_OVERLAP)
        + _MARGIN_WEIGHT * (min(margin, _WIDEST_MARGIN) - _USUAL_MARGIN)
    )
    return 1 / (1 + math.exp(-evidence))


def confidence_in(question: str, passages: Sequence[Passage]) -> float:
    """How likely these passages, best first, answer the question; 0 when there are none."""
    if not passages:
        return 0.0
    said = [content_words(f"{passage.title}\n{passage.heading}\n{passage.text}") for passage in passages]
    weights = _weights(content_words(question), said)
    others = [passage.similarity for passage in passages[1:]]
    best = max(passage.similarity for passage in passages)
    margin = best - median(others) if others else _USUAL_MARGIN
    return max(
        confidence_of(similarity=passage.similarity, overlap=_overlap(weights, stems), margin=margin)
        for passage, stems in zip(passages[:_PASSAGES_LOOKED_AT], said, strict=False)
    )


def _weights(asked: frozenset[str], said: Sequence[frozenset[str]]) -> dict[str, float]:
    """What each word asked tells: the fewer of the passages have it, the more. One that none has tells most."""
    found_in = {word: sum(word in stems for stems in said) for word in asked}
    return {word: math.log((len(said) + 1) / (count + 0.5)) for word, count in found_in.items()}


def _overlap(weights: dict[str, float], said: frozenset[str]) -> float:
    asked = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in said) / asked if asked else 0.0
