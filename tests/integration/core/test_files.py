"""What a message brings with it besides its text: files, what its channel has to remember, further addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.envelope import Envelope, File
from infra.postgres.correspondence import Correspondence
from infra.postgres.files import ORIGINAL, FileEntry, Files
from infra.postgres.inbox import Receipt
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import ChannelName, Decision, MessageId
from tests.core import NOW, Core

MAIL = ChannelName("email")
WHOLE = File("mail.eml", "message/rfc822", 20, b"Subject: hi\n\nhello\n\0\xff")
PICTURE = File("a picture.png", "image/png", 4, b"\x89PNG")
VIRUS = File("invoice.exe", "application/x-msdownload", 9_000_000, None, "executable")


def a_mail(key: str = "1", *, thread: str = "thread", address: str = "kim@example.com", **more: object) -> Envelope:
    envelope = Envelope(
        channel=MAIL, provider_message_id=key, thread=thread, address=address, text=f"mail {key}", verified=True
    )
    return replace(envelope, **more)  # type: ignore[arg-type] # the envelope's own fields


async def receive(core: Core, envelope: Envelope) -> Receipt:
    return await core.inbox.receive(envelope, settle=NOW)


@pytest.mark.parametrize("known", [False, True], ids=["a first message", "a later message"])
@pytest.mark.parametrize("verified", [False, True], ids=["unproven", "proven"])
async def test_the_original_and_attachments_are_kept_with_their_message(
    core: Core, known: bool, verified: bool
) -> None:
    if known:
        await receive(core, a_mail("0", verified=verified))
    files = Files(core.database, core.keyring)
    receipt = await receive(
        core, a_mail(original=WHOLE, attachments=(PICTURE, VIRUS), verified=verified, begins=not known)
    )
    assert (receipt.duplicate, receipt.sequence) == (False, 2 if known else 1)
    assert await files.of_case(receipt.case_id) == [
        FileEntry(receipt.message_id, ORIGINAL, "mail.eml", "message/rfc822", 20, None),
        FileEntry(receipt.message_id, 1, "a picture.png", "image/png", 4, None),
        FileEntry(receipt.message_id, 2, "invoice.exe", "application/x-msdownload", 9_000_000, "executable"),
    ]
    for ordinal, file in enumerate((WHOLE, PICTURE, VIRUS)):
        found = await files.read(receipt.message_id, ordinal)
        assert (found.file, found.case_id, found.conversation_id) == (file, receipt.case_id, receipt.conversation_id)
    with pytest.raises(NotFoundError):
        await files.read(receipt.message_id, 3)
    with pytest.raises(NotFoundError):
        await files.read(MessageId(receipt.case_id), 0)


async def test_a_message_that_comes_again_brings_its_files_once(core: Core) -> None:
    mail = a_mail(original=WHOLE)
    first, second = await receive(core, mail), await receive(core, mail)
    assert (second.message_id, second.duplicate) == (first.message_id, True)
    with pytest.raises(ConflictError):
        await receive(core, replace(mail, text="another text"))
    assert len(await core.rows("select 1 from message_files")) == 1


async def test_nothing_of_a_file_is_readable_in_the_database(core: Core) -> None:
    secret = File("secret name.txt", "text/plain", 6, b"secret content")
    await receive(core, a_mail(attachments=(secret,), detail={"subject": "secret subject"}))
    (row,) = await core.rows("select f::text as text from message_files f")
    assert b"secret".hex() not in row["text"]
    assert "secret" not in row["text"]
    (row,) = await core.rows("select m::text as text from messages m")
    assert b"secret".hex() not in row["text"]


async def test_the_newest_message_tells_what_its_channel_has_to_remember(core: Core) -> None:
    correspondence = Correspondence(core.database, core.keyring)
    first = await receive(core, a_mail("1", detail={"subject": "Hëllo", "message_id": "<1@example.com>"}))
    second = await receive(core, a_mail("2"))
    heard = await correspondence.newest(second.conversation_id)
    assert heard is not None
    assert (heard.provider_message_id, heard.detail) == ("2", {})
    assert await correspondence.last_heard(second.conversation_id) == heard.written_at
    await core.rows("delete from messages where id = %s returning 1", second.message_id)
    heard = await correspondence.newest(first.conversation_id)
    assert heard is not None
    assert heard.detail == {"subject": "Hëllo", "message_id": "<1@example.com>"}
    await core.rows("delete from messages returning 1")
    assert await correspondence.newest(first.conversation_id) is None
    assert await correspondence.last_heard(first.conversation_id) is None


async def test_what_a_machine_wrote_is_kept_and_answered_by_nobody(core: Core) -> None:
    first = await receive(core, a_mail("1", automatic=True))
    later = await receive(core, a_mail("2", automatic=True))
    assert [receipt.waits for receipt in (first, later)] == [False, False]
    assert first.case_id == later.case_id
    assert [row["state"] for row in await core.rows("select state from messages")] == ["handled"] * 2
    assert await core.leases.claim_due(10) == []
    person = await receive(core, a_mail("3"))
    assert (person.waits, person.sequence) == (True, 3)
    work = await core.ledger.load(await core.claim(person.case_id))
    assert work is not None
    assert work.turn is not None
    assert [message.text for message in work.turn.messages] == ["mail 3"]
    assert [message.text for message in work.turn.history] == ["mail 1", "mail 2"]


async def test_a_turn_knows_what_the_agent_can_not_take_in(core: Core) -> None:
    await receive(core, a_mail("1", for_person="unreadable"))
    receipt = await receive(core, a_mail("2"))
    work = await core.ledger.load(await core.claim(receipt.case_id))
    assert work is not None
    assert work.turn is not None
    assert [message.for_person for message in work.turn.messages] == ["unreadable", None]


# ---- further addresses


async def test_an_address_beside_the_writers_own_is_the_same_persons(core: Core) -> None:
    first = await receive(core, a_mail("1", thread="number", address="+491", aliases=("de.1",)))
    second = await receive(core, a_mail("2", thread="id", address="de.1"))
    third = await receive(core, a_mail("3", thread="parent", address="de.2", aliases=("de.1",)))
    assert len({receipt.conversation_id for receipt in (first, second, third)}) == 3
    assert len(await core.rows("select 1 from customers")) == 1
    assert len(await core.rows("select 1 from identities where verified_at is not null")) == 3
    for receipt, address in ((first, "+491"), (second, "de.1"), (third, "de.2")):
        await core.work(receipt.case_id)
        (delivery,) = await core.outbox.claim(10)
        assert delivery.address == address


async def test_a_new_talk_is_answered_at_the_address_that_it_was_begun_from(core: Core) -> None:
    for other in ("+490", "+499"):
        await receive(core, a_mail(other, thread=other, address=other))
    await receive(core, replace(a_mail("chat", thread="+491", address="+491"), channel=ChannelName("chat")))
    await receive(core, a_mail("unproven", thread="unproven", address="de.1", verified=False))
    begun = {}
    for n in range(2):
        for own, alias in (("+491", "de.1"), ("de.1", "+491")):
            receipt = await receive(core, a_mail(f"{own} {n}", thread=f"{own} {n}", address=own, aliases=(alias,)))
            begun[receipt.conversation_id] = (own, receipt.case_id)
    assert len(begun) == 4
    for _, case_id in begun.values():
        await core.work(case_id)
    answered = {delivery.conversation_id: delivery.address for delivery in await core.outbox.claim(10)}
    assert answered == {conversation: own for conversation, (own, _) in begun.items()}


async def test_an_address_that_is_known_to_be_anothers_stays_theirs(core: Core) -> None:
    other = await receive(core, a_mail("1", thread="other", address="de.1"))
    own = await receive(core, a_mail("2", thread="own", address="+491"))
    again = await receive(core, a_mail("3", thread="own", address="+491", aliases=("de.1",)))
    assert again.conversation_id == own.conversation_id
    later = await receive(core, a_mail("4", thread="other", address="de.1"))
    assert later.conversation_id == other.conversation_id
    assert len(await core.rows("select 1 from identities")) == 2


@pytest.mark.parametrize(("own", "alias"), [("+491", "de.1"), ("de.1", "+491")])
async def test_of_two_known_owners_the_one_of_the_writers_own_address_counts(core: Core, own: str, alias: str) -> None:
    known = sorted((own, alias))  # whichever is the writer's own, the same one was there first
    owners = {address: await receive(core, a_mail(address, thread=address, address=address)) for address in known}
    new = await receive(core, a_mail("new", thread="new", address=own, aliases=(alias,)))
    (row,) = await core.rows("select customer_id from cases where id = %s", new.case_id)
    (owner,) = await core.rows("select customer_id from cases where id = %s", owners[own].case_id)
    assert row == owner


async def test_a_message_with_a_further_address_that_comes_again_in_another_talk_leaves_nothing(core: Core) -> None:
    first = await receive(core, a_mail("1", address="+491"))
    again = await receive(core, a_mail("1", thread="another", address="+492", aliases=("de.1",)))
    assert (again.message_id, again.duplicate) == (first.message_id, True)
    assert len(await core.rows("select 1 from identities")) == 1


async def test_an_unproven_writer_with_files_is_nobody_who_is_known(core: Core) -> None:
    await receive(core, a_mail("1"))
    await receive(core, a_mail("2", thread="another", verified=False, attachments=(PICTURE,)))
    assert len(await core.rows("select 1 from customers")) == 2


async def test_an_unproven_writer_proves_no_further_address(core: Core) -> None:
    await receive(core, a_mail("1", address="+491", aliases=("de.1",), verified=False))
    assert len(await core.rows("select 1 from identities")) == 1


# ---- answers to earlier messages


async def test_an_answer_in_a_new_thread_goes_on_in_the_senders_own_talk(core: Core) -> None:
    first = await receive(core, a_mail("1"))
    again = await receive(core, a_mail("2", thread="another", related=("0", "1")))
    assert again.conversation_id == first.conversation_id
    await core.rows(
        "update cases set status = 'resolved', resolved_at = now() where id = %s returning 1", first.case_id
    )
    later = await receive(core, a_mail("3", thread="a third", related=("2",)))
    assert later.conversation_id == first.conversation_id
    assert later.case_id != first.case_id


LATER = "update messages set received_at = now() + make_interval(hours => %s) where id = %s returning 1"


async def test_an_answer_goes_on_in_the_newest_of_the_senders_talks_and_in_nobody_elses(core: Core) -> None:
    others = [await receive(core, a_mail("of ada", thread="ada", address="ada@example.com"))]
    await receive(core, a_mail("unproven", thread="unproven", verified=False))
    talks = {key: await receive(core, a_mail(key, thread=key)) for key in ("one", "two", "three")}
    others.append(await receive(core, a_mail("of zoe", thread="zoe", address="zoe@example.com")))
    for other in others:
        await core.rows(LATER, 99, other.message_id)
    answers = []
    for hours, (key, talk) in enumerate(talks.items(), start=1):
        answers.append((talk, await receive(core, a_mail(f"to {key}", thread=f"to {key}", related=(key,)))))
        await core.rows(LATER, hours, talk.message_id)
        related = ("of zoe", "three", "two", "one", "unproven", "of ada")
        answers.append((talk, await receive(core, a_mail(f"as {key}", thread=f"as {key}", related=related))))
    for talk, answer in answers:
        assert (answer.conversation_id, answer.case_id) == (talk.conversation_id, talk.case_id)
    strange = await core.rows(
        "select 1 from messages m join cases c on c.id = m.case_id join customers u on u.id = c.customer_id"
        " where m.key_id <> u.key_id"
    )
    assert strange == []


async def test_an_answer_to_an_unproven_talk_under_the_same_address_is_a_talk_of_its_own(core: Core) -> None:
    first = await receive(core, a_mail("1", verified=False))
    assert (await receive(core, a_mail("2", thread="new", related=("1",)))).conversation_id != first.conversation_id


@pytest.mark.parametrize(
    "more",
    [{"address": "eve@example.com"}, {"verified": False}, {"related": ("unheard",)}, {"related": ()}],
    ids=["another's", "unproven", "unknown", "none"],
)
async def test_an_answer_by_somebody_else_is_a_talk_of_its_own(core: Core, more: dict[str, object]) -> None:
    first = await receive(core, a_mail("1"))
    mail = a_mail("2", thread="another", related=("1",))
    again = await receive(core, replace(mail, **more))  # type: ignore[arg-type] # the envelope's own fields
    assert again.conversation_id != first.conversation_id


async def test_what_a_person_sends_along_with_a_decision_goes_out_with_its_message(core: Core) -> None:
    receipt = await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    await core.deliver()
    (waiting,) = await core.reviews.queue()
    seen = await core.reviews.read(waiting.id, reader="kim")
    decision = Decision("answer", "kim", "here it is")
    with pytest.raises(BadRequestError):
        await core.reviews.decide(waiting.id, Decision("approve", "kim"), seen=seen.version, files=(PICTURE,))
    await core.reviews.decide(waiting.id, decision, seen=seen.version, files=(PICTURE, PICTURE))
    assert [row["message_id"] for row in await core.rows("select message_id from message_files")] == [None, None]
    await core.work(receipt.case_id)
    (delivery,) = await core.outbox.claim(10)
    assert (delivery.text, delivery.files) == ("here it is", (PICTURE, PICTURE))
    files = Files(core.database, core.keyring)
    assert (await files.read(delivery.message_id, 2)).file == PICTURE
    assert await core.rows("select 1 from message_files where decision_id is not null") == []
