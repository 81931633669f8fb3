from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.addresses import EMAIL, LONGEST_MAIL, WHATSAPP, addressed, mail_address, normal, phone_number
from channels.envelope import ClaimedAddress, Envelope
from channels.web import CHAT


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (" Dana@Example.COM ", "dana@example.com"),
        ("d.a.n.a+shop@gmail.com", "d.a.n.a+shop@gmail.com"),  # whose dots mean nothing, its provider says
        ("o'neil@example.co.uk", "o'neil@example.co.uk"),
    ],
)
def test_mail_addresses_are_compared_in_small_letters_with_all_their_dots(written: str, address: str) -> None:
    assert mail_address(written) == normal(EMAIL, written) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dana",
        "dana@localhost",
        "@example.com",
        "a@b@example.com",
        "dana@example.com\r\nBcc: eli@example.com",
        "dana@example.com, eli@example.com",
        "Dana <dana@example.com>",
        '"dana smith"@example.com',
        ".dana@example.com",
        "dana@-example.com",
        "\u212aim@example.com",  # the sign for Kelvin, whose small letter is a k
        "d\u00e4na@example.com",
        f"{'a' * 65}@example.com",
        f"dana@{'a.' * 130}com",
    ],
)
def test_what_cannot_be_written_to_or_looks_like_another_is_no_mail_address(text: str) -> None:
    assert mail_address(text) is None


def test_letters_beyond_ascii_are_never_folded_into_others() -> None:
    assert normal(EMAIL, "Stra\u00dfe@example.com") != normal(EMAIL, "strasse@example.com")
    assert normal(EMAIL, "\u212aim@example.com") != normal(EMAIL, "kim@example.com")


@pytest.mark.parametrize(
    "written", ["+49 151 12345678", "0049 (151) 123-456-78", "+4915112345678", " +49-151-12345678 "]
)
def test_phone_numbers_are_e164(written: str) -> None:
    assert phone_number(written) == normal(WHATSAPP, written) == "+4915112345678"


@pytest.mark.parametrize("text", ["", "0151 12345678", "+", "+49", "+1234567890123456789", "call me"])
def test_a_number_without_a_country_is_nobodys(text: str) -> None:
    assert phone_number(text) is None
    assert normal(WHATSAPP, text) == text  # a user id of WhatsApp stays what it is


@given(st.text())
def test_whatever_is_written_is_refused_or_stays_itself(text: str) -> None:
    for channel, read in ((EMAIL, mail_address), (WHATSAPP, phone_number)):
        found = read(text)
        assert found is None or (
            read(found) == found and normal(channel, found) == found and len(found) <= LONGEST_MAIL
        )
        assert normal(channel, normal(channel, text)) == normal(channel, text)
    assert normal(CHAT, text) == text


def test_a_message_comes_in_with_all_its_addresses_compared_alike() -> None:
    envelope = Envelope(
        EMAIL, "1", "t", " Dana@Example.com", "hi", verified=True,
        aliases=("DANA@example.com",), claims=(ClaimedAddress(WHATSAPP, "+49 151 12345678"),),
    )  # fmt: skip
    read = addressed(envelope)
    assert (read.address, read.aliases) == ("dana@example.com", ("dana@example.com",))
    assert read.claims == (ClaimedAddress(WHATSAPP, "+4915112345678"),)
