"""How quickly turns may follow each other: whoever writes faster is answered all the same, in fewer and larger turns.

Nothing is refused for this. A message is stored as always; only its turn is due later, and takes with it all that came
in meanwhile. So one case, or one sender who opens one after the other, can't keep the workers from everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """At most ``burst`` turns of a case at once, then one every ``every``.

    The same for a sender's new cases: within the last hour as many as ``cases_an_hour`` are worked on at once, each
    further one waits another ``every``, five minutes at most.
    """

    every: timedelta = timedelta(seconds=6)
    burst: int = 10
    cases_an_hour: int = 20

    @property
    def ahead(self) -> timedelta:
        """How far a case may be ahead of its even pace."""
        return self.every * (self.burst - 1)

    def delay(self, recent_cases: int) -> timedelta:
        """How long a sender's new case waits who opened ``recent_cases`` within the last hour."""
        return min(self.every * max(0, recent_cases + 1 - self.cases_an_hour), _LONGEST)


_LONGEST = timedelta(minutes=5)
UNPACED = Pace(every=timedelta(0))
