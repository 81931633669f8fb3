"""Figures over HTTP, for the staff alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from infra.analytics.definitions import DIMENSIONS, METRICS
from tests.integration.http.conftest import Service

TODAY = datetime.now(UTC).date()
PERIOD = {"from": str(TODAY - timedelta(days=1)), "to": str(TODAY + timedelta(days=1))}


@pytest.fixture
async def counted(service: Service) -> str:
    """A case that is over; its id."""
    sent = await service.customer.post(
        "/v1/web/messages", json={"text": "hello"}, headers={"Idempotency-Key": str(uuid4())}
    )
    case = str(sent.json()["case_id"])
    path, said = f"/v1/review/cases/{case}/resolve", {"confirmed": True}
    answer = await service.kim.post(path, json=said)
    for _ in range(200):
        if answer.status_code != 409:  # the agent is about to answer
            break
        await asyncio.sleep(0.02)
        answer = await service.kim.post(path, json=said)
    assert answer.status_code == 204, answer.text
    await service.services.analytics_rows.refresh()
    return case


async def test_the_figures_of_a_period_come_with_their_intervals_and_definitions(
    service: Service, counted: str
) -> None:
    answer = (await service.kim.get("/v1/analytics", params=PERIOD)).json()
    assert [one["key"] for one in answer["metrics"]] == [metric.key for metric in METRICS]
    (escalation,) = [one for one in answer["metrics"] if one["key"] == "escalation"]
    assert (escalation["now"]["value"], escalation["now"]["denominator"]) == (0.0, 1)
    assert 0 < escalation["now"]["high"] < 1
    assert [part["label"] for part in escalation["parts"]["channel"]] == ["chat"]
    assert (answer["step"], answer["served"], answer["notice"], len(escalation["over_time"])) == (
        "day",
        "primary",
        None,
        3,
    )
    mails = (await service.kim.get("/v1/analytics", params={**PERIOD, "channel": "email", "step": "month"})).json()
    assert {one["now"]["denominator"] for one in mails["metrics"]} == {0}
    defined = (await service.kim.get("/v1/analytics/definitions")).json()
    assert [one["denominator"] for one in defined["metrics"]] == [metric.denominator for metric in METRICS]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "the period ends before it begins"),
        ({"from": "2000-01-01", "to": "2026-03-01"}, "a period has 3660 days at most"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "that is no time of ours"),
        ({"from": "2020-01-01", "to": "2026-03-01", "step": "day"}, "that makes more than 400 steps"),
        ({"from": "soon"}, None),
        ({"step": "hour"}, None),
        ({"channel": "\x00"}, None),
    ],
)
async def test_a_period_that_can_not_be_is_a_problem(service: Service, asked: dict[str, str], why: str | None) -> None:
    for path in ("/v1/analytics", "/v1/analytics/export"):
        answer = await service.kim.get(path, params=asked)
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
        assert why is None or answer.json()["detail"] == why


async def test_the_page_shows_a_period_that_can_not_be_in_its_form_and_says_why(service: Service) -> None:
    asked = {"from": "2026-03-02", "to": "2026-03-01", "channel": "email", "language": "*", "metric": "cost"}
    answer = await service.kim.get("/analytics", params=asked)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "text/html; charset=utf-8")
    assert "The period ends before it begins." in answer.text
    for kept in ('value="2026-03-02"', 'value="2026-03-01"', 'value="email" selected', 'value="cost"'):
        assert kept in answer.text


async def test_the_same_figures_come_as_a_page_and_as_a_file(service: Service, counted: str) -> None:
    every = {str(dimension): "*" for dimension in DIMENSIONS}
    page = await service.kim.get("/analytics", params={**PERIOD, **every, "metric": "escalation"})
    assert "Escalation rate: 0.0 %" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    file = await service.kim.get("/v1/analytics/export", params=PERIOD)
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = f"csagent-figures-{PERIOD['from']}-{PERIOD['to']}.csv"
    assert file.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert file.text.startswith("metric,unit,scope,start,end,dimension,label,value,low,high,numerator,denominator\r\n")
    assert (await service.kim.get("/v1/analytics/export", params={"format": "xls"})).status_code == 422


async def test_the_page_opens_with_a_figure_that_there_is_and_draws_nothing_where_there_is_none(
    service: Service, counted: str
) -> None:
    opened = (await service.kim.get("/analytics", params=PERIOD)).text
    assert '<h2 id="closer">Customer satisfaction' not in opened
    assert "<figure>" in opened
    empty = (await service.kim.get("/analytics", params={**PERIOD, "metric": "csat"})).text
    assert '<h2 id="closer">Customer satisfaction (CSAT): nothing to measure in this period' in empty
    assert "<figure>" not in empty
    nothing = (await service.kim.get("/analytics", params={**PERIOD, "channel": "email"})).text
    assert '<h2 id="closer">Customer satisfaction' in nothing


async def test_on_the_first_day_the_page_shows_today_until_another_period_is_asked_for(
    service: Service, counted: str
) -> None:
    page = await service.kim.get("/analytics")
    assert "Today is in these figures, and is not over yet." in page.text
    assert f"to {TODAY}</h2>" in page.text
    asked = await service.kim.get("/analytics", params={"to": str(TODAY - timedelta(days=1))})
    assert "Look at them with today" in asked.text


async def test_who_has_read_a_case_that_is_over_says_whether_it_is_solved(service: Service, counted: str) -> None:
    said = await service.lee.post("/v1/analytics/judgements", json={"case_id": counted, "solved": True})
    assert said.status_code == 204
    unknown = await service.lee.post("/v1/analytics/judgements", json={"case_id": str(uuid4()), "solved": True})
    assert unknown.status_code == 409
