"""Web addresses in our texts on the form's pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.form.links import linked


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("nothing", []),
        ("https://a.example", ["https://a.example"]),
        ("See https://a.example/x_(y).", ["https://a.example/x_(y)"]),
        ("(https://a.example/x) and http://b.example!", ["https://a.example/x", "http://b.example"]),
        ("javascript:alert(1) ftp://a.example //a.example", []),
        ("https://bank.example@evil.example https://[ https://", []),
    ],
)
def test_only_plain_addresses_become_links(text: str, links: list[str]) -> None:
    parts = linked(text)
    assert [part.link for part in parts if part.link] == links
    assert "".join(part.text for part in parts) == text


@given(st.text(alphabet="htps:/.@()a, \n"))
def test_the_pieces_are_always_the_text(text: str) -> None:
    assert "".join(part.text for part in linked(text)) == text
