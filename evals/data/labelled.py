"""Texts with a mood beside each: others' CSV files, and our own messages in ``evals/own/sentiment``."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from skills.errors import BadRequestError
from skills.sentiment.head import LABELS
from skills.turn import MoodLabel

OWN = Path(__file__).parents[1] / "own" / "sentiment"
_HINT = "a CSV file with the columns text and label; a label is negative, neutral or positive"
_SPELLINGS: dict[str, MoodLabel] = {
    "negative": "negative", "neg": "negative", "-": "negative", "-1": "negative",
    "neutral": "neutral", "neu": "neutral",
    "positive": "positive", "pos": "positive", "+": "positive", "+1": "positive",
}  # fmt: skip
_FROM_ZERO: dict[str, MoodLabel] = dict(zip("012", LABELS, strict=True))
_AROUND_ZERO: dict[str, MoodLabel] = dict(zip(("-1", "0", "1"), LABELS, strict=True))
_LONGEST_FIELD = 1_000_000


class Labelled(NamedTuple):
    """A text, what people say of it, and of which kind it is where somebody says so."""

    text: str
    label: MoodLabel
    kind: str = ""


def read_labelled(path: Path) -> list[Labelled]:
    """The rows of a CSV file with the columns ``text`` and ``label``, in any order and among others.

    Labels are taken in the usual spellings: words in any case, their first three letters, ``-``, ``+``, and the numbers
    0, 1, 2 or -1, 0, 1, whichever of the two the whole file uses.

    Raises:
        BadRequestError: the file can't be read, has no such columns, a row lacks one, or a label can't be told.
    """
    rows = [(number, text, label.strip().casefold()) for number, text, label in _rows(path)]
    if not rows:
        raise BadRequestError(f"{path} has no rows", hint=_HINT)
    spellings = _SPELLINGS | _numbers({label for _, _, label in rows}, path)
    for number, _, label in rows:
        if label not in spellings:
            raise BadRequestError(f"{path}, line {number}: {label[:40]!r} is no label", hint=_HINT)
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


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    csv.field_size_limit(_LONGEST_FIELD)
    number = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().casefold() for name in next(reader, [])]
            missing = [name for name in ("text", "label") if name not in header]
            if missing:
                raise BadRequestError(f"{path}, line 1: there is no column {' nor '.join(missing)}", hint=_HINT)
            text, label = header.index("text"), header.index("label")
            number = reader.line_num + 1
            for row in reader:
                if row and len(row) != len(header):
                    raise BadRequestError(
                        f"{path}, line {number}: {len(row)} columns where the header has {len(header)}", hint=_HINT
                    )
                if row:
                    yield number, row[text], row[label]
                number = reader.line_num + 1
    except OSError as error:
        raise BadRequestError(f"{path} can't be read: {error.strerror}", hint=_HINT) from None
    except UnicodeDecodeError:
        raise BadRequestError(f"{path} is not UTF-8", hint="save it as UTF-8") from None
    except csv.Error as error:
        raise BadRequestError(f"{path}, line {number}: {error}", hint=_HINT) from None


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
