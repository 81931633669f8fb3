"""What a case has in its hands, and the list of all cases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from skills.turn import ChannelName
from tests.chaos.correspondents import Correspondents, Promised
from tests.chaos.customers import CHANNELS, Talk
from tests.chaos.judge import Verdict
from tests.chaos.recovery import Incident, Recoveries
from tests.chaos.stage import Stage

BURST = 6
"""Messages of one customer under load. Who writes on and on is answered at a pace, which is not what is measured."""


class Skipped(Exception):  # noqa: N818 - not an error
    """This fault can't be made here; the text says why."""


@dataclass
class Scene:
    """One case at work.

    Args:
        stage: shared with the cases before, so that what they left is there too.
        recoveries: the run's.
        dice: this case's own chance, so that a case alone does what it does among others.
    """

    stage: Stage
    recoveries: Recoveries
    dice: random.Random
    faults: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    """Over a stage of the case's own, if it had one."""

    def happened(self, times: int = 1) -> None:
        """So many faults were injected."""
        self.faults += times

    def expect(self, held: object, sentence: str) -> None:
        """What has to be so beyond the invariants that are judged anyway."""
        if not held:
            self.broken.append(sentence)

    def talk(self, kind: ChannelName | None = None) -> Talk:
        """A new customer, on either channel if it doesn't matter."""
        return self.stage.customers.talk(kind or self.dice.choice(CHANNELS))

    @property
    def outside(self) -> Correspondents:
        """Customers who write by mail and by WhatsApp."""
        assert self.stage.correspondents is not None, "the stage has emulated providers"
        return self.stage.correspondents

    async def stored(self, *promised: Promised, patience: float = 60.0) -> list[dict[str, Any]]:
        """The rows of these messages, once all are stored."""
        return await self.until(
            "select * from (select id, case_id, conversation_id, count(*) over () as n from messages"
            " where direction = 'in' and provider_message_id = any(%(names)s)) s where n >= %(n)s",
            names=[one.name for one in promised],
            n=len(promised),
            patience=patience,
        )

    async def outbox(
        self, state: str, *promised: Promised, kind: str = "reply", patience: float = 90.0
    ) -> list[dict[str, Any]]:
        """The texts of these messages' cases, once one a message is in that state."""
        cases = [row["case_id"] for row in await self.stored(*promised)]
        return await self.until(
            "select * from (select id, case_id, error, count(*) over () as n from outbox where kind = %(kind)s"
            " and case_id = any(%(cases)s) and state = %(state)s) s where n >= %(n)s",
            cases=cases,
            state=state,
            kind=kind,
            n=len(promised),
            patience=patience,
        )

    @asynccontextmanager
    async def load(self, talks: int = 12, pause: float = 0.6) -> AsyncIterator[None]:
        """So many customers who write while the block runs, with such pauses on average, and finish their sentence."""
        over = asyncio.Event()

        async def write(dice: random.Random) -> None:
            talk: Talk | None = None
            while not over.is_set():
                if talk is None or talk.written == BURST:
                    talk = self.stage.customers.talk(dice.choice(CHANNELS))
                await talk.say()
                await asyncio.sleep(dice.uniform(0.0, 2 * pause))

        async with asyncio.TaskGroup() as group:
            for _ in range(talks):
                group.create_task(write(random.Random(self.dice.random())))
            try:
                yield
            finally:
                over.set()

    async def deaths(self, count: int, *, kind: str = "worker", patience: float = 30.0) -> None:
        """Wait until the product's processes have died so often since the case began, and note each as a kill."""
        async with asyncio.timeout(patience):
            while len(self._died(kind)) < count:  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.02)

    def note_death_of(self, *cases: Any, kind: str = "kill worker") -> None:
        """The latest death took these cases' work with it."""
        _, _, at = self.stage.product.deaths[-1]
        self.recoveries.incidents.append(Incident(kind, at, tuple(cases)))

    def _died(self, kind: str) -> list[Any]:
        return [death for death in self.stage.product.deaths[self._before :] if death[0].startswith(kind)]

    def __post_init__(self) -> None:
        self._before = len(self.stage.product.deaths)

    async def until(self, statement: str, *, patience: float = 60.0, **values: Any) -> list[dict[str, Any]]:
        """Wait for a row."""
        async with asyncio.timeout(patience):
            while True:
                try:
                    if rows := await self.stage.rows(statement, **values):
                        return rows
                except Exception as error:  # noqa: BLE001 - the database may be the fault; what else fails runs into the timeout
                    self.figures["last_error"] = type(error).__name__
                await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Case:
    """A separate case. ``numbers``: of the faults in the list that this suite works through."""

    name: str
    numbers: tuple[int, ...]
    run: Callable[[Scene], Awaitable[None]]
    summary: str


CASES: dict[str, Case] = {}
"""By name, in the order in which they run."""


def case(*numbers: int) -> Callable[[Callable[[Scene], Awaitable[None]]], Callable[[Scene], Awaitable[None]]]:
    """Put a function into the list; its docstring begins with what the case shows."""

    def listed(run: Callable[[Scene], Awaitable[None]]) -> Callable[[Scene], Awaitable[None]]:
        name = run.__name__.replace("_", "-")
        CASES[name] = Case(name, numbers, run, (run.__doc__ or "").strip().partition("\n")[0])
        return run

    return listed
