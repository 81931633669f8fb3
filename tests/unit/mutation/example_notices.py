"""Tests of the example, with a gap: nobody asks for the label's width. Collected only by its own mutation run."""

from __future__ import annotations

from tests.unit.mutation.example import Queue, hangs_if_changed


def test_three_are_too_many() -> None:
    assert [Queue(n).is_full for n in (2, 3, 4)] == [False, True, True]


def test_the_label_has_the_number() -> None:
    assert Queue(7).label().strip() == "7"


def test_it_counts_down() -> None:
    assert hangs_if_changed(3) == 0
