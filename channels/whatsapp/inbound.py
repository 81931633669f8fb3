"""From a webhook of Twilio to an envelope.

Nothing is dropped: what has no text of its own (a picture, a place, a sticker, a kind that Twilio does not pass on)
gets a text in square brackets that says so, and the media stand beside the envelope.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from channels.envelope import Envelope
from channels.whatsapp import PREFIX, WHATSAPP
from channels.whatsapp.consent import Consent, consent
from channels.whatsapp.form import Form
from skills.errors import InvalidMessageError

MOST_MEDIA = 10
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
    if not addresses or not ours:
        raise InvalidMessageError("a WhatsApp webhook without From or To", hint="check the webhook's URL at Twilio")
    address, *aliases = addresses
    media = _media(form)
    return Received(
        envelope=Envelope(
            channel=WHATSAPP,
            provider_message_id=sid,
            thread=f"{ours}/{address}",
            address=address,
            text=_text(form, media),
            verified=True,  # WhatsApp lets nobody write with another's number or user id
            name=_name(form),
        ),
        media=media,
        consent=consent(form.get("Body"), form.get("OptOutType")),
        aliases=tuple(aliases),
        replied_to=form.get("OriginalRepliedMessageSid") or None,
        forwarded=_forwarded(form),
        button=form.get("ButtonPayload") or None,
        referral=_referral(form),
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
    count = form.get("NumMedia")
    claimed = min(int(count), MOST_MEDIA) if re.fullmatch(r"\d{1,4}", count, re.ASCII) else 0
    return tuple(
        MediaReference(index, url, form.get(f"MediaContentType{index}") or "application/octet-stream")
        for index in range(claimed)
        if (url := form.get(f"MediaUrl{index}")).startswith(("https://", "http://"))
    )


def _text(form: Form, media: tuple[MediaReference, ...]) -> str:
    """What the customer wrote; what they sent instead, if they wrote nothing."""
    body = form.get("Body") or form.get("ButtonText")
    place = _place(form)
    if place:
        return f"{body}\n{place}" if body and body not in place else place
    if body:
        return body
    kind = form.get("MessageType").casefold()
    if media:
        label = kind if kind not in {"", "text", "unknown"} else "attachment"
        return f"[{label}: {', '.join(one.content_type for one in media)}]"
    if kind and kind != "text":
        return f"[a WhatsApp message of a kind that cannot be shown here: {kind[:50]}]"
    return "[an empty WhatsApp message]"


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
