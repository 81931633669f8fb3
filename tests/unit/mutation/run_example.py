"""Tries every mutant of the example, in a process of its own, and prints a line of JSON."""

from __future__ import annotations

import json
import sys

from tests.mutation.campaign import Campaign
from tests.mutation.targets import ROOT, mutants_in

FILE = "tests/unit/mutation/example.py"


def main() -> None:
    mutants = mutants_in(FILE, (ROOT / FILE).read_text(encoding="utf-8"))
    campaign = Campaign(
        root=ROOT,
        targets={FILE: ["tests/unit/mutation/example_notices.py"]},
        mutants=[mutant for mutant in mutants if mutant.place != "hangs_if_changed" or "-= 0" in mutant.after],
        lanes=[None, None],
        patience=lambda _: 10.0,
    )
    json.dump({result.mutant.id: [result.verdict, result.by] for result in campaign.run()}, sys.stdout)


if __name__ == "__main__":
    main()
