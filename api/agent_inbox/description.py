"""What a reviewer has to read beside the proposal, as Markdown.

Agent Inbox renders Markdown with raw HTML in it, and loads the pictures that it names from wherever they are. So every
word that is not ours is escaped: a customer can't have a reviewer's browser ask for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from infra.postgres.cases import TranscriptMessage
from infra.postgres.escalations import ReadEscalation

_INLINE = re.compile(r"([\\`*_\[\]<>&~|])")
_BLOCK = re.compile(r"^(\d*)([-#+=:.)])")
"""What makes a heading, a list, a rule or a table of a line, where it begins with it."""
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SHOWN = 20
"""The newest messages; the console has them all."""


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, on one line or several."""
    # A line's leading blanks would make code of it, and code is not escaped.
    lines = (_BLOCK.sub(r"\1\\\2", _INLINE.sub(r"\\\1", line.strip())) for line in _BREAKS.split(text))
    return "\n".join(lines)


def title_of(read: ReadEscalation) -> str:
    """What stands in the list."""
    return f"{read.severity}: reply by {read.channel}"


def describe(read: ReadEscalation) -> str:
    """The whole request as Markdown. It begins with what the customer wrote, for the list shows the first words."""
    request = read.request
    name = escaped(read.customer_name) if read.customer_name else "The customer"
    parts = [
        escaped(" ".join(" ".join(request["messages"]).split())),
        _head(read),
        _section("Why a person decides", (_reason(reason) for reason in request["reasons"])),
        _section("What the guards found", (_finding(finding) for finding in request.get("findings", ()))),
        _section("Turned down before", (_rejected(rejected) for rejected in request["rejected"])),
        _section("Written since", (_message(message, name) for message in read.later_messages)),
        _section("The conversation", (_message(message, name) for message in read.transcript[-_SHOWN:])),
        _section("Sources", (_source(source) for source in request["sources"])),
        _section("Elsewhere", (_elsewhere(message, name) for message in request.get("elsewhere", ()))),
    ]
    return "\n\n".join(part for part in parts if part)


def _head(read: ReadEscalation) -> str:
    lines = [
        f"**{read.severity}**, reply by **{_time(read.reply_by)}** on {escaped(read.channel)}. Customer: {_who(read)}."
    ]
    if read.claimed_by is not None:
        lines.append(f"**{escaped(read.claimed_by)} is at it.**")
    if not read.request["proposal"]:
        lines.append("The agent proposes nothing more: write the answer yourself, or ignore it to take the case over.")
    return " ".join(lines)


def _who(read: ReadEscalation) -> str:
    return ", ".join(
        escaped(part) for part in (read.customer_name, read.customer_segment, read.customer_language) if part
    )


def _section(heading: str, entries: Iterable[str]) -> str:
    listed = list(entries)
    return "\n\n".join([f"**{heading}**", *listed]) if listed else ""


def _reason(reason: dict[str, str]) -> str:
    said = f"- {escaped(reason['explanation'])} ({escaped(reason['rule'])}, {escaped(reason['severity'])})"
    guidance = reason.get("guidance")  # an older request has none
    return f"{said}. {escaped(guidance)}" if guidance else said


def _finding(finding: dict[str, str]) -> str:
    return f"- {escaped(finding['guard'])}, {escaped(finding['reason'])}:\n\n{_quote(finding['sentence'])}"


def _rejected(rejected: dict[str, str]) -> str:
    return f"- {escaped(rejected['reason'])}\n\n{_quote(rejected['draft'])}"


def _message(message: TranscriptMessage, name: str) -> str:
    files = "".join(f"\n\n- a file, on the console: {escaped(file.name)}" for file in message.files)
    return f"*{_author(message.author, name)}, {_time(message.at)}*\n\n{_quote(message.text)}{files}"


def _source(source: dict[str, str]) -> str:
    where = " / ".join(escaped(part) for part in (source["title"], source["heading"]) if part)
    address = f" ({escaped(source['url'])})" if source["url"] else ""
    return f"*{where}*{address}\n\n{_quote(source['text'])}"


def _elsewhere(message: dict[str, str], name: str) -> str:
    at = _time(datetime.fromisoformat(message["at"]))
    return f"*{_author(message['author'], name)}, {escaped(message['channel'])}, {at}*\n\n{_quote(message['text'])}"


def _author(author: str, name: str) -> str:
    return {"customer": name, "agent": "The agent", "human": "A colleague", "system": "Note"}[author]


def _quote(text: str) -> str:
    return "\n".join(_quoted(text))


def _quoted(text: str) -> Iterator[str]:
    for line in escaped(text).split("\n"):
        yield f"> {line}" if line else ">"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
