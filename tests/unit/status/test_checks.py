"""What follows for each component from what was measured."""

from __future__ import annotations

import pytest

from infra.status.checks import Beat, Measures, judge
from infra.status.components import COMPONENTS, components_of

WELL = (Beat("api", 3), Beat("worker", 3), Beat("sender", 3))


def troubles(measures: Measures) -> dict[str, tuple[str, str]]:
    """The components that are not operational."""
    verdicts = judge(measures, COMPONENTS)
    assert [one.component for one in verdicts] == [component.id for component in COMPONENTS]
    return {one.component: (one.state, one.reason) for one in verdicts if one.state != "operational"}


def test_a_line_is_there_only_for_what_is_set_up() -> None:
    assert [one.id for one in components_of({"email"})] == ["chat", "form", "email", "agent", "people", "console"]


@pytest.mark.parametrize(
    ("measures", "found"),
    [
        (Measures(WELL), {}),
        (Measures(WELL, api_answers=True, queue=59, deliveries={"chat": 119}, review=899), {}),
        (Measures((Beat("api", 3), Beat("worker", 46), Beat("sender", 3))), {"agent": ("down", "no_worker")}),
        (Measures(WELL, queue=60), {"agent": ("degraded", "queue_slow")}),
        (Measures(WELL, queue=300), {"agent": ("down", "queue_stands")}),
        (Measures(WELL, review=901), {"people": ("degraded", "late")}),
        (Measures(WELL, mail_failures=3), {"email": ("degraded", "mailbox_unread")}),
        (Measures(WELL, deliveries={"email": 601}), {"email": ("down", "outbox_stands")}),
        (Measures(WELL, deliveries={"chat": 601}), {"chat": ("degraded", "outbox_stands")}),
        (
            Measures((Beat("api", 3), Beat("worker", 3))),
            {
                "chat": ("degraded", "no_sender"),
                "form": ("degraded", "no_sender"),
                "email": ("down", "no_sender"),
                "whatsapp": ("down", "no_sender"),
            },
        ),
        (
            Measures(WELL, api_answers=False),
            {
                **dict.fromkeys(("chat", "form", "whatsapp", "console"), ("down", "api_not_ready")),
                "people": ("degraded", "api_not_ready"),
            },
        ),
        (
            Measures((*WELL, Beat("sender", 3, {"whatsapp provider": "open"}))),
            {"whatsapp": ("down", "provider")},
        ),
        (
            Measures((*WELL, *(Beat("sender", 3, {"whatsapp provider": one}) for one in ("open", "closed")))),
            {},
        ),
        (Measures((*WELL, Beat("worker", 3, {"model": "half-open"}))), {"agent": ("degraded", "model_breaker")}),
    ],
)
def test_each_trouble_is_told_of_the_components_that_it_harms(
    measures: Measures, found: dict[str, tuple[str, str]]
) -> None:
    assert troubles(measures) == found
