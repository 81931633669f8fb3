"""Texts with a mood beside each: others' CSV files, and our own messages in ``evals/own/sentiment``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from infra.intents.examples import read_examples
from skills.errors import BadRequestError
from skills.sentiment.head import LABELS
from skills.turn import MoodLabel

OWN = Path(__file__).parents[1] / "own" / "sentiment"
_HINT = "a label is negative, neutral or positive"
_SPELLINGS: dict[str, MoodLabel] = {
    "negative": "negative", "neg": "negative", "-": "negative", "-1": "negative",
    "neutral": "neutral", "neu": "neutral",
    "positive": "positive", "pos": "positive", "+": "positive", "+1": "positive",
}  # fmt: skip
_FROM_ZERO: dict[str, MoodLabel] = dict(zip("012", LABELS, strict=True))
_AROUND_ZERO: dict[str, MoodLabel] = dict(zip(("-1", "0", "1"), LABELS, strict=True))


class Labelled(NamedTuple):
    """A text, what people say of it, and of which kind it is where somebody says so."""

    text: str
    label: MoodLabel
    kind: str = ""


def read_labelled(path: Path) -> list[Labelled]:
    """The rows of a table of labelled texts (``infra/intents/examples.py`` says of which form).

    Labels are taken in the usual spellings: words in any case, their first three letters, ``-``, ``+``, and the numbers
    0, 1, 2 or -1, 0, 1, whichever of the two the whole file uses.

    Raises:
        BadRequestError: the file can't be read, has no such columns, a row lacks one, or a label can't be told.
    """
    rows = [(row.line, row.text, row.label.casefold()) for row in read_examples(path)]
    spellings = _SPELLINGS | _numbers({label for _, _, label in rows}, path)
    for line, _, label in rows:
        if label not in spellings:
            raise BadRequestError(f"{path}, line {line}: {label[:40]!r} is no label", hint=_HINT)
    return [Labelled(text, spellings[label]) for _, text, label in rows]


def read_own(language: str) -> list[Labelled]:
    """Our own messages in one language."""
    kinds = tomllib.loads((OWN / f"{language}.toml").read_text(encoding="utf-8"))
    return [
        Labelled(text, label, kind)
        for kind, by_label in kinds.items()
        for label in LABELS
        for text in by_label.get(label, ())
    ]


def _numbers(labels: set[str], path: Path) -> dict[str, MoodLabel]:
    """Which numbers the file uses; 1 alone could be either, so that it is not guessed."""
    if not labels & {"0", "1", "2"}:
        return {}
    if "2" in labels and "-1" not in labels:
        return _FROM_ZERO
    if "-1" in labels and "2" not in labels:
        return _AROUND_ZERO
    raise BadRequestError(
        f"{path}: the numbers {', '.join(sorted(labels & {'-1', '0', '1', '2'}))} could be 0, 1, 2 or -1, 0, 1",
        hint="write negative, neutral and positive",
    )
