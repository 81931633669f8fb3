"""Roles, and the one table of what each of them may do.

A route of the staff's names a permission (``api.routes.staff.Needs``); the table says which roles have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Role = Literal["reviewer", "lead", "admin", "analyst", "auditor"]
"""What somebody is here. A person has one."""

Permission = Literal[
    "work.list",
    "customers.read",
    "review",
    "work.assign",
    "work.settle",
    "knowledge.read",
    "knowledge.write",
    "analytics.read",
    "status.write",
    "staff.manage",
]
"""What a route may ask for:

- ``work.list``: what waits and whose it is, without a word of a customer's;
- ``customers.read``: what customers wrote and who they are; every answer leaves an audit row, or it is not given;
- ``review``: decide, write, take over, hand back, resolve, judge, join two customers;
- ``work.assign``: give somebody what another has;
- ``work.settle``: dead letters and sends that failed, settled by hand;
- ``knowledge.read`` and ``knowledge.write``: the articles;
- ``analytics.read``: the figures, those of each reviewer's work too, which is why reviewers don't have it;
- ``status.write``: what the public status page says;
- ``staff.manage``: who may sign in, and as what.
"""

ROLES: tuple[Role, ...] = get_args(Role)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

WHO_MAY: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        "work.list": frozenset({"reviewer", "lead", "admin", "auditor"}),
        "customers.read": frozenset({"reviewer", "lead", "admin", "auditor"}),
        "review": frozenset({"reviewer", "lead", "admin"}),
        "work.assign": frozenset({"lead", "admin"}),
        "work.settle": frozenset({"lead", "admin"}),
        "knowledge.read": frozenset({"reviewer", "lead", "admin", "analyst", "auditor"}),
        "knowledge.write": frozenset({"lead", "admin"}),
        "analytics.read": frozenset({"lead", "admin", "analyst", "auditor"}),
        "status.write": frozenset({"lead", "admin"}),
        "staff.manage": frozenset({"admin"}),
    }
)


def may(role: Role, permission: Permission) -> bool:
    """Whether this role has this permission."""
    return role in WHO_MAY[permission]
