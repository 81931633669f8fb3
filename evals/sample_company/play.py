"""Plays the sample company's customers through a running service, as browsers, mail programs and phones would.

Each customer writes on a channel, waits for what comes back, and is then judged: by the reply that the customer saw,
and by what the review API says of the turn (rules that fired, articles that were cited).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.sample_company.script import Answered, Escalated, SampleCustomer, SampleTurn
from evals.sample_company.stage import Stage
from evals.sample_company.talks.chat import ChatTalk
from evals.sample_company.talks.talk import Talk, ok

_AT_ONCE = 6
_GREETINGS = ("Hello!", "Hi there!", "Good morning!")
"""Not the same one again and again, which is what machines say (rule ``same_text``)."""


@dataclass(frozen=True, slots=True)
class Played:
    """One turn as it went. ``problem`` is ``None`` when it ended as expected."""

    customer: str
    channel: str
    kind: str
    message: str
    outcome: str
    detail: str
    milliseconds: float
    problem: str | None


class Player:
    """Plays customers against one service.

    Args:
        stage: the service, and the customers' ways to it.
        titles: the articles' titles by slug, because citations carry titles.
    """

    def __init__(self, stage: Stage, titles: Mapping[str, str]) -> None:
        self._stage = stage
        self._titles = titles

    async def play(self, customers: Sequence[SampleCustomer], on_turn: Callable[[Played], None]) -> list[Played]:
        """Every customer, a few at once; the turns in the order of the script."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(customer: SampleCustomer) -> list[Played]:
            async with gate:
                played = await self._play_customer(customer)
            for turn in played:
                on_turn(turn)
            return played

        results = await asyncio.gather(*(one(customer) for customer in customers))
        return [turn for turns in results for turn in turns]

    async def _play_customer(self, customer: SampleCustomer) -> list[Played]:
        talk = self._stage.talk(customer)
        if isinstance(talk, ChatTalk):
            await self._set_the_scene(talk, customer)
        return [await self._play_turn(talk, customer, turn) for turn in customer.turns]

    async def _set_the_scene(self, talk: ChatTalk, customer: SampleCustomer) -> None:
        """Earlier cases and the customer's segment, which no customer could bring about by themselves."""
        for n in range(max(customer.earlier_cases, customer.segment != "standard")):
            await talk.write(_GREETINGS[n % len(_GREETINGS)])
            await talk.wait()
            case_id = await talk.case()
            if customer.segment != "standard":
                body = {"segment": customer.segment}
                await ok(self._stage.staff.put(f"/v1/review/cases/{case_id}/segment", json=body))
            await ok(self._stage.staff.post(f"/v1/review/cases/{case_id}/resolve"))

    async def _play_turn(self, talk: Talk, customer: SampleCustomer, turn: SampleTurn) -> Played:
        began = time.perf_counter()
        for message in turn.messages:
            await talk.write(message)
        replies = await talk.wait()
        milliseconds = (time.perf_counter() - began) * 1000
        case = (await ok(self._stage.staff.get(f"/v1/review/cases/{await talk.case()}"))).json()
        escalation = None
        if case["escalation_id"]:
            escalation = (await ok(self._stage.staff.get(f"/v1/review/escalations/{case['escalation_id']}"))).json()
        problem = judge(turn, replies, case, escalation, self._titles)
        outcome = "answered" if escalation is None else f"escalated {escalation['severity']}"
        if escalation is None:
            detail = replies[-1] if replies else ""
        else:
            detail = "; ".join(reason["explanation"] for reason in escalation["request"]["reasons"])
        message = " / ".join(turn.messages)
        return Played(customer.name, customer.channel, customer.kind, message, outcome, detail, milliseconds, problem)


def judge(
    turn: SampleTurn,
    replies: Sequence[str],
    case: Mapping[str, Any],
    escalation: Mapping[str, Any] | None,
    titles: Mapping[str, str],
) -> str | None:
    """What is wrong with how a turn went; ``None`` when it went as expected."""
    said = "\n".join(replies).casefold()
    proposed = "" if escalation is None else str(escalation["request"]["proposal"]).casefold()
    if not replies:
        return "nothing came back"
    for word in turn.expect.lacks:
        if word.casefold() in said or word.casefold() in proposed:
            return f"says {word!r}"
    match turn.expect:
        case Answered():
            return _judge_answer(turn.expect, said, replies, case, escalation, titles)
        case Escalated():
            return _judge_escalation(turn.expect, escalation)


def _judge_answer(
    expected: Answered,
    said: str,
    replies: Sequence[str],
    case: Mapping[str, Any],
    escalation: Mapping[str, Any] | None,
    titles: Mapping[str, str],
) -> str | None:
    if escalation is not None:
        rules = [reason["rule"] for reason in escalation["request"]["reasons"]]
        return f"escalated by {', '.join(rules)}; would have said: {escalation['request']['proposal']}"
    if len(replies) != 1:
        return f"{len(replies)} replies"
    cited = set(case["turns"][-1]["cited"])
    wanted = {titles[slug] for slug in expected.cites}
    if not wanted & cited and (wanted or cited):
        return f"cites {sorted(cited)} instead of {sorted(wanted) or 'nothing'}"
    if expected.contains and not any(word.casefold() in said for word in expected.contains):
        return f"has none of {list(expected.contains)}"
    return None


def _judge_escalation(expected: Escalated, escalation: Mapping[str, Any] | None) -> str | None:
    if escalation is None:
        return "was not escalated"
    rules = {reason["rule"] for reason in escalation["request"]["reasons"]}
    if not rules & set(expected.rules):
        return f"escalated by {sorted(rules)} instead of {sorted(expected.rules)}"
    if escalation["severity"] != expected.severity:
        return f"is {escalation['severity']} instead of {expected.severity}"
    return None
