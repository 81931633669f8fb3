"""The judge of the chaos suite can fail: each wrong that it is there for is put before it, and counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.chaos.customers import Acknowledged
from tests.chaos.evidence import Buried, Evidence, Inbound, Outgoing, StoredCase, StoredTurn
from tests.chaos.judge import Verdict, judge
from tests.chaos.reviewers import Answered
from tests.emulators.provider import Call, Drop, Manner, Refuse, Take

CASE, CONVERSATION = uuid4(), uuid4()
TURNS = [uuid4() for _ in range(3)]
TEXTS = [uuid4() for _ in range(3)]


def well() -> Evidence:
    """Three messages of one relay customer, each answered by a turn of its own, each reply taken by the provider."""
    acknowledged = [Acknowledged(uuid4(), CASE, 7, number, f"m7-{number}") for number in range(3)]
    return Evidence(
        acknowledged=acknowledged,
        inbound=[
            Inbound(one.message_id, CASE, CONVERSATION, 2 * n + 1, 2 * n + 1, "handled", TURNS[n], one.text)
            for n, one in enumerate(acknowledged)
        ],
        outgoing=[
            Outgoing(
                TEXTS[n],
                TURNS[n],
                1,
                CASE,
                CONVERSATION,
                "relay",
                "reply",
                "sent",
                n,
                2 * n + 2,
                "agent",
                f"echo: m7-{n}",
            )
            for n in range(3)
        ],
        turns=[StoredTurn(TURNS[n], CASE, "done", 2 * n + 1, 2 * n + 1) for n in range(3)],
        cases=[StoredCase(CASE, "agent", paused=False, escalation=None)],
        calls=[call(TEXTS[n]) for n in range(3)],
        shown_unknown=0,
    )


def call(outbox_id: UUID, manner: Manner | None = None) -> Call:
    return Call(outbox_id, "t7", "m7", 0.0, manner or Take())


def changed(rows: Any, number: int, **values: Any) -> list[Any]:
    """The rows with one of them changed."""
    return [replace(row, **values) if n == number else row for n, row in enumerate(rows)]


def counted(evidence: Evidence) -> dict[str, int]:
    """What the judge holds against it."""
    verdict = judge(evidence)
    names = ("lost", "reordered", "doubled", "unknown_hidden", "untexted")
    wrong = {name: getattr(verdict, name) for name in names if getattr(verdict, name)}
    assert verdict.good is not bool(wrong)
    assert len(verdict.findings) == sum(wrong.values())
    return wrong


def test_what_went_well_is_good() -> None:
    assert judge(well()) == Verdict(3, 3, 0, 0, 0, 0, 0, 0, 0, 0)


def test_a_message_that_is_not_stored_is_lost() -> None:
    evidence = well()
    assert counted(replace(evidence, inbound=evidence.inbound[:2])) == {"lost": 1}


def test_a_message_that_is_stored_with_another_text_is_lost() -> None:
    evidence = well()
    assert counted(replace(evidence, inbound=changed(evidence.inbound, 1, text="m7-9")))["lost"] == 1


@pytest.mark.parametrize("state", ["waiting", "human", "dead"])
def test_a_message_that_nobody_is_at_is_lost(state: str) -> None:
    evidence = well()
    assert counted(replace(evidence, inbound=changed(evidence.inbound, 2, state=state))) == {"lost": 1}


def test_a_handled_message_without_a_reply_is_lost() -> None:
    evidence = well()
    assert counted(replace(evidence, outgoing=evidence.outgoing[:2], calls=evidence.calls[:2])) == {"lost": 1}


def test_a_handled_message_that_its_reply_does_not_mention_is_lost() -> None:
    evidence = well()
    assert counted(replace(evidence, outgoing=changed(evidence.outgoing, 1, text="echo: something else"))) == {
        "lost": 1
    }
    # The shipped skills do not repeat what they answer; that there is an answer is all that can be seen.
    assert counted(replace(evidence, outgoing=changed(evidence.outgoing, 1, text="It is on its way."))) == {}


def test_a_text_that_is_said_to_be_sent_and_was_never_taken_is_lost() -> None:
    evidence = well()
    refused = [*evidence.calls[:2], call(TEXTS[2], Refuse())]
    assert counted(replace(evidence, calls=refused)) == {"lost": 1}


@pytest.mark.parametrize("state", ["pending", "sending"])
def test_a_text_that_is_never_sent_is_lost_unless_an_unknown_one_holds_it_back(state: str) -> None:
    evidence = well()
    unsent = replace(evidence, outgoing=changed(evidence.outgoing, 2, state=state), calls=evidence.calls[:2])
    assert counted(unsent) == {"lost": 1}
    held_back = replace(unsent, outgoing=changed(unsent.outgoing, 1, state="unknown"), shown_unknown=1)
    assert counted(held_back) == {}


def test_what_waits_for_a_person_is_not_lost() -> None:
    evidence = well()
    waiting = replace(
        evidence,
        inbound=changed(evidence.inbound, 2, state="human"),
        outgoing=evidence.outgoing[:2],
        calls=evidence.calls[:2],
        cases=[StoredCase(CASE, "human", paused=False, escalation=None)],
    )
    assert counted(waiting) == {}
    assert judge(waiting).waiting == 1


def test_a_paused_message_waits_and_its_customer_has_to_be_told() -> None:
    evidence = well()
    note = changed(evidence.outgoing, 2, kind="handoff", ordinal=0, author="system", text="A colleague looks at it.")
    paused = replace(
        evidence,
        turns=changed(evidence.turns, 2, status="paused"),
        outgoing=note,
        cases=[StoredCase(CASE, "agent", paused=True, escalation="open")],
    )
    assert counted(paused) == {}
    assert judge(paused).waiting == 1
    assert counted(replace(paused, outgoing=note[:2], calls=evidence.calls[:2])) == {"untexted": 1}
    assert counted(replace(paused, cases=[StoredCase(CASE, "agent", paused=False, escalation=None)])) == {"lost": 1}


def test_a_dead_message_needs_a_dead_letter_and_a_note() -> None:
    evidence = well()
    dead = replace(
        evidence,
        inbound=changed(evidence.inbound, 2, state="dead"),
        outgoing=changed(evidence.outgoing, 2, kind="failure", author="system", text="It went wrong."),
        buried=[Buried(CASE, TURNS[2], 5, 5)],
    )
    assert counted(dead) == {}
    assert judge(dead).dead == 1
    assert counted(replace(dead, buried=[Buried(CASE, TURNS[2], 6, 9)])) == {"lost": 1}
    untold = replace(dead, outgoing=evidence.outgoing[:2], calls=evidence.calls[:2])
    assert counted(untold) == {"untexted": 1}


def test_messages_that_are_stored_in_another_order_are_reordered() -> None:
    evidence = well()
    swapped = changed(changed(evidence.inbound, 0, position=3), 1, position=1)
    assert (
        counted(replace(evidence, inbound=swapped))["reordered"] == 2
    )  # and so their replies came the wrong way round


def test_messages_that_were_written_at_once_have_no_order() -> None:
    evidence = well()
    swapped = changed(changed(evidence.inbound, 0, position=3), 1, position=1)
    at_once = [replace(one, in_order=False) for one in evidence.acknowledged]
    assert counted(replace(evidence, acknowledged=at_once, inbound=swapped)) == {"reordered": 1}


def test_texts_that_reach_the_provider_in_another_order_are_reordered() -> None:
    evidence = well()
    assert counted(replace(evidence, calls=evidence.calls[::-1])) == {"reordered": 1}


def test_texts_that_a_browser_sees_in_another_order_are_reordered() -> None:
    evidence = well()
    web = [replace(text, channel="chat", seen=9 - n) for n, text in enumerate(evidence.outgoing)]
    assert counted(replace(evidence, outgoing=web, calls=[])) == {"reordered": 1}


def test_turns_over_the_same_messages_are_reordered() -> None:
    evidence = well()
    assert counted(replace(evidence, turns=changed(evidence.turns, 1, first_sequence=1))) == {"reordered": 1}


def test_a_message_that_is_stored_twice_is_doubled() -> None:
    evidence = well()
    again = replace(evidence.inbound[2], id=uuid4(), sequence=8, position=8)
    assert counted(replace(evidence, inbound=[*evidence.inbound, again]))["doubled"] == 1


def test_a_message_that_is_answered_twice_is_doubled() -> None:
    evidence = well()
    again = replace(evidence.outgoing[2], id=uuid4(), intent_id=uuid4(), state="failed", order=9, seen=None)
    assert counted(replace(evidence, outgoing=[*evidence.outgoing, again])) == {"doubled": 1}


def test_two_rows_of_one_intent_are_doubled() -> None:
    evidence = well()
    again = replace(evidence.outgoing[2], id=uuid4(), state="failed", order=9, seen=None, text="m7-2, once more")
    assert counted(replace(evidence, outgoing=[*evidence.outgoing, again]))["doubled"] == 2  # one intent, one message


def test_a_text_that_the_provider_took_twice_is_doubled_even_when_it_is_unknown() -> None:
    evidence = well()
    unknown = replace(
        evidence,
        outgoing=changed(evidence.outgoing, 2, state="unknown"),
        calls=[*evidence.calls, call(TEXTS[2], Drop())],
        shown_unknown=1,
    )
    assert counted(unknown) == {"doubled": 1}


def test_calls_that_the_provider_refused_are_not_doubled() -> None:
    evidence = well()
    assert counted(replace(evidence, calls=[call(TEXTS[0], Refuse(503)), *evidence.calls])) == {}


def test_an_escalation_that_two_reviewers_decided_is_doubled() -> None:
    escalation = uuid4()
    both = [Answered(escalation, "kim", "approve", 202), Answered(escalation, "lee", "reject", 202)]
    assert counted(replace(well(), reviewed=both)) == {"doubled": 1}
    assert counted(replace(well(), reviewed=both[:1], decisions={escalation: 1})) == {}
    assert counted(replace(well(), decisions={escalation: 2})) == {"doubled": 1}


@pytest.mark.parametrize("state", ["pending", "sending", "failed"])
def test_a_text_that_was_taken_and_is_neither_sent_nor_unknown_is_hidden(state: str) -> None:
    evidence = well()
    assert counted(replace(evidence, outgoing=changed(evidence.outgoing, 2, state=state)))["unknown_hidden"] == 1


def test_a_call_for_a_text_that_nobody_has_is_hidden() -> None:
    evidence = well()
    assert counted(replace(evidence, calls=[*evidence.calls, call(uuid4())])) == {"unknown_hidden": 1}


def test_an_unknown_send_that_is_shown_is_counted_and_good() -> None:
    evidence = well()
    unknown = replace(evidence, outgoing=changed(evidence.outgoing, 2, state="unknown"), shown_unknown=1)
    assert counted(unknown) == {}
    assert judge(unknown).unknown == 1


def test_an_unknown_send_that_is_not_shown_is_hidden() -> None:
    evidence = well()
    assert counted(replace(evidence, outgoing=changed(evidence.outgoing, 2, state="unknown"))) == {"unknown_hidden": 1}
