"""Checkpoints: sealed to their thread, of known types only, and as they were when they come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graph.review import make_decision
from infra.crypto.keyring import Keyring, SealBrokenError
from infra.postgres.checkpoints import SealedSerializer
from skills.turn import (
    Citation,
    CustomerId,
    Decision,
    Draft,
    Escalation,
    Language,
    PassageId,
    Reason,
    Rejection,
    Severity,
)
from tests.core import Core

RING = Keyring({"test": b"m" * 32}, b"i" * 32)
KEY = RING.create(CustomerId(uuid4()))[1]
SERIALIZER = SealedSerializer(KEY, "thread")


@dataclass(frozen=True)
class Stranger:
    """A type that no checkpoint may bring to life."""

    text: str


DRAFT = Draft("t", True, (Citation(PassageId(UUID(int=1)), "a", "b"),), 0.5, Language("en"), "m")


@pytest.mark.parametrize(
    "value",
    [
        DRAFT,
        Escalation((Reason("a", "b", Severity.P1), Reason("c", "d", Severity.P3))),
        Escalation(()),
        Rejection("draft", "reason", (PassageId(UUID(int=1)), PassageId(UUID(int=2)))),
        Decision("approve", "kim"),
        Severity.P2,
        "a bare string",
        None,
        {"proposal": "x", "sources": [{"cited": ["y"]}], "n": 1.5},
    ],
)
def test_a_value_comes_back_as_it_was_with_its_tuples(value: Any) -> None:
    kind, data = SERIALIZER.dumps_typed(value)
    assert kind.endswith("+sealed")
    assert SERIALIZER.loads_typed((kind, data)) == value
    assert b"bare" not in data


def test_what_piled_up_in_a_channel_comes_back_as_our_objects() -> None:
    pile = (Rejection("a", "b", (PassageId(UUID(int=1)),)),)
    back = SERIALIZER.loads_typed(SERIALIZER.dumps_typed(pile))
    assert tuple(back) == pile
    assert isinstance(back[0].passages, tuple)


def test_a_plain_row_is_refused() -> None:
    plain = JsonPlusSerializer().dumps_typed("readable")
    with pytest.raises(SealBrokenError, match="never sealed"):
        SERIALIZER.loads_typed(plain)
    with pytest.raises(SealBrokenError):
        SERIALIZER.loads_typed((f"{plain[0]}+sealed", plain[1]))


def test_a_row_of_another_thread_or_key_is_refused() -> None:
    sealed = SERIALIZER.dumps_typed(DRAFT)
    other_key = RING.create(CustomerId(uuid4()))[1]
    for other in (SealedSerializer(KEY, "other"), SealedSerializer(other_key, "thread")):
        with pytest.raises(SealBrokenError):
            other.loads_typed(sealed)


def test_an_altered_row_is_refused() -> None:
    kind, data = SERIALIZER.dumps_typed(DRAFT)
    with pytest.raises(SealBrokenError):
        SERIALIZER.loads_typed((kind, data[:-1] + bytes([data[-1] ^ 1])))


def test_an_unknown_type_does_not_come_to_life(caplog: pytest.LogCaptureFixture) -> None:
    kind, data = JsonPlusSerializer().dumps_typed(Stranger("x"))
    sealed = KEY.seal_bytes(data, b"checkpoint\x1fthread")
    assert not isinstance(SERIALIZER.loads_typed((f"{kind}+sealed", sealed)), Stranger)


async def two_paused(core: Core) -> Iterator[Any]:
    cases = []
    for thread in ("a", "b"):
        receipt = await core.write(thread, f"a person for {thread}")
        await core.work(receipt.case_id)
        cases.append(receipt.case_id)
    return iter(cases)


async def approve(core: Core, case_id: Any) -> None:
    (queued,) = [line for line in await core.reviews.queue() if line.case_id == case_id]
    read = await core.reviews.read(queued.id, reader="kim")
    await core.reviews.decide(read.id, make_decision(action="approve", reviewer="kim"), seen=read.version)
    await core.work(case_id)


async def test_a_paused_thread_whose_rows_were_swapped_with_anothers_does_not_resume(core: Core) -> None:
    one, two = await two_paused(core)
    for old, new in ((str(one), "x"), (str(two), str(one)), ("x", str(two))):
        await core.rows("update checkpoint_blobs set thread_id = %s where thread_id = %s returning 1", new, old)
    with pytest.raises((SealBrokenError, KeyError)):
        await approve(core, one)
    await core.deliver()
    assert len(await core.said("a")) == 2


async def test_a_paused_thread_with_an_altered_row_does_not_resume(core: Core) -> None:
    one, two = await two_paused(core)
    await core.rows(
        "update checkpoint_blobs set blob = set_byte(blob, 20, get_byte(blob, 20) # 1)"
        " where thread_id = %s returning 1",
        str(one),
    )
    with pytest.raises(SealBrokenError):
        await approve(core, one)
    await approve(core, two)
    await core.deliver()
    assert (await core.said("b"))[-1] == "agent: echo: a person for b"


async def test_a_fresh_turn_starts_on_an_empty_state_after_a_paused_one(core: Core) -> None:
    (one, _) = await two_paused(core)
    await approve(core, one)
    await core.write("a", "another thing")
    await core.work(one)
    await core.deliver()
    assert (await core.said("a"))[-1] == "agent: echo: another thing"


async def test_a_thread_keeps_rows_only_while_it_is_paused(core: Core) -> None:
    (one, two) = await two_paused(core)
    await approve(core, one)
    count = (
        "select (select count(*) from checkpoints where thread_id = %s)"
        " + (select count(*) from checkpoint_blobs where thread_id = %s)"
        " + (select count(*) from checkpoint_writes where thread_id = %s) as n"
    )
    (ended,), (paused,) = [await core.rows(count, *[str(case_id)] * 3) for case_id in (one, two)]
    assert (ended["n"], paused["n"] > 0) == (0, True)
