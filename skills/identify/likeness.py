"""How well what was said fits what is known of a customer, as log-odds, and whether that is enough.

Each fact has a few levels of agreement. A level weighs the logarithm of how much oftener it occurs when somebody speaks
of their own record than of another's (Fellegi and Sunter, 1969). The weights were counted on one half of the dialogues
of a public set of spoken answers (``weights.py`` says how). A fact that was not said, or is not known, weighs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from skills.identify import names, postcodes
from skills.identify.facts import SaidFacts
from skills.identify.weights import CONTRADICTING, ENOUGH, LEAD, WEIGHTS
from skills.ports import KnownFacts

Who = TypeVar("Who")

REFERENCE = 10_000
"""Customers among whom ``ENOUGH`` was set; among more a chance match is likelier, and more is asked for."""
FEWEST_AGREEING = 2
"""Facts of the three (postcode, date of birth, name) that have to agree: one alone is never enough."""

_POSTCODE_STEPS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
_NAME_STEPS = (1.0, 0.9, 0.75, 0.6)
_LIKE_A_NAME = frozenset({"1", "0.9"})
"""Levels at which a name that was not said to be the speaker's counts as said."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The level of each fact by name, and the log-odds of all."""

    levels: Mapping[str, str]
    score: float

    @property
    def contradicted(self) -> bool:
        """Whether a fact rules it out."""
        return any(self.levels.get(fact) in those for fact, those in CONTRADICTING.items())

    @property
    def agreeing(self) -> int:
        """How many of the three facts speak for it."""
        name = sum(WEIGHTS[part].get(self.levels.get(part, ""), 0.0) for part in ("first", "last"))
        return sum(WEIGHTS[fact].get(self.levels.get(fact, ""), 0.0) > 1 for fact in ("postcode", "born")) + (name > 1)


@dataclass(frozen=True, slots=True)
class Match(Generic[Who]):
    """Somebody whom what was said fits."""

    who: Who
    likeness: Likeness


def levels(said: SaidFacts, known: KnownFacts) -> dict[str, str]:
    """The level of agreement of each fact that was said and is known."""
    found: dict[str, str] = {}
    if known.postcode and said.characters:
        found["postcode"] = _postcode(said, postcodes.normal(known.postcode))
    if known.born and said.dates:
        found["born"] = max(_born(date.agreeing(known.born), date.year == known.born.year) for date in said.dates)
    if known.name and (said.names or said.spellings):
        named = _named(said, known.name)
        if said.surely_named or set(named.values()) <= _LIKE_A_NAME:
            found |= named
    return found


def likeness(said: SaidFacts, known: KnownFacts) -> Likeness:
    """How well what was said fits what is known."""
    found = levels(said, known)
    return Likeness(found, sum(WEIGHTS[fact][level] for fact, level in found.items()))


def enough(found: Likeness, *, among: int = REFERENCE) -> bool:
    """Whether a person may be asked "is it this one?".

    Args:
        found: how well it fits.
        among: how many customers there are facts of.
    """
    if found.contradicted or found.agreeing < FEWEST_AGREEING:
        return False
    return found.score >= ENOUGH + math.log(max(among, REFERENCE) / REFERENCE)


def match(
    said: SaidFacts, candidates: Iterable[tuple[Who, KnownFacts]], *, among: int = REFERENCE
) -> Match[Who] | None:
    """The one whom what was said fits well enough, and clearly better than anybody else; else nobody."""
    ranked = sorted(
        (Match(who, likeness(said, known)) for who, known in candidates),
        key=lambda each: each.likeness.score,
        reverse=True,
    )
    if not ranked or not enough(ranked[0].likeness, among=among):
        return None
    if len(ranked) > 1 and ranked[0].likeness.score - ranked[1].likeness.score < LEAD:
        return None
    return ranked[0]


def _named(said: SaidFacts, name: str) -> dict[str, str]:
    first, last = names.parts(name)
    like = {
        part: names.likeness(said.names, said.spellings, word, first + last)
        for part, word in (("first", first), ("last", last))
    }
    return {part: next((f"{step:g}" for step in _NAME_STEPS if value >= step), "other") for part, value in like.items()}


def _postcode(said: SaidFacts, known: str) -> str:
    if known in said.postcodes:
        return "0"
    away = postcodes.distance(said.characters, known)
    return next((f"{step:g}" for step in _POSTCODE_STEPS if step and away <= step), "other")


def _born(agreeing: int, year: bool) -> str:
    """``3`` is all of it; ``2y`` two parts with the year, ``2`` day and month. As text these sort by their weight."""
    return f"{agreeing}y" if agreeing == 2 and year else str(agreeing)  # noqa: PLR2004
