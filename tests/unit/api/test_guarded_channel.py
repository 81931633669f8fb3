from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.guarded import GuardedChannel, GuardedReconcilingChannel, guarded
from channels.envelope import Absent, Accepted, Deferred, Delivery, Reconciled, Refused, SendResult, Undecided, Unknown
from channels.protocol import Reconciling
from infra.breakers import Breaker, Limits
from skills.turn import ChannelName, ConversationId, MessageId

MAIL = ChannelName("mail")
LIMITS = Limits(failures=2, window=60.0, cooldown=10.0)
DELIVERY = Delivery(UUID(int=1), MessageId(UUID(int=2)), ConversationId(UUID(int=3)), MAIL, "Hello", "ada", 1)


@dataclass
class Provider:
    """Answers by a script, the last one for ever; ``None`` is no answer at all."""

    script: list[SendResult | Exception | None]
    name: ChannelName = MAIL
    repeatable: bool = True
    calls: int = 0

    async def send(self, delivery: Delivery) -> SendResult:
        assert delivery is DELIVERY
        self.calls += 1
        result = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(result, Exception):
            raise result
        if result is None:
            await asyncio.Event().wait()
            raise AssertionError
        return result


@dataclass
class Post:
    script: Sequence[SendResult | Exception | None]
    now: float = 0.0
    provider: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = Provider(list(self.script))
        breaker = Breaker("mail provider", LIMITS, clock=lambda: self.now)
        self.channel = GuardedChannel(self.provider, breaker, deadline=0.05)

    async def send(self) -> SendResult:
        return await self.channel.send(DELIVERY)


@pytest.mark.parametrize(
    ("result", "reason"),
    [(Refused("503 from 10.0.0.7", retry=True), "refused for now"), (Unknown("reset"), "unknown outcome")],
)
async def test_while_a_provider_is_away_deliveries_wait_without_being_tried(result: SendResult, reason: str) -> None:
    post = Post([result, result, Accepted("m-1")])
    assert [await post.send(), await post.send()] == [result, result]
    post.now = 4.0
    assert await post.send() == Deferred(f"breaker open ({reason})", 6.0)
    assert post.provider.calls == 2
    post.now = 10.0
    assert await post.send() == Accepted("m-1")
    assert await post.send() == Accepted("m-1")


async def test_a_refusal_for_good_is_about_one_text() -> None:
    post = Post([Refused("no such address", retry=False)])
    assert [await post.send() for _ in range(5)] == [Refused("no such address", retry=False)] * 5


async def test_no_answer_is_an_unknown_outcome_and_counts() -> None:
    post = Post([None])
    assert await post.send() == Unknown("the provider did not answer in time")
    assert await post.send() == Unknown("the provider did not answer in time")
    assert await post.send() == Deferred("breaker open (unknown outcome)", 10.0)


async def test_what_a_channel_raises_goes_to_the_sender_and_counts() -> None:
    post = Post([ZeroDivisionError()])
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await post.send()
    assert await post.send() == Deferred("breaker open (raised)", 10.0)


async def test_a_channel_that_waits_by_itself_is_no_failure() -> None:
    post = Post([Deferred("quota", 3.0)])
    assert [await post.send() for _ in range(4)] == [Deferred("quota", 3.0)] * 4


def test_the_sender_sees_the_channel_itself() -> None:
    channel = Post([Accepted()]).channel
    assert (channel.name, channel.repeatable) == ("mail", True)


@dataclass
class Archive(Provider):
    """A provider that can be asked what it has."""

    found: Reconciled | Exception | None = None

    async def reconcile(
        self, delivery: Delivery, *, handed_over_at: datetime, known: Collection[str] = ()
    ) -> Reconciled:
        assert (delivery, known) == (DELIVERY, ("other",))
        assert handed_over_at.tzinfo is UTC
        if isinstance(self.found, Exception):
            raise self.found
        if self.found is None:
            await asyncio.Event().wait()
            raise AssertionError
        return self.found


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Absent(), Absent()),
        (ValueError("what is that?"), Undecided("ValueError", again=True)),
        (None, Undecided("the provider did not answer in time", again=True)),
    ],
)
async def test_a_provider_that_can_be_asked_is_asked_and_its_silence_decides_nothing(
    found: Reconciled | Exception | None, told: Reconciled
) -> None:
    archive = Archive([Accepted("m1")], found=found)
    channel = GuardedReconcilingChannel(archive, archive, Breaker("mail", LIMITS), deadline=0.02)
    assert await channel.reconcile(DELIVERY, handed_over_at=datetime.now(UTC), known=("other",)) == told


def test_behind_its_breaker_a_channel_can_do_what_it_can() -> None:
    assert isinstance(guarded(Archive([Accepted("m1")]), Breaker("mail", LIMITS)), Reconciling)
    assert not isinstance(guarded(Provider([Accepted("m1")]), Breaker("mail", LIMITS)), Reconciling)
