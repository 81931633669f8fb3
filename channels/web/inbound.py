"""From a web request to an envelope."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid4

from channels.addresses import EMAIL, normal
from channels.envelope import ClaimedAddress, Envelope, File
from channels.web import CHAT
from channels.web.signature import ConversationToken
from skills.errors import InvalidMessageError
from skills.turn import Language

MAX_KEY = 200


def envelope(
    token: ConversationToken,
    *,
    text: str,
    idempotency_key: str | None,
    name: str | None = None,
    email: str | None = None,
    language: str | None = None,
    begins: bool = False,
    files: tuple[File, ...] = (),
    files_only: bool = False,
    wants_person: bool = False,
) -> Envelope:
    """One web message. Its id is made of the conversation and the client's key, so that keys never meet across talks.

    Raises:
        InvalidMessageError: the idempotency key is too long or not printable.
    """
    if idempotency_key is None:
        message_id = str(uuid4())
    else:
        if not idempotency_key.isprintable() or not 0 < len(idempotency_key) <= MAX_KEY:
            raise InvalidMessageError(
                "that Idempotency-Key can't be used", hint=f"1 to {MAX_KEY} printable characters, best a UUID"
            )
        message_id = hashlib.sha256(f"{token.thread}\x1f{idempotency_key}".encode()).hexdigest()
    return Envelope(
        channel=CHAT,
        provider_message_id=message_id,
        thread=token.thread,
        address=token.thread,
        verified=False,
        text=text,
        name=name,
        language=None if language is None else Language(language),
        claims=() if email is None else (ClaimedAddress(EMAIL, normal(EMAIL, email)),),
        begins=begins,
        attachments=files,
        for_person="asked" if wants_person else "files_only" if files_only else None,
    )


def first_key(idempotency_key: str | None) -> UUID | None:
    """The key of a conversation's first message, which then names the conversation too.

    Raises:
        InvalidMessageError: it is not a UUID. A guessable key would hand the conversation to whoever guesses it.
    """
    if idempotency_key is None:
        return None
    try:
        return UUID(idempotency_key)
    except ValueError:
        raise InvalidMessageError(
            "the Idempotency-Key of a first message has to be a UUID", hint="make a random one for every message"
        ) from None
