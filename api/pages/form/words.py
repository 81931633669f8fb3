"""The words of the form's pages in every language that they speak, and which of them a visitor reads."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}
"""Each by its own name."""

_PREFERENCE = re.compile(r"\s*([a-zA-Z]{2,3})(?:-[\w-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Every text by language and name."""
    with (Path(__file__).parent / "words.toml").open("rb") as file:
        texts: dict[str, dict[str, str]] = tomllib.load(file)
    return texts


def language_of(chosen: str | None, accepted: str | None) -> str:
    """The language of a page: the chosen one, else the one that the browser likes best of ours, else English."""
    if chosen in LANGUAGES:
        return chosen
    best, liking = "en", 0.0
    for part in (accepted or "")[:500].split(","):
        match = _PREFERENCE.fullmatch(part)
        if match and match[1].lower() in LANGUAGES and float(match[2] or 1) > liking:
            best, liking = match[1].lower(), float(match[2] or 1)
    return best
