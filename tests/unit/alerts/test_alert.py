from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from infra.alerts.alert import Alert, Kind, Reachable, letter, link, payload, raised, subject, told
from infra.staff.roles import ROLES, Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CASE, ESCALATION = UUID(int=1), UUID(int=2)
BASE = "https://help.example"


def an_alert(kind: Kind = "late", *, severity: str | None = "P2", left: int = -4) -> Alert:
    due = NOW + timedelta(minutes=left)
    return Alert(UUID(int=3), kind, ESCALATION, CASE, severity, "email", due, NOW - timedelta(minutes=5))


def people(*roles: Role) -> list[Reachable]:
    return [Reachable(uuid4(), f"{role}-{number}", role) for number, role in enumerate(roles)]


def roles_of(kind: Kind, *roles: Role) -> list[Role]:
    return [one.role for one in told(kind, people(*roles))]


def test_each_step_tells_those_who_are_to_act_on_it() -> None:
    everybody: tuple[Role, ...] = ("reviewer", "lead", "admin", "analyst", "auditor")
    assert roles_of("waiting", *everybody) == ["reviewer"]
    assert roles_of("late", *everybody) == ["lead"]
    assert roles_of("unheeded", *everybody) == ["lead", "admin"]
    assert roles_of("webhook_gone", *everybody) == ["admin"]
    assert roles_of("status_due", *everybody) == ["lead", "admin"]


def test_where_nobody_of_a_role_can_be_reached_another_one_stands_in() -> None:
    assert roles_of("waiting", "admin") == ["admin"]
    assert roles_of("late", "reviewer", "analyst") == ["reviewer"]
    assert roles_of("unheeded", "lead", "reviewer") == ["lead", "reviewer"]


def test_what_is_near_its_deadline_is_told_to_whoever_is_at_it_alone() -> None:
    team = people("reviewer", "reviewer", "lead")
    assert told("warned", team, claimed_by="reviewer-1") == [team[1]]
    assert told("late", team, claimed_by="reviewer-1") == [team[2], team[1]]
    assert told("warned", team, claimed_by="without-an-address") == team[:2]


@given(st.sampled_from(get_args(Kind)), st.lists(st.sampled_from(ROLES), max_size=6), st.integers(0, 6))
def test_nobody_is_told_twice_and_somebody_is_told_whenever_anybody_works_on_cases(
    kind: Kind, roles: list[Role], holder: int
) -> None:
    team = people(*roles)
    chosen = told(kind, team, claimed_by=team[holder].name if holder < len(team) else None)
    assert len(chosen) == len(set(chosen))
    workers = {"reviewer", "lead", "admin"} & set(roles)
    assert bool(chosen) == bool(workers) or kind == "test" or holder < len(team)


def test_what_is_late_counts_as_one_step_more_urgent() -> None:
    assert [raised(one, late=True) for one in ("P1", "P2", "P3")] == ["P1", "P1", "P2"]
    assert raised("P2", late=False) == "P2"


def test_a_request_says_what_it_is_how_urgent_and_where_to_go_and_nothing_else() -> None:
    told = payload(an_alert(), BASE, NOW)
    assert json.loads(json.dumps(told)) == {
        "type": "escalation.late",
        "timestamp": "2026-03-01T11:55:00Z",
        "data": {
            "id": str(UUID(int=3)),
            "subject_id": str(ESCALATION),
            "case_id": str(CASE),
            "severity": "P2",
            "urgency": "P1",
            "channel": "email",
            "due_at": "2026-03-01T11:56:00Z",
            "seconds_left": -240,
            "url": f"{BASE}/review#e/{ESCALATION}",
        },
    }


def test_a_mail_tells_of_all_that_is_due_to_one_person_the_most_urgent_first() -> None:
    alerts = [an_alert(), an_alert("waiting", severity="P3", left=90)]
    assert subject(alerts, NOW) == "[P1] A case is late (and 1 more)"
    text = letter(alerts, BASE, NOW)
    assert f"A case is late.\nP2 · email · 4 min late\n{BASE}/review#e/{ESCALATION}\n" in text
    assert "P3 · email · 1 h left" in text


def test_every_link_leads_somewhere_in_the_console() -> None:
    assert link(an_alert("dead_letter", severity=None), BASE) == f"{BASE}/review#c/{CASE}"
    gone = Alert(UUID(int=3), "webhook_gone", ESCALATION, None, None, None, None, NOW)
    assert link(gone, BASE) == f"{BASE}/alerts"
