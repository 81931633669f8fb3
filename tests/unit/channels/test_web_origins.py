"""Origins of sites: read as browsers write them, and nothing that only looks like one is taken."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.web.origins import Origins, origin_of
from channels.web.signature import TokenSigner
from skills.errors import NotFoundError

SIGNER = TokenSigner(b"s" * 32)
SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://shop.example", SHOP),
        (" https://Shop.Example/ ", SHOP),
        ("https://shop.example:443", SHOP),
        ("http://shop.example:80", "http://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(written: str, origin: str) -> None:
    assert origin_of(written) == origin


@pytest.mark.parametrize(
    "written",
    [
        *("", "*", "null", "shop.example", "https://*.shop.example", "https://shop.example/chat", "ftp://shop.example"),
        *("https://", "https://a@shop.example", "https://shop.example?a", "https://shop.example:x", "https://a..b"),
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        origin_of(written)


def test_our_own_pages_and_clients_without_a_browser_are_one_class() -> None:
    origins = Origins([SHOP], "https://support.example/")
    assert origins.of(None, "support.example") is None
    assert origins.of("https://support.example", "10.0.0.1:8000") is None
    assert origins.of("http://127.0.0.1:8000", "127.0.0.1:8000") is None
    assert origins.of(SHOP, "support.example") == SHOP
    assert origins.of("null", "support.example") == "null"
    assert origins.of("https://support.example:8443", None) == "https://support.example:8443"
    assert origins.allows(None)
    assert origins.allows(SHOP)
    assert not origins.allows("null")
    assert not origins.allows("https://shop.example.evil.example")


def test_without_a_list_only_our_own_pages_may() -> None:
    assert Origins().allows(None)
    assert not Origins().allows(SHOP)


@given(st.none() | st.text(max_size=60), st.none() | st.text(max_size=60), st.uuids())
def test_a_token_is_checked_by_its_own_origin_alone(one: str | None, other: str | None, key: UUID) -> None:
    token = SIGNER.issue(key, origin=one)
    assert SIGNER.check(token.text, origin=one) == token
    if one != other:
        assert SIGNER.issue(key, origin=other).thread != token.thread
        with pytest.raises(NotFoundError):
            SIGNER.check(token.text, origin=other)


def test_tokens_from_before_there_were_origins_go_on_on_our_own_pages_only() -> None:
    old = "ct_ZqGWDpz_0muwHVDX0QgaMfHBtCQmSLYYV0v4gAvyzq8"
    assert SIGNER.issue(UUID(int=1)).text == old
    assert SIGNER.check(old).text == old
    with pytest.raises(NotFoundError):
        SIGNER.check(old, origin=SHOP)
