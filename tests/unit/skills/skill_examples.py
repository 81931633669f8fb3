"""Turns, passages and findings to start a test from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from skills.errors import ModelUnavailableError
from skills.ports import Answer
from skills.turn import (
    ArticleId,
    Author,
    CaseId,
    ChannelName,
    Citation,
    Customer,
    CustomerId,
    Draft,
    Language,
    Message,
    MessageId,
    Passage,
    PassageId,
    Retrieval,
    Sentiment,
    Trend,
    Turn,
    TurnId,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def an_id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, name)


def a_message(text: str, sequence: int = 1, author: Author = "customer") -> Message:
    return Message(MessageId(an_id(f"{author} {sequence} {text}")), sequence, author, text, NOON)


def a_customer(
    *,
    name: str | None = "Anna Meyer",
    verified: bool = True,
    language: str | None = None,
    segment: str = "standard",
    earlier_cases: int = 0,
) -> Customer:
    spoken = None if language is None else Language(language)
    return Customer(CustomerId(an_id("customer")), name, verified, spoken, segment, earlier_cases)


def a_turn(
    *texts: str,
    channel: str = "chat",
    history: Sequence[tuple[Author, str]] = (),
    customer: Customer | None = None,
    earlier_polarity: tuple[float, ...] = (),
    elsewhere: Sequence[tuple[Author, str]] = (),
) -> Turn:
    before = tuple(a_message(text, number, author) for number, (author, text) in enumerate(history, start=1))
    waiting = tuple(a_message(text, number) for number, text in enumerate(texts, start=len(before) + 1))
    return Turn(
        id=TurnId(an_id("turn")),
        case_id=CaseId(an_id("case")),
        channel=ChannelName(channel),
        customer=customer or a_customer(),
        messages=waiting,
        history=before,
        earlier_polarity=earlier_polarity,
        started_at=NOON,
        elsewhere=tuple(
            replace(a_message(text, number, author), channel=ChannelName("email"))
            for number, (author, text) in enumerate(elsewhere, start=1)
        ),
    )


def a_passage(
    text: str,
    *,
    heading: str = "Delivery times",
    title: str = "Delivery",
    similarity: float = 0.7,
    url: str | None = "https://help.example/delivery",
    language: str = "en",
) -> Passage:
    return Passage(
        id=PassageId(an_id(f"{title} {heading} {text}")),
        article_id=ArticleId(an_id(title)),
        title=title,
        heading=heading,
        text=text,
        url=url,
        language=Language(language),
        similarity=similarity,
        score=0.03,
    )


DELIVERY = a_passage(
    "Standard delivery takes two to four working days. Express orders arrive the next working day.", similarity=0.7
)
PAYMENT = a_passage(
    "We accept Visa, Mastercard and PayPal. We do not accept cheques.",
    heading="Payment methods",
    title="Payment",
    similarity=0.6,
    url="https://help.example/payment",
)


def a_retrieval(query: str, *passages: Passage, confidence: float = 0.9) -> Retrieval:
    return Retrieval(query=query, passages=passages, confidence=confidence)


def a_sentiment(
    *,
    polarity: float = 0.0,
    anger: float = 0.0,
    urgency: float = 0.0,
    trend: Trend = Trend.STEADY,
    language: str = "en",
) -> Sentiment:
    return Sentiment(polarity, abs(polarity), anger, urgency, trend, Language(language), ())


def an_answer(text: str = "Delivery takes two days.", *, passage: Passage = DELIVERY, confidence: float = 0.9) -> Draft:
    citation = Citation(passage.id, passage.title, text)
    return Draft(text, True, (citation,), confidence, Language("en"), "extractive")


def no_answer(*, failure: str | None = None) -> Draft:
    return Draft("I don't know.", False, (), 0.1, Language("en"), "extractive", failure)


@dataclass
class ScriptedModel:
    """Answers every form with the same values; without any it is down."""

    values: dict[str, Any] | None = None
    failure: str = "timeout"
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "scripted"

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        self.asked.append((instructions, material))
        if self.values is None:
            raise ModelUnavailableError(self.failure)
        return form.model_validate(self.values)
