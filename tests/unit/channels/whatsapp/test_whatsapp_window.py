"""The customer-service window, and the template for when it is closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from channels.whatsapp.window import LENGTH, MARGIN, Template, Window

HEARD = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        (timedelta(), True),
        (LENGTH - MARGIN - timedelta(seconds=1), True),
        (LENGTH - MARGIN, False),
        (LENGTH, False),
        (timedelta(days=30), False),
        (timedelta(seconds=-5), True),  # our clock is a little behind the database's
    ],
)
def test_the_window_is_open_for_a_day_less_the_margin(after: timedelta, is_open: bool) -> None:
    assert Window(HEARD).open_at(HEARD + after) is is_open


def test_the_window_tells_when_it_closes() -> None:
    assert Window(HEARD, timedelta()).closes_at == HEARD + timedelta(hours=24)


def test_the_window_of_somebody_who_never_wrote_is_closed() -> None:
    assert Window(None).closes_at is None
    assert not Window(None).open_at(HEARD)


def test_a_template_carries_the_text_in_its_variable_on_one_line() -> None:
    template = Template("HX1", {"1": "Shop"}, text_variable="2")
    assert json.loads(template.carrying("It is\n\non  its\tway 😀") or "") == {"1": "Shop", "2": "It is on its way 😀"}


def test_a_text_that_is_too_long_for_a_template_is_not_cut() -> None:
    assert Template("HX1", text_variable="1").carrying("a" * 1_025) is None
    assert Template("HX1", text_variable="1").carrying("a" * 1_024) is not None


def test_a_template_without_a_variable_only_invites() -> None:
    template = Template("HX1", {"1": "Shop"})
    assert template.carrying("hello") is None
    assert json.loads(template.inviting()) == {"1": "Shop"}
