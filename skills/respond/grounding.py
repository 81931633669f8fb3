"""What a model's answer must stand up to before it becomes a draft.

A prompt asks for honesty; these checks don't rely on it. An answer that fails one counts as no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from skills.language import guess_language
from skills.turn import Citation, Language, Passage

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']{1,500}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_FIGURE = re.compile(r"(?<![\w.,])(\d[\d.,'\u00a0\u202f]{0,20})(\s?[€$£%])?|(?<=[€$£])\d[\d.,]{0,20}")
_LIST_NUMBER = re.compile(r"^[ \t]{0,8}\d{1,2}[.)]\s", re.MULTILINE)
_WRITTEN_OUT_UP_TO = 12
"""A small number may be spelled in the article ("two days") and a figure in the answer."""
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


def objection(form: AnswerForm, passages: Sequence[Passage], asked: str, language: Language) -> str | None:
    """Why this answer can't be used, in a few words for the reviewer; ``None`` when it can.

    ``passages`` are numbered from 1; ``asked`` is what the customer wrote, whose own figures may be repeated.
    """
    if not form.answer.strip() or not _is_printable(form.answer):
        return "unusable text"
    if any(not 1 <= cited.passage <= len(passages) for cited in form.citations) or not citations_of(form, passages):
        return "invented source"
    known = "\n".join(
        [asked, *(f"{passage.title}\n{passage.heading}\n{passage.text}\n{passage.url}" for passage in passages)]
    )
    if any(link not in known for link in _links(form.answer)):
        return "invented link"
    if not set(_figures(form.answer)) <= set(_figures(known, small=True)):
        return "invented figure"
    written = guess_language(form.answer)
    if written is not None and written != language:
        return "wrong language"
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


def _links(text: str) -> Iterable[str]:
    return (found.rstrip(".,;:!?*_") for found in _LINK.findall(text))


def _figures(text: str, *, small: bool = False) -> Iterable[str]:
    """The numbers of a text without their thousands' marks; small plain ones only when asked for."""
    for found in _FIGURE.finditer(_LIST_NUMBER.sub("", text)):
        digits = re.sub(r"\D", "", found[0])
        with_unit = bool(found[2]) or found[1] is None
        if small or with_unit or int(digits) > _WRITTEN_OUT_UP_TO:
            yield digits.lstrip("0") or "0"
