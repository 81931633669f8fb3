"""What a customer's key sealed opens with that key, at that place, and nowhere else."""

from __future__ import annotations

import base64
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.crypto.keyring import CustomerKey, KeyDestroyedError, Keyring, SealBrokenError, WrappedKey, decode_key
from skills.errors import ConfigurationError
from skills.turn import CustomerId

OLD, NEW, INDEX = b"o" * 32, b"n" * 32, b"i" * 32
PLACE = "messages.body_sealed"
ROW = UUID(int=7)
RING = Keyring({"old": OLD}, INDEX)
KIM = CustomerId(UUID(int=1))
WRAPPED, KEY = RING.create(KIM)


@given(st.text())
def test_what_was_sealed_opens_again(text: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    assert KEY.open(KEY.seal(text, place=PLACE, row=ROW), place=PLACE, row=ROW) == text


@given(st.binary(), st.binary(max_size=60))
def test_bytes_open_under_their_own_context_only(data: bytes, context: bytes) -> None:
    sealed = KEY.seal_bytes(data, context)
    assert KEY.open_bytes(sealed, context) == data
    with pytest.raises(SealBrokenError):
        KEY.open_bytes(sealed, context + b"!")


def test_a_text_is_never_sealed_twice_in_the_same_way_and_nothing_of_it_can_be_read() -> None:
    first, second = (KEY.seal("a secret", place=PLACE, row=ROW) for _ in range(2))
    assert first != second
    assert first[1:13] != second[1:13]
    assert b"secret" not in first
    assert len(first) == 1 + 12 + len(b"a secret") + 16


@pytest.mark.parametrize(
    ("place", "row"),
    [(PLACE, UUID(int=8)), ("messages.body", ROW), ("outbox.body_sealed", ROW), ("", ROW)],
)
def test_what_was_moved_to_another_row_or_column_does_not_open(place: str, row: UUID) -> None:
    with pytest.raises(SealBrokenError):
        KEY.open(KEY.seal("text", place=PLACE, row=ROW), place=place, row=row)


def test_another_customers_key_opens_nothing() -> None:
    _, other = RING.create(CustomerId(uuid4()))
    with pytest.raises(SealBrokenError):
        other.open(KEY.seal("text", place=PLACE, row=ROW), place=PLACE, row=ROW)


@given(st.data())
def test_one_altered_byte_anywhere_breaks_the_seal(data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal("some text", place=PLACE, row=ROW))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBrokenError):
        KEY.open(bytes(sealed), place=PLACE, row=ROW)


@given(st.binary(max_size=40))
def test_nothing_that_was_not_sealed_here_opens(garbage: bytes) -> None:
    for value in (garbage, b"\x01" + garbage):
        with pytest.raises(SealBrokenError):
            KEY.open_bytes(value, b"context")


def test_a_cut_value_does_not_open() -> None:
    sealed = KEY.seal("text", place=PLACE, row=ROW)
    for length in range(len(sealed)):
        with pytest.raises(SealBrokenError):
            KEY.open(sealed[:length], place=PLACE, row=ROW)


def test_an_unknown_format_is_said_to_be_one() -> None:
    sealed = KEY.seal("text", place=PLACE, row=ROW)
    with pytest.raises(SealBrokenError, match="format"):
        KEY.open(b"\x02" + sealed[1:], place=PLACE, row=ROW)


def opens_the_same(one: CustomerKey, other: CustomerKey) -> bool:
    return other.open(one.seal("text", place=PLACE, row=ROW), place=PLACE, row=ROW) == "text" and one.id == other.id


def test_a_wrapped_key_is_the_same_key_again() -> None:
    assert opens_the_same(KEY, RING.unwrap(WRAPPED))
    assert (WRAPPED.id, WRAPPED.customer_id, WRAPPED.master_key_id) == (KEY.id, KIM, "old")


def test_every_customer_has_a_key_of_their_own() -> None:
    one, _ = RING.create(KIM)
    two, _ = RING.create(KIM)
    assert one.id != two.id
    assert one.wrapped != two.wrapped


def test_a_wrapped_key_in_another_customers_row_does_not_open() -> None:
    for moved in (replace(WRAPPED, customer_id=CustomerId(uuid4())), replace(WRAPPED, id=uuid4())):
        with pytest.raises(SealBrokenError):
            RING.unwrap(moved)


@given(st.data())
def test_an_altered_wrapped_key_does_not_open(data: st.DataObject) -> None:
    assert WRAPPED.wrapped is not None
    wrapped = bytearray(WRAPPED.wrapped)
    wrapped[data.draw(st.integers(0, len(wrapped) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBrokenError):
        RING.unwrap(replace(WRAPPED, wrapped=bytes(wrapped)))


def test_a_destroyed_key_says_that_the_customer_was_erased() -> None:
    with pytest.raises(KeyDestroyedError):
        RING.unwrap(replace(WRAPPED, wrapped=None))


def test_an_unknown_master_key_is_named_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="'lost'") as refusal:
        RING.unwrap(WrappedKey(WRAPPED.id, KIM, WRAPPED.wrapped, "lost"))
    assert refusal.value.hint is not None
    assert "CSAGENT_MASTER_KEYS" in refusal.value.hint


def test_while_masters_rotate_the_first_wraps_and_all_of_them_unwrap() -> None:
    rotated = Keyring({"new": NEW, "old": OLD}, INDEX)
    assert opens_the_same(KEY, rotated.unwrap(WRAPPED))
    wrapped, key = rotated.create(KIM)
    assert wrapped.master_key_id == "new"
    assert opens_the_same(key, Keyring({"new": NEW}, INDEX).unwrap(wrapped))
    with pytest.raises(ConfigurationError):
        Keyring({"new": NEW}, INDEX).unwrap(WRAPPED)


def test_a_master_of_the_same_name_with_other_bytes_opens_nothing() -> None:
    with pytest.raises(SealBrokenError):
        Keyring({"old": NEW}, INDEX).unwrap(WRAPPED)


@pytest.mark.parametrize(
    ("masters", "index", "named"),
    [
        ({}, INDEX, "no master key"),
        ({"a": b"short"}, INDEX, "'a' has 5 bytes"),
        ({"a": OLD, "b": b"x" * 33}, INDEX, "'b' has 33 bytes"),
        ({"a": OLD}, b"", "'index key' has 0 bytes"),
        ({"a": OLD}, b"i" * 16, "'index key' has 16 bytes"),
    ],
)
def test_a_key_of_the_wrong_size_is_refused_by_name(masters: dict[str, bytes], index: bytes, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as refusal:
        Keyring(masters, index)
    assert refusal.value.hint


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_blind_index_is_stable_and_tells_values_apart(one: str, other: str) -> None:
    try:
        (one + other).encode()
    except UnicodeEncodeError:
        return
    again = Keyring({"another master": NEW}, INDEX)
    assert RING.blind_index("address:email", one) == again.blind_index("address:email", one)
    assert (RING.blind_index("k", one) == RING.blind_index("k", other)) == (one == other)


def test_a_blind_index_depends_on_kind_and_key_and_has_sixteen_bytes() -> None:
    index = RING.blind_index("address:email", "kim@example.com")
    assert len(index) == 16
    assert index != RING.blind_index("thread:email", "kim@example.com")
    assert index != RING.blind_index("address", "email\x1fkim@example.com"[6:])
    assert index != Keyring({"old": OLD}, b"j" * 32).blind_index("address:email", "kim@example.com")


def test_derived_secrets_are_stable_distinct_and_no_blind_index() -> None:
    tokens = RING.derive("conversation tokens")
    assert len(tokens) == 32
    assert tokens == Keyring({"x": NEW}, INDEX).derive("conversation tokens")
    assert tokens != RING.derive("something else")
    assert tokens != Keyring({"x": NEW}, b"j" * 32).derive("conversation tokens")


@given(st.binary(max_size=40))
def test_a_key_in_the_settings_is_base64(key: bytes) -> None:
    assert decode_key("K", base64.b64encode(key).decode()) == key


@pytest.mark.parametrize("text", ["no base64!", "abc", "ÄÄÄÄ", "QUJD\nQUJD"])
def test_what_is_not_base64_is_refused_with_its_name_and_not_its_value(text: str) -> None:
    with pytest.raises(ConfigurationError, match="'CSAGENT_INDEX_KEY' is not base64") as refusal:
        decode_key("CSAGENT_INDEX_KEY", text)
    assert text not in str(refusal.value)
    assert refusal.value.hint
    assert refusal.value.__cause__ is None
