"""What the language model costs, by case and by UTC day, and the ceilings at which it is not asked any more.

A call's estimate is counted before the call, and put right after it by what the server reports. Killed in between, or
cancelled, or the database away by then: the estimate stands, marked as one. So nothing that was paid for is missing;
the count is at most wrong by the difference between estimate and truth. Calls that are reserved in the same moment
don't see each other, so a ceiling can be passed by the calls under way, and by no more.

The database away before the call: the model is not asked, and the turn is given back, as it could not commit either.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from graph.handling import CURRENT_WORK
from infra.models.usage import USAGE, Usage
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import DatabaseUnavailableError, ModelUnavailableError
from skills.ports import Answer, StructuredModel
from skills.turn import CaseId

SLOTS = 16
"""Over so many rows a day is spread. A row is locked for one short statement, twice a call; a call takes seconds."""

USUAL_ANSWER = 500
"""Tokens that an answer is reckoned with beforehand."""
_BYTES_A_TOKEN = 3
_MOST_TOKENS = 10_000_000
"""No call takes more; a server that says otherwise is not believed."""

Ceiling = Literal["case_tokens", "case_money", "day_tokens", "day_money"]


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens, in whichever currency the ceilings are; 0 is unknown."""

    tokens_in: Decimal = Decimal(0)
    tokens_out: Decimal = Decimal(0)

    def of(self, tokens: Tokens) -> Decimal:
        """What these tokens cost."""
        return (self.tokens_in * tokens.taken + self.tokens_out * tokens.given) / 1_000_000


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most that may be spent on a case and in a UTC day; 0 is none. Tokens are those in and out together."""

    case_tokens: int = 0
    case_money: Decimal = Decimal(0)
    day_tokens: int = 0
    day_money: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that a model took in and gave out; ``estimated``: how many of them nobody has reported."""

    taken: int
    given: int
    estimated: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may be made, counted by its estimate on this case, day and slot."""

    case_id: CaseId | None
    day: date
    slot: int
    estimate: Tokens


class SpendWatcher(Protocol):
    """Whoever counts for the operator."""

    def spent(self, taken: int, given: int) -> None:
        """A call took these tokens."""
        ...

    def spend_refused(self, ceiling: Ceiling) -> None:
        """A call was not made because of this ceiling."""
        ...


class Spend:
    """The counters.

    Args:
        database: where they are.
        ceilings: the most that may be spent.
        prices: what a token costs now; what was counted earlier keeps the price of its time.
        watcher: told of every call and refusal.
    """

    def __init__(self, database: Database, *, ceilings: Ceilings, prices: Prices, watcher: SpendWatcher) -> None:
        self._database = database
        self._ceilings = {
            "most_case_tokens": ceilings.case_tokens or None,
            "most_case_money": ceilings.case_money or None,
            "most_day_tokens": ceilings.day_tokens or None,
            "most_day_money": ceilings.day_money or None,
        }
        self._prices = prices
        self._watcher = watcher
        self._logged: date | None = None
        self._sql = load("spend")

    async def reserve(self, case_id: CaseId | None, estimate: Tokens) -> Reservation:
        """Count a call before it is made. Outside of a case only the day counts.

        Raises:
            ModelUnavailableError: it would pass a ceiling; nothing was counted.
            DatabaseUnavailableError: nothing was counted.
        """
        # Any will do: nobody has to be able to foretell it, nor to be kept from doing so.
        slot = random.randrange(SLOTS)  # noqa: S311
        values = {"case_id": case_id, "slot": slot, **self._counted(estimate), **self._ceilings}
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["reserve"], values)).fetchone()
        assert row is not None  # there is always a day
        ceiling: Ceiling | None = row["ceiling"]
        if ceiling is None:
            return Reservation(case_id, row["day"], slot, estimate)
        self._watcher.spend_refused(ceiling)
        await self._log(ceiling, case_id, row["day"])
        whose = "this case" if ceiling.startswith("case") else "the day"
        raise ModelUnavailableError(
            f"spend ceiling of {whose} reached", hint="CSAGENT_SPEND__… says how much may be spent"
        )

    async def settle(self, reservation: Reservation, tokens: Tokens) -> None:
        """Put the estimate right.

        Raises:
            DatabaseUnavailableError: the estimate stands.
        """
        self._watcher.spent(tokens.taken, tokens.given)
        counted, now = self._counted(reservation.estimate), self._counted(tokens)
        difference = {name: now[name] - counted[name] for name in counted}
        place = {"case_id": reservation.case_id, "day": reservation.day, "slot": reservation.slot}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["settle"], {**place, **difference})

    def _counted(self, tokens: Tokens) -> Mapping[str, Any]:
        return {
            "tokens_in": tokens.taken,
            "tokens_out": tokens.given,
            "estimated": tokens.estimated,
            "money": self._prices.of(tokens),
        }

    async def _log(self, ceiling: Ceiling, case_id: CaseId | None, day: date) -> None:
        """An event, the first time for this case or day."""
        values: dict[str, Any] = {"event_id": uuid7(), "data": Jsonb({"ceiling": ceiling})}
        if ceiling.startswith("case"):
            block, values = self._sql["log_case"], {**values, "case_id": case_id}
        elif self._logged == day:
            return  # a full day refuses every call, and each would lock the one row
        else:
            block, values = self._sql["log_day"], {**values, "day": day}
        async with self._database.connection() as connection:
            await connection.execute(block, values)
        if ceiling.startswith("day"):
            self._logged = day


class BudgetedModel:
    """A ``StructuredModel`` that asks another one as long as there is money for it.

    It goes inside ``KeptReplies``: a kept answer costs nothing, and a turn that was paid for ends with it although a
    ceiling was reached meanwhile. And outside of the breaker: a refusal for money says nothing about the model.
    """

    def __init__(self, model: StructuredModel, spend: Spend) -> None:
        self._model = model
        self._spend = spend

    @property
    def name(self) -> str:
        """The asked model's."""
        return self._model.name

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        """The asked model's answer.

        Raises:
            ModelUnavailableError: as the asked model raises it, or ``spend ceiling of … reached``.
            DatabaseUnavailableError: nobody knows what was spent; the model was not asked.
        """
        work = CURRENT_WORK.get()
        estimate = estimated(instructions, material)
        reservation = await self._spend.reserve(None if work is None else work.lease.case_id, estimate)
        usage = Usage()
        outer = USAGE.set(usage)
        try:
            answer = await self._model.fill(instructions=instructions, material=material, form=form)
        except ModelUnavailableError:
            await self._settle(reservation, usage, answered=False)
            raise
        finally:
            USAGE.reset(outer)
        await self._settle(reservation, usage, answered=True)
        return answer

    async def _settle(self, reservation: Reservation, usage: Usage, *, answered: bool) -> None:
        # A model that reports nothing at all was asked once if it answered, and not at all if a breaker was open.
        begun = max(usage.begun, int(answered))
        with suppress(DatabaseUnavailableError):
            await self._spend.settle(reservation, _taken(usage, reservation.estimate, unknown=begun - usage.known))


def estimated(instructions: str, material: str) -> Tokens:
    """What a call will take, on the high side: three bytes a token, where English has four."""
    size = len(instructions.encode("utf-8", "replace")) + len(material.encode("utf-8", "replace"))
    taken = size // _BYTES_A_TOKEN + 1
    return Tokens(taken, USUAL_ANSWER, taken + USUAL_ANSWER)


def _taken(usage: Usage, estimate: Tokens, *, unknown: int) -> Tokens:
    unknown = max(unknown, 0)
    return Tokens(
        _believable(usage.tokens_in) + unknown * estimate.taken,
        _believable(usage.tokens_out) + unknown * estimate.given,
        unknown * (estimate.taken + estimate.given),
    )


def _believable(tokens: int) -> int:
    return min(max(tokens, 0), _MOST_TOKENS)
