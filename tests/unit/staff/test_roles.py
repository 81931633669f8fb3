"""What each role may do, written a second time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.routes.console import browser_name
from infra.staff.oidc import most
from infra.staff.roles import PERMISSIONS, ROLES, Role, may

MATRIX = {
    #                  reviewer lead admin analyst auditor
    "work.list":       "x        x    x     .       x",
    "customers.read":  "x        x    x     .       x",
    "review":          "x        x    x     .       .",
    "work.assign":     ".        x    x     .       .",
    "work.settle":     ".        x    x     .       .",
    "knowledge.read":  "x        x    x     x       x",
    "knowledge.write": ".        x    x     .       .",
    "analytics.read":  ".        x    x     x       x",
    "status.write":    ".        x    x     .       .",
    "staff.manage":    ".        .    x     .       .",
}  # fmt: skip


def test_every_role_may_what_the_matrix_says() -> None:
    table = {
        permission: " ".join("x" if may(role, permission) else "." for role in ROLES) for permission in PERMISSIONS
    }
    assert table == {permission: " ".join(marks.split()) for permission, marks in MATRIX.items()}


@given(st.sets(st.sampled_from(ROLES)))
def test_of_several_groups_the_one_that_may_most_counts(roles: set[Role]) -> None:
    found = most(roles)
    assert (found is None) == (not roles)
    if found is not None:
        granted = {role: sum(may(role, permission) for permission in PERMISSIONS) for role in roles}
        assert granted[found] == max(granted.values())


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8", "An unknown browser"),
        ("", "An unknown browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, name: str) -> None:
    assert browser_name(agent) == name
