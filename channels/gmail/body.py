# ruff: noqa: RUF001 - words of many languages
"""What a mail says: which of its forms is read, the whole of it, and what the customer newly wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from channels.gmail.markup import html_text
from channels.gmail.quotes import newly_written
from channels.gmail.structure import Section

MAX_READ = 200_000
"""Characters among which the customer's own words are looked for."""

_LONGEST_STUB = 400
_STUB = re.compile(
    r"(?:view|read|open|see) (?:(?:this|the|it) ?)?(?:e-?mail |message |newsletter )?(?:online )?"
    r"in (?:your |a |the )?(?:web ?)?browser|"
    r"(?:does not|doesn't|cannot|can't|unable to) (?:support|display|show|read|view) (?:html|this)|"
    r"html[ -](?:version|format|e-?mail|message|ansicht|nachricht|mail)|"
    r"(?:im|in ihrem) browser (?:ansehen|anzeigen|öffnen)|"
    r"dans (?:votre|le) navigateur|en (?:su|tu|el) navegador|nel (?:tuo )?browser",
    re.IGNORECASE,
)
_HTML = re.compile(r"\s*(?:<!doctype html|<html|<body|<div|<table|<p>)", re.IGNORECASE)
_SIGNED = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]{1,20}: [^\n]{0,200}\n)*\n?(.*?)"
    r"(?:\n-----BEGIN PGP SIGNATURE-----.*?(?:-----END PGP SIGNATURE-----|\Z)|\Z)",
    re.DOTALL,
)
_DASHED = re.compile(r"^- (?=-)", re.MULTILINE)
_FORWARD = re.compile(r"\s*(?:fwd?|wg|wtr|tr|rv|enc|i|doorst|vb|vl|pd|fs|转发|轉寄|전달)\s?[:：]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """A mail's text. Both are empty when it has none."""

    own: str
    """What the customer newly wrote: without the mail that is answered, without a signature."""
    whole: str


def read_body(sections: Sequence[Section], *, subject: str) -> Body:
    """The text of a mail's sections. The subject tells whether another mail is passed on, which then is the point."""
    forwarded = bool(_FORWARD.match(subject))
    wholes: list[str] = []
    owns: list[str] = []
    for section in sections:
        plain = _SIGNED.sub(lambda found: _DASHED.sub("", found[1]), section.plain).strip()
        html = section.html or (plain if _HTML.match(plain) else "")
        whole = own = plain
        if html and (plain == html or not plain or _is_stub(plain)):
            whole = html_text(html) or plain
            own = whole if forwarded else html_text(html, own_words=True)
        wholes.append(whole)
        owns.append(own)
    whole = "\n\n".join(text for text in wholes if text)
    own = "\n\n".join(text for text in owns if text)
    return Body(newly_written((own or whole)[:MAX_READ], forwarded=forwarded), whole)


def _is_stub(plain: str) -> bool:
    return len(plain) <= _LONGEST_STUB and bool(_STUB.search(plain))
