"""What the model costs is counted before it is spent, and at a ceiling the model is not asked any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import generate_latest
from pydantic import BaseModel

from api.agent import open_agent
from api.metrics import Metrics
from graph.build import build_graph
from graph.handling import CURRENT_WORK
from graph.ports import Work
from infra.models.usage import USAGE
from infra.postgres.database import Database
from infra.postgres.model_replies import KeptReplies
from infra.postgres.spend import (
    USUAL_ANSWER,
    BudgetedModel,
    Ceiling,
    Ceilings,
    Prices,
    Reservation,
    Spend,
    Tokens,
    estimated,
)
from infra.settings import Settings, SpendSettings
from skills.adapt import Adapt
from skills.errors import ConfigurationError, DatabaseUnavailableError, ModelUnavailableError
from skills.escalate import Escalate
from skills.ports import Answer
from skills.respond import ModelResponder
from skills.sentiment import LexiconSentiment, ModelSentiment
from skills.turn import CaseId, Retrieval
from tests.core import Core, make_core
from tests.trivial import OfTurn, trivial_skills
from tests.unit.skills.skill_examples import DELIVERY, a_retrieval

ESTIMATE = Tokens(100, 50, 150)


class Form(BaseModel):
    text: str


@dataclass
class Metered:
    """A model that tells what it took, for each of its calls; ``None`` is a call that nobody tells of."""

    calls: tuple[tuple[int, int] | None, ...] = ((1000, 200),)
    failure: str | None = None
    name: str = "metered"
    asked: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    slow: bool = False

    async def fill(
        self,
        *,
        instructions: str,  # noqa: ARG002 - the protocol's
        material: str,  # noqa: ARG002 - the same
        form: type[Answer],
    ) -> Answer:
        self.asked += 1
        self.reached.set()
        if self.slow:
            await self.go.wait()
        usage = USAGE.get()
        if usage is not None:
            for call in self.calls:
                usage.begun += 1
                if call is not None:
                    usage.known += 1
                    usage.tokens_in += call[0]
                    usage.tokens_out += call[1]
        if self.failure is not None:
            raise ModelUnavailableError(self.failure)
        return form.model_validate({"text": "answer"})


@dataclass
class Seen:
    """What an operator is told."""

    taken: list[tuple[int, int]] = field(default_factory=list)
    refused: list[Ceiling] = field(default_factory=list)

    def spent(self, taken: int, given: int) -> None:
        self.taken.append((taken, given))

    def spend_refused(self, ceiling: Ceiling) -> None:
        self.refused.append(ceiling)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(autouse=True)
async def _no_work() -> AsyncIterator[None]:
    CURRENT_WORK.set(None)
    yield
    CURRENT_WORK.set(None)


def spend_on(core: Core, seen: Seen, ceilings: Ceilings | None = None, prices: Prices | None = None) -> Spend:
    return Spend(core.database, ceilings=ceilings or Ceilings(), prices=prices or Prices(), watcher=seen)


async def ask(model: BudgetedModel | KeptReplies, material: str = "material") -> str:
    return (await model.fill(instructions="instructions", material=material, form=Form)).text


async def a_case(core: Core) -> CaseId:
    return (await core.write(uuid4().hex, "hello")).case_id


async def loaded(core: Core) -> Work:
    work = await core.ledger.load(await core.claim(await a_case(core)))
    assert work is not None
    CURRENT_WORK.set(work)
    return work


async def of_cases(core: Core) -> list[tuple[int, int, int, Decimal]]:
    rows = await core.rows("select tokens_in, tokens_out, estimated, money from model_spend_of_cases order by case_id")
    return [(row["tokens_in"], row["tokens_out"], row["estimated"], row["money"]) for row in rows]


async def of_day(core: Core) -> tuple[int, int, int, Decimal]:
    (row,) = await core.rows(
        "select coalesce(sum(tokens_in), 0)::int as i, coalesce(sum(tokens_out), 0)::int as o,"
        " coalesce(sum(estimated), 0)::int as e, coalesce(sum(money), 0) as m from model_spend_of_days where day = %s",
        datetime.now(UTC).date(),
    )
    return (row["i"], row["o"], row["e"], row["m"])


async def events(core: Core) -> list[dict[str, Any]]:
    return await core.rows("select case_id, actor, data from events where kind = 'spend.ceiling_reached' order by at")


async def test_what_a_call_took_is_counted_for_its_case_and_day_at_the_price_of_the_time(
    core: Core, seen: Seen
) -> None:
    await loaded(core)
    prices = Prices(Decimal("0.25"), Decimal(2))
    model = BudgetedModel(Metered(), spend_on(core, seen, prices=prices))
    assert model.name == "metered"
    assert await ask(model) == "answer"
    money = Decimal("0.00065")
    assert await of_cases(core) == [(1000, 200, 0, money)]
    assert await of_day(core) == (1000, 200, 0, money)
    await ask(BudgetedModel(Metered(), spend_on(core, seen)))
    assert await of_cases(core) == [(2000, 400, 0, money)]
    assert seen.taken == [(1000, 200), (1000, 200)]


async def test_outside_of_a_case_the_day_alone_is_counted(core: Core, seen: Seen) -> None:
    await ask(BudgetedModel(Metered(), spend_on(core, seen)))
    assert await of_cases(core) == []
    assert (await of_day(core))[:2] == (1000, 200)


async def test_what_nobody_reports_is_estimated_and_marked(core: Core, seen: Seen) -> None:
    estimate = estimated("instructions", "material")
    assert estimate == Tokens(7, USUAL_ANSWER, 7 + USUAL_ANSWER)
    for calls in ((), (None,)):
        await ask(BudgetedModel(Metered(calls), spend_on(core, seen)))
    assert (await of_day(core))[:3] == (14, 2 * USUAL_ANSWER, 14 + 2 * USUAL_ANSWER)


async def test_calls_that_failed_cost_what_they_took_and_those_never_made_cost_nothing(core: Core, seen: Seen) -> None:
    spend = spend_on(core, seen)
    answered_badly_after_a_timeout = Metered((None, (300, 20)), failure="bad answer")
    with pytest.raises(ModelUnavailableError, match="bad answer"):
        await ask(BudgetedModel(answered_badly_after_a_timeout, spend))
    assert (await of_day(core))[:3] == (307, 20 + USUAL_ANSWER, 7 + USUAL_ANSWER)
    with pytest.raises(ModelUnavailableError, match="breaker open"):
        await ask(BudgetedModel(Metered((), failure="breaker open"), spend))
    assert (await of_day(core))[:3] == (307, 20 + USUAL_ANSWER, 7 + USUAL_ANSWER)


async def test_a_server_that_tells_nonsense_does_not_stop_the_count(core: Core, seen: Seen) -> None:
    await ask(BudgetedModel(Metered(((-5, 10**30),)), spend_on(core, seen)))
    assert (await of_day(core))[:3] == (0, 10_000_000, 0)


@pytest.mark.parametrize(
    ("ceilings", "ceiling", "whose"),
    [
        (Ceilings(case_tokens=2000), "case_tokens", "this case"),
        (Ceilings(case_money=Decimal("0.0011")), "case_money", "this case"),
        (Ceilings(day_tokens=2000), "day_tokens", "the day"),
        (Ceilings(day_money=Decimal("0.0011")), "day_money", "the day"),
    ],
)
async def test_at_a_ceiling_the_model_is_not_asked_and_it_is_told_once(
    core: Core, seen: Seen, ceilings: Ceilings, ceiling: Ceiling, whose: str
) -> None:
    work = await loaded(core)
    asked = Metered(((500, 600),))
    model = BudgetedModel(asked, spend_on(core, seen, ceilings, Prices(Decimal(1), Decimal(1))))
    await ask(model)
    before = await of_day(core)
    for _ in range(3):
        with pytest.raises(ModelUnavailableError, match=f"^spend ceiling of {whose} reached$") as refused:
            await ask(model, "x" * 1800)
        assert refused.value.hint
    again = BudgetedModel(asked, spend_on(core, seen, ceilings, Prices(Decimal(1), Decimal(1))))
    with pytest.raises(ModelUnavailableError):
        await ask(again, "x" * 1800)
    assert asked.asked == 1
    assert await of_day(core) == before
    assert seen.refused == [ceiling] * 4
    case_id = work.lease.case_id if ceiling.startswith("case") else None
    assert await events(core) == [{"case_id": case_id, "actor": "agent", "data": {"ceiling": ceiling}}]


async def test_a_case_at_its_ceiling_leaves_the_others_theirs(core: Core, seen: Seen) -> None:
    model = BudgetedModel(Metered(((900, 90),)), spend_on(core, seen, Ceilings(case_tokens=1000)))
    for _ in range(2):
        await loaded(core)
        await ask(model)
        with pytest.raises(ModelUnavailableError):
            await ask(model)
    assert [row[:2] for row in await of_cases(core)] == [(900, 90)] * 2
    assert len(await events(core)) == 2


async def test_a_case_that_may_not_make_its_first_call_is_told_too(core: Core, seen: Seen) -> None:
    await loaded(core)
    with pytest.raises(ModelUnavailableError):
        await ask(BudgetedModel(Metered(), spend_on(core, seen, Ceilings(case_tokens=10))))
    assert len(await events(core)) == 1
    assert [row[:2] for row in await of_cases(core)] == [(0, 0)]


async def test_yesterdays_spending_is_not_todays(core: Core, seen: Seen) -> None:
    await core.rows(
        "insert into model_spend_of_days (day, slot, tokens_in, refused_at)"
        " select ((now() at time zone 'utc') - interval '1 day')::date, 0, 1000000, now() returning 1"
    )
    model = BudgetedModel(Metered(), spend_on(core, seen, Ceilings(day_tokens=1500)))
    assert await ask(model) == "answer"
    with pytest.raises(ModelUnavailableError):
        await ask(model)
    assert len(await events(core)) == 1


async def test_a_ceiling_is_passed_by_the_calls_under_way_at_most(core: Core, seen: Seen) -> None:
    """Many at once, each as large as it was estimated: as many as fit, and at most as many more as asked at once."""
    spend = spend_on(core, seen, Ceilings(day_tokens=20 * 150))
    at_once = 8

    async def calls() -> list[Reservation]:
        made = []
        for _ in range(10):
            try:
                made.append(await spend.reserve(None, ESTIMATE))
            except ModelUnavailableError:
                break
        return made

    made = [reservation for each in await asyncio.gather(*(calls() for _ in range(at_once))) for reservation in each]
    assert 20 <= len(made) < 20 + at_once
    assert sum((await of_day(core))[:2]) == len(made) * 150
    with pytest.raises(ModelUnavailableError):
        await spend.reserve(None, ESTIMATE)
    for reservation in made:
        await spend.settle(reservation, Tokens(10, 5))
    assert (await of_day(core))[:3] == (len(made) * 10, len(made) * 5, 0)
    assert (await spend.reserve(None, ESTIMATE)).estimate == ESTIMATE


async def test_calls_at_once_are_counted_in_many_rows(core: Core, seen: Seen) -> None:
    model = BudgetedModel(Metered(), spend_on(core, seen))
    await asyncio.gather(*(ask(model) for _ in range(64)))
    (row,) = await core.rows("select count(*)::int as rows from model_spend_of_days")
    assert row["rows"] > 8
    assert (await of_day(core))[:3] == (64_000, 12_800, 0)


async def test_a_worker_that_dies_during_the_call_leaves_the_estimate(core: Core, seen: Seen) -> None:
    asked = Metered(slow=True)
    asking = asyncio.create_task(ask(BudgetedModel(asked, spend_on(core, seen))))
    await asked.reached.wait()
    estimate = estimated("instructions", "material")
    assert (await of_day(core))[:3] == (estimate.taken, estimate.given, estimate.estimated)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await of_day(core))[:3] == (estimate.taken, estimate.given, estimate.estimated)


async def test_with_the_database_away_the_model_is_not_asked_and_an_answer_is_not_lost(
    core: Core, seen: Seen, database_url: str
) -> None:
    own = Database(database_url, size=2, wait=0.1)
    await own.open()
    asked = Metered(slow=True)
    model = BudgetedModel(asked, Spend(own, ceilings=Ceilings(), prices=Prices(), watcher=seen))
    asking = asyncio.create_task(ask(model))
    await asked.reached.wait()
    await own.close()
    asked.go.set()
    assert await asking == "answer"
    with pytest.raises(DatabaseUnavailableError):
        await ask(model)
    assert asked.asked == 1
    assert (await of_day(core))[2] == estimated("instructions", "material").estimated


async def test_a_kept_answer_costs_nothing_and_is_given_beyond_the_ceiling(core: Core, seen: Seen) -> None:
    work, asked = await loaded(core), Metered(((900, 90),))
    model = KeptReplies(BudgetedModel(asked, spend_on(core, seen, Ceilings(case_tokens=1000))), core.database)
    assert await ask(model) == "answer"
    with pytest.raises(ModelUnavailableError):
        await ask(model, "another")
    CURRENT_WORK.set(work)
    assert await ask(model) == "answer"
    assert asked.asked == 1


async def test_a_turn_without_money_goes_to_a_person_who_is_told_why_and_the_customer_gets_one_note(
    core: Core, seen: Seen
) -> None:
    async def retrieve(state: OfTurn) -> dict[str, Retrieval]:
        return {"retrieval": a_retrieval(state["turn"].text, DELIVERY)}

    asked = Metered()
    model = BudgetedModel(asked, spend_on(core, seen, Ceilings(day_tokens=10)))
    skills = replace(
        trivial_skills(),
        sentiment=ModelSentiment(model, LexiconSentiment()),
        retrieve=retrieve,
        respond=ModelResponder(model),
        escalate=Escalate(),
        adapt=Adapt(),
    )
    poor = make_core(core.database, core.keyring, build_graph(skills))
    receipt = await poor.write("talk", "How long does delivery take? This is terrible.")
    await poor.work(receipt.case_id)
    await poor.deliver()
    assert asked.asked == 0
    assert [message.author for message in await poor.seen("talk")] == ["customer", "system"]
    (escalation,) = await poor.rows("select id, rules from escalations")
    assert "no_draft" in escalation["rules"]
    review = await poor.reviews.read(escalation["id"], reader="kim")
    assert "spend ceiling of the day reached" in json.dumps(review.request)


async def test_a_ceiling_in_money_without_a_price_is_refused_at_the_start(core: Core) -> None:
    settings = Settings(_env_file=None, spend=SpendSettings(day_money=Decimal(5)))
    with pytest.raises(ConfigurationError, match="no price is known") as refused:
        async with open_agent(settings, core.database, core.keyring):
            pass
    assert "CSAGENT_MODEL__PRICE_IN" in str(refused.value.hint)


async def test_tokens_and_refusals_are_in_the_metrics(core: Core) -> None:
    metrics = Metrics()
    spend = Spend(core.database, ceilings=Ceilings(day_tokens=1500), prices=Prices(), watcher=metrics)
    model = BudgetedModel(Metered(), spend)
    await ask(model)
    with pytest.raises(ModelUnavailableError):
        await ask(model)
    told = generate_latest(metrics.registry).decode().splitlines()
    assert 'csagent_model_tokens_total{direction="in"} 1000.0' in told
    assert 'csagent_model_tokens_total{direction="out"} 200.0' in told
    assert 'csagent_spend_refused_total{ceiling="day_tokens"} 1.0' in told


async def test_what_was_counted_goes_with_its_case(core: Core, seen: Seen) -> None:
    work = await loaded(core)
    await ask(BudgetedModel(Metered(), spend_on(core, seen)))
    async with core.database.transaction() as connection:
        await connection.execute("delete from messages where case_id = %s", [work.lease.case_id])
        await connection.execute("delete from case_work where case_id = %s", [work.lease.case_id])
        await connection.execute("delete from cases where id = %s", [work.lease.case_id])
    assert await of_cases(core) == []
    assert (await of_day(core))[:2] == (1000, 200)
