"""Dates of birth as they are said and typed, in many orders: each a day, a month and a year, of which some may lack.

``the twentieth of march nineteen eighty one``, ``03/04/81``, ``1981-04-03``, ``2501 1986``, ``27th of the 9th 1979``.
Where the order is open, both readings are given: in Europe the day comes first, and that reading stands first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from skills.identify.spoken import NUMBERS, folded, words

FIRST_YEAR, LAST_YEAR = 1900, 2099

_MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero gennaio stycznia styczen",
            "february feb februar fevrier febrero febbraio lutego luty",
            "march mar marz mars marzo marca marzec",
            "april apr avril abril aprile kwietnia kwiecien",
            "may mai mayo maggio maja maj",
            "june jun juni juin junio giugno czerwca czerwiec",
            "july jul juli juillet julio luglio lipca lipiec",
            "august aug aout agosto sierpnia sierpien",
            "september sept sep septembre septiembre settembre wrzesnia wrzesien",
            "october oct oktober octobre octubre ottobre pazdziernika pazdziernik",
            "november nov novembre noviembre listopada listopad",
            "december dec dezember decembre diciembre dicembre grudnia grudzien",
        ),
        1,
    )
    for name in names.split()
}
_HEARD_AS = {"to": "2", "too": "2", "for": "4", "oh": "0", "o": "0", "won": "1", "ate": "8", "v": "5"}
_ORDINAL_ENDING = re.compile(r"(?<=\d)(?:st|nd|rd|th)(?![a-z])")
_ROMAN = re.compile(r"m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_WRITTEN = re.compile(
    r"(?<![\d.,/-])(?:\d{1,2}[./-][ ]?\d{1,2}[./-][ ]?(?:19|20)?\d{2}|(?:19|20)\d{2}[./-]\d{1,2}[./-]\d{1,2})(?![\d/-])"
)
_DAYS, _MONTHS_A_YEAR, _DECADE, _CENTURY, _MILLENNIUM = 31, 12, 10, 100, 2000
_CENTURIES = (19, 20)
_NINETY, _YEAR_DIGITS, _SHORTEST_ROMAN = 90, 4, 2


@dataclass(frozen=True, slots=True)
class SaidDate:
    """A date as far as it was said; ``None`` is what was not."""

    day: int | None
    month: int | None
    year: int | None

    @property
    def whole(self) -> date | None:
        """The date, when all of it was said and there is such a day."""
        if self.day is None or self.month is None or self.year is None:
            return None
        try:
            return date(self.year, self.month, self.day)
        except ValueError:
            return None

    def agreeing(self, other: date) -> int:
        """How many of day, month and year are the same, 0 to 3."""
        return (self.day == other.day) + (self.month == other.month) + (self.year == other.year)


def written(text: str) -> list[SaidDate]:
    """Whole dates that stand in a text as they are typed or with the month's name; for texts about anything."""
    plain = folded(text)
    found = [date for match in _WRITTEN.finditer(plain) for date in _by_digits(re.findall(r"\d+", match[0]))]
    found += [date for date in _by_month_name(_items(plain)) if date.whole]
    return list(dict.fromkeys(found))


def spoken(text: str) -> list[SaidDate]:
    """Dates that a text may say, also in part; for an answer to "when were you born?"."""
    plain = folded(text)
    items = _items(plain)
    named = list(_by_month_name(items))
    if named:
        return list(dict.fromkeys(named))
    numbers = [item for item in (_HEARD_AS.get(item, item) for item in items) if item.isdigit()]
    found = list(dict.fromkeys(date for date in _by_digits(numbers) if date.day or date.month or date.year))
    return found or [SaidDate(None, None, year) for year in _years(numbers)[:1]]


def _items(plain: str) -> list[str]:
    """Numbers as digits, and all other words; ``twenty first`` is ``21``, ``mmxiv`` is ``2014``."""
    found: list[str] = []
    for word in words(_ORDINAL_ENDING.sub(" ", plain)):
        number = NUMBERS.get(word)
        if number is not None:
            tens = found and found[-1].isdigit() and found[-1] in {str(ten) for ten in range(20, 91, 10)}
            if tens and 0 < number < _DECADE:
                found[-1] = str(int(found[-1]) + number)
            else:
                found.append(str(number))
        elif len(word) >= _SHORTEST_ROMAN and _ROMAN.fullmatch(word):
            found.append(str(_roman(word)))
        elif word == "thousand" and found and found[-1] == "2":
            found[-1] = str(_MILLENNIUM)
        else:
            found.append(word)
    return found


def _roman(word: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in word]
    return sum(
        -value if following > value else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def _by_month_name(items: Sequence[str]) -> Iterator[SaidDate]:
    for place, item in enumerate(items):
        if item not in _MONTHS:
            continue
        before = [other for other in items[max(0, place - 4) : place] if other.isdigit()]
        after = [other for other in items[place + 1 : place + 7] if other.isdigit()]
        days = [int(other) for other in before[::-1] if 0 < int(other) <= _DAYS]
        rest = after
        if not days and after and 0 < int(after[0]) <= _DAYS:
            days, rest = [int(after[0])], after[1:]
        years: list[int | None] = [*_years(rest)]
        for year in years or [None]:
            yield SaidDate(days[0] if days else None, _MONTHS[item], year)


def _years(numbers: Sequence[str]) -> list[int]:
    """Years that a row of numbers may say, the likeliest first."""
    found: list[int] = []
    for place, text in enumerate(numbers):
        number = int(text[:_YEAR_DIGITS])
        following = int(numbers[place + 1]) if place + 1 < len(numbers) and len(numbers[place + 1]) < 3 else None  # noqa: PLR2004
        if FIRST_YEAR <= number <= LAST_YEAR and len(text) >= _YEAR_DIGITS:
            if following is not None and number % _DECADE == 0 and following < _DECADE:
                found.append(number + following)
            if following is not None and number == _MILLENNIUM:
                found.append(number + following)
            found.append(number)
        elif number in _CENTURIES and following is not None:
            found.append(number * _CENTURY + following)
        elif len(numbers) == 1 and len(text) == 2:  # noqa: PLR2004
            found += [1900 + number, _MILLENNIUM + number]
    return found


def _by_digits(numbers: Sequence[str]) -> Iterator[SaidDate]:
    """Day, month and year from digits alone: by the numbers themselves, then by their digits in one row."""
    for joined in _joined_years(numbers):
        if len(joined) == 3:  # noqa: PLR2004 - day, month, year
            yield from _ordered(*joined)
        yield from _row("".join(joined))


def _joined_years(numbers: Sequence[str]) -> Iterator[list[str]]:
    """The numbers with a year that was heard in pieces put together: ``1980 6``, ``19 81``; then as they are."""
    if len(numbers) > 2:  # noqa: PLR2004
        years = _years(numbers[-2:])
        if years and str(years[0]) != numbers[-1]:
            yield [*numbers[:-2], str(years[0])]
    yield list(numbers)


def _ordered(first: str, second: str, third: str) -> Iterator[SaidDate]:
    if len(first) == _YEAR_DIGITS:
        yield from _checked(third, second, first)
    else:
        yield from _checked(first, second, third)
        yield from _checked(second, first, third)


def _row(digits: str) -> Iterator[SaidDate]:
    """Dates in one row of digits; in one that is a digit too long, each digit may be the one too many."""
    cuts = {8: ((2, 4),), 7: ((2, 3), (1, 3)), 6: ((2, 4), (1, 2))}.get(len(digits), ())
    for day, month in cuts:
        yield from _ordered(digits[:day], digits[day:month], digits[month:])
    if len(digits) == 8:  # noqa: PLR2004 - year first
        yield from _checked(digits[6:], digits[4:6], digits[:4])
    if 8 < len(digits) <= 10:  # noqa: PLR2004
        for place in range(len(digits) - 1):
            yield from _row(digits[:place] + digits[place + 1 :])


def _checked(day: str, month: str, year: str) -> Iterator[SaidDate]:
    years = [int(year)] if len(year) == _YEAR_DIGITS else []
    if len(year) == 2:  # noqa: PLR2004
        years = [1900 + int(year), _MILLENNIUM + int(year)]
    for one in years:
        said = SaidDate(int(day), int(month), one)
        if FIRST_YEAR <= one <= LAST_YEAR and said.whole:
            yield said
