"""EVI: 10,000 invented profiles and noisy spoken turns of callers who say who they are (CC BY 4.0).

``records.en.csv`` has a profile a row; ``dialogues.en.tsv`` a turn a row: which fact was asked for, and the
recogniser's hypotheses, best first. A dialogue has nine turns: postcode, name and date of birth, each asked for three
times.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from skills.identify.facts import SaidFacts, Slot, answered
from skills.ports import KnownFacts

_SLOTS: Mapping[str, Slot] = {"postcode": "postcode", "name": "name", "dob": "born"}


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """What was asked for, and what was heard, best hypothesis first; none when nothing was heard."""

    asked: Slot
    hypotheses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A caller's turns. ``profile`` is the key of the profile that they were given to speak of."""

    id: str
    profile: str
    turns: tuple[SpokenTurn, ...]

    @property
    def tuning(self) -> bool:
        """Whether it is of the half on which things may be tuned: by the first byte of the SHA-256 of its id."""
        return hashlib.sha256(self.id.encode()).digest()[0] % 2 == 0


def profiles(folder: Path) -> dict[str, KnownFacts]:
    """The 10,000 English profiles by their key."""
    with (folder / "records.en.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["scenario_id"]: KnownFacts(row["name"], row["postcode"], date.fromisoformat(row["dob"]))
            for row in csv.DictReader(file)
        }


def dialogues(folder: Path) -> list[Dialogue]:
    """The English dialogues, in the order of their ids."""
    turns: dict[tuple[str, str], list[SpokenTurn]] = {}
    with (folder / "dialogues.en.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            spoken = SpokenTurn(_SLOTS[row["item"]], tuple(json.loads(row["nbest"])))
            turns.setdefault((row["dialogue_id"], row["scenario_id"]), []).append(spoken)
    return [Dialogue(key, profile, tuple(said)) for (key, profile), said in sorted(turns.items())]


def said(
    dialogue: Dialogue, *, slots: Collection[Slot] = ("postcode", "born", "name"), best_only: bool = False
) -> SaidFacts:
    """All that a caller said, read as answers to the facts that were asked for.

    Args:
        dialogue: the caller's turns.
        slots: the questions whose answers are read.
        best_only: the recogniser's first hypothesis alone.
    """
    heard = SaidFacts()
    for turn in dialogue.turns:
        if turn.asked in slots:
            heard += answered(turn.asked, turn.hypotheses[:1] if best_only else turn.hypotheses)
    return heard
