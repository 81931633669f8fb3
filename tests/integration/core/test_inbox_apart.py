"""What a message changes is its own: other people's cases, claims and pace stay as they are."""

from __future__ import annotations

from dataclasses import replace

from channels.envelope import ClaimedAddress, Envelope
from channels.web import CHAT
from infra.postgres.inbox import Inbox, Receipt
from infra.postgres.pace import Pace
from infra.postgres.queries import load
from skills.turn import ChannelName
from tests.core import NOW, Core

MAIL = ChannelName("mail")
RESOLVE = "update cases set status = 'resolved', resolved_at = now() where id = %s returning 1"


def a_mail(key: str, thread: str, address: str = "kim@example.com") -> Envelope:
    return Envelope(channel=MAIL, provider_message_id=key, thread=thread, address=address, text=key, verified=True)


def a_chat(key: str, *claims: str) -> Envelope:
    claimed = tuple(ClaimedAddress(MAIL, address) for address in claims)
    return Envelope(
        channel=CHAT, provider_message_id=key, thread=key, address=key, text=key, verified=False, claims=claimed
    )


async def receive(core: Core, envelope: Envelope) -> Receipt:
    return await core.inbox.receive(envelope, settle=NOW)


async def due(core: Core, receipt: Receipt) -> bool:
    (row,) = await core.rows("select due_at <= now() as due from case_work where case_id = %s", receipt.case_id)
    return bool(row["due"])


async def test_a_message_makes_its_own_case_due_and_no_other(core: Core) -> None:
    one, other = [await receive(core, a_chat(key)) for key in ("one", "other")]
    for receipt in (one, other):
        await core.work(receipt.case_id)
    await receive(core, replace(a_chat("more"), thread="one"))
    assert [await due(core, receipt) for receipt in (one, other)] == [True, False]


async def test_a_claim_that_another_makes_too_is_written_down_for_each(core: Core) -> None:
    talks = [await receive(core, a_chat(key)) for key in ("one", "other")]
    for key in ("one", "other"):
        for n in range(2):
            await receive(core, replace(a_chat(f"{key} {n}", "kim@example.com"), thread=key))
    claims = await core.rows("select customer_id from identities where channel = 'mail'")
    assert len(claims) == len({row["customer_id"] for row in claims}) == len(talks)


async def test_cases_of_others_and_of_long_ago_slow_nobody_down(core: Core) -> None:
    core.inbox = Inbox(core.database, core.keyring, Pace(cases_an_hour=1))
    for n in range(4):
        await receive(core, a_mail(f"of lee {n}", f"of lee {n}", "lee@example.com"))
    old = await receive(core, a_mail("old", "old"))
    await core.rows("update cases set opened_at = now() - interval '61 minutes' where id = %s returning 1", old.case_id)
    new = await receive(core, a_mail("new", "new"))
    assert await due(core, new)
    assert not await due(core, await receive(core, a_mail("newer", "newer")))


async def test_who_comes_second_finds_the_open_case_of_this_talk(core: Core) -> None:
    talks = [await receive(core, a_mail(key, key, f"{key}@example.com")) for key in ("one", "two", "three")]
    (customer,) = await core.rows("select customer_id from cases where id = %s", talks[1].case_id)
    found = {"customer_id": customer["customer_id"], "conversation_id": talks[1].conversation_id}
    open_case = load("inbox")["open_case"]
    async with core.database.connection() as connection:
        cursor = await connection.execute(open_case, {"id": talks[0].message_id, **found})
        assert await cursor.fetchall() == [{"id": talks[1].case_id}]
        await connection.execute(RESOLVE, (talks[1].case_id,))
        cursor = await connection.execute(open_case, {"id": talks[0].message_id, **found})
        assert await cursor.fetchall() == [{"id": talks[0].message_id}]
