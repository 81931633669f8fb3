"""From a mail in the mailbox to what the product stores: a customer's message, a person's reply, or nothing.

Who writes. A From line is believed only where Gmail found that its domain sent the mail (``proof``). What is not
proven is kept in a talk of its own: Gmail puts a mail into a thread by its references and subject, which anybody can
write, and nobody may speak in somebody else's talk. So a talk is a thread and an address, and whether it is proven.

Names. A message goes by its Message-ID, so that the same mail through two doors is one message, and so that answers
find what they answer. Ids of other people's machines may have their names in them: they are hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from channels.attachments import Limits
from channels.envelope import Envelope, File
from channels.gmail import EMAIL
from channels.gmail.account import RawMail
from channels.gmail.automatic import Judgement, Kind, is_robot, judge
from channels.gmail.bounce import Bounce
from channels.gmail.compose import MAX_REFERENCES, OWN_ID, outbox_id
from channels.gmail.headers import Address
from channels.gmail.mail import Mail, read_mail
from channels.gmail.proof import proven
from skills.turn import ForPerson

HIDDEN = frozenset({"DRAFT", "SPAM", "TRASH", "CHAT"})
"""What is no mail, not yet, or not for us."""
SENT = "SENT"
MAX_TALKS = 20
"""So many recipients of a person's mail are looked for."""


@dataclass(frozen=True, slots=True)
class Own:
    """Who we are on mail."""

    addresses: frozenset[str]
    """The mailbox's, in lower case."""
    lists: frozenset[str] = frozenset()
    """List-Ids through which customers write to us, in lower case without angle brackets."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that came in."""

    envelope: Envelope
    judgement: Judgement
    bounce: Bounce | None = None
    reported: UUID | None = None
    """Which of our own mails a bounce is about: the outbox row's id."""


@dataclass(frozen=True, slots=True)
class WrittenByPerson:
    """A mail that a person sent from the mailbox, past us."""

    envelope: Envelope
    """Of which the address means nothing."""
    talks: tuple[str, ...]
    """The threads, as envelopes name them, in which it may stand."""
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """A mail that we sent ourselves."""

    outbox_id: UUID


Understood = Received | WrittenByPerson | OwnCopy


def understand(found: RawMail, own: Own) -> Understood | None:
    """What a mail is to us; ``None`` for one that is no mail for us: a draft, spam, a deleted one, a chat."""
    if HIDDEN & found.labels:
        return None
    mail = read_mail(found.raw, limits=own.limits)
    if SENT in found.labels:
        sent = outbox_id(mail.message_id) or _marked(mail)
        if sent is not None:
            # By the form of its id alone: nobody but us writes into this mailbox's sent mail, and rows are archived.
            return OwnCopy(sent)
        return _written(found, mail, own)
    return _received(found, mail, own)


def name_of(message_id: str | None, gmail_id: str) -> str:
    """What the product calls a mail."""
    return f"gmail:{gmail_id}" if message_id is None else named(message_id)


def named(message_id: str) -> str:
    """What the product calls the mail with a Message-ID."""
    return f"mid:{hashlib.sha256(message_id.strip().encode()).hexdigest()[:40]}"


def talk(thread_id: str, address: str, *, verified: bool) -> str:
    """What the product calls a talk."""
    return f"{thread_id} {address}" if verified else f"{thread_id} {address} unproven"


def under_gmails_name(envelope: Envelope) -> Envelope:
    """The same message for when another one with the same Message-ID is here."""
    return replace(envelope, provider_message_id=f"gmail:{envelope.detail['gmail_id']}")


def unread(found: RawMail, reason: str) -> Envelope:
    """A mail that nothing could be made of, for a person to look at."""
    return Envelope(
        channel=EMAIL,
        provider_message_id=f"gmail:{found.id}",
        thread=talk(found.thread_id, _nobody(found), verified=False),
        address=_nobody(found),
        text=f"[This mail could not be read: {reason}. The original is kept.]",
        verified=False,
        written_at=found.received_at,
        detail={"gmail_id": found.id, "thread_id": found.thread_id},
        original=_original(found),
        for_person="unreadable",
    )


def _received(found: RawMail, mail: Mail, own: Own) -> Received:
    judgement = judge(mail, own_lists=own.lists)
    sender, reply_to, verified = _writer(found, mail, own)
    if sender.address in own.addresses:
        judgement = Judgement(Kind.AUTOMATIC, "our own address")
    detail = _detail(found, mail)
    if reply_to:
        detail["reply_to"] = reply_to
    bounce = mail.bounce if judgement.kind is Kind.BOUNCE else None
    return Received(
        Envelope(
            channel=EMAIL,
            provider_message_id=name_of(mail.message_id, found.id),
            thread=talk(found.thread_id, sender.address, verified=verified),
            address=sender.address,
            text=mail.text,
            verified=verified,
            name=sender.name,
            written_at=found.received_at,
            related=_related(mail),
            detail=detail,
            original=_original(found),
            attachments=tuple(attachment.file for attachment in mail.attachments),
            for_person=_for_person(mail),
            automatic=judgement.kind is not Kind.PERSON,
        ),
        judgement,
        bounce,
        None if bounce is None else outbox_id(bounce.original_message_id),
    )


def _written(found: RawMail, mail: Mail, own: Own) -> WrittenByPerson:
    others = [one.address for one in (*mail.to, *mail.cc) if one.address not in own.addresses][:MAX_TALKS]
    return WrittenByPerson(
        Envelope(
            channel=EMAIL,
            provider_message_id=name_of(mail.message_id, found.id),
            thread=found.thread_id,
            address=min(own.addresses),
            text=mail.text,
            verified=True,
            written_at=found.received_at,
            related=_related(mail),
            detail=_detail(found, mail),
            original=_original(found),
            attachments=tuple(attachment.file for attachment in mail.attachments),
        ),
        tuple(talk(found.thread_id, other, verified=proof) for proof in (True, False) for other in others),
        tuple(others),
    )


def _writer(found: RawMail, mail: Mail, own: Own) -> tuple[Address, str | None, bool]:
    """Who wrote, whom to answer instead if that is somebody else, and whether the writer's address is proven."""
    if mail.sender is None:
        return Address(_nobody(found)), None, False
    others = [one for one in mail.reply_to if one.address not in own.addresses]
    if len(others) == 1 and (is_robot(mail.sender.address) or _is_list(mail.sender.address, own.lists)):
        # A form, or a list that writes under its own name: the writer is who is to be answered, as anybody can say.
        return others[0], None, False
    verified = mail.unreadable is None and proven(mail)
    elsewhere = others[0].address if verified and len(others) == 1 else None
    return mail.sender, elsewhere if elsewhere != mail.sender.address else None, verified


def _is_list(address: str, lists: Iterable[str]) -> bool:
    return address.replace("@", ".") in lists


def _detail(found: RawMail, mail: Mail) -> dict[str, str]:
    detail: Mapping[str, str | None] = {
        "gmail_id": found.id,
        "thread_id": found.thread_id,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "references": " ".join(mail.references[-MAX_REFERENCES:] or ((mail.in_reply_to,) if mail.in_reply_to else ())),
        "name": mail.sender.name if mail.sender else None,
        "notes": "\n".join(mail.notes)[:2_000],
    }
    return {name: value for name, value in detail.items() if value}


def _related(mail: Mail) -> tuple[str, ...]:
    ids = (mail.in_reply_to, *reversed(mail.references))
    return tuple(named(one) for one in dict.fromkeys(ids) if one)[:MAX_REFERENCES]


def _for_person(mail: Mail) -> ForPerson | None:
    if mail.unreadable is not None:
        return "unreadable"
    return "files_only" if not mail.original_text.strip() and mail.attachments else None


def _marked(mail: Mail) -> UUID | None:
    """The id that we put beside the Message-ID, in case that Gmail has replaced that one."""
    try:
        return UUID(hex=mail.header(OWN_ID).strip())
    except ValueError:
        return None


def _nobody(found: RawMail) -> str:
    """An address that no mail can be sent to (RFC 2606)."""
    return f"{found.id}@sender.invalid"


def _original(found: RawMail) -> File:
    return File(f"{found.id}.eml", "message/rfc822", len(found.raw), found.raw)
