"""Makes the console's pages: every value is escaped, and each says that nobody may keep, frame or index it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.routes import SECURITY_HEADERS
from infra.staff.roles import PERMISSIONS, Permission, Role, may

_HEADERS = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}

PAGES: tuple[tuple[str, str, Permission], ...] = (
    ("/review", "Review", "customers.read"),
    ("/conversations", "Conversations", "customers.read"),
    ("/knowledge", "Knowledge", "knowledge.read"),
    ("/analytics", "Analytics", "analytics.read"),
    ("/alerts", "Alerts", "work.settle"),
    ("/status/manage", "Status", "status.write"),
    ("/staff", "Staff", "staff.manage"),
)
"""The navigation: where, what it is called, and what one has to have to see it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Who reads a page, and what it needs to be theirs. ``name`` is empty where nobody has signed in."""

    name: str = ""
    role: Role | None = None
    form_token: str = ""
    here: str = ""
    """The page's path."""

    @property
    def pages(self) -> list[tuple[str, str]]:
        """Where this reader can go."""
        return [(path, label) for path, label, needed in PAGES if self.role is not None and may(self.role, needed)]

    @property
    def may(self) -> str:
        """The permissions, for scripts and styles to leave out what would be refused."""
        return " ".join(one for one in PERMISSIONS if self.role is not None and may(self.role, one))


def page(template: str, frame: Frame, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of the console.

    Args:
        template: its name, such as ``account``.
        frame: who reads it.
        status: of the answer.
        values: what the template asks for.
    """
    text = _environment().get_template(f"{template}.html.jinja").render(frame=frame, **values)
    return HTMLResponse(text, status_code=status, headers=_HEADERS)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
