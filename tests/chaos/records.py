"""Collects the evidence of a stage, and waits until there is nothing left to do."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import httpx

from infra.crypto.keyring import Keyring, decode_key
from infra.postgres.queries import parse
from infra.postgres.seals import key_of
from tests.chaos.evidence import Buried, Evidence, Inbound, Outgoing, StoredCase, StoredTurn
from tests.chaos.stage import Stage
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
            and e.state = 'unknown')) as unsent
-- name: inbound
select m.id, m.case_id, m.conversation_id, m.sequence, m.position, m.state, m.turn_id, m.body_sealed,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m join customer_keys k on k.id = m.key_id where m.direction = 'in'
-- name: outgoing
select o.id, o.intent_id, o.ordinal, o.case_id, o.conversation_id, o.channel, o.kind, o.state, o.position as "order",
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
        (left,) = await stage.rows(_SQL["unsettled"])
        if not any(left.values()) or time.monotonic() > deadline:
            return {what: count for what, count in left.items() if count}
        await asyncio.sleep(0.2)


async def collect(stage: Stage) -> Evidence:
    """Everything that there is to judge."""
    inbound, outgoing = await stage.rows(_SQL["inbound"]), await stage.rows(_SQL["outgoing"])
    decisions = await stage.rows(_SQL["decisions"])
    return Evidence(
        acknowledged=tuple(stage.customers.acknowledged.values()),
        inbound=tuple(Inbound(**_opened(row, row["id"])) for row in inbound),
        outgoing=tuple(Outgoing(**_opened(row, row.pop("message_id"))) for row in outgoing),
        turns=tuple(StoredTurn(**row) for row in await stage.rows(_SQL["turns"])),
        cases=tuple(StoredCase(**row) for row in await stage.rows(_SQL["cases"])),
        buried=tuple(Buried(**row) for row in await stage.rows(_SQL["buried"])),
        decisions={row["escalation_id"]: row["n"] for row in decisions},
        reviewed=tuple(stage.reviewers.answers),
        calls=tuple(stage.provider.calls),
        shown_unknown=await _shown_unknown(stage),
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
