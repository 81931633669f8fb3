"""Counts the weights of ``skills/identify/weights.py``: ``python -m evals.training.identification --data FOLDER``.

On the tuning half of EVI's dialogues: how often each level of agreement occurs between a caller and their own profile,
and between a caller and 200 others drawn by a seed. A half is added to every count. Prints; what is printed was then
rounded, pooled where a better level weighed less than a worse one, and written into the module by hand.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from pathlib import Path

from evals.data.evi import dialogues, profiles, said
from skills.identify.likeness import levels
from skills.identify.weights import WEIGHTS

_OTHERS = 200


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description="Count the weights of agreement.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    folder = parser.parse_args().data / "evi"
    known = profiles(folder)
    callers = [dialogue for dialogue in dialogues(folder) if dialogue.tuning and dialogue.profile in known]
    generator = random.Random(0)  # noqa: S311 - a sample, no secret
    own: Counter[tuple[str, str]] = Counter()
    others: Counter[tuple[str, str]] = Counter()
    for caller in callers:
        heard = said(caller)
        own.update(levels(heard, known[caller.profile]).items())
        drawn = [key for key in generator.sample(sorted(known), _OTHERS) if key != caller.profile]
        for key in drawn:
            others.update(levels(heard, known[key]).items())
    for fact, weighed in WEIGHTS.items():
        for level, weight in weighed.items():
            odds = _share(own, fact, level, len(weighed)) / _share(others, fact, level, len(weighed))
            print(f"{fact:9} {level:6} {math.log(odds):6.2f} (in use: {weight:6.2f})")  # noqa: T201 - its purpose


def _share(counted: Counter[tuple[str, str]], fact: str, level: str, of: int) -> float:
    everything = sum(count for (counted_fact, _), count in counted.items() if counted_fact == fact)
    return (counted[fact, level] + 0.5) / (everything + 0.5 * of)


if __name__ == "__main__":
    main()
