"""The load's customers: each message has its time, and whoever is free writes it; if nobody is, somebody new does.

So arrivals never wait for answers, and still a customer writes only when the last message was answered: exactly one
reply belongs to each message, and a lost or doubled one can be told from the customer's side. A message that was not
acknowledged is sent again under its key, as browsers and providers do, and its time goes on counting.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from evals.loadtest.audit import Audit, audit
from evals.loadtest.channel import Conversation, LoadChannel, NotTakenError
from evals.loadtest.record import Record
from skills.turn import Author

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_AGAIN = 1.0
"""Seconds before a conversation is read again that could not be, or was not answered yet."""
_READS = 20
"""Conversations that are read again at once, so that the end of a run is no load of its own."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the customers behave. Seconds.

    Attributes:
        watched: the share of conversations whose customers watch for replies; the others write once and look later.
        messages: how many messages a conversation has at most.
        patience: how long a customer sends again and waits for a reply.
        linger: how long after its last reply a conversation is read again, to count what is lost or doubled.
        seed: of every choice.
    """

    watched: float = 1.0
    messages: int = 4
    patience: float = 30.0
    linger: float = 3.0
    seed: int = 1


@dataclass(slots=True, eq=False)
class _Customer:
    conversation: Conversation
    watches: bool
    began: int = 0
    sent: list[str] = field(default_factory=list)
    reply: asyncio.Future[Author] | None = None
    watcher: asyncio.Task[None] | None = None


class Crowd:
    """Everybody who writes in one run.

    Args:
        channel: the service, as they reach it.
        questions: what they ask, in any order.
        manner: see there.
        record: where it is written down.
    """

    def __init__(self, channel: LoadChannel, questions: Sequence[str], manner: Manner, record: Record) -> None:
        self._channel = channel
        self._questions = questions
        self._manner = manner
        self._record = record
        self._chance = random.Random(manner.seed)  # noqa: S311 - repeatable, not secret
        self._free: deque[_Customer] = deque()
        self._closing = False
        self._reads = asyncio.Semaphore(_READS)

    async def write(self, arrivals: Iterable[float]) -> None:
        """Write at these seconds from now, wait for what comes back, and read every conversation once more."""
        async with asyncio.TaskGroup() as tasks:
            async for at, intended in _clock(arrivals):
                tasks.create_task(self._turn(tasks, self._next(), at, intended))
            self._closing = True
            while self._free:
                self._leave(tasks, self._free.popleft(), after=self._manner.linger)

    async def flood(self, arrivals: Iterable[float]) -> None:
        """Write at these seconds from now, all in one conversation, whether or not anything comes back."""
        customer = _Customer(self._channel.begin(), watches=False)
        self._record.conversations += 1
        async with asyncio.TaskGroup() as tasks:
            async for at, intended in _clock(arrivals):
                if customer.sent:
                    tasks.create_task(self._send(customer, at, intended))
                else:
                    await self._send(customer, at, intended)  # the others need to know the conversation
        await self._audit(customer, one_by_one=False)

    def _next(self) -> _Customer:
        if self._free:
            return self._free.popleft()
        self._record.conversations += 1
        return _Customer(self._channel.begin(), watches=self._chance.random() < self._manner.watched)

    async def _turn(self, tasks: asyncio.TaskGroup, customer: _Customer, at: float, intended: float) -> None:
        """One message, and what comes back."""
        loop = asyncio.get_running_loop()
        customer.reply = loop.create_future()
        if not await self._send(customer, at, intended):
            self._leave(tasks, customer, after=0.0)
            return
        if not customer.watches:
            self._leave(tasks, customer, after=self._manner.patience)
            return
        if customer.watcher is None:
            customer.watcher = tasks.create_task(self._watch(customer))
        try:
            async with asyncio.timeout_at(intended + self._manner.patience):
                author = await customer.reply
        except TimeoutError:
            self._record.late += 1
            self._leave(tasks, customer, after=0.0)
            return
        self._record.replied(at, loop.time() - intended, author)
        if author == "agent" and customer.began < self._manner.messages and not self._closing:
            self._free.append(customer)
        else:
            self._leave(tasks, customer, after=self._manner.linger)

    async def _send(self, customer: _Customer, at: float, intended: float) -> bool:
        """Send it until it is acknowledged; false when that never came."""
        customer.began += 1
        loop = asyncio.get_running_loop()
        self._record.due(at, behind=loop.time() - intended)
        key, text, pause = uuid4(), self._chance.choice(self._questions), _FIRST_PAUSE
        while True:
            try:
                message_id = await customer.conversation.send(key, text)
            except NotTakenError as error:
                self._record.failed(at, error.kind)
                if error.final or loop.time() + pause > intended + self._manner.patience:
                    self._record.refused += 1
                    return False
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self._record.acknowledged(at, loop.time() - intended)
                customer.sent.append(message_id)
                return True

    async def _watch(self, customer: _Customer) -> None:
        async for seen in customer.conversation.watch():
            if seen.author != "customer" and customer.reply is not None and not customer.reply.done():
                customer.reply.set_result(seen.author)

    def _leave(self, tasks: asyncio.TaskGroup, customer: _Customer, *, after: float) -> None:
        """Close the page, and come back once more later."""
        if customer.watcher is not None:
            customer.watcher.cancel()
        tasks.create_task(self._come_back(customer, after))

    async def _come_back(self, customer: _Customer, after: float) -> None:
        await asyncio.sleep(after)
        await self._audit(customer, one_by_one=True)

    async def _audit(self, customer: _Customer, *, one_by_one: bool) -> None:
        """Read the conversation; one that was flooded again and again, until it is answered or patience ends."""
        if not customer.sent:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._manner.patience
        found = Audit(unread=1)
        while True:
            with suppress(NotTakenError):
                async with self._reads:
                    transcript = await customer.conversation.transcript()
                found = audit(customer.sent, transcript, one_by_one=one_by_one)
            settled = not found.unread and (one_by_one or not found.lost_replies)
            if settled or loop.time() + _AGAIN > deadline:
                break
            await asyncio.sleep(_AGAIN)
        self._record.audit.add(found)


async def _clock(arrivals: Iterable[float]) -> AsyncIterator[tuple[float, float]]:
    """Each arrival when its time has come: seconds from the beginning, and the same on the loop's clock."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for at in arrivals:
        if (wait := begin + at - loop.time()) > 0:
            await asyncio.sleep(wait)
        yield at, begin + at
