from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.models.wellformed import wellformed


@given(st.text(st.characters()), st.integers(0, 50))
def test_the_result_always_fits_and_can_be_sent(text: str, longest: int) -> None:
    cut = wellformed(text, longest=longest)
    assert len(cut.encode()) <= longest


@given(st.text())
def test_a_text_that_can_be_sent_stays_as_it_is(text: str) -> None:
    assert wellformed(text) == text


def test_half_a_pair_becomes_a_question_mark() -> None:
    assert wellformed("a\ud800b") == "a?b"


def test_a_cut_never_splits_a_character() -> None:
    assert wellformed("äöü", longest=3) == "ä"
