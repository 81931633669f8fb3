"""How likely a passage answers a question, as one documented function.

Six signs, put together by a logistic curve:

- **similarity**: the cosine of question and passage;
- **lead**: how far that stands above the typical passage found. A question that everything resembles a little is
  answered by nothing;
- **words**: what of the question's content words stands in the passage, as a sum of weights: the fewer of the passages
  found have a word, the more it tells. Synonyms and slips of one letter count a little less (``skills.synonyms``);
- **words in the heading**: the same for the passage's title and heading;
- **heading asked**: the share of the heading's own words that the question has. It tells the section that is about the
  question from the one that mentions it;
- **covered**: what share of the question's weight the passage has: a short question asks little beside its point.

Cosine alone doesn't do: unrelated questions about the same trade come as near as half of the good ones. The weights
are a ridge-regularised fit on questions with known answers, each asked twice, once with its answer taken out of the
knowledge base, and on questions that nothing answers; they hold for MiniLM. Another embedding model spreads its cosines
differently and may need other weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from skills.language import content_words
from skills.ports import Judged
from skills.synonyms import kinship
from skills.turn import Passage


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for a passage; each one only ever raises the confidence."""

    similarity: float
    lead: float
    words: float
    heading_words: float
    heading_asked: float
    covered: float

    @property
    def confidence(self) -> float:
        """How likely it is, in [0, 1], that the passage answers."""
        evidence = (
            _BIAS
            + _SIMILARITY * self.similarity
            + _LEAD * self.lead
            + _WORDS * math.log1p(self.words)
            + _HEADING_WORDS * math.log1p(self.heading_words)
            + _HEADING_ASKED * self.heading_asked
            + _COVERED * self.covered
        )
        return 1 / (1 + math.exp(-evidence))


_BIAS = -6.3
_SIMILARITY = 3.6
_LEAD = 8.7
_WORDS = 0.87
_HEADING_WORDS = 0.6
_HEADING_ASKED = 0.8
_COVERED = 1.2
_SUREST = 1e-9
_ENOUGH_TO_COMPARE = 24
"""Of fewer passages than that, a small knowledge base has no more, and those missing count as unrelated ones."""
_UNRELATED = 0.2
"""The similarity of a passage that has nothing to do with the question, for MiniLM."""


class FeatureReranker:
    """Implements ``skills.ports.Reranker`` by the signs of this module; needs no model of its own."""

    async def judge(self, question: str, passages: Sequence[Passage]) -> list[Judged]:
        """Every passage once, the likeliest answer first."""
        return judged(question, passages)


def judged(question: str, passages: Sequence[Passage]) -> list[Judged]:
    """The passages that a search for the question found, the likeliest answer first."""
    asked = content_words(question)
    said = [content_words(f"{passage.title}\n{passage.heading}\n{passage.text}") for passage in passages]
    found = [{word: kinship(word, stems) for word in asked} for stems in said]
    weights = {word: _weight(sum(near[word] > 0 for near in found), len(passages)) for word in asked}
    unrelated = [_UNRELATED] * (_ENOUGH_TO_COMPARE - len(passages))
    typical = median([*(passage.similarity for passage in passages), *unrelated])
    judgements = [
        Judged(passage, _signs(passage, asked, near, weights, typical).confidence)
        for passage, near in zip(passages, found, strict=True)
    ]
    return likeliest_first(judgements)


def likeliest_first(judgements: Iterable[Judged]) -> list[Judged]:
    """In the order of confidence; equal ones stay as they were."""
    return sorted(judgements, key=lambda judgement: -judgement.confidence)


def weighed(judgement: Judged, evidence: float, *, trust: float = 1.0) -> Judged:
    """A judgement with evidence from elsewhere, in logits: 0.7 doubles the odds, 0 changes nothing.

    ``trust`` says how much of the judgement's own logit counts, in [0, 1].
    """
    odds = (judgement.confidence / max(1 - judgement.confidence, _SUREST)) ** trust * math.exp(evidence)
    return Judged(judgement.passage, odds / (1 + odds))


def _weight(having: int, passages: int) -> float:
    return math.log((max(passages, _ENOUGH_TO_COMPARE) + 1) / (having + 0.5))


def _signs(
    passage: Passage, asked: frozenset[str], near: dict[str, float], weights: dict[str, float], typical: float
) -> Signs:
    above = content_words(f"{passage.title}\n{passage.heading}")
    heading = content_words(passage.heading)
    words = sum(weights[word] * near[word] for word in asked)
    return Signs(
        similarity=passage.similarity,
        lead=passage.similarity - typical,
        words=words,
        heading_words=sum(weights[word] * kinship(word, above) for word in asked),
        heading_asked=sum(kinship(word, asked) for word in heading) / max(len(heading), 1),
        covered=words / sum(weights.values()) if words else 0.0,
    )
