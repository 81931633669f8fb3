from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.models.attempts import Patience, ask, retry_after
from skills.errors import ModelUnavailableError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("-3", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Sun, 01 Mar 2026 12:00:05", 5.0),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_wait_is_given_in_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_without_the_header_no_wait_is_asked_for() -> None:
    assert retry_after({}, NOW) is None


@given(st.text())
def test_any_header_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after({"retry-after": value}, NOW)
    assert seconds is None or seconds >= 0


async def test_an_error_carries_nothing_of_the_vendor() -> None:
    async def call() -> None:
        raise ValueError("the customer's secret")

    with pytest.raises(ModelUnavailableError, match="bad answer") as caught:
        await ask(call, Patience())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_mistake_of_our_own_is_not_called_a_bad_answer() -> None:
    async def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask(call, Patience())
