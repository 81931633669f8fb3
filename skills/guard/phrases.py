"""What the guards listen for, read from ``phrases.toml``, where its format is explained."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from skills.language import Match, Phrases, Word


@dataclass(frozen=True, slots=True)
class Heard:
    """The compiled lists by kind, all languages in one: a draft may be in any."""

    by_kind: dict[str, Phrases]

    @classmethod
    def load(cls) -> Heard:
        """Read the lists that ship with the package; it takes a few milliseconds."""
        raw = tomllib.loads((files(__package__) / "phrases.toml").read_text(encoding="utf-8"))
        return cls({kind: Phrases.of(_listed(by_language)) for kind, by_language in raw.items()})

    def find(self, kind: str, said: list[Word]) -> Match | None:
        """The first phrase of a kind; ``None`` when there is none."""
        return next(iter(self.by_kind[kind].find(said)), None)


def _listed(by_language: dict[str, str]) -> list[str]:
    phrases = (" ".join(phrase.split()) for listed in by_language.values() for phrase in listed.split("|"))
    return [phrase for phrase in phrases if phrase]
