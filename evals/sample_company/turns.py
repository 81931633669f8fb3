"""The sample company's talks as turns, without a service: what retrieve and respond are given, for training."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from evals.sample_company.script import Expectation, SampleCustomer
from skills.language import customer_language
from skills.respond import ExtractiveResponder
from skills.retrieve import Retrieve
from skills.turn import (
    Author,
    CaseId,
    Customer,
    CustomerId,
    Message,
    MessageId,
    Retrieval,
    Sentiment,
    Trend,
    Turn,
    TurnId,
)

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def turns_of(customer: SampleCustomer, retrieve: Retrieve) -> AsyncIterator[tuple[Turn, Expectation, Retrieval]]:
    """Every turn of a customer, what is expected of it and what was found; the embedded form answers between them."""
    respond = ExtractiveResponder()
    said: list[Message] = []

    def message(text: str, author: Author) -> Message:
        number = len(said) + 1
        return Message(MessageId(_id(f"{customer.id} {number}")), number, author, text, _NOON)

    for number, asked in enumerate(customer.turns):
        history = tuple(said)
        for text in asked.messages:
            said.append(message(text, "customer"))  # noqa: PERF401 - a message's number is how many there are
        turn = Turn(
            id=TurnId(_id(f"{customer.id} turn {number}")),
            case_id=CaseId(_id(customer.id)),
            channel=customer.channel,
            customer=Customer(
                CustomerId(_id(customer.id)),
                customer.name,
                verified=False,
                language=customer.language,
                segment=customer.segment,
                earlier_cases=customer.earlier_cases,
            ),
            messages=tuple(said[len(history) :]),
            history=history,
            earlier_polarity=(),
            started_at=_NOON,
        )
        retrieval = (await retrieve({"turn": turn}))["retrieval"]
        yield turn, asked.expect, retrieval
        calm = Sentiment(0.0, 0.0, 0.0, 0.0, Trend.STEADY, customer_language(turn), ())
        update = await respond({"turn": turn, "sentiment": calm, "retrieval": retrieval})
        said.append(message(update["draft"].text, "agent"))


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)
