"""From a webhook of Twilio to an envelope.

Nothing is dropped: what has no text of its own (a picture, a place, a sticker, a kind that Twilio does not pass on)
gets a text in square brackets that says so, and a reason why a person has to look. Media are named in the envelope and
fetched after the message is acknowledged.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from channels.envelope import COMING, Envelope, File
from channels.whatsapp import PREFIX, WHATSAPP
from channels.whatsapp.consent import Consent, confirmation, consent
from channels.whatsapp.form import Form
from skills.errors import InvalidMessageError
from skills.turn import ForPerson

MOST_MEDIA = 10
MAX_TEXT = 20_000
"""Characters of a message that are kept as its text; WhatsApp's own limit is far below."""
_LONGEST_TYPE = 100
_LONGEST_NAME = 200
_LONGEST_ADDRESS = 200

_SID = re.compile(r"[A-Z]{2}[0-9a-zA-Z]{32}")
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
"""A business-scoped user id: the country, a dot and up to 128 letters and digits. Who hides a number has only that."""

Forwarded = Literal["no", "once", "often"]


@dataclass(frozen=True, slots=True)
class MediaReference:
    """One file of a message, still at Twilio."""

    index: int
    url: str
    """Answers only with the account's credentials, then redirects to a store that must not see them."""
    content_type: str
    """What Twilio says it is; look into the file before believing it."""


@dataclass(frozen=True, slots=True)
class Referral:
    """The advertisement or post from which the customer came to the chat."""

    headline: str
    body: str
    source_url: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message with what an envelope has no place for."""

    envelope: Envelope
    media: tuple[MediaReference, ...] = ()
    consent: Consent | None = None
    aliases: tuple[str, ...] = ()
    """Other addresses that WhatsApp proves to be the same person's: the user id beside a number. One may come alone
    later, when the person hides the number, so both belong to one customer."""
    replied_to: str | None = None
    """The ``MessageSid`` of the message that the customer marked to answer it."""
    forwarded: Forwarded = "no"
    button: str | None = None
    """What the tapped button stands for, as our template defined it."""
    referral: Referral | None = None


def received(form: Form) -> Received:
    """One message, from the parameters of a webhook whose signature holds.

    Raises:
        InvalidMessageError: it names no message, no sender or no number of ours, so that it is no message's webhook.
    """
    sid = form.get("MessageSid") or form.get("SmsMessageSid")
    if not _SID.fullmatch(sid):
        raise InvalidMessageError("a WhatsApp webhook without MessageSid", hint="check the webhook's URL at Twilio")
    addresses = _addresses(form)
    ours = form.get("To").removeprefix(PREFIX)
    if not addresses or not (ours and ours.isprintable()):
        raise InvalidMessageError("a WhatsApp webhook without From or To", hint="check the webhook's URL at Twilio")
    address, *aliases = addresses
    media = _media(form)
    text, for_person = _text(form, media)
    if len(media) < _claimed(form):
        for_person = "unreadable"  # a file is named in a way that nobody can follow
    wish = consent(form.get("Body"), form.get("OptOutType"))
    return Received(
        envelope=Envelope(
            channel=WHATSAPP,
            provider_message_id=sid,
            thread=f"{ours}/{address}",
            address=address,
            text=text[:MAX_TEXT],
            verified=True,  # WhatsApp lets nobody write with another's number or user id
            name=_name(form),
            aliases=tuple(aliases),
            detail=_detail(form),
            original=_original(form, text) if for_person == "unreadable" or len(text) > MAX_TEXT else None,
            attachments=tuple(_awaited(one) for one in media),
            for_person=for_person,
            automatic=wish is Consent.STOP,  # there is nothing to answer
            consent="stop" if wish is Consent.STOP else "start" if wish is Consent.START else None,
            # Where Twilio has understood the wish by itself it has answered too.
            confirmation=confirmation(wish, form.get("Body")) if wish and not form.get("OptOutType") else None,
        ),
        media=media,
        consent=wish,
        aliases=tuple(aliases),
        replied_to=form.get("OriginalRepliedMessageSid") or None,
        forwarded=_forwarded(form),
        button=form.get("ButtonPayload") or None,
        referral=_referral(form),
    )


def unreadable(body: bytes) -> Envelope:
    """A webhook of Twilio's that nothing could be made of, for a person to look at. The same one is the same message.

    Its signature holds, so it may be somebody's message in a form that we don't know; its original says whose.
    """
    name = f"unread:{hashlib.sha256(body).hexdigest()[:40]}"
    return Envelope(
        channel=WHATSAPP,
        provider_message_id=name,
        thread=name,
        address=name,
        text="[A WhatsApp message could not be read. The original is kept.]",
        verified=False,
        original=File("webhook.txt", "text/plain", len(body), body),
        for_person="unreadable",
    )


def _addresses(form: Form) -> list[str]:
    """Every address of the sender, the one to answer to first: the number, else the id, else what ``From`` holds."""
    sender = form.get("From").removeprefix(PREFIX).strip()
    digits = form.get("WaId")
    user_ids = [form.get("ExternalUserId").removeprefix(PREFIX), sender, form.get("ParentExternalUserId")]
    found = [
        _number(sender) or "",
        *(user_id for user_id in user_ids if _USER_ID.fullmatch(user_id)),
    ]
    found = [address for address in dict.fromkeys(found) if address]
    if not found:
        found = [sender or _number(f"+{digits}") or ""]
    return [address for address in found if address.isprintable() and 0 < len(address) <= _LONGEST_ADDRESS]


def _number(text: str) -> str | None:
    """A phone number in E.164. One that is of no known plan stays as WhatsApp wrote it, for WhatsApp knows it."""
    if not re.fullmatch(r"\+\d{5,18}", text, re.ASCII):
        return None
    try:
        return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return text


def _name(form: Form) -> str | None:
    name = " ".join("".join(mark if mark.isprintable() else " " for mark in form.get("ProfileName")).split())
    return name[:_LONGEST_NAME] or None


def _media(form: Form) -> tuple[MediaReference, ...]:
    return tuple(
        MediaReference(index, url, form.get(f"MediaContentType{index}") or "application/octet-stream")
        for index in range(_claimed(form))
        if (url := form.get(f"MediaUrl{index}")).startswith(("https://", "http://"))
    )


def _claimed(form: Form) -> int:
    count = form.get("NumMedia")
    return min(int(count), MOST_MEDIA) if re.fullmatch(r"\d{1,4}", count, re.ASCII) else 0


def _awaited(one: MediaReference) -> File:
    """A file that is fetched later; until then it is known by what Twilio says of it."""
    kind = one.content_type.partition(";")[0].strip().casefold()[:_LONGEST_TYPE]
    return File(f"{kind.partition('/')[0]}-{one.index + 1}", kind, 0, None, COMING, source=one.url)


def _original(form: Form, text: str) -> File:
    """What came in, field by field, for a person who has to make sense of it."""
    fields = [f"{name}: {form.get(name)}" for name in form]
    data = "\n".join([*fields, "", text] if len(text) > MAX_TEXT else fields).encode()
    return File("message.txt", "text/plain", len(data), data)


def _detail(form: Form) -> dict[str, str]:
    """What a message brings with it that may matter for its answer."""
    told = {
        "replied_to": form.get("OriginalRepliedMessageSid"),
        "button": form.get("ButtonPayload"),
        "forwarded": "" if _forwarded(form) == "no" else _forwarded(form),
        "referral": form.get("ReferralSourceUrl"),
    }
    return {name: value for name, value in told.items() if value}


def _text(form: Form, media: tuple[MediaReference, ...]) -> tuple[str, ForPerson | None]:
    """What the customer wrote, or what they sent instead; and why a person has to look, if the agent can't."""
    body = form.get("Body") or form.get("ButtonText")
    place = _place(form)
    if place:
        return (f"{body}\n{place}" if body and body not in place else place), None
    if body:
        return body, "unreadable" if len(body) > MAX_TEXT else None
    kind = form.get("MessageType").casefold()
    if media:
        label = kind if kind not in {"", "text", "unknown"} else "attachment"
        return f"[{label}: {', '.join(one.content_type for one in media)}]", "files_only"
    if kind and kind != "text":
        return f"[a WhatsApp message of a kind that cannot be shown here: {kind[:50]}]", "unreadable"
    return "[an empty WhatsApp message]", "unreadable"


def _place(form: Form) -> str | None:
    latitude, longitude = form.get("Latitude"), form.get("Longitude")
    if not latitude or not longitude:
        return None
    named = [part for part in (form.get("Label"), form.get("Address")) if part]
    return f"[location: {', '.join([*dict.fromkeys(named), f'{latitude}, {longitude}'])}]"


def _forwarded(form: Form) -> Forwarded:
    if form.get("FrequentlyForwarded").casefold() == "true":
        return "often"
    return "once" if form.get("Forwarded").casefold() == "true" else "no"


def _referral(form: Form) -> Referral | None:
    referral = Referral(form.get("ReferralHeadline"), form.get("ReferralBody"), form.get("ReferralSourceUrl"))
    return referral if any((referral.headline, referral.body, referral.source_url)) else None
