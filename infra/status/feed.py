"""The status page as an Atom feed (RFC 4287): an entry for each update, each report and each maintenance."""

from __future__ import annotations

from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from infra.status.components import BY_ID
from infra.status.snapshot import Incident, Maintenance, Snapshot

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
MOST = 50
_ATOM = "http://www.w3.org/2005/Atom"


def feed(snapshot: Snapshot, address: str) -> bytes:
    """The feed.

    Args:
        snapshot: what it tells of.
        address: of the page, absolute where it is known.
    """
    root = Element("feed", xmlns=_ATOM)
    _text(root, "title", f"{snapshot.company} status")
    _text(root, "id", f"{address}#feed")
    SubElement(root, "link", href=address, rel="alternate")
    SubElement(root, "link", href=f"{address}/history.atom", rel="self")
    author = SubElement(root, "author")
    _text(author, "name", snapshot.company)
    entries = [
        *(entry for incident in snapshot.incidents for entry in _incident(incident, address)),
        *(_planned(one, address) for one in snapshot.maintenance),
    ]
    entries.sort(key=lambda entry: entry[0], reverse=True)
    _text(root, "updated", _time(entries[0][0] if entries else snapshot.made_at))
    for _, entry in entries[:MOST]:
        root.append(entry)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _incident(incident: Incident, address: str) -> list[tuple[datetime, Element]]:
    where, what = f"{address}#incident-{incident.id}", _names(incident.components)
    found = [
        (one.at, _entry(f"urn:uuid:{one.id}", f"{incident.title}: {one.phase}", one.at, where, f"{one.text}\n\n{what}"))
        for one in incident.updates
    ]
    if incident.reported_at is not None:
        text = "\n\n".join(filter(None, (incident.report, incident.report_url)))
        name = f"urn:uuid:{incident.id}"
        found.append(
            (incident.reported_at, _entry(name, f"{incident.title}: report", incident.reported_at, where, text))
        )
    return found


def _planned(one: Maintenance, address: str) -> tuple[datetime, Element]:
    at = one.cancelled_at or one.announced_at
    title = f"Maintenance{' cancelled' if one.cancelled_at else ''}: {one.title}"
    when = f"{one.starts_at:%Y-%m-%d %H:%M} to {one.ends_at:%Y-%m-%d %H:%M} UTC"
    text = f"{when}\n\n{one.text}\n\n{_names(one.components)}"
    return at, _entry(f"urn:uuid:{one.id}", title, at, f"{address}#maintenance-{one.id}", text)


def _entry(name: str, title: str, at: datetime, where: str, text: str) -> Element:
    entry = Element("entry")
    _text(entry, "id", name)
    _text(entry, "title", title)
    _text(entry, "updated", _time(at))
    SubElement(entry, "link", href=where)
    content = SubElement(entry, "content", type="text")
    content.text = text
    return entry


def _names(components: tuple[str, ...]) -> str:
    return "Affected: " + ", ".join(BY_ID[one].name if one in BY_ID else one for one in components)


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
