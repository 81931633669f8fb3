"""From the gateway's webhook to an envelope. What can't be read is a person's, with the bytes as they came."""

from __future__ import annotations

import hashlib
import json

from channels.envelope import Envelope, File
from channels.storable import storable
from tests.examples.sms_channel import SMS

_LONGEST = 2_000
_UNKNOWN = "unknown"
"""Who writes when the webhook doesn't say so readably: nobody can be answered then, but somebody can be found."""


def envelope(body: bytes) -> Envelope:
    """One text message, of a webhook that is genuine. Never raises, whatever the bytes are."""
    try:
        form = json.loads(body)
        number, name, text = str(form["from"]), str(form["id"]), storable(str(form["text"])).strip()
    except (ValueError, TypeError, KeyError, RecursionError):
        return _unreadable(body)
    if not (number.startswith("+") and number[1:].isascii() and number[1:].isdigit() and len(number) <= 20):
        return _unreadable(body)
    if not name.isascii() or not name.isprintable() or not 0 < len(name) <= 100 or not 0 < len(text) <= _LONGEST:
        return _unreadable(body)
    return Envelope(
        channel=SMS,
        provider_message_id=name,
        thread=number,
        address=number,
        text=text,
        verified=True,
    )


def _unreadable(body: bytes) -> Envelope:
    name = hashlib.sha256(body).hexdigest()
    return Envelope(
        channel=SMS,
        provider_message_id=name,
        thread=_UNKNOWN,
        address=_UNKNOWN,
        text="[A text message that could not be read. The original is kept.]",
        verified=False,
        original=File("webhook.txt", "text/plain", len(body), body),
        for_person="unreadable",
    )
