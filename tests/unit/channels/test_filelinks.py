"""Links to files: whole, of ours, in time, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from channels.filelinks import FileLinks, NamedFile
from skills.errors import NotFoundError
from skills.turn import MessageId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = MessageId(UUID(int=7))
LINKS = FileLinks(b"s" * 32)


def test_a_link_names_its_file_until_it_expires() -> None:
    token = LINKS.sign(MESSAGE, 3, NOW)
    assert LINKS.check(token, now=NOW) == NamedFile(MESSAGE, 3)
    with pytest.raises(NotFoundError):
        LINKS.check(token, now=NOW + timedelta(seconds=1))
    with pytest.raises(NotFoundError):
        LINKS.check(token)


def test_every_letter_of_a_link_counts() -> None:
    token = LINKS.sign(MESSAGE, 3, NOW)
    for place, letter in enumerate(token):
        with pytest.raises(NotFoundError):
            LINKS.check(token[:place] + ("B" if letter != "B" else "C") + token[place + 1 :], now=NOW)
    for wrong in ("", "a", token[:-1], token + "A", "+" + token[1:], token.encode().hex(), "\ud800"):
        with pytest.raises(NotFoundError):
            LINKS.check(wrong, now=NOW)


def test_another_secret_knows_no_link() -> None:
    with pytest.raises(NotFoundError):
        FileLinks(b"t" * 32).check(LINKS.sign(MESSAGE, 1, NOW), now=NOW)
