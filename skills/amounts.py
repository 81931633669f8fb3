"""Amounts of money in a text: ``€1,200.50``, ``1.200,50 €``, ``$300``, ``300 dollars``, ``CHF 1'200``, ``2k €``.

Currencies are not converted: a limit means the number, whatever the currency. Time is linear in the text.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_CURRENCY = (
    r"(?:€|\$|£|¥|(?<![^\W\d_])(?:eur|euros?|usd|dollars?|dólares|dolares|gbp|pounds?|pfund|libras|livres|"
    r"chf|franken|francs?)"
    r"(?![^\W\d_]))"
)
_NUMBER = r"(?:\d{1,3}(?:[ .,'\u2019\u00a0\u202f]\d{3}){1,4}(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,3})?)"
_THOUSANDS = r"(?:[ ]?(k|thousand|tausend|mil|mille)(?![^\W\d_]))?"
_BEFORE = re.compile(rf"{_CURRENCY}[ \u00a0]?({_NUMBER}){_THOUSANDS}(?![\d])", re.IGNORECASE)
_AFTER = re.compile(rf"(?<![\w.,])({_NUMBER}){_THOUSANDS}[ \u00a0]?{_CURRENCY}", re.IGNORECASE)
_GROUP = 3


class Amount(NamedTuple):
    """A sum of money and how it was written."""

    value: Decimal
    text: str


def amounts_in(text: str) -> tuple[Amount, ...]:
    """The amounts of a text, in the order of the two ways to write them: currency first, then number first."""
    found = (match for pattern in (_BEFORE, _AFTER) for match in pattern.finditer(text))
    return tuple(dict.fromkeys(Amount(_value(match[1], thousands=bool(match[2])), match[0].strip()) for match in found))


def _value(number: str, *, thousands: bool) -> Decimal:
    """The last mark is a decimal one unless exactly three digits follow or it stands more than once."""
    number = re.sub(r"[ '\u2019\u00a0\u202f]", "", number)
    last = max(number.rfind("."), number.rfind(","))
    if last >= 0:
        mark = number[last]
        other = "," if mark == "." else "."
        is_decimal = len(number) - last - 1 != _GROUP and number.count(mark) == 1
        number = number.replace(other, "")
        number = number.replace(mark, "." if is_decimal else "")
    return Decimal(number) * (1000 if thousands else 1)
