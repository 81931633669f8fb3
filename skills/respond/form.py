"""The form that a model fills in, and whether what it filled in can be made a draft at all.

What the answer says is for the guards (``skills.guard``) to judge.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from pydantic import BaseModel, Field

from skills.turn import Citation, Passage

_LEFT_IN_TEXT = frozenset("\n\t")


class CitedSentence(BaseModel):
    """One sentence of the answer and the passage that it comes from."""

    passage: int = Field(description="number of the passage")
    sentence: str = Field(description="the sentence, copied from the answer")


class AnswerForm(BaseModel):
    """What the model is asked to fill in."""

    answer: str = Field(description="the answer to the customer, empty when the passages don't give one")
    answered: bool = Field(description="whether the passages answer the question")
    citations: list[CitedSentence] = Field(description="which passage backs which sentence")
    language: str = Field(description="ISO 639-1 code of the answer's language")


def misfit(form: AnswerForm, passages: Sequence[Passage]) -> str | None:
    """Why no draft can be made of this answer, in a few words for the reviewer; ``None`` when one can.

    ``passages`` are numbered from 1.
    """
    if not form.answer.strip() or not _is_printable(form.answer):
        return "unusable text"
    if any(not 1 <= cited.passage <= len(passages) for cited in form.citations) or not citations_of(form, passages):
        return "invented source"
    return None


def citations_of(form: AnswerForm, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """The citations whose sentence really stands in the answer, as it stands there."""
    found: list[Citation] = []
    for cited in form.citations:
        sentence = cited.sentence.strip()
        if sentence and sentence in form.answer:
            passage = passages[cited.passage - 1]
            found.append(Citation(passage_id=passage.id, title=passage.title, sentence=sentence))
    return tuple(dict.fromkeys(found))


def _is_printable(text: str) -> bool:
    """No lone surrogates, which can't be stored, and no control characters, which can't be read."""
    return all(mark in _LEFT_IN_TEXT or unicodedata.category(mark) not in {"Cc", "Cs"} for mark in text)
