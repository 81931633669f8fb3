"""Conversation tokens and web envelopes: what is ours is recognised, everything else is not found."""

from __future__ import annotations

import base64
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.envelope import Accepted, ClaimedAddress, Delivery
from channels.protocol import OutboundChannel
from channels.web import CHAT
from channels.web.inbound import MAX_KEY, envelope, first_key
from channels.web.outbound import WebOutbound
from channels.web.signature import ConversationToken, TokenSigner
from skills.errors import InvalidMessageError, NotFoundError
from skills.turn import ConversationId, MessageId

SIGNER = TokenSigner(b"s" * 32)
TOKEN = SIGNER.issue(UUID(int=1))


def is_ours(text: str) -> bool:
    try:
        return SIGNER.check(text).text == text
    except NotFoundError:
        return False


@given(st.text() | st.text().map(lambda text: f"ct_{text}") | st.from_regex(r"\Act_[A-Za-z0-9_-]{43}\Z"))
def test_any_text_is_a_token_of_ours_or_not_found(text: str) -> None:
    assert not is_ours(text)


@given(st.integers(0, len(TOKEN.text) - 1), st.characters())
def test_a_token_with_one_other_letter_is_not_found(at: int, letter: str) -> None:
    changed = TOKEN.text[:at] + letter + TOKEN.text[at + 1 :]
    assert is_ours(changed) == (changed == TOKEN.text)


@pytest.mark.parametrize("around", ["{}=", " {}", "{}\n", "{}A", "ct_{}", "{}?"])
def test_a_token_with_anything_around_it_is_not_found(around: str) -> None:
    assert not is_ours(around.format(TOKEN.text))


def test_a_token_without_its_prefix_or_cut_is_not_found() -> None:
    assert not is_ours(TOKEN.text.removeprefix("ct_"))
    assert not any(is_ours(TOKEN.text[:length]) for length in range(len(TOKEN.text)))


@given(st.binary(min_size=32, max_size=32))
def test_a_forged_signature_is_not_found(raw: bytes) -> None:
    assert not is_ours("ct_" + base64.urlsafe_b64encode(raw).decode().rstrip("="))


def test_an_issued_token_is_checked_without_a_look_up() -> None:
    token = SIGNER.issue()
    assert SIGNER.check(token.text) == token
    assert TokenSigner(b"s" * 32).check(token.text) == token
    assert len(token.thread) == 32


def test_another_secret_knows_none_of_the_tokens() -> None:
    with pytest.raises(NotFoundError):
        TokenSigner(b"t" * 32).check(TOKEN.text)


@given(st.uuids(), st.uuids())
def test_a_first_key_gives_one_token_and_another_key_another(one: UUID, other: UUID) -> None:
    assert SIGNER.issue(one) == SIGNER.issue(one)
    assert (SIGNER.issue(one) == SIGNER.issue(other)) == (one == other)
    assert SIGNER.issue(one) != TokenSigner(b"t" * 32).issue(one)
    assert SIGNER.check(SIGNER.issue(one).text) == SIGNER.issue(one)


def test_tokens_without_a_key_are_all_different() -> None:
    assert len({SIGNER.issue().thread for _ in range(100)}) == 100


def test_a_first_key_is_a_uuid_or_nothing() -> None:
    key = uuid4()
    assert first_key(None) is None
    assert first_key(str(key)) == key
    for guessable in ("1", "", "my-key", str(key) + "0"):
        with pytest.raises(InvalidMessageError):
            first_key(guessable)


def made(key: str | None, token: ConversationToken = TOKEN) -> str:
    return envelope(token, text="hello", idempotency_key=key).provider_message_id


def test_the_same_key_is_the_same_message_within_one_conversation_only() -> None:
    assert made("a") == made("a")
    assert made("a") != made("b")
    assert made("a") != made("a", SIGNER.issue())
    assert made(None) != made(None)
    assert "a" * MAX_KEY not in made("a" * MAX_KEY)


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY + 1), "a\nb", "\0"])
def test_a_key_that_is_too_long_or_not_printable_is_refused(key: str) -> None:
    with pytest.raises(InvalidMessageError):
        made(key)


def test_a_web_visitor_is_unproven_and_a_mail_address_only_a_claim() -> None:
    plain = envelope(TOKEN, text="hello", idempotency_key=None)
    assert (plain.channel, plain.thread, plain.address) == (CHAT, TOKEN.thread, TOKEN.thread)
    assert (plain.verified, plain.claims, plain.name, plain.language) == (False, (), None, None)
    full = envelope(TOKEN, text="hello", idempotency_key=None, name="Kim", email=" KIM@Example.com ", language="de")
    assert (full.name, full.language) == ("Kim", "de")
    assert [(claim.channel, claim.address) for claim in full.claims] == [("email", "kim@example.com")]
    assert all(isinstance(claim, ClaimedAddress) for claim in full.claims)


async def test_the_web_takes_every_delivery_and_may_be_asked_twice() -> None:
    channel: OutboundChannel = WebOutbound()
    delivery = Delivery(uuid4(), MessageId(uuid4()), ConversationId(uuid4()), CHAT, "hello", "visitor", 1)
    assert (channel.name, channel.repeatable) == (CHAT, True)
    assert await channel.send(delivery) == Accepted(None)
    assert await channel.send(delivery) == Accepted(None)
