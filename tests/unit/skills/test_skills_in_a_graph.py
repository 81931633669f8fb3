from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from langgraph.graph import START, StateGraph

from graph.state import TurnState
from skills.adapt import Adapt
from skills.escalate import Escalate
from skills.identify import Identify
from skills.ports import FactKey, KnowledgeQuery, Known, KnownFacts
from skills.respond import ExtractiveResponder
from skills.retrieve import Retrieve
from skills.sentiment import LexiconSentiment
from skills.turn import Claim, CustomerId, Passage
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_customer, a_turn


@dataclass(frozen=True)
class Nobody:
    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:
        assert claims
        return []

    async def known_by(self, keys: Sequence[FactKey]) -> Known:
        assert keys
        return Known()


@dataclass(frozen=True)
class Shelf:
    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        return [DELIVERY, PAYMENT][: query.limit]


STEPS = (Identify(Nobody()), LexiconSentiment(), Retrieve(Shelf()), ExtractiveResponder(), Escalate(), Adapt())


async def test_the_graph_hands_each_skill_its_keys_and_collects_its_findings() -> None:
    builder = StateGraph(TurnState)
    before = START
    for step in STEPS:
        name = type(step).__name__
        builder.add_node(name, step)
        builder.add_edge(before, name)
        before = name
    found = await builder.compile().ainvoke({"turn": a_turn("How long does delivery take?")})
    assert set(found) >= {"identification", "sentiment", "retrieval", "draft", "escalation", "reply"}
    assert DELIVERY.text in found["reply"].text
    assert not found["escalation"].needed


@dataclass(frozen=True)
class Everybody:
    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:
        assert claims
        return [CustomerId(uuid4()), CustomerId(uuid4())]

    async def known_by(self, keys: Sequence[FactKey]) -> Known:
        assert keys
        return Known([(CustomerId(uuid4()), KnownFacts("Dana Moss", "G46 0JU", date(1986, 1, 25)))], 1)


@pytest.mark.parametrize(
    "text", ["How long does delivery take?", "I want to talk to a person!", "a lawyer will call you"]
)
async def test_whether_an_address_or_a_person_is_known_changes_nothing_of_what_is_said(text: str) -> None:
    told = []
    for directory in (Nobody(), Everybody()):
        state: dict[str, Any] = {
            "turn": a_turn(
                f"{text} I am dana@example.com, Dana Moss, born 25/01/1986, G46 0JU.",
                customer=a_customer(verified=False),
            )
        }
        for step in (Identify(directory), *STEPS[1:]):
            state |= await step(state)  # type: ignore[arg-type] # each takes a part of it
        assert len(state["identification"].possible_matches) == (3 if isinstance(directory, Everybody) else 0)
        told.append((state["reply"], state["draft"], state["escalation"]))
    assert told[0] == told[1]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_skill_is_a_frozen_dataclass_of_its_ports(step: object) -> None:
    assert is_dataclass(step)
    for field in fields(step):
        with pytest.raises(AttributeError):
            setattr(step, field.name, None)
