"""clinc150: 150 intents of ten domains and questions that have none of them (label ``oos``).

Larson et al. 2019, *An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction*; CC BY 3.0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from infra.intents.examples import Labelled

FOLDER = "clinc150"
_FILE = "data_full.json"

Split = Literal["train", "val", "test", "oos_train", "oos_val", "oos_test"]


def read_clinc150(data: Path, split: Split) -> list[Labelled]:
    """The questions of a split of ``data_full.json``."""
    rows = json.loads((data / FOLDER / _FILE).read_text(encoding="utf-8"))[split]
    return [Labelled(text, label, number) for number, (text, label) in enumerate(rows, start=1)]
