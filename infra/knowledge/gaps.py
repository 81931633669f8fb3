"""Gaps: what customers ask and no article answers, put together from the turns that left it open.

Nothing of a gap is stored but what was decided of it, so it is made anew each time from the open turns of the last
months. Its name is the turn that asked it first; its version changes with every question, answer and decision in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from infra.knowledge.clusters import clusters, most_central
from skills.language import QUESTION_OPENERS, sentences, words
from skills.turn import ArticleId, CaseId, CustomerId, Language

SOURCE = "gaps"
"""The source of the articles that are approved; no import may take this name, so that none can remove them."""
WINDOW = timedelta(days=90)
"""How far back questions count. What was dismissed longer ago is judged anew."""
MOST = 1_000
"""Turns that are put together, the newest ones: to embed so many takes some seconds the first time."""
GROWN, LEAST_MORE = 2, 5
"""A dismissed gap comes back at so many times the questions that it had, and at least so many more."""
LONGEST = 600
"""Characters of a question that are compared; the embedding model reads no further than about 250 words."""

Reason = Literal["not_ours", "case_by_case", "answered_already", "other"]
"""Why no article is wanted. A list and no text, so that no customer's words come to lie beside it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided of a question before; ``article`` is the one that was approved."""

    id: UUID
    article: ArticleId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn that left a question open."""

    turn_id: UUID
    case_id: CaseId
    customer_id: CustomerId
    at: datetime
    language: Language | None
    text: str
    """All that the customer wrote in it."""
    answer: str | None
    """What a person of staff answered first."""
    name: str | None
    """The customer's."""
    decided: Decided | None

    @property
    def question(self) -> str:
        """The sentences that ask, else the whole text; cut to ``LONGEST``."""
        said = [" ".join(sentence.split()) for sentence in sentences(self.text)]
        asks = [one for one in said if one.endswith("?") or {w.folded for w in words(one)[:1]} & QUESTION_OPENERS]
        return " ".join(asks or said)[:LONGEST]


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that ask the same, the oldest first."""

    asked: tuple[Asked, ...]
    example: Asked
    """The one that is most like the others."""
    earlier: ArticleId | None
    """An article that was approved for the same before, and after which it was asked again."""

    @property
    def id(self) -> UUID:
        """The turn that asked it first."""
        return self.asked[0].turn_id

    @property
    def version(self) -> str:
        """What a decision has to name, so that nobody decides on what they have not seen."""
        seen = [f"{one.turn_id} {one.answer!r} {one.decided and one.decided.id}" for one in self.asked]
        return hashlib.sha256("\n".join(seen).encode(errors="replace")).hexdigest()[:16]

    @property
    def customers(self) -> int:
        """How many different customers asked."""
        return len({one.customer_id for one in self.asked})

    @property
    def answered(self) -> tuple[Asked, ...]:
        """Those that a person of staff has answered."""
        return tuple(one for one in self.asked if one.answer)


def gaps_of(asked: Sequence[Asked], vectors: NDArray[np.float32]) -> list[Gap]:
    """The gaps that want a decision, those of the most customers first.

    Args:
        asked: open turns in any order.
        vectors: that of each one's question, of length 1.
    """
    if not asked:
        return []
    order = sorted(range(len(asked)), key=lambda place: (asked[place].at, asked[place].turn_id.int))
    sorted_vectors = vectors[order]
    found = []
    for group in clusters(sorted_vectors):
        left = _undecided([asked[order[place]] for place in group])
        if left:
            places = [place for place in group if asked[order[place]] in left]
            example = asked[order[most_central(sorted_vectors, places)]]
            found.append(Gap(tuple(left), example, _newest_article([asked[order[place]] for place in group])))
    return sorted(found, key=lambda gap: (-gap.customers, -len(gap.asked), -gap.asked[-1].at.timestamp(), gap.id.int))


def _undecided(group: Sequence[Asked]) -> list[Asked]:
    """What is left of a group after the decisions in it.

    What was asked after the last approval; all of it when it has grown well beyond a dismissal, nothing otherwise.
    """
    decisions = [one.decided for one in group if one.decided is not None]
    approved = max((decided.at for decided in decisions if decided.article is not None), default=None)
    left = [one for one in group if approved is None or (one.at > approved and _is_open(one))]
    dismissed = sum(one.decided is not None for one in left)
    grown = len(left) >= max(GROWN * dismissed, dismissed + LEAST_MORE)
    return left if not dismissed or grown else []


def _newest_article(group: Sequence[Asked]) -> ArticleId | None:
    approved = [one.decided for one in group if one.decided is not None and one.decided.article is not None]
    return max(approved, key=lambda decided: decided.at).article if approved else None


def _is_open(one: Asked) -> bool:
    return one.decided is None or one.decided.article is None
