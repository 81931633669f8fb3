"""A core with the life of a case set, an agent whose answers rest on articles, and a way to let time pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from channels.web import CHAT
from graph.build import Graph, build_graph
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.inbox import Receipt
from infra.postgres.life import Life, SurveyTerms
from skills.turn import CaseId, ChannelName, Citation, Draft, PassageId
from tests.core import Core, make_core
from tests.trivial import Gate, OfRejections, trivial_skills

WHATSAPP, EMAIL = ChannelName("whatsapp"), ChannelName("email")
HOUR = timedelta(hours=1)
LIFE = Life(
    follow_up={"whatsapp": 2 * HOUR},
    silence={"chat": 24 * HOUR, "whatsapp": 30 * HOUR, "email": 96 * HOUR},
    owner_silence=168 * HOUR,
    reopen=timedelta(days=14),
    surveys=SurveyTerms(frozenset({"chat", "email", "whatsapp"}), delay=timedelta(minutes=5)),
)
HELPED = "that solved it, thanks"
NEWEST = "select * from cases order by opened_at desc, id desc limit 1"


def sourced_graph(gate: Gate | None = None) -> Graph:
    """The trivial agent, which names a source for everything that it says but "chat"."""
    trivial = trivial_skills(gate)
    passage = PassageId(UUID(int=7))

    async def respond(state: OfRejections) -> dict[str, Draft]:
        drafted: dict[str, Draft] = await trivial.respond(state)
        draft = drafted["draft"]
        small = "just chatting" in state["turn"].text
        return {"draft": draft if small else replace(draft, citations=(Citation(passage, "Help", draft.text),))}

    return build_graph(replace(trivial, respond=respond))


def living(database: Database, keyring: Keyring, *, life: Life = LIFE, gate: Gate | None = None) -> Core:
    return make_core(database, keyring, sourced_graph(gate), life=life)


async def delivered(core: Core) -> None:
    """Everything in the outbox is with the customer, whichever channel it was for."""
    while claimed := await core.outbox.claim(50):
        await core.outbox.sent([(delivery, None) for delivery in claimed])


async def answered(
    core: Core, thread: str = "talk", text: str = "how long does it take?", *, channel: ChannelName = CHAT
) -> Receipt:
    """A question with its answer, delivered."""
    receipt = await core.write(thread, text, channel=channel)
    await core.work(receipt.case_id)
    await delivered(core)
    return receipt


async def time_passes(core: Core, by: timedelta) -> None:
    """Everything that was has been so much longer ago."""
    for table, columns in {
        "messages": ("received_at", "delivered_at", "provider_time"),
        "cases": ("opened_at", "resolved_at", "reopened_at"),
        "case_work": ("look_at",),
        "surveys": ("created_at", "due_at", "asked_at", "rated_at"),
    }.items():
        moved = ", ".join(f"{column} = {column} - %(by)s" for column in columns)
        async with core.database.connection() as connection:
            await connection.execute(f"update {table} set {moved}".encode(), {"by": by})


async def case_of(core: Core, case_id: CaseId) -> dict[str, Any]:
    (row,) = await core.rows("select * from cases where id = %s", case_id)
    return row


async def end_of(core: Core, case_id: CaseId) -> tuple[Any, ...]:
    """Status, by whom it was resolved, how sure that is, and which end it is."""
    case = await case_of(core, case_id)
    return case["status"], case["resolved_by"], case["resolution"], case["resolution_number"]


async def events(core: Core, case_id: CaseId, like: str = "case.%") -> list[str]:
    rows = await core.rows("select kind from events where case_id = %s and kind like %s order by at, id", case_id, like)
    return [row["kind"] for row in rows]


async def texts(core: Core, case_id: CaseId, kind: str) -> list[str]:
    """What was said of this kind, opened."""
    async with core.database.connection() as connection:
        read = {message.id: message.text for message in await core.cases.transcript(connection, case_id)}
    rows = await core.rows(
        "select message_id from outbox where case_id = %s and kind = %s order by position", case_id, kind
    )
    return [read[row["message_id"]] for row in rows]


async def taken_over_and_answered(core: Core, case_id: CaseId) -> None:
    await core.cases.take_over(case_id, "kim")
    await core.cases.write(case_id, "kim", "Kim here: it is on its way.", intent_id=uuid4())
    await delivered(core)


async def rated(core: Core, case_id: CaseId, comment: str) -> None:
    """A survey of a resolved case, with its answer."""
    (survey,) = await core.rows(
        "insert into surveys (id, case_id, resolution_number, conversation_id, channel, answered_by, due_at)"
        " select gen_random_uuid(), id, 1, conversation_id, 'chat', 'both', now() from cases where id = %s returning *",
        case_id,
    )
    await core.surveys.rate(survey["id"], 4, comment)


async def told_by_provider(core: Core, case_id: CaseId) -> None:
    """As if its texts had gone through a provider that reports, and its files were still there."""
    await core.rows(
        "insert into delivery_reports (outbox_id, name, status, rank) "
        "select id, id::text, 'read', 40 from outbox where case_id = %s returning 1",
        case_id,
    )
    await core.rows(
        "insert into awaited_files (message_id, ordinal, channel, source_sealed) "
        "select f.message_id, f.ordinal, 'whatsapp', ''::bytea from message_files f "
        "join messages m on m.id = f.message_id where m.case_id = %s returning 1",
        case_id,
    )


async def dismissed_as_gap(core: Core, case_id: CaseId) -> None:
    """Somebody has said that what this case's turns asked needs no article."""
    await core.rows(
        "with made as (insert into gap_decisions (id, action, reason, decided_by)"
        " values (gen_random_uuid(), 'dismissed', 'other', 'kim') returning id)"
        " insert into gap_turns select t.id, made.id from turns t, made where t.case_id = %s returning 1",
        case_id,
    )
