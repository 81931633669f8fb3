"""The respond node in its embedded form, which answers in the articles' own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from skills.answerability import ENOUGH, asked_words, evidence_for
from skills.language import content_words, sentences
from skills.respond.clarify import clarifying_draft
from skills.respond.drafts import EXTRACTIVE, NO_PASSAGES, draft_without_sources, unknown_draft
from skills.respond.extract import Quote, quotes_for, supporting
from skills.respond.rewrite import withdrawn
from skills.respond.texts import text_for
from skills.turn import (
    Citation,
    Conclusion,
    Draft,
    Guarding,
    Intent,
    Language,
    Passage,
    Rejection,
    Retrieval,
    Sentiment,
    Turn,
)

_PARTLY_ANSWERED = 0.3
"""The highest confidence of a draft that leaves a question open, so that the default policy shows it to a person."""
_SAME_WORDS = 0.8
_ENOUGH_WORDS = 2


class RespondInput(TypedDict):
    """What respond reads."""

    turn: Turn
    sentiment: Sentiment
    retrieval: Retrieval
    intent: NotRequired[Intent]
    conclusion: NotRequired[Conclusion]
    rejections: NotRequired[tuple[Rejection, ...]]
    draft: NotRequired[Draft]
    guarding: NotRequired[Guarding]


class RespondUpdate(TypedDict):
    """What respond writes."""

    draft: Draft


@dataclass(frozen=True)
class ExtractiveResponder:
    """Quotes, and invents nothing: every sentence of an answer stands in an article, but for our own "I don't know".

    Only passages in the customer's language are quoted, and none that a rejected draft cited. Where the passages don't
    answer in the light of the talk (``skills.answerability``), or the retrieval's confidence in a first question is
    below ``answer_threshold`` (0 to 1), it doesn't try. Where several articles fit a question that says too little, it
    asks once which is meant.
    """

    answer_threshold: float = 0.4

    async def __call__(self, state: RespondInput) -> RespondUpdate:
        """Answer every question of the turn that the passages answer, and say which they don't."""
        guarding = state.get("guarding")
        if guarding is not None and guarding.demand is not None:
            return {"draft": withdrawn(state["draft"], guarding.findings)}
        turn, language, rejections = state["turn"], state["sentiment"].language, state.get("rejections", ())
        conclusion, intent = state.get("conclusion"), state.get("intent")
        if not rejections and (draft := draft_without_sources(turn, language, conclusion=conclusion, intent=intent)):
            return {"draft": draft}
        return {"draft": self.draft(turn, language, state["retrieval"], rejections)}

    def draft(self, turn: Turn, language: Language, retrieval: Retrieval, rejections: Sequence[Rejection]) -> Draft:
        """The draft for a turn that asks something, in this language."""
        if not retrieval.passages:
            failure = retrieval.failure or NO_PASSAGES
            return unknown_draft(language, confidence=0.0, model=EXTRACTIVE, failure=failure)
        passages = [passage for passage in usable(retrieval.passages, rejections) if passage.language == language]
        questions = retrieval.query.splitlines()
        if not rejections and (asking := clarifying_draft(turn, passages, language)):
            return asking
        if not self._answers(turn, retrieval):
            confidence = min(retrieval.confidence, _PARTLY_ANSWERED)
            return unknown_draft(language, confidence=confidence, model=EXTRACTIVE, failure=retrieval.failure)
        if len(questions) > 1 or rejections:
            answers = {question: quotes_for(question, supporting(question, passages)) for question in questions}
        else:
            answers = {question: _news(quotes_for(_own_words(question), passages), turn) for question in questions}
        if not any(answers.values()):
            return unknown_draft(language, confidence=min(retrieval.confidence, _PARTLY_ANSWERED), model=EXTRACTIVE)
        return _written(answers, language, retrieval.confidence)

    def _answers(self, turn: Turn, retrieval: Retrieval) -> bool:
        """Whether to try at all.

        Several questions are told apart later, each by its own words. One that opens a talk has to pass both
        judgements; of one within a talk ``skills.answerability`` knows more. How sure retrieve is stays the draft's
        confidence, so that the policy still shows a doubtful answer to a person.
        """
        sure = retrieval.confidence >= self.answer_threshold
        if len(retrieval.query.splitlines()) > 1:
            return sure
        if not sure and not (turn.history and asked_words(turn.text)):
            return False  # what opens a talk, or says nothing by itself
        return evidence_for(turn.text, retrieval.passages, turn.history).answerable >= ENOUGH


def usable(passages: Sequence[Passage], rejections: Sequence[Rejection]) -> list[Passage]:
    """The passages that no rejected draft cited."""
    rejected = {passage for rejection in rejections for passage in rejection.passages}
    return [passage for passage in passages if passage.id not in rejected]


def _own_words(question: str) -> str:
    """A question without the one before it that retrieve put in front for context, if that leaves enough to go by."""
    own = sentences(question)[-1:]
    return own[0] if own and len(content_words(own[0])) >= _ENOUGH_WORDS else question


def _news(quotes: Sequence[Quote], turn: Turn) -> list[Quote]:
    """The quotes without those that only add to the answer what the customer has been told already."""
    told = "\n".join(message.text for message in turn.history if message.author != "customer")
    return [quote for quote in quotes if quote.passage is quotes[0].passage or quote.piece.text not in told]


def _written(answers: dict[str, list[Quote]], language: Language, confidence: float) -> Draft:
    paragraphs: list[str] = []
    citations: list[Citation] = []
    quoted: list[frozenset[str]] = []
    for question, quotes in answers.items():
        if not quotes:
            paragraphs.append(
                text_for(language, "unknown_part").format(question=(sentences(question) or [question])[-1])
            )
            continue
        fresh = [quote for quote in quotes if not _is_repeated(quote, quoted)]
        paragraphs += _paragraphs(fresh)
        for quote in fresh:
            quoted.append(content_words(quote.piece.text))
            citations += [
                Citation(passage_id=quote.passage.id, title=quote.passage.title, sentence=line)
                for line in quote.piece.lines
            ]
    return Draft(
        text="\n\n".join(paragraphs),
        answered=True,
        citations=tuple(citations),
        confidence=confidence if all(answers.values()) else min(confidence, _PARTLY_ANSWERED),
        language=language,
        model=EXTRACTIVE,
    )


def _paragraphs(quotes: Sequence[Quote]) -> list[str]:
    """Sentences of one paragraph on one line; lists and other paragraphs apart."""
    paragraphs: list[str] = []
    before: tuple[Passage, int] | None = None
    for quote in quotes:
        place = (quote.passage, quote.piece.paragraph)
        if place == before:
            paragraphs[-1] += " " + quote.piece.text
        else:
            paragraphs.append(quote.piece.text)
        before = place
    return paragraphs


def _is_repeated(quote: Quote, quoted: Sequence[frozenset[str]]) -> bool:
    said = content_words(quote.piece.text)
    return any(len(said & other) >= _SAME_WORDS * max(len(said | other), 1) for other in quoted)
