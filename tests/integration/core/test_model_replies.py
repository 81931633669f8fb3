"""A model's answers are kept while their turn is unfinished, sealed, and for that turn and prompt only."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as altered
from uuid import uuid4

import pytest
from pydantic import BaseModel

from graph.handling import CURRENT_WORK
from graph.ports import Work
from infra.postgres.database import Database
from infra.postgres.housekeeping import Housekeeping
from infra.postgres.model_replies import KeptReplies
from skills.errors import DatabaseUnavailableError, ModelUnavailableError
from skills.ports import Answer
from skills.turn import TurnId
from tests.core import Core


class Form(BaseModel):
    text: str


class OtherForm(BaseModel):
    text: str


@dataclass
class Counting:
    """A model that numbers its answers."""

    name: str = "counting"
    asked: list[str] = field(default_factory=list)
    away: bool = False

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        if self.away:
            raise ModelUnavailableError
        self.asked.append(f"{instructions}/{material}")
        return form.model_validate({"text": f"answer {len(self.asked)} to {material}"})


async def loaded(core: Core, text: str = "hello") -> Work:
    receipt = await core.write("talk", text)
    work = await core.ledger.load(await core.claim(receipt.case_id))
    assert work is not None
    CURRENT_WORK.set(work)
    return work


async def test_the_successor_of_a_dead_worker_is_told_what_that_one_was_told(core: Core) -> None:
    work, model = await loaded(core), Counting()
    kept = KeptReplies(model, core.database)
    assert kept.name == "counting"
    first = await kept.fill(instructions="i", material="m", form=Form)
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    again = await core.ledger.load(await core.claim(work.lease.case_id))
    CURRENT_WORK.set(again)
    assert await KeptReplies(model, core.database).fill(instructions="i", material="m", form=Form) == first
    assert model.asked == ["i/m"]


async def test_another_prompt_form_model_or_turn_is_asked_anew(core: Core) -> None:
    work, model = await loaded(core), Counting()
    kept = KeptReplies(model, core.database)
    await kept.fill(instructions="i", material="m", form=Form)
    await kept.fill(instructions="i", material="m2", form=Form)
    await kept.fill(instructions="i2", material="m", form=Form)
    await kept.fill(instructions="i\x1fm", material="", form=Form)
    await kept.fill(instructions="i", material="m", form=OtherForm)
    await KeptReplies(Counting("other"), core.database).fill(instructions="i", material="m", form=Form)
    assert len(model.asked) == 5
    CURRENT_WORK.set(altered(work, lease=altered(work.lease, turn_id=TurnId(uuid4()))))
    await kept.fill(instructions="i", material="m", form=Form)
    assert len(model.asked) == 6
    assert len(await core.rows("select 1 from model_replies")) == 7


async def test_the_commit_forgets_what_was_kept(core: Core) -> None:
    work = await loaded(core)
    await KeptReplies(Counting(), core.database).fill(instructions="i", material="m", form=Form)
    await core.handler.handle(work)
    assert await core.rows("select 1 from model_replies") == []


async def test_what_is_kept_is_sealed(core: Core) -> None:
    await loaded(core)
    await KeptReplies(Counting(), core.database).fill(instructions="i", material="a secret", form=Form)
    (row,) = await core.rows("select reply_sealed, prompt_hash from model_replies")
    assert b"secret" not in row["reply_sealed"]
    assert len(row["prompt_hash"]) == 32


async def test_with_the_database_away_the_model_is_asked(core: Core, database_url: str) -> None:
    await loaded(core)
    closed = Database(database_url, size=2, wait=0.1)
    await closed.open()
    await closed.close()
    model = Counting()
    answer = await KeptReplies(model, closed).fill(instructions="i", material="m", form=Form)
    assert answer.text == "answer 1 to m"
    with pytest.raises(DatabaseUnavailableError):
        async with closed.connection():
            pass


async def test_a_model_that_does_not_answer_leaves_nothing_behind(core: Core) -> None:
    await loaded(core)
    with pytest.raises(ModelUnavailableError):
        await KeptReplies(Counting(away=True), core.database).fill(instructions="i", material="m", form=Form)
    assert await core.rows("select 1 from model_replies") == []


async def test_outside_of_a_turn_nothing_is_kept(core: Core) -> None:
    CURRENT_WORK.set(None)
    model = Counting()
    for _ in range(2):
        await KeptReplies(model, core.database).fill(instructions="i", material="m", form=Form)
    assert len(model.asked) == 2
    assert await core.rows("select 1 from model_replies") == []


async def test_the_housekeeping_forgets_what_no_turn_in_progress_needs(core: Core) -> None:
    work = await loaded(core)
    kept = KeptReplies(Counting(), core.database)
    await kept.fill(instructions="i", material="m", form=Form)
    CURRENT_WORK.set(altered(work, lease=altered(work.lease, turn_id=TurnId(uuid4()))))
    await kept.fill(instructions="i", material="m", form=Form)
    house = Housekeeping(core.database)
    assert await house.forget_model_replies() == 0
    await core.rows("update model_replies set created_at = now() - interval '2 days' returning 1")
    assert await house.forget_model_replies() == 1
    rows = await core.rows("select turn_id from model_replies")
    assert [row["turn_id"] for row in rows] == [work.lease.turn_id]
