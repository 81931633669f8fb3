"""Statuses come in any order, doubled or not at all, and never go back."""

from __future__ import annotations

import random
from functools import reduce
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.envelope import Refused
from channels.whatsapp.form import Form
from channels.whatsapp.statuses import Outcome, Progress, Status, StatusEvent, callback_url, status_event
from skills.errors import InvalidMessageError

PROGRESS = st.builds(Progress, st.sampled_from(Status), st.none() | st.sampled_from([63016, 63018, 30008]))


def folded(reports: list[Progress]) -> Progress:
    return reduce(lambda known, report: known.after(report), reports)


@given(st.lists(PROGRESS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_end_the_same(reports: list[Progress], chance: random.Random) -> None:
    shuffled = reports + chance.choices(reports, k=len(reports))
    chance.shuffle(shuffled)
    assert folded(shuffled) == folded(reports)


@given(PROGRESS, PROGRESS)
def test_no_report_takes_a_message_back(known: Progress, report: Progress) -> None:
    assert known.after(report).status.rank >= known.status.rank


@pytest.mark.parametrize(
    ("reports", "status", "outcome"),
    [
        (["queued", "sent", "delivered", "read"], Status.READ, "arrived"),
        (["read", "sent"], Status.READ, "arrived"),
        (["delivered", "failed"], Status.DELIVERED, "arrived"),
        (["failed", "delivered"], Status.DELIVERED, "arrived"),
        (["sent", "undelivered"], Status.UNDELIVERED, "failed"),
        (["failed", "sent"], Status.FAILED, "failed"),
        (["accepted", "queued", "sending"], Status.SENDING, "pending"),
    ],
)
def test_the_highest_status_that_ever_came_counts(reports: list[str], status: Status, outcome: Outcome) -> None:
    progress = folded([Progress(Status(report)) for report in reports])
    assert (progress.status, progress.outcome) == (status, outcome)


def test_the_reason_of_a_failure_is_kept_whichever_report_had_it() -> None:
    failed, coded = Progress(Status.FAILED), Progress(Status.FAILED, 63016)
    assert failed.after(coded) == coded.after(failed) == coded
    assert coded.refused == Refused("window_closed (63016)", retry=False)
    assert Progress(Status.SENT).refused is None


def event(query: str = "", **parameters: str) -> StatusEvent | None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "whatsapp:+491701234567", **parameters}
    return status_event(Form(list(form.items())), query)


def test_a_webhook_names_the_outbox_row_by_its_own_address() -> None:
    row = UUID(int=7)
    url = callback_url("https://support.example.com/s", row, 2)
    got = event(url.partition("?")[2])
    assert got == StatusEvent("SM1", "+491701234567", Progress(Status.DELIVERED), row, 2)


@pytest.mark.parametrize("query", ["", "delivery=x&part=y", "delivery=&part=²"])
def test_a_webhook_without_a_row_is_read_all_the_same(query: str) -> None:
    got = event(query)
    assert got is not None
    assert (got.delivery_id, got.part) == (None, 0)


def test_an_error_code_is_a_number_or_nothing() -> None:
    codes = [event(MessageStatus="failed", ErrorCode=code) for code in ("63016", "", "0", "abc")]
    assert [got and got.progress.error_code for got in codes] == [63016, None, None, None]


def test_a_status_that_nobody_knows_changes_nothing() -> None:
    assert event(MessageStatus="teleported") is None


def test_a_webhook_without_a_message_is_refused() -> None:
    with pytest.raises(InvalidMessageError, match="without MessageSid"):
        event(MessageSid="")
