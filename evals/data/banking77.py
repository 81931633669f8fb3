"""banking77: 10,003 questions for training and 3,080 for testing, 77 intents of a bank's customers.

Casanueva et al. 2020, *Efficient Intent Detection with Dual Sentence Encoders*; CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from infra.intents.examples import Labelled, read_examples

FOLDER = "banking77"


def read_banking77(data: Path, split: Literal["train", "test"]) -> list[Labelled]:
    """The questions of a split with their intents."""
    return read_examples(data / FOLDER / f"{split}.csv", label="category")
