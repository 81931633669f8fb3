"""What customers say about themselves in free text: addresses, phone numbers, names, order numbers.

A claim is a hint for a reviewer and for a search in the directory, never a proof: a missed one costs little and a wrong
one costs a little attention. Every expression has bounded repeats and starts at a word's edge: time is linear in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skills.phones import PHONE
from skills.turn import Claim

MOST_CLAIMS = 20
"""More than that in one turn is a pasted list, not somebody speaking of themselves."""

_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9_%+-][\w.%+-]{0,63}"
    r"@[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){1,6}"
)
_ORDER = re.compile(
    r"(?:#[ ]?|(?<!\w)(?:order|bestellung|bestellnummer|auftrag|auftragsnummer|pedido|commande)"
    r"[ ]{0,2}(?:number|nummer|número|numero|numéro|no\.?|nr\.?|n°|id)?"
    r"(?:[ ](?:is|ist|es|est))?[ ]{0,2}[:#]?[ ]{0,2}#?)"
    r"([A-Za-z]{0,4}-?\d[A-Za-z0-9-]{2,18}\d)(?!\w)",
    re.IGNORECASE,
)
_NAME_PART = r"[^\W\d_]{1,30}(?:['-][^\W\d_]{1,30})?"
_NAME = re.compile(
    r"(?<!\w)(?:my name is|my name's|mein name ist|ich heiße|ich heisse|mi nombre es|me llamo|je m'appelle|mon nom est)"
    rf"[ ]{{1,3}}({_NAME_PART}(?:[ ]{_NAME_PART}){{0,2}})",
    re.IGNORECASE,
)
_TRUNK_ZERO = re.compile(r"\(0\)")

_SHORTEST_INTERNATIONAL, _SHORTEST_NATIONAL, _LONGEST_PHONE = 8, 9, 15
_DATE = re.compile(r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?!\d)")


def claims_in(text: str) -> tuple[Claim, ...]:
    """The claims of a text, each once: emails first, then phone numbers, names and order numbers, in their order.

    Emails are in lower case, international numbers are ``+`` and digits, other numbers digits alone, order numbers in
    upper case without their ``#``.
    """
    found = dict.fromkeys((*_emails(text), *_phones(text), *_names(text), *_orders(text)))
    return tuple(found)[:MOST_CLAIMS]


def _emails(text: str) -> Iterator[Claim]:
    for match in _EMAIL.finditer(text):
        yield Claim("email", match[0].lower())


def _phones(text: str) -> Iterator[Claim]:
    ordered = [match.span(1) for match in _ORDER.finditer(text)]
    for match in PHONE.finditer(text):
        written = match[0]
        if _DATE.match(written) or any(start <= match.start() < end for start, end in ordered):
            continue
        digits = re.sub(r"\D", "", written)
        if written.startswith("+") or digits.startswith("00"):
            digits = re.sub(r"\D", "", _TRUNK_ZERO.sub("", written)).removeprefix("00")
            if _SHORTEST_INTERNATIONAL <= len(digits) <= _LONGEST_PHONE:
                yield Claim("phone", "+" + digits)
        elif (digits.startswith("0") or not written.isdigit()) and (
            _SHORTEST_NATIONAL <= len(digits) <= _LONGEST_PHONE
        ):
            yield Claim("phone", digits)


def _names(text: str) -> Iterator[Claim]:
    """Names start with a capital; "my name is wrong on the bill" claims none."""
    for match in _NAME.finditer(text.replace("\u2019", "'")):
        parts: list[str] = []
        for part in match[1].split():
            if not part[0].isupper():
                break
            parts.append(part)
        if parts:
            yield Claim("name", " ".join(parts))


def _orders(text: str) -> Iterator[Claim]:
    for match in _ORDER.finditer(text):
        yield Claim("order", match[1].upper())
