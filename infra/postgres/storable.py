"""What can be stored as text at all."""

from __future__ import annotations

from skills.errors import InvalidMessageError

MAX_CHARACTERS = 20_000
"""The longest message that is taken in as text. A channel refuses or cuts a longer one before it comes here."""


def refuse_unstorable(text: str) -> None:
    """Raise InvalidMessageError for a text that is empty, too long, or that PostgreSQL and UTF-8 cannot hold."""
    if not text.strip():
        raise InvalidMessageError("the message is empty", hint="write something in 'text'")
    if len(text) > MAX_CHARACTERS:
        raise InvalidMessageError(
            f"the message has {len(text):,} characters", hint=f"at most {MAX_CHARACTERS:,} are taken"
        )
    if "\0" in text:
        raise InvalidMessageError("the message has a NUL character", hint="send text, not binary data")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidMessageError(
            "the message is not valid Unicode (a lone surrogate)", hint="encode the text as UTF-8"
        ) from None
