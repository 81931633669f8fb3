"""The words that carry a mood, read from ``lexicon.toml``, where its format is explained."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from skills.language import ENGLISH, Phrases
from skills.turn import Language


class Weight(NamedTuple):
    """What a word says: polarity in [-1, 1], anger and urgency in [0, 1]."""

    polarity: float = 0.0
    anger: float = 0.0
    urgency: float = 0.0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One language's words.

    ``moods`` finds what ``weights`` weighs; the others change the weight of their neighbours.
    """

    weights: dict[str, Weight]
    moods: Phrases
    negations: Phrases
    intensifiers: Phrases
    dampeners: Phrases
    contrast: Phrases


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The vocabularies by language, and the emoji, which every language shares."""

    vocabularies: dict[Language, Vocabulary]
    emoji: dict[str, Weight]

    @classmethod
    def load(cls) -> Lexicon:
        """Read the lexicon that ships with the package.

        English, German, Spanish and French; it takes about ten milliseconds.
        """
        raw = tomllib.loads((files(__package__) / "lexicon.toml").read_text(encoding="utf-8"))
        groups = {name: Weight(**figures) for name, figures in raw.pop("groups").items()}
        emoji = {sign: groups[name] for name, signs in raw.pop("emoji").items() for sign in signs}
        return cls({Language(code): _vocabulary(listed, groups) for code, listed in raw.items()}, emoji)

    def vocabulary(self, language: Language) -> Vocabulary:
        """The words of a language; English for one that we have no words of."""
        return self.vocabularies.get(language) or self.vocabularies[ENGLISH]


def _vocabulary(listed: dict[str, str], groups: dict[str, Weight]) -> Vocabulary:
    phrases = {name: [" ".join(entry.split()) for entry in entries.split("|")] for name, entries in listed.items()}
    weights: dict[str, Weight] = {}
    for name, weight in groups.items():
        for phrase in phrases.get(name, ()):
            known = weights.get(phrase, Weight())
            weights[phrase] = Weight(*(a + b for a, b in zip(known, weight, strict=True)))
    return Vocabulary(
        weights=weights,
        moods=Phrases.of(weights),
        negations=Phrases.of(phrases["negations"]),
        intensifiers=Phrases.of(phrases["intensifiers"]),
        dampeners=Phrases.of(phrases["dampeners"]),
        contrast=Phrases.of(phrases["contrast"]),
    )
