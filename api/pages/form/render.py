"""Makes the form's pages: every value is escaped, and each page says that nobody may keep, frame or index it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.form.links import Part, linked
from api.pages.form.words import LANGUAGES, words
from api.pages.routes import SECURITY_HEADERS
from api.shown_files import MessageFile
from channels.attachments import TYPES, Limits
from infra.postgres.conversations import SeenMessage, View
from infra.postgres.surveys import Survey

_HEADERS = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
_MEGABYTE = 1_048_576
_ACCEPTED = ",".join(ending for endings in TYPES.values() for ending in endings)

FIELDS = ("message", "topic", "email", "name", "comment")

Said = Literal["helped", "open", "rated"]
"""What a customer has just said by a button: it is settled, it is not, or how our help was."""
Just = Literal["new"] | Said
"""What has just happened on the private page, for it to say so."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: in which language, whether they chose it, and what a message may bring."""

    language: str
    chosen: bool
    limits: Limits

    def word(self, name: str, **values: object) -> str:
        """A text of the pages."""
        return words()[self.language][name].format(**values)

    @property
    def query(self) -> str:
        """What keeps a chosen language on the next page."""
        return f"?lang={self.language}" if self.chosen else ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a page says above its form: the title's name, the text's name, a link if it has one."""

    name: str
    text: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as it is shown: what was typed, what is wrong with it."""

    stamp: str
    given: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None
    files_lost: bool = False


def contact_page(reader: Reader, draft: Draft, *, status: int = 200) -> HTMLResponse:
    """The form for a first message."""
    return _page("contact", reader, "/contact", status, **_drafted(reader, draft))


def talk_page(
    reader: Reader,
    draft: Draft,
    view: View,
    files: Mapping[Any, list[MessageFile]],
    *,
    here: str,
    just: Just | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The private page of a conversation."""
    last = view.messages[-1]
    standing = view.activity if view.activity != "idle" or last.author != "customer" else "quiet"
    return _page(
        "talk",
        reader,
        here,
        status,
        messages=[_shown(reader, message, files.get(message.id, [])) for message in view.messages],
        cursor=last.position,
        activity=view.activity,
        standing=standing,
        asks=view.asks or "",
        just=just,
        look=time.time_ns() // 1_000_000,
        **_drafted(reader, draft),
    )


def feedback_page(reader: Reader, draft: Draft, survey: Survey, *, here: str, status: int = 200) -> HTMLResponse:
    """The page of a survey, behind a link. Nobody who has the link reads there what its customer wrote."""
    return _page(
        "feedback",
        reader,
        here,
        status,
        rating=survey.rating,
        closed=survey.too_late,
        **_drafted(reader, draft),
    )


def trouble_page(
    reader: Reader, name: Literal["not_found", "large", "refused", "busy"], *, status: int
) -> HTMLResponse:
    """A page for what went wrong without a form to show it in."""
    return _page("trouble", reader, "/contact", status, name=name)


def _drafted(reader: Reader, draft: Draft) -> dict[str, Any]:
    limits = reader.limits
    hint = reader.word("files_hint", count=limits.count, megabytes=limits.file_bytes // _MEGABYTE)
    return {
        "stamp": draft.stamp,
        "given": {name: draft.given.get(name, "") for name in FIELDS},
        "errors": _Errors(draft.errors),
        "notice": draft.notice,
        "files_lost": draft.files_lost,
        "files_hint": hint if limits.count else "",
        "accept": _ACCEPTED,
    }


class _Errors(dict[str, str]):
    """A field without an error has none."""

    def __missing__(self, name: str) -> None:
        return None


def _shown(reader: Reader, message: SeenMessage, files: list[MessageFile]) -> dict[str, Any]:
    """A message as its page shows it. What a customer wrote stays text; links are made of ours only."""
    return {
        "author": message.author,
        "at": message.at,
        "parts": [Part(message.text)] if message.author == "customer" else linked(message.text),
        "files": [
            {
                "name": file.name,
                "url": file.url,
                "kind": file.name.rpartition(".")[2].upper(),
                "size": _size(file.size),
                "why": _why(reader, file.refusal),
            }
            for file in files
        ],
    }


def _why(reader: Reader, refusal: str | None) -> str:
    limits, name = reader.limits, f"file_{refusal or 'type'}"
    if name not in words()[reader.language]:  # a reason of another channel's
        name = "file_type"
    return reader.word(
        name,
        count=limits.count,
        megabytes=limits.file_bytes // _MEGABYTE,
        total=limits.total_bytes // _MEGABYTE,
    )


def _size(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB" if size >= _MEGABYTE else f"{max(1, round(size / 1024))} KB"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(template: str, reader: Reader, here: str, status: int, **values: Any) -> HTMLResponse:
    text = (
        _environment()
        .get_template(f"{template}.html.jinja")
        .render(
            words=words()[reader.language],
            language=reader.language,
            languages=LANGUAGES,
            chosen=reader.chosen,
            query=reader.query,
            here=here,
            **values,
        )
    )
    return HTMLResponse(text, status_code=status, headers={**_HEADERS, "Content-Language": reader.language})
