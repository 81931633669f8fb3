"""Conversations found by staff: by words of sealed messages, names, addresses, ids, topics; and listed by filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest

from channels.addresses import EMAIL
from channels.envelope import Envelope
from channels.web import CHAT
from graph.build import build_graph
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.histories import Histories
from infra.postgres.inbox import Receipt
from infra.postgres.search import ConversationSearch, Filters, FoundCases
from infra.postgres.words import Words
from infra.search.words import first_id
from skills.errors import BadRequestError, NotFoundError
from skills.turn import CaseId, CustomerId, Intent
from tests.core import NOW, Core, make_core
from tests.integration.core.identity import Identities
from tests.trivial import OfTurn, trivial_skills

ALL = Filters()


@dataclass
class Desk:
    """A core, and staff who search."""

    core: Core
    words: Words
    search: ConversationSearch

    async def write(self, text: str, *, name: str | None = None, thread: str | None = None) -> Receipt:
        """Somebody new, by chat."""
        thread = thread or uuid4().hex
        return await self.core.inbox.receive(
            Envelope(CHAT, uuid4().hex, thread, thread, text, verified=False, name=name), settle=NOW
        )

    async def find(self, text: str, filters: Filters = ALL, **options: object) -> FoundCases:
        return await self.search.found(text, filters, reader="kim", **options)  # type: ignore[arg-type]

    async def cases(self, text: str, filters: Filters = ALL) -> list[CaseId]:
        return [item.case_id for item in (await self.find(text, filters)).items]


@pytest.fixture
def desk(core: Core) -> Desk:
    return make_desk(core)


def make_desk(core: Core) -> Desk:
    words = Words(core.database, core.keyring)
    return Desk(core, words, ConversationSearch(core.database, core.keyring, words))


async def test_messages_are_found_by_whole_words_all_of_them_and_ours_too(desk: Desk) -> None:
    broken = await desk.write("The Gl\u00fcckskeks arrived broken, order A-7731")
    late = await desk.write("My order 7731 is late")
    await desk.core.work(broken.case_id)
    assert await desk.cases("broken") == []
    assert (await desk.words.write()).messages == 3
    assert await desk.cases("GLUCKSKEKS") == [broken.case_id]
    assert await desk.cases("7731") == [broken.case_id, late.case_id]  # the agent echoed it last
    assert await desk.cases("late 7731 order") == [late.case_id]
    assert await desk.cases("broken late") == []
    assert await desk.cases("glucks") == []
    (ours,) = await desk.core.rows("select id from messages where author = 'agent'")
    found = await desk.find("echo")
    assert [(item.case_id, item.message_id, item.author) for item in found.items] == [
        (broken.case_id, ours["id"], "agent")
    ]
    assert [item.author for item in (await desk.find("late 7731 order")).items] == ["customer"]


async def test_what_shares_its_tags_but_not_its_words_is_never_shown(desk: Desk) -> None:
    receipt = await desk.write("a parcel")
    await desk.words.write()
    await desk.core.rows(
        "update message_words set words = (select array_agg(n::smallint) from generate_series(-32768, 32767) n)"
        " returning 1"
    )
    assert await desk.cases("quokka") == []
    assert await desk.cases("parcel") == [receipt.case_id]


@pytest.mark.parametrize("one_by_one", [1, 3, 5000])
async def test_however_far_back_a_word_or_name_was_written_it_is_found_once_and_in_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, one_by_one: int
) -> None:
    monkeypatch.setattr("infra.postgres.words._ONE_BY_ONE", one_by_one)
    names = ("Dana Holm", "Eli Berg", "Finn Holm", None, "Gro Holm", None)
    cases = [
        (await desk.write(f"my {('green', 'blue')[n % 2]} parcel", name=name)).case_id for n, name in enumerate(names)
    ]
    await desk.words.write()
    assert await desk.cases("parcel") == cases[::-1]
    assert await desk.cases("blue parcel") == [cases[5], cases[3], cases[1]]
    assert [one.name for one in (await desk.find("holm")).customers] == ["Gro Holm", "Finn Holm", "Dana Holm"]
    page = await desk.find("parcel", limit=4)
    rest = await desk.find("parcel", after=page.after, limit=4)
    assert [item.case_id for item in page.items + rest.items] == cases[::-1]


async def test_a_word_is_found_in_every_month_however_rare_it_was_in_the_later_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_STEP": 2, "_LATER_STEP": 3, "_ONE_BY_ONE": 3, "_ONE_BY_ONE_OF_RARE": 1}.items():
        monkeypatch.setattr(f"infra.postgres.words.{name}", value)
    cases, numbers = [], count()
    for months in (3, 2, 1, 0):
        begin = first_id(datetime.now(UTC) - timedelta(days=31 * months)).int
        monkeypatch.setattr("infra.postgres.inbox.uuid7", lambda begin=begin: UUID(int=begin + next(numbers)))
        for number in range(5):
            said = months > 1 or number == 2
            receipt = await desk.write("a parcel" if said else "something else")
            cases += [receipt.case_id] if said else []
    await desk.words.write()
    assert await desk.cases("parcel") == cases[::-1]


async def test_the_job_goes_on_where_it_was_and_finds_what_came_in_late(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.postgres.words.BATCH", 2)
    receipts = [await desk.write(f"parcel {n}") for n in range(5)]

    class Enough(Exception):  # noqa: N818 - not an error
        pass

    rounds = iter((True, True, False))

    async def check() -> None:
        if not next(rounds):
            raise Enough

    with pytest.raises(Enough):
        await desk.words.write(check=check)
    assert len(await desk.cases("parcel")) == 2
    behind = (await desk.find("parcel")).behind_since
    assert behind is not None
    assert abs(datetime.now(UTC) - behind) < timedelta(minutes=1)
    assert (await desk.words.write()).messages == 3
    assert len(await desk.cases("parcel")) == 5
    assert (await desk.find("parcel")).behind_since is None
    assert (await desk.words.write()).messages == 0
    await desk.core.rows("delete from message_words where message_id = %s returning 1", receipts[0].message_id)
    assert (await desk.words.write()).messages == 1


async def test_what_is_erased_can_be_found_by_nothing_any_more(desk: Desk) -> None:
    receipt = await desk.write("my parcel", name="Dana Holm")
    other = await desk.write("my parcel", name="Eli Holm")
    waits = await desk.write("my parcel too", name="Finn Holm")
    await desk.core.rows("delete from message_words returning 1")
    await desk.words.write()
    destroy = "update customer_keys set wrapped = null, destroyed_at = now() where customer_id = %s returning id"
    (gone,) = await desk.core.rows(destroy, await customer_of(desk, receipt))
    left = (
        "select (select count(*) from message_words where key_id = %s)"
        " + (select count(*) from customer_words where key_id = %s) as n"
    )
    assert await desk.core.rows(left, gone["id"], gone["id"]) == [{"n": 0}]
    assert set(await desk.cases("parcel")) == {other.case_id, waits.case_id}
    assert set(await desk.cases("Holm")) == {other.case_id, waits.case_id}
    assert (await desk.words.write()).messages == 0
    assert (await desk.find("parcel")).behind_since is None


async def test_a_message_takes_its_words_with_it(desk: Desk) -> None:
    receipt = await desk.write("my parcel")
    await desk.words.write()
    await desk.core.rows("delete from messages where id = %s returning 1", receipt.message_id)
    assert await desk.core.rows("select * from message_words") == []


async def customer_of(desk: Desk, receipt: Receipt) -> CustomerId:
    rows = await desk.core.rows("select customer_id from cases where id = %s", receipt.case_id)
    return CustomerId(rows[0]["customer_id"])


async def test_a_name_an_address_and_an_id_find_their_customer(desk: Desk) -> None:
    identities = Identities(desk.core)
    mailed = await identities.mail("dana@example.com", "hello", name="Dana \u00d8rsted-Holm")
    chatted = await desk.write("I am not Dana", name="Eli Holm")
    await desk.words.write()
    by_name = await desk.find("holm dana")
    assert [(item.case_id, item.found_by, item.customer_name) for item in by_name.items] == [
        (mailed.case_id, "name", "Dana \u00d8rsted-Holm")
    ]
    assert [one.name for one in by_name.customers] == ["Dana \u00d8rsted-Holm"]
    by_address = await desk.find(" DANA@example.com")
    assert (by_address.kind, [item.case_id for item in by_address.items]) == ("address", [mailed.case_id])
    assert (await desk.find("nobody@example.com")).items == ()
    for known in (chatted.case_id, chatted.message_id, chatted.conversation_id, await customer_of(desk, chatted)):
        found = await desk.find(str(known))
        assert (found.kind, [item.case_id for item in found.items]) == ("id", [chatted.case_id])
    customer, other = await customer_of(desk, mailed), await customer_of(desk, chatted)
    await identities.customers.merge(customer, other, reviewer="kim")
    assert [one.id for one in (await desk.find("dana holm")).customers] == [other]
    assert set(await desk.cases("dana@example.com")) == {mailed.case_id, chatted.case_id}


async def test_a_topic_finds_its_cases_and_is_told_from_words(database: Database, keyring: Keyring) -> None:
    async def intent(state: OfTurn) -> dict[str, Intent]:
        return {
            "intent": Intent("Returns", "Returns", 0.9, "in")
            if "back" in state["turn"].text
            else Intent(None, None, 0, "near")
        }

    desk = make_desk(make_core(database, keyring, build_graph(replace(trivial_skills(), intent=intent))))
    back, word = await desk.write("take it back"), await desk.write("about returns")
    for receipt in (back, word):
        await desk.core.work(receipt.case_id)
    await desk.words.write()
    found = await desk.find("returns")
    assert (found.kind, [(item.case_id, item.topic) for item in found.items]) == ("topic", [(back.case_id, "Returns")])
    assert [item.case_id for item in (await desk.find("returns", by="words")).items] == [word.case_id]
    assert await desk.search.topics() == ["Returns"]
    listed = await desk.search.listed(Filters(topic="Returns"), reader="kim")
    assert [item.case_id for item in listed.items] == [back.case_id]


async def test_the_list_is_paged_by_a_key_and_filtered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    identities = Identities(desk.core)
    receipts = [await desk.write(f"parcel {n}") for n in range(5)]
    mailed = await identities.mail("dana@example.com", "parcel by mail")
    newest = [receipt.case_id for receipt in (mailed, *reversed(receipts))]
    await desk.core.cases.take_over(receipts[0].case_id, "lee")
    await desk.core.work(receipts[1].case_id)
    await desk.core.cases.resolve(receipts[1].case_id, "lee")

    async def everything(filters: Filters, text: str | None = None) -> list[CaseId]:
        found: list[CaseId] = []
        after: str | None = None
        while True:
            page = await (
                desk.search.listed(filters, reader="kim", after=after, limit=2)
                if text is None
                else desk.search.found(text, filters, reader="kim", after=after, limit=2)
            )
            found += [item.case_id for item in page.items]
            after = page.after
            if after is None:
                return list(dict.fromkeys(found))  # a case comes again with an older message

    await desk.words.write()
    monkeypatch.setattr("infra.postgres.search._REACH", 3)
    assert await everything(ALL) == newest
    assert set(await everything(ALL, "parcel")) == set(newest)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for filters, wanted in (
        (Filters(state="resolved"), [receipts[1].case_id]),
        (Filters(channel="email"), [mailed.case_id]),
        (Filters(owner="human", state="open"), [receipts[0].case_id]),
        (Filters(person="lee"), [receipts[0].case_id]),
        (Filters(customer_id=await customer_of(desk, mailed)), [mailed.case_id]),
        (Filters(since=tomorrow), []),
        (Filters(until=tomorrow), newest),
        (Filters(language="de"), []),
    ):
        assert await everything(filters) == wanted, filters
        assert set(await everything(filters, "parcel")) == set(wanted), filters
    with pytest.raises(BadRequestError, match="earlier page"):
        await desk.search.listed(ALL, reader="kim", after="words.77")


async def test_a_look_says_who_was_shown_what_and_never_what_was_looked_for(desk: Desk) -> None:
    receipt = await desk.write("my zanzibarina", name="Dana")
    await desk.words.write()
    await desk.find("zanzibarina")
    await desk.find("quokka")
    await desk.search.listed(ALL, reader="kim")
    events = await desk.core.rows("select kind, actor, data from events where kind like 'conversations.%%' order by at")
    case = str(receipt.case_id)
    assert [(event["kind"], event["actor"], event["data"].get("cases")) for event in events] == [
        ("conversations.searched", "kim", [case]),
        ("conversations.searched", "kim", []),
        ("conversations.listed", "kim", [case]),
    ]
    assert "zanzibarina" not in str(events)
    assert "quokka" not in str(events)


async def test_a_case_has_a_history_and_a_customer_one_talk_over_all_channels(desk: Desk) -> None:
    identities = Identities(desk.core)
    histories = Histories(desk.core.database, desk.core.keyring)
    first = await identities.mail("dana@example.com", "by mail")
    second = await identities.mail("dana@example.com", "by another mail")
    customer = await customer_of(desk, first)
    said = await histories.of_customer(customer, reader="kim")
    assert [(line.channel, line.text) for line in said] == [(EMAIL, "by mail"), (EMAIL, "by another mail")]
    earlier = await histories.of_customer(customer, reader="kim", before=second.message_id)
    assert [line.id for line in earlier] == [first.message_id]
    await desk.core.cases.take_over(first.case_id, "lee")
    await desk.core.cases.read(first.case_id, reader="lee")
    history = await histories.of_case(first.case_id, reader="kim")
    assert [(event.kind, event.actor) for event in history.events] == [
        ("case.taken_over", "lee"),
        ("message.received", "customer"),
    ]
    looks = await histories.of_case(first.case_id, reader="kim", looks=True)
    assert [event.kind for event in looks.events][:2] == ["case.history_read", "case.read"]
    for unknown in (
        histories.of_case(CaseId(UUID(int=1)), reader="kim"),
        histories.of_customer(CustomerId(UUID(int=1)), reader="kim"),
    ):
        with pytest.raises(NotFoundError):
            await unknown
