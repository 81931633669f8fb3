"""What somebody says about themselves, and the keys by which it finds what a company knows of a customer.

The keys are made from plain values here; the database is only ever given keyed hashes of them
(``infra/postgres/facts.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from skills.identify import dates, names, postcodes, spoken
from skills.ports import FactKey, KnownFacts
from skills.turn import Claim

Slot = Literal["postcode", "born", "name"]

MOST_READINGS = 6
"""Postcodes that one hypothesis may be read as; the least bent first."""
MOST_KEYS = 400
"""Keys that one search asks for. More are what a long text brings, not somebody who says who they are."""


@dataclass(frozen=True, slots=True)
class SaidFacts:
    """What somebody says about themselves, in every reading of every hypothesis."""

    postcodes: tuple[str, ...] = ()
    """Readings that have the grammar of a postcode, in normal form."""
    characters: tuple[str, ...] = ()
    """What was spelt in answer to the question for the postcode, whatever its grammar."""
    dates: tuple[dates.SaidDate, ...] = ()
    names: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    surely_named: bool = True
    """Whether the names were said to be the speaker's; else they are whatever a text writes like a name."""

    def __add__(self, other: SaidFacts) -> SaidFacts:
        """Both, each reading once."""
        return SaidFacts(
            _once(self.postcodes, other.postcodes),
            _once(self.characters, other.characters),
            tuple(dict.fromkeys((*self.dates, *other.dates))),
            _once(self.names, other.names),
            _once(self.spellings, other.spellings),
            self.surely_named and other.surely_named,
        )


def answered(slot: Slot, hypotheses: Sequence[str]) -> SaidFacts:
    """What is said in answer to one question, in all hypotheses of a recogniser; of a typed answer there is one."""
    if slot == "postcode":
        read = [reading for text in hypotheses for reading in postcodes.spoken(text)[:MOST_READINGS]]
        return SaidFacts(postcodes=_once(read), characters=_once([spoken.characters(text) for text in hypotheses]))
    if slot == "born":
        return SaidFacts(dates=tuple(dict.fromkeys(said for text in hypotheses for said in dates.spoken(text))))
    return SaidFacts(
        names=_once([word for text in hypotheses for word in names.said_names(text)]),
        spellings=_once([names.spelling(text) for text in hypotheses]),
    )


def mentioned(text: str, claims: Sequence[Claim]) -> SaidFacts:
    """What stands in a text about anything: whole postcodes and dates as they are written, and names.

    Args:
        text: a customer's words.
        claims: what they say of themselves (``claims_in``). A name among them is the speaker's; without one,
            whatever is written like a name may be.
    """
    said = postcodes.written(text)
    claimed = [claim.value for claim in claims if claim.kind == "name"]
    return SaidFacts(
        postcodes=_once(said),
        characters=_once(said),
        dates=tuple(dates.written(text)),
        names=_once([word for name in claimed or names.written(text) for word in names.said_names(name)]),
        surely_named=bool(claimed),
    )


def keys_of(known: KnownFacts) -> Iterator[FactKey]:
    """The keys under which a customer is found."""
    if known.postcode:
        yield "postcode", postcodes.normal(known.postcode)
    if known.born:
        yield "born", known.born.isoformat()
    first, last = names.parts(known.name)
    if names.sound(first) and names.sound(last):
        yield "name", f"{names.sound(first)} {names.sound(last)}"


def keys_said(said: SaidFacts) -> list[FactKey]:
    """The keys to look under for what was said, at most ``MOST_KEYS``; one that agrees is enough to be looked at."""
    found: list[FactKey] = [("postcode", reading) for reading in said.postcodes]
    found += [("born", whole.isoformat()) for whole in (date.whole for date in said.dates) if whole]
    found += [("name", f"{first} {last}") for first, last in names.sounds(said.names)]
    return list(dict.fromkeys(found))[:MOST_KEYS]


def _once(*values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for some in values for value in some if value))
