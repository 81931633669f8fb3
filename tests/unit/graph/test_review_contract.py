"""What a reviewer is asked and may answer, and where the graph goes next."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.review import (
    MAX_REJECTIONS,
    ReviewInput,
    has_draft,
    make_decision,
    parse_decision,
    proposal_hash,
    request_of,
)
from graph.routing import after_adapt, after_guard, after_review
from graph.state import pile_up
from skills.errors import BadRequestError
from skills.turn import (
    Action,
    ArticleId,
    CaseId,
    ChannelName,
    Citation,
    Customer,
    CustomerId,
    Decision,
    Draft,
    Escalation,
    Finding,
    Guarding,
    Identification,
    Language,
    Message,
    MessageId,
    Passage,
    PassageId,
    Reason,
    Rejection,
    Reply,
    Retrieval,
    Sentiment,
    Severity,
    Trend,
    Turn,
    TurnId,
)

EN = Language("en")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CITED, SEEN = (
    Passage(PassageId(UUID(int=n)), ArticleId(UUID(int=9)), "Returns", "How", "Thirty days.", None, EN, 0.87654, 0.5)
    for n in (1, 2)
)
MATCH = CustomerId(UUID(int=8))
TURN = Turn(
    TurnId(UUID(int=3)),
    CaseId(UUID(int=4)),
    ChannelName("chat"),
    Customer(CustomerId(UUID(int=5)), "Kim", False, None, "standard", 0),
    (
        Message(MessageId(UUID(int=6)), 1, "customer", "one", NOW),
        Message(MessageId(UUID(int=7)), 2, "customer", "two", NOW),
    ),
    (),
    (),
    NOW,
    elsewhere=(Message(MessageId(UUID(int=10)), 4, "agent", "in black", NOW, channel=ChannelName("email")),),
)
REASONS = (
    Reason("anger", "the customer is angry", Severity.P2, "Stay calm."),
    Reason("legal", "a lawyer is named", Severity.P1),
)
STATE = ReviewInput(
    turn=TURN,
    identification=Identification(TURN.customer.id, False, (), (MATCH,)),
    sentiment=Sentiment(-0.456, 0.5, 0.789, 0.123, Trend.WORSENING, EN, ("furious",)),
    retrieval=Retrieval("one two", (CITED, SEEN), 0.8),
    draft=Draft("draft", True, (Citation(CITED.id, "Returns", "You have thirty days."),), 0.87654, EN, "extractive"),
    guarding=Guarding(
        (Finding("promise", "nobody promised", "We promise."),),
        None,
        (Finding("link", "stands nowhere", "See x.example."),),
    ),
    escalation=Escalation(REASONS),
    reply=Reply("the very text", "A colleague looks at it."),
    rejections=(),
)


def test_the_request_says_everything_a_reviewer_needs_as_json() -> None:
    request = request_of(STATE)
    assert json.loads(json.dumps(request)) == request
    assert request == {
        "proposal": "the very text",
        "answered": True,
        "confidence": 0.877,
        "model": "extractive",
        "severity": "P1",
        "reasons": [
            {"rule": "anger", "explanation": "the customer is angry", "severity": "P2", "guidance": "Stay calm."},
            {"rule": "legal", "explanation": "a lawyer is named", "severity": "P1", "guidance": ""},
        ],
        "findings": [
            {"guard": "link", "reason": "stands nowhere", "sentence": "See x.example.", "draft": "first"},
            {"guard": "promise", "reason": "nobody promised", "sentence": "We promise.", "draft": "last"},
        ],
        "sources": [
            {
                "title": "Returns",
                "heading": "How",
                "text": "Thirty days.",
                "url": None,
                "similarity": 0.877,
                "cited": cited,
            }
            for cited in (["You have thirty days."], [])
        ],
        "messages": ["one", "two"],
        "mood": {"polarity": -0.46, "anger": 0.79, "urgency": 0.12, "trend": "worsening", "evidence": ["furious"]},
        "elsewhere": [{"channel": "email", "author": "agent", "text": "in black", "at": "2026-01-01T00:00:00+00:00"}],
        "possible_matches": [str(MATCH)],
        "rejected": [],
        "actions": ["approve", "edit", "answer", "reject", "take_over"],
    }


def test_a_turn_paused_before_there_were_guards_has_no_findings() -> None:
    state = STATE.copy()
    del state["guarding"]
    assert request_of(state)["findings"] == []


def rejected(times: int) -> ReviewInput:
    return {**STATE, "rejections": tuple(Rejection(f"draft {n}", "no", ()) for n in range(times))}


def test_a_rejected_draft_is_shown_and_the_next_may_still_be_approved() -> None:
    request = request_of(rejected(MAX_REJECTIONS - 1))
    assert request["rejected"] == [{"draft": "draft 0", "reason": "no"}]
    assert request["proposal"] == "the very text"
    assert "approve" in request["actions"]


def test_after_enough_rejections_nothing_more_is_proposed() -> None:
    request = request_of(rejected(MAX_REJECTIONS))
    assert request["proposal"] == ""
    assert request["actions"] == ["answer", "take_over"]


REQUEST: dict[str, Any] = dict(request_of(STATE))


@pytest.mark.parametrize("field", sorted(REQUEST))
def test_the_hash_changes_with_every_field(field: str) -> None:
    assert proposal_hash({**REQUEST, field: "something else"}) != proposal_hash(REQUEST)
    assert proposal_hash({key: value for key, value in REQUEST.items() if key != field}) != proposal_hash(REQUEST)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for at, item in enumerate(value) for leaf in leaves(item, (*path, at))]
    return [path]


@given(st.sampled_from(leaves(REQUEST)), st.text(min_size=1, max_size=5).map(lambda text: f"not {text}"))
def test_the_hash_changes_with_every_value_inside(path: tuple[Any, ...], other: str) -> None:
    changed = json.loads(json.dumps(REQUEST))
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = other
    assert proposal_hash(changed) != proposal_hash(REQUEST)


def test_the_hash_does_not_depend_on_the_order_of_the_fields_and_takes_any_text() -> None:
    assert proposal_hash(dict(reversed(REQUEST.items()))) == proposal_hash(REQUEST)
    assert len(proposal_hash({"proposal": "a lone \ud800 surrogate"})) == 32


MADE: list[tuple[str, object, object, Decision]] = [
    ("approve", None, None, Decision("approve", "kim")),
    ("approve", None, "fine", Decision("approve", "kim", None, "fine")),
    ("edit", "new", None, Decision("edit", "kim", "new")),
    ("answer", " new ", None, Decision("answer", "kim", " new ")),
    ("answer", "new", 7, Decision("answer", "kim", "new")),
    ("reject", None, "too curt", Decision("reject", "kim", None, "too curt")),
    ("take_over", None, None, Decision("take_over", "kim")),
]


@pytest.mark.parametrize(("action", "text", "reason", "decision"), MADE)
def test_a_decision_that_makes_sense_is_made(action: str, text: object, reason: object, decision: Decision) -> None:
    assert make_decision(action=action, reviewer="kim", text=text, reason=reason) == decision
    answer = {"action": action, "reviewer": "kim", "text": text, "reason": reason}
    assert parse_decision(answer) == decision
    assert parse_decision(decision) is decision


@pytest.mark.parametrize(
    ("action", "text", "reason", "says"),
    [
        ("", None, None, "unknown action ''"),
        ("Approve", None, None, "unknown action"),
        ("edit", None, None, "edit needs the text"),
        ("edit", "  ", None, "edit needs the text"),
        ("answer", 7, None, "answer needs the text"),
        ("approve", "text", None, "approve takes no text"),
        ("approve", "", None, "approve takes no text"),
        ("reject", "text", "reason", "reject takes no text"),
        ("take_over", "text", None, "take_over takes no text"),
        ("reject", None, None, "reject needs a reason"),
        ("reject", None, " \n", "reject needs a reason"),
        ("reject", None, 7, "reject needs a reason"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_with_a_hint(
    action: str, text: object, reason: object, says: str
) -> None:
    with pytest.raises(BadRequestError, match=says) as refusal:
        make_decision(action=action, reviewer="kim", text=text, reason=reason)
    assert refusal.value.hint


@pytest.mark.parametrize("answer", [None, "approve", ["approve"], 7])
def test_an_answer_that_is_no_object_is_refused(answer: object) -> None:
    with pytest.raises(BadRequestError, match="an object"):
        parse_decision(answer)


def test_an_answer_from_the_studio_has_a_reviewer_all_the_same() -> None:
    assert parse_decision({"action": "approve"}) == Decision("approve", "studio")
    with pytest.raises(BadRequestError, match="unknown action 'None'"):
        parse_decision({})


async def test_a_turn_goes_to_a_person_exactly_when_a_rule_fired() -> None:
    assert await after_adapt({"escalation": STATE["escalation"]}) == "review"
    assert await after_adapt({"escalation": Escalation(())}) == "__end__"


async def test_while_the_guards_demand_something_respond_writes_again() -> None:
    for demand, goes_to in (("rewrite", "respond"), ("withdraw", "respond"), (None, "escalate")):
        guarding = Guarding((), cast("Any", demand))
        assert await after_guard({"guarding": guarding}) == goes_to


@pytest.mark.parametrize("action", get_args(Action))
async def test_only_a_rejection_is_written_again(action: Action) -> None:
    decision = Decision(action, "kim", "text", "reason")
    assert await after_review({"decision": decision}) == ("respond" if action == "reject" else "__end__")


def test_rejections_pile_up_whether_they_come_as_tuple_or_list() -> None:
    one, two = Rejection("a", "b", ()), Rejection("c", "d", ())
    assert pile_up([one], (two,)) == (one, two)
    assert pile_up((), [one]) == (one,)


def test_the_most_urgent_reason_gives_the_severity() -> None:
    assert request_of({**STATE, "escalation": Escalation(REASONS[:1])})["severity"] == "P2"
    assert request_of({**STATE, "draft": replace(STATE["draft"], answered=False)})["answered"] is False


@pytest.mark.parametrize(
    ("answered", "proposal", "drafted"), [(True, "Yes.", True), (False, "I do not know.", False), (True, "", False)]
)
def test_a_text_that_gives_no_answer_is_no_draft(answered: bool, proposal: str, drafted: bool) -> None:
    assert has_draft({**REQUEST, "answered": answered, "proposal": proposal}) is drafted
