"""The words that carry a mood: ours in ``lexicon.toml``, which explains its format; rated ones in ``ratings.txt``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from skills.language import ENGLISH, Phrases
from skills.turn import Language

_HIGHEST_RATING = 4.0


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
    exclaimed: Phrases
    """Praise that opens a sentence and may be meant wryly, such as "Great, …"."""
    repeated: Phrases
    """What makes such a praise wry: "another", "again"."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The vocabularies by language; the emoji and the emoticons, which every language shares."""

    vocabularies: dict[Language, Vocabulary]
    emoji: dict[str, Weight]
    emoticons: dict[str, Weight]
    ratings: dict[str, float]
    """How people rate single English words, in [-1, 1]: many more words than ours, and less to be trusted."""

    @classmethod
    def load(cls) -> Lexicon:
        """Read the lexicon that ships with the package.

        English, German, Spanish and French; it takes about twenty milliseconds.
        """
        raw = tomllib.loads((files(__package__) / "lexicon.toml").read_text(encoding="utf-8"))
        groups = {name: Weight(**figures) for name, figures in raw.pop("groups").items()}
        emoji = {sign: groups[name] for name, signs in raw.pop("emoji").items() for sign in signs}
        emoticons = {sign: groups[name] for name, signs in raw.pop("emoticons").items() for sign in signs.split()}
        vocabularies = {Language(code): _vocabulary(listed, groups) for code, listed in raw.items()}
        return cls(vocabularies, emoji, emoticons, _ratings())

    def vocabulary(self, language: Language) -> Vocabulary:
        """The words of a language; English for one that we have no words of."""
        return self.vocabularies.get(language) or self.vocabularies[ENGLISH]


def _ratings() -> dict[str, float]:
    lines = (files(__package__) / "ratings.txt").read_text(encoding="utf-8").splitlines()
    rated = (line.split() for line in lines if not line.startswith("#"))
    return {word: float(rating) / _HIGHEST_RATING for word, rating in rated}


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
        exclaimed=Phrases.of(phrases["exclaimed"]),
        repeated=Phrases.of(phrases["repeated"]),
    )
