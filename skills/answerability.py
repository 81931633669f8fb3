"""Whether what was found answers what is asked, in the light of the talk: answer, or abstain.

``skills.relevance`` ranks passages for one question and says how likely the best one fits it. In a talk that isn't
enough: a follow-up resembles passages that its talk isn't about, and a question that nothing answers finds passages of
the right subject all the same. Seven signs, put together by a logistic curve:

- **similarity**: the highest cosine among the passages;
- **lead**: how far that stands above the middle one. Where everything is alike, nothing stands out that answers;
- **covered**: what share of the question's weight stands in the passage that came first. The fewer of the passages have
  a word, the more it weighs; synonyms and slips count a little less (``skills.synonyms``);
- **together**: the same of the two neighbouring sentences that have most of it: an answer stands in one place;
- **customer's talk**, **our talk**: what share of the customer's earlier words, and of our last reply, stands in the
  passage that has most of them: whether what was found is about what is talked about;
- **pointing**: whether the question points at something that it doesn't name ("it", "those").

Before anything was said the talk counts as a typical one, and the question is held to a little less: retrieve has
judged it alone already. So does a talk that shares no word with any passage, such as one in another language, or one
that a person has led.

The weights are fitted by ``python -m evals.training.answerability`` on half of MTRAG-UN and on the sample company's
turns, both classes weighing the same: 0.5 is the balance point, not the share of questions that are answered. They hold
for MiniLM's cosines and for English most; the other languages share the rule and have no set to measure it on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from skills.language import content_words, sentences, words
from skills.synonyms import kinship
from skills.turn import Message, Passage

ENOUGH = 0.5
"""From here on an answer is given."""

_BIAS = -5.53
_WEIGHTS = (4.14, 8.24, 1.79, 0.63, 1.92, 2.97, -0.56)
_FIRST = 0.75
_TYPICAL_CUSTOMERS_TALK = 0.33
_TYPICAL_OUR_TALK = 0.26
_LOOKED_AT = 3
"""So many passages are searched for sentences that stand together."""
_ENOUGH_TO_COMPARE = 8
_ENOUGH_FOR_WEIGHTS = 24
_UNRELATED = 0.2
"""The similarity of a passage that has nothing to do with the question, for MiniLM: missing passages count as such."""
_ENOUGH_WORDS = 2
_POINTERS = frozenset(
    {"it", "its", "they", "them", "their", "he", "she", "his", "her", "this", "that", "these", "those", "there"}
    | {"one", "ones", "same", "es", "sie", "ihn", "das", "dies", "dort", "damit", "dafur", "davon", "dazu"}
    | {"eso", "esto", "ello", "ahi", "alli", "ca", "cela", "il", "elle", "ils", "elles"}
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs of one question, each in [0, 1] but for cosines, which are in [-1, 1]."""

    similarity: float
    lead: float
    covered: float
    together: float
    customers_talk: float
    our_talk: float
    pointing: bool
    first: bool = False
    """Whether nothing was said before."""

    @property
    def signs(self) -> tuple[float, ...]:
        """The seven numbers in the order of the weights."""
        return (
            self.similarity, self.lead, self.covered, self.together, self.customers_talk, self.our_talk,
            float(self.pointing),
        )  # fmt: skip

    @property
    def answerable(self) -> float:
        """How likely it is, in [0, 1], that the passages answer, were answered and open questions equally many."""
        evidence = _BIAS + _FIRST * self.first
        evidence += sum(weight * sign for weight, sign in zip(_WEIGHTS, self.signs, strict=True))
        return 1 / (1 + math.exp(-evidence))


def evidence_for(question: str, passages: Sequence[Passage], history: Sequence[Message] = ()) -> Evidence:
    """The signs that these passages, likeliest first, answer the question after what was said before.

    Args:
        question: in the customer's own words.
        passages: what was found; without any nothing speaks for an answer.
        history: the talk so far, oldest first.
    """
    asked = asked_words(question)
    customers = content_words("\n".join(message.text for message in history if message.author == "customer"))
    ours = content_words(next((message.text for message in reversed(history) if message.author != "customer"), ""))
    said = [content_words(f"{passage.title}\n{passage.heading}\n{passage.text}") for passage in passages]
    weights = _Weights(said)
    cosines = [passage.similarity for passage in passages]
    highest = max(cosines, default=0.0)
    compared = [*cosines, *([_UNRELATED] * (_ENOUGH_TO_COMPARE - len(cosines)))]
    return Evidence(
        similarity=highest,
        lead=highest - median(compared),
        covered=weights.share(asked, said[0]) if said else 0.0,
        together=max((weights.share(asked, pair) for pair in _neighbours(passages[:_LOOKED_AT])), default=0.0),
        customers_talk=weights.most(customers) or _TYPICAL_CUSTOMERS_TALK,
        our_talk=weights.most(ours) or _TYPICAL_OUR_TALK,
        pointing=not _POINTERS.isdisjoint(word.folded for word in words(question)),
        first=not history,
    )


def asked_words(question: str) -> frozenset[str]:
    """The content words of the sentences that ask, or of all where those say too little."""
    asking = content_words("\n".join(sentence for sentence in sentences(question) if sentence.endswith("?")))
    return asking if len(asking) >= _ENOUGH_WORDS else content_words(question)


class _Weights:
    """How much a word tells, by how many of the passages have it."""

    def __init__(self, said: Sequence[frozenset[str]]) -> None:
        self._said = said
        self._known: dict[str, float] = {}

    def most(self, talk: frozenset[str]) -> float:
        """What share of a talk's weight stands in the passage that has most of it."""
        return max((self.share(talk, each) for each in self._said), default=0.0)

    def share(self, asked: frozenset[str], said: frozenset[str]) -> float:
        """What share of the asked words' weight is said."""
        whole = sum(self._of(word) for word in asked)
        return sum(self._of(word) * kinship(word, said) for word in asked) / whole if whole else 0.0

    def _of(self, word: str) -> float:
        if word not in self._known:
            having = sum(kinship(word, said) > 0 for said in self._said)
            self._known[word] = math.log((max(len(self._said), _ENOUGH_FOR_WEIGHTS) + 1) / (having + 0.5))
        return self._known[word]


def _neighbours(passages: Sequence[Passage]) -> Iterator[frozenset[str]]:
    """The content words of every two sentences that follow each other."""
    for passage in passages:
        found = [content_words(sentence) for sentence in sentences(passage.text)]
        yield from (one | other for one, other in pairwise(found)) if len(found) > 1 else iter(found)
