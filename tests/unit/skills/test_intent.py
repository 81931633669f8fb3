from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from infra.intents.training import train
from skills.errors import ModelUnavailableError, PolicyError
from skills.escalate import Escalate, Policy
from skills.intent import ReadIntent, ScopeLimits, TrainedIntents
from skills.respond import ExtractiveResponder
from skills.turn import Intent, Retrieval, Turn
from tests.unit.intents.examples import HashedWords, some_examples, vectors
from tests.unit.skills.skill_examples import DELIVERY, a_retrieval, a_sentiment, a_turn, an_answer

NOTHING = Retrieval("zebras eat green grass", (DELIVERY,), 0.1)
FAR = "zebras eat green grass"


class NoModel(HashedWords):
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise ModelUnavailableError(f"{len(texts)} texts too many")


@pytest.fixture(scope="module")
def node() -> ReadIntent:
    classifier = train(some_examples(), embedder="hashed-words")
    inside = classifier.judge(["where is my late parcel"], vectors(["where is my late parcel"])).outside[0]
    outside = classifier.judge([FAR], vectors([FAR])).outside[0]
    step = float(outside - inside) / 3
    limits = ScopeLimits(float(inside) + step, float(inside) + 2 * step)
    return ReadIntent(TrainedIntents(classifier, HashedWords(), limits))


async def read(node: ReadIntent, turn: Turn, retrieval: Retrieval = NOTHING) -> Intent:
    return (await node({"turn": turn, "retrieval": retrieval}))["intent"]


async def escalated(policy: Policy, state: dict[str, Any], **more: object) -> bool:
    whole: Any = state | more
    return (await Escalate(policy)(whole))["escalation"].needed


async def test_without_trained_intents_the_best_articles_title_is_the_topic() -> None:
    found = await read(ReadIntent(), a_turn("How long does it take?"), a_retrieval("How long?", DELIVERY))
    assert (found.label, found.topic, found.scope) == (None, DELIVERY.title, "in")


async def test_without_trained_intents_what_no_article_answers_is_near_and_has_no_topic() -> None:
    assert await read(ReadIntent(), a_turn(FAR)) == Intent(None, None, 0.1, "near")


async def test_a_question_like_the_examples_has_their_label_as_its_topic(node: ReadIntent) -> None:
    found = await read(node, a_turn("where is my late parcel"))
    assert (found.label, found.topic, found.scope) == ("track", "track", "in")
    assert found.confidence > 0.5


async def test_a_first_question_from_another_world_that_no_article_answers_is_far(node: ReadIntent) -> None:
    assert (await read(node, a_turn(FAR))).scope == "far"


@pytest.mark.parametrize(
    ("turn", "retrieval"),
    [
        (a_turn(FAR), replace(NOTHING, confidence=0.6)),
        (a_turn(FAR), replace(NOTHING, failure="the search did not answer")),
        (a_turn(FAR, history=[("agent", "Which one?")]), NOTHING),
        (a_turn("zebras"), NOTHING),
        (a_turn("Welches Wetter haben wir morgen in der Stadt?"), NOTHING),
    ],
)
async def test_whatever_might_be_ours_after_all_is_not_far(node: ReadIntent, turn: Turn, retrieval: Retrieval) -> None:
    assert (await read(node, turn, retrieval)).scope != "far"


async def test_while_no_vector_can_be_had_topics_are_those_of_the_articles(node: ReadIntent) -> None:
    assert node.trained is not None
    blind = ReadIntent(replace(node.trained, embedder=NoModel()))
    found = await read(blind, a_turn("where is my late parcel"), a_retrieval("Where is it?", DELIVERY))
    assert (found.label, found.topic) == (None, DELIVERY.title)


@pytest.mark.parametrize(("language", "said"), [("en", "outside of what I can help with"), ("de", "nicht helfen")])
async def test_what_is_far_gets_a_friendly_no_and_no_person(language: str, said: str) -> None:
    state: Any = {
        "turn": a_turn(FAR), "sentiment": a_sentiment(language=language), "retrieval": NOTHING,
        "intent": Intent(None, None, 0.1, "far"),
    }  # fmt: skip
    draft = (await ExtractiveResponder()(state))["draft"]
    assert said in draft.text
    assert (draft.answered, draft.citations) == (True, ())
    assert not await escalated(Policy.default(), state, draft=draft)


async def test_whoever_is_far_and_speaks_of_danger_gets_a_person_all_the_same() -> None:
    state: Any = {
        "turn": a_turn("my neighbour's house caught fire"), "sentiment": a_sentiment(), "retrieval": NOTHING,
        "intent": Intent(None, None, 0.1, "far"),
    }  # fmt: skip
    draft = (await ExtractiveResponder()(state))["draft"]
    assert await escalated(Policy.default(), state, draft=draft)


async def test_what_is_near_goes_on_as_usual() -> None:
    state: Any = {
        "turn": a_turn(FAR), "sentiment": a_sentiment(), "retrieval": NOTHING,
        "intent": Intent(None, None, 0.1, "near"),
    }  # fmt: skip
    assert not (await ExtractiveResponder()(state))["draft"].answered


POLICY = """
[[rule]]
name = "cancels"
severity = "P2"
explanation = "The customer wants to leave"
when = { {condition} }
"""


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        ('intent = ["cancel", "pause"]', True),
        ('intent = ["track"]', False),
        ('scope = ["in"]', True),
        ('scope = ["near", "far"]', False),
    ],
)
async def test_a_rule_can_ask_for_an_intent_and_for_the_scope(condition: str, *, asked: bool) -> None:
    policy = Policy.parse(POLICY.replace("{condition}", condition))
    state: Any = {"turn": a_turn("I am leaving"), "sentiment": a_sentiment(), "draft": an_answer()}
    intent = Intent("cancel", "cancel", 0.9, "in")
    assert await escalated(policy, state, intent=intent) is asked
    assert not await escalated(policy, state)


def test_a_scope_that_there_is_not_is_refused() -> None:
    with pytest.raises(PolicyError, match="scope"):
        Policy.parse(POLICY.replace("{condition}", 'scope = ["outer"]'))
