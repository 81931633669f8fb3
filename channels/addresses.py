"""How addresses are written so that equal ones are equal: the one place for all channels, searches and proofs.

Only what every provider agrees on is folded. Capitals of a mail address are ASCII's alone: what Unicode calls lower
case can turn one mailbox into another's. Dots and ``+tags`` stay, for what they mean differs from provider to provider.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

import phonenumbers

from channels.envelope import ClaimedAddress, Envelope
from skills.turn import ChannelName

AddressKind = Literal["email", "phone"]

EMAIL = ChannelName("email")
WHATSAPP = ChannelName("whatsapp")
CHANNELS_OF: dict[AddressKind, tuple[ChannelName, ...]] = {"email": (EMAIL,), "phone": (WHATSAPP,)}
"""On which channels an address of a kind is known."""

LONGEST_MAIL = 254
"""RFC 5321."""
_LONGEST_LOCAL = 64

_ASCII_CAPITALS = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_MAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)


def normal(channel: ChannelName, address: str) -> str:
    """An address as identities of a channel compare it. One of no form that we know stays as it is."""
    if channel == EMAIL:
        return address.strip().translate(_ASCII_CAPITALS)
    if channel == WHATSAPP:
        return phone_number(address) or address
    return address


def mail_address(text: str) -> str | None:
    """A mail address that one can write to, as it is compared; ``None`` when it is none.

    Letters beyond ASCII are refused: two such addresses can look the same and be two people's.
    """
    address = normal(EMAIL, text)
    if len(address) > LONGEST_MAIL or len(address.partition("@")[0]) > _LONGEST_LOCAL or not _MAIL.fullmatch(address):
        return None
    return address


def phone_number(text: str) -> str | None:
    """A phone number in E.164, ``None`` when it is none or says no country."""
    written = text.strip()
    if _E164.fullmatch(written):
        return written
    if written.startswith("00"):
        written = f"+{written[2:]}"
    if not written.startswith("+"):
        return None
    try:
        number = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def addressed(envelope: Envelope) -> Envelope:
    """The message with its writer's addresses as they are compared."""
    channel = envelope.channel
    return replace(
        envelope,
        address=normal(channel, envelope.address),
        aliases=tuple(normal(channel, alias) for alias in envelope.aliases),
        claims=tuple(ClaimedAddress(claim.channel, normal(claim.channel, claim.address)) for claim in envelope.claims),
    )
