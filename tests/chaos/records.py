"""Collects the evidence of a stage, and waits until there is nothing left to do."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx

from channels.gmail.compose import outbox_id
from infra.crypto.keyring import Keyring, decode_key
from infra.postgres.queries import parse
from infra.postgres.seals import key_of
from tests.chaos.correspondents import Promised
from tests.chaos.customers import Acknowledged
from tests.chaos.evidence import Buried, Evidence, Inbound, Outgoing, StoredCase, StoredTurn
from tests.chaos.stage import Stage
from tests.emulators.provider import Call, Take
from tests.product import KEY

_SQL = parse("""
-- name: unsettled
-- What the product still has to do by itself; not what a person has to decide or what an unknown send holds back.
select
    (select count(*) from messages m join cases c on c.id = m.case_id join case_work w on w.case_id = c.id
        where m.direction = 'in' and m.state = 'waiting' and not w.paused and c.owner = 'agent') as waiting,
    (select count(*) from escalations where status = 'decided') as decided,
    (select count(*) from outbox o where o.state in ('pending', 'sending') and not exists (
        select from outbox e where e.conversation_id = o.conversation_id and e.position < o.position
            and e.state = 'unknown')) as unsent,
    (select count(*) from outbox where state = 'unknown' and reconcile_at is not null) as asked,
    (select count(*) from unnest(%(promised)s::text[]) p where not exists (
        select from messages m where m.provider_message_id = p and m.direction = 'in')) as promised
-- name: inbound
select m.id, m.provider_message_id as name, m.case_id, m.conversation_id, m.sequence, m.position, m.state,
    m.turn_id, m.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m join customer_keys k on k.id = m.key_id where m.direction = 'in'
-- name: outgoing
select o.id, o.intent_id, o.ordinal, o.case_id, o.conversation_id, o.channel, o.kind, o.state, o.position as "order",
    exists (select from delivery_reports r where r.outbox_id = o.id and r.failure is not null) as reported,
    (select count(*)::int from delivery_reports r where r.outbox_id = o.id and r.superseded) as superseded,
    m.position as seen, m.author, m.id as message_id, m.body_sealed,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from outbox o join messages m on m.id = o.message_id join customer_keys k on k.id = m.key_id
-- name: turns
select id, case_id, status, first_sequence, last_sequence from turns
-- name: cases
select c.id, c.owner, w.paused,
    (select s.status from escalations s where s.case_id = c.id and s.status in ('open', 'decided')) as escalation
from cases c join case_work w on w.case_id = c.id
-- name: buried
select case_id, turn_id, first_sequence, last_sequence from dead_letters
-- name: decisions
select escalation_id, count(*) as n from decisions group by escalation_id
""")
_UNKNOWN = re.compile(r'^csagent_outbox_troubled\{state="unknown"\} (\S+)$', re.MULTILINE)


async def settled(stage: Stage, *, patience: float = 120.0) -> dict[str, int]:
    """Wait until the product has nothing left to do by itself; what is left when it did not get there in time."""
    deadline = time.monotonic() + patience
    while True:
        (left,) = await stage.rows(_SQL["unsettled"], promised=[one.name for one in promised_to(stage)])
        if not any(left.values()) or time.monotonic() > deadline:
            return {what: count for what, count in left.items() if count}
        await asyncio.sleep(0.2)


async def collect(stage: Stage) -> Evidence:
    """Everything that there is to judge."""
    inbound, outgoing = await stage.rows(_SQL["inbound"]), await stage.rows(_SQL["outgoing"])
    decisions = await stage.rows(_SQL["decisions"])
    names = {row["id"]: row.pop("name") for row in inbound}
    messages = tuple(Inbound(**_opened(row, row["id"])) for row in inbound)
    stored = {names[message.id]: message for message in messages}
    kept = [*stage.customers.acknowledged.values(), *(_resolved(one, stored) for one in promised_to(stage))]
    return Evidence(
        acknowledged=tuple(kept),
        inbound=messages,
        outgoing=tuple(Outgoing(**_opened(row, row.pop("message_id"))) for row in outgoing),
        turns=tuple(StoredTurn(**row) for row in await stage.rows(_SQL["turns"])),
        cases=tuple(StoredCase(**row) for row in await stage.rows(_SQL["cases"])),
        buried=tuple(Buried(**row) for row in await stage.rows(_SQL["buried"])),
        decisions={row["escalation_id"]: row["n"] for row in decisions},
        reviewed=tuple(stage.reviewers.answers),
        calls=(*stage.provider.calls, *ledger(stage)),
        shown_unknown=await _shown_unknown(stage),
    )


def promised_to(stage: Stage) -> list[Promised]:
    """What customers by mail and by WhatsApp were promised."""
    return [] if stage.correspondents is None else stage.correspondents.promised


def ledger(stage: Stage) -> list[Call]:
    """What really went out, as the emulated providers have it."""
    if stage.correspondents is None:
        return []
    calls = []
    for sent in stage.correspondents.gmail.mailbox.sent:
        found = outbox_id(sent.identity.message_id)
        if found is not None:
            calls.append(Call(found, sent.identity.recipients[0], "", 0.0, Take()))
    for message in stage.correspondents.twilio.sent:
        asked = parse_qs(urlsplit(message.status_callback or "").query)
        if "delivery" in asked:
            at, part = message.created.timestamp(), int(asked["part"][0])
            calls.append(Call(UUID(asked["delivery"][0]), message.to, message.body, at, Take(), part))
    return calls


def _resolved(promised: Promised, stored: Mapping[str, Inbound]) -> Acknowledged:
    """As if the customer had been told its id; a message that is not stored has one that nobody knows."""
    found = stored.get(promised.name)
    text = promised.text or (found.text if found else promised.name)
    return Acknowledged(
        found.id if found else uuid4(),
        found.case_id if found else uuid4(),
        promised.talk,
        promised.number,
        text,
        promised.in_order,
        promised.owed,
    )


async def _shown_unknown(stage: Stage) -> int:
    """How many unknown sends an operator sees in the metrics."""
    async with httpx.AsyncClient(trust_env=False, timeout=15.0) as client:
        text = (await client.get(f"http://127.0.0.1:{stage.product.port}/metrics")).text
    found = _UNKNOWN.search(text)
    return 0 if found is None else int(float(found[1]))


def _opened(row: dict[str, Any], message_id: Any) -> dict[str, Any]:
    """The row without its seals, and its text."""
    key = decode_key("test", KEY)
    text = key_of(Keyring({"test": key}, key), row).open(
        bytes(row["body_sealed"]), place="messages.body_sealed", row=message_id
    )
    sealed = {"body_sealed", "key_id", "customer_id", "wrapped", "master_key_id"}
    return {name: value for name, value in row.items() if name not in sealed} | {"text": text}
