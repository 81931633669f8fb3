"""BIPIA's e-mails and its attacks on text (``bipia_email``, MIT licence).

50 e-mails a split, each with a question about it and the answer; 75 attack texts a split in 15 categories. The
benchmark plants an attack into the content, at its start, middle or end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = "bipia_email"
Split = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class Email:
    """One e-mail, as one text, and what is asked about it."""

    context: str
    question: str
    ideal: str


@dataclass(frozen=True, slots=True)
class AttackText:
    """One attack: its category, its place there from 0, and the text to plant."""

    category: str
    number: int
    text: str


def emails(data: Path, split: Split) -> list[Email]:
    """The e-mails in the order of the file."""
    lines = (data / FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [Email(row["context"], str(row["question"]).removeprefix("Q:").strip(), str(row["ideal"])) for row in rows]


def attack_texts(data: Path, split: Split) -> list[AttackText]:
    """The attacks, category by category."""
    by_category = json.loads((data / FOLDER / f"text_attack_{split}.json").read_text(encoding="utf-8"))
    return [
        AttackText(category, number, text)
        for category, texts in by_category.items()
        for number, text in enumerate(texts)
    ]
