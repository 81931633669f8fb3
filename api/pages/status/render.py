"""Makes the public status page, its JSON and its feed: the same from the API, from a server of its own, and as files.

Every link of the page is relative to where it stands, so that it works at ``/status``, at ``/`` and in any folder. It
sets no cookie, needs no script and asks nobody else.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.routes import ANYWHERE, SECURITY_HEADERS
from infra.status.components import BY_ID, Shown
from infra.status.feed import MEDIA_TYPE as ATOM
from infra.status.feed import feed
from infra.status.snapshot import Incident, Maintenance, PublicComponent, Reach, Seen, written
from infra.status.uptime import Kind

ASSETS = ("assets/icon.svg", "assets/theme.css", "assets/controls.css", "assets/status/status.css")
"""What the page needs beside it."""
_CACHED = "public, max-age=0, s-maxage=15, stale-if-error=86400"
"""A browser asks each time, and is told that nothing changed; what stands between spares us the crowd of an outage."""
_WORDS: Mapping[Shown, str] = {
    "operational": "Works",
    "degraded": "Works with limits",
    "down": "Does not work",
    "unknown": "Not known",
    "maintenance": "Planned work",
}
_DAYS: Mapping[Kind, str] = {
    "operational": "worked",
    "degraded": "worked with limits",
    "down": "did not work for a while",
    "maintenance": "planned work",
    "no_data": "no data",
}
_REACH: Mapping[Reach, str] = {
    "fresh": "",
    "old": "Our own data is old: nothing newer has come in. What is said of each part may have changed.",
    "not_ready": "Our own data can't be reached now. Messages to us can't be taken at the moment.",
    "unreachable": "Our service can't be reached from here now. What is said below was known before.",
}
_BAR: Mapping[Kind, int] = {"operational": 32, "degraded": 22, "down": 14, "maintenance": 22, "no_data": 4}
"""How high a day's bar is: never its colour alone says what it was."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def page(seen: Seen, if_none_match: str | None = None, *, mails: bool = False) -> Response:
    """The page as an answer. ``mails``: whether one can ask for notices by mail where it is shown."""
    return _cached(html(seen, mails=mails), "text/html; charset=utf-8", if_none_match)


def notice_page(company: str, text: str, token: str, *, confirm: bool, end: bool) -> str:
    """A page about a subscription: one sentence, and the buttons that go with it."""
    template = _environment().get_template("notice.html.jinja")
    return template.render(company=company, text=text, token=token, confirm=confirm, end=end)


def document(seen: Seen, if_none_match: str | None = None) -> Response:
    """The same as JSON, for programs and for pages of other hosts."""
    return _cached(json(seen), "application/json", if_none_match, ANYWHERE)


def history(seen: Seen, address: str, if_none_match: str | None = None) -> Response:
    """The same as an Atom feed. ``address`` is the page's, absolute."""
    return _cached(feed(seen.snapshot, address), ATOM, if_none_match, ANYWHERE)


def json(seen: Seen) -> str:
    """The snapshot as JSON."""
    return written(seen.snapshot)


def html(seen: Seen, *, mails: bool = False) -> str:
    """The page."""
    snapshot, now = seen.snapshot, seen.now
    planned = [one for one in snapshot.maintenance if one.phase(now) in {"announced", "in progress"}]
    return (
        _environment()
        .get_template("status.html.jinja")
        .render(
            company=snapshot.company,
            overall=overall(snapshot.components),
            trouble=_REACH[seen.reach],
            lines=snapshot.components,
            open=[one for one in snapshot.incidents if one.ended_at is None],
            planned=sorted(planned, key=lambda one: one.starts_at),
            past=_past(snapshot.incidents, snapshot.maintenance, now),
            made_at=snapshot.made_at,
            phase=lambda one: one.phase(now),
            mails=mails,
        )
    )


def overall(lines: Sequence[PublicComponent]) -> tuple[str, str]:
    """The one sentence above all, and its kind: ``good``, ``warn``, ``bad`` or ``none``."""
    if not lines:
        return "Nothing is known yet.", "none"

    def named(state: Shown) -> list[str]:
        return [line.name for line in lines if line.state == state]

    if down := named("down"):
        return f"{_listed(down)} {'does' if len(down) == 1 else 'do'} not work now.", "bad"
    if limited := named("degraded"):
        return f"{_listed(limited)} {'works' if len(limited) == 1 else 'work'} with limits now.", "warn"
    if unknown := named("unknown"):
        whole = len(unknown) == len(lines)
        return "It can't be seen now how things are." if whole else f"Not known now: {_listed(unknown)}.", "none"
    if named("maintenance"):
        return "Planned work is going on; everything else works.", "warn"
    return "Everything works.", "good"


def _listed(names: Sequence[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


def _past(
    incidents: Sequence[Incident], maintenance: Sequence[Maintenance], now: datetime
) -> list[Incident | Maintenance]:
    ended: list[tuple[datetime, Incident | Maintenance]] = [
        *((one.started_at, one) for one in incidents if one.ended_at is not None),
        *((one.starts_at, one) for one in maintenance if one.phase(now) in {"done", "cancelled"}),
    ]
    return [one for _, one in sorted(ended, key=lambda pair: pair[0], reverse=True)]


def _cached(
    body: str | bytes, media_type: str, if_none_match: str | None, further: Mapping[str, str] | None = None
) -> Response:
    data = body.encode() if isinstance(body, str) else body
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {**SECURITY_HEADERS, **(further or {}), "ETag": etag, "Cache-Control": _CACHED}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def percent(part: float | None) -> str:
    """An uptime as people read it; never rounded up to a whole that it was not."""
    if part is None:
        return "no data"
    return "100 %" if part >= 1 else f"{math.floor(part * 10_000) / 100:.2f} %"


def lasted(seconds: float) -> str:
    """A length of time: ``40 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        hours, minutes = divmod(whole // _MINUTE, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(whole // _HOUR, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _between(began: datetime, ended: datetime) -> str:
    return lasted(max(ended - began, timedelta(0)).total_seconds())


def names_of(components: Sequence[str]) -> str:
    """Components by their names."""
    return ", ".join(BY_ID[one].name if one in BY_ID else one for one in components)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "percent": percent,
        "names": names_of,
        "lasted": lasted,
        "word": _WORDS.__getitem__,
        "day_word": _DAYS.__getitem__,
        "bar": _BAR.__getitem__,
    }
    environment.filters.update(filters)
    environment.globals["between"] = _between
    return environment
