"""Which words a text is found by, and what a query is taken for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.crypto.keyring import Keyring
from infra.search.query import read_query
from infra.search.words import (
    MOST,
    excerpt,
    first_id,
    has_all,
    month_before,
    month_begins,
    month_of,
    searchable,
    tags,
    time_of,
)
from skills.errors import BadRequestError

KEYS = Keyring({"test": b"m" * 32}, b"i" * 32)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Where is my PARCEL?", ["parcel"]),
        ("Die Stra\u00dfe \u2013 Cr\u00e8me", ["strasse", "creme"]),
        ("\uff30\uff21\uff32\uff23\uff25\uff2c A-1234, I b", ["parcel", "1234"]),
        ("the and of you please \U0001f331 !?", []),
        ("x" * 41, []),
    ],
)
def test_a_message_is_found_by_its_whole_words_folded_and_without_the_common_ones(text: str, found: list[str]) -> None:
    assert searchable(text) == found


def test_only_so_many_words_of_a_message_are_kept_and_each_once() -> None:
    text = " ".join(f"word{n} word{n}" for n in range(300))
    assert searchable(text) == [f"word{n}" for n in range(MOST)]


@given(st.text(max_size=300))
def test_whatever_a_text_is_found_by_stands_in_it(text: str) -> None:
    assert has_all(text, searchable(text))
    assert all(-(2**15) <= tag < 2**15 for tag in tags(KEYS, searchable(text), period="2026-11"))


def test_a_word_has_another_tag_in_another_month_and_words_share_tags() -> None:
    words = [f"word{n}" for n in range(200_000 // 20)]
    assert tags(KEYS, ["parcel"], period="2026-11") != tags(KEYS, ["parcel"], period="2026-12")
    assert len(tags(KEYS, words, period="2026-11")) < len(words)


def test_a_line_is_cut_around_the_word_that_was_found() -> None:
    text = f"{'before ' * 40}the Parcel broke {'after ' * 40}"
    cut = excerpt(text, ["parcel"])
    assert cut.startswith("\u2026")
    assert cut.endswith("\u2026")
    assert "Parcel broke" in cut
    assert excerpt("  two\n lines ", ["parcel"]) == "two lines"
    assert "…the or and" in excerpt(f"{'order ' * 60}the or and {'after ' * 40}", ["or"]).replace("order ", "")


@given(
    st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=80),
    st.integers(0, 79),
    st.integers(12, 60),
)
def test_a_line_is_cut_between_words_and_has_the_one_that_was_found(said: list[str], at: int, longest: int) -> None:
    said.insert(at, "parcel")
    cut = excerpt(" ".join(said), ["parcel"], longest=longest)
    assert len(cut.strip("…")) <= longest
    kept = cut.strip("…").split()
    assert "parcel" in kept
    assert any(said[n : n + len(kept)] == kept for n in range(len(said)))


def test_a_text_without_spaces_is_cut_all_the_same() -> None:
    assert excerpt("x" * 500, ["parcel"]) == f"{'x' * 160}…"


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds it
def test_ids_and_months_agree(moment: datetime) -> None:
    row_id = first_id(moment)
    assert timedelta(0) <= moment - time_of(row_id) < timedelta(milliseconds=1)
    begins = month_begins(month_of(row_id))
    assert begins <= moment
    assert month_before(month_of(row_id)) == f"{begins - timedelta(seconds=1):%Y-%m}"


def test_a_query_is_an_address_an_id_or_words() -> None:
    assert read_query(" Dana@Example.com ").address == "dana@example.com"
    assert read_query("+49 151 12345678").address == "+4915112345678"
    assert read_query("0198A3F2-77").ids == (
        UUID("0198a3f2-7700-0000-0000-000000000000"),
        UUID("0198a3f2-77ff-ffff-ffff-ffffffffffff"),
    )
    assert read_query("0198a3f").ids is None
    query = read_query("The Ada  Lovelace")
    assert (query.address, query.ids, query.name, query.words) == (
        None, None, ("the", "ada", "lovelace"), ("ada", "lovelace"),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "  ", "\x00", "a" * 401, " ".join(f"word{n}" for n in range(13))])
def test_what_nobody_can_mean_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        read_query(text)


@given(st.text(max_size=400))
def test_any_other_query_is_understood_or_refused(text: str) -> None:
    try:
        query = read_query(text)
    except BadRequestError:
        return
    assert query.ids is None or query.ids[0] <= query.ids[1]
