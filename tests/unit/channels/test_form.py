"""The form's stamps, and what makes a message of it suspect."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from channels.web.form import FLOOD, MOST_LINKS, MOST_REPEATS, FormMessage, flooding, form_envelope, suspect
from channels.web.form_stamp import FormStamps, Stamp
from channels.web.signature import TokenSigner

STAMPS = FormStamps(b"s" * 32)
KEY = UUID(int=5)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_stamp_says_which_message_and_when() -> None:
    assert STAMPS.read(STAMPS.new(key=KEY, opened_at=AT)) == Stamp(KEY, AT)
    assert STAMPS.read(STAMPS.new(key=KEY, asked=True, opened_at=AT)) == Stamp(KEY, AT, asked=True)
    first, second = STAMPS.read(STAMPS.new()), STAMPS.read(STAMPS.new())
    assert first is not None
    assert second is not None
    assert first.key != second.key


def test_nobody_makes_or_changes_a_stamp() -> None:
    stamp = STAMPS.new(key=KEY)
    for place, letter in enumerate(stamp[:-1]):  # the last letter has bits that count for nothing
        assert STAMPS.read(stamp[:place] + ("B" if letter != "B" else "C") + stamp[place + 1 :]) is None
    for wrong in ("", "x", stamp[:-4], stamp + "AAAA", "\ud800", FormStamps(b"t" * 32).new(key=KEY)):
        assert STAMPS.read(wrong) is None


@pytest.mark.parametrize(
    ("text", "same_text", "same_address", "doubted", "is_suspect"),
    [
        ("My planter leaks", 1, 1, False, False),
        ("https://a.example " * MOST_LINKS, 1, 1, False, False),
        ("https://a.example " * (MOST_LINKS + 1), 1, 1, False, True),
        ("[URL=x] www.a.example <a href=x> HTTP://b.example", 1, 1, False, True),
        ("hello", MOST_REPEATS, 2 * MOST_REPEATS, False, False),
        ("hello", MOST_REPEATS + 1, 1, False, True),
        ("hello", 1, 2 * MOST_REPEATS + 1, False, True),
        ("hello", 1, 1, True, True),
    ],
)
def test_what_is_suspect(text: str, same_text: int, same_address: int, doubted: bool, is_suspect: bool) -> None:
    assert suspect(text, same_text=same_text, same_address=same_address, doubted=doubted) is is_suspect


def test_only_a_text_that_nobody_else_writes_by_chance_can_be_a_flood() -> None:
    assert flooding("x" * 40, same_text=FLOOD + 1)
    assert not flooding("x" * 40, same_text=FLOOD)
    assert not flooding("x" * 39, same_text=1000)


def test_the_topic_stands_above_the_text_in_one_line() -> None:
    token = TokenSigner(b"s" * 32).issue()
    message = FormMessage("It leaks.", email="Mira@Example.com", topic=" a\r\nplanter\0 ", for_person="suspect")
    made = form_envelope(token, message, key=KEY, begins=True)
    assert (made.channel, made.text, made.detail) == ("form", "a planter\n\nIt leaks.", {"topic": "a planter"})
    assert [(claim.channel, claim.address) for claim in made.claims] == [("email", "mira@example.com")]
    assert (made.verified, made.begins, made.for_person) == (False, True, "suspect")
    later = form_envelope(token, FormMessage("More."), key=UUID(int=6), begins=False)
    assert (later.text, later.claims, later.detail) == ("More.", (), {})
    assert later.provider_message_id != made.provider_message_id
