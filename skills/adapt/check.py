"""Whether a text can be sent on a channel as it is: for reviewers' edits, which are validated and never rewritten."""

from __future__ import annotations

import unicodedata

from skills.adapt.rules import ChannelRules, length_of
from skills.errors import InvalidMessageError
from skills.turn import ChannelName

_BLANKS = frozenset("\n\r\t")


def check_text(channel: ChannelName, text: str, rules: ChannelRules | None = None) -> None:
    """Check a text that a person wrote.

    Raises:
        InvalidMessageError: it is empty, too long for the channel, or has characters that can't be sent.
    """
    limit = (rules or ChannelRules()).of(channel).max_length
    if not text.strip():
        raise InvalidMessageError("The message is empty.", hint="Write an answer, or reject the draft instead.")
    for mark in text:
        if mark not in _BLANKS and unicodedata.category(mark) in {"Cc", "Cs"}:
            raise InvalidMessageError(
                f"The message has a character that can't be sent (U+{ord(mark):04X}).",
                hint="Delete it and type it anew.",
            )
    if (length := length_of(text)) > limit:
        raise InvalidMessageError(
            f"The message has {length:,} characters; {channel} takes {limit:,}.",
            hint=f"Shorten it by {length - limit:,} characters.",
        )


def fit(channel: ChannelName, text: str, rules: ChannelRules | None = None) -> str:
    """The same text, unchanged, once ``check_text`` has let it pass.

    Raises:
        InvalidMessageError: as ``check_text``.
    """
    check_text(channel, text, rules)
    return text
