"""The core against its model: whatever happens in whatever order, the database is as promised.

``make test`` plays the same examples every time, until every end has been met. ``CSAGENT_MODEL_EXAMPLES=5000`` plays so
many new ones. Mutants show that the machine can fail: each takes one guard out of the SQL, and has to be found.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import run_state_machine_as_test
from psycopg import ProgrammingError

import infra.postgres.turns
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.life import Life, SurveyTerms
from tests.core import Core, make_core
from tests.model.example import Example, steered_graph
from tests.model.machine import CoreMachine, DeliveryMachine
from tests.model.things import CHAT, MAIL, MOST

pytestmark = pytest.mark.early

SHORT = timedelta(microseconds=1)
"""Silence falls when a rule says so, never by the clock."""
LIFE = Life(
    silence={CHAT: SHORT, MAIL: SHORT},
    owner_silence=SHORT,
    reopen=timedelta(days=14),
    surveys=SurveyTerms(frozenset({CHAT, MAIL}), apart=timedelta(0)),
)

LONG = os.environ.get("CSAGENT_MODEL_EXAMPLES")
SHRINKS = os.environ.get("CSAGENT_MODEL_SHRINKS") != "0"
STEPS = 40
ROUNDS = (0, 4, 2, 3, 5)
"""Seeds. The first two meet every end; the others follow when a change of the machine leaves one out."""
DELIVERY_ROUNDS = (1, 0, 3, 4, 5)
"""The same; here the first does."""

ENDS = {
    "accepted too late",
    "answered by a person",
    "arrived by hand",
    "began anew",
    "buried",
    "decision refused",
    "duplicate",
    "failed",
    "handed back",
    "given_up by hand",
    "handed over",
    "later",
    "offered a person",
    "paused",
    "paused again",
    "rated",
    "recovered as pending",
    "recovered as unknown",
    "reopened",
    "replied",
    "replied after answer",
    "replied after approve",
    "replied after edit",
    "replied after reject",
    "resolved by customer",
    "resolved by person",
    "resolved by silence",
    "resolved by turn",
    "send_again by hand",
    "superseded",
    "taken over",
    "thanked",
    "unknown",
    "withheld",
    "written while paused",
}
"""Where an example has to get to now and then, or it proves nothing."""

DELIVERY_ENDS = {
    "failed by a report",
    "pending by a report",
    "found absent",
    "found arrived",
    "settled by a report",
    "taken before it went out again",
}
"""The same for what providers say."""

MUTANTS = {
    "an old token commits": ("ledger", "finish", "when w.lease_token = %(token)s and w.leased", "when w.leased"),
    "a case is claimed while it is held": (
        "leases",
        "claim_due",
        "and (leased_until is null or leased_until < now())",
        "and true",
    ),
    "a message starts a turn during a pause": (
        "inbox",
        "insert_message",
        "when w.paused then w.due_at else",
        "when false then w.due_at else",
    ),
    "a message to a person waits for the agent": (
        "inbox",
        "insert_message",
        "when numbered.owner = 'agent' then 'waiting' else 'human' end",
        "else 'waiting' end",
    ),
    "a text overtakes an earlier one": (
        "outbox",
        "claim",
        "earlier.state in ('pending', 'sending', 'unknown')",
        "earlier.state in ('pending')",
    ),
    "an answer after the recovery counts": ("outbox", "settle_sent", "and o.claimed_by = %(holder)s", ""),
    "a decision does not wake its case": (
        "reviews",
        "mark_decided",
        "set due_at = now() from",
        "set due_at = w.due_at from",
    ),
    "a turn from before a take-over survives the hand-back": (
        "cases",
        "hand_back",
        "lease_token = w.lease_token + 1, lease_holder = null, leased_until = null,",
        "lease_token = w.lease_token,",
    ),
    "what came after the burial's messages is forgotten": (
        "dead_letters",
        "bury",
        "'dead', turn_id",
        "'handled', turn_id",
    ),
}

QUICK = {"a case is claimed while it is held", "a message starts a turn during a pause"}
"""Found within seconds: that shows in every run that the machine can fail. `pytest -m chaos` has the others."""


def settings_for(examples: int, *, shrinks: bool = True) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink] if shrinks else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        report_multiple_bugs=False,
    )


@pytest.fixture
def core(database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Core]:
    monkeypatch.setattr(infra.postgres.turns, "MOST_MESSAGES", MOST)
    # Else a few draws are numbers that stand in whatever module happens to be imported, and no two runs are the same.
    monkeypatch.setattr(HypothesisProvider, "_local_constants", Constants())
    database = Database(database_url, size=3)
    with asyncio.Runner() as runner:
        runner.run(database.open())
        Example.core, Example.runner = make_core(database, keyring, steered_graph(), life=LIFE), runner
        Example.seen = Counter()
        yield Example.core
        runner.run(database.close())


def plays(machine: type[Example], examples: int, rounds: tuple[int, ...], ends: set[str]) -> set[str]:
    """The ends that were not met in rounds of so many examples, played until none is left; the same in every run."""
    left = ends
    for number in rounds[:1] if LONG else rounds:
        played = settings_for(int(LONG or examples), shrinks=SHRINKS)
        run_state_machine_as_test(machine if LONG else seed(number)(machine), settings=played)  # type: ignore[no-untyped-call] # hypothesis leaves it so
        left = {end for end in ends if not Example.seen[end]}
        if not left:
            break
    return left


@pytest.mark.timeout(3600)
def test_whatever_happens_in_whatever_order_the_database_is_as_the_model_says(core: Core) -> None:
    assert plays(CoreMachine, 40, ROUNDS, ENDS) == set()


@pytest.mark.timeout(3600)
def test_whatever_providers_report_and_answer_the_outbox_is_as_the_model_says(core: Core) -> None:
    assert plays(DeliveryMachine, 20, DELIVERY_ROUNDS, DELIVERY_ENDS) == set()


@pytest.mark.parametrize(
    "mutant", [pytest.param(name, marks=() if name in QUICK else pytest.mark.chaos) for name in MUTANTS]
)
def test_the_machine_finds(core: Core, mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, block, sound, broken = MUTANTS[mutant]
    blocks = cast("Any", getattr(core, repository))._sql
    assert blocks[block].count(sound) >= 1, "the statement has changed: so must its mutant"
    mutated = MappingProxyType({**blocks, block: blocks[block].replace(sound, broken)})
    monkeypatch.setattr(getattr(core, repository), "_sql", mutated)
    with pytest.raises(Exception) as found:  # noqa: PT011 - however it shows
        run_state_machine_as_test(  # type: ignore[no-untyped-call] # hypothesis leaves it so
            seed(0)(CoreMachine), settings=settings_for(300, shrinks=False)
        )
    assert not isinstance(found.value, ProgrammingError), "the mutant itself makes no sense"
