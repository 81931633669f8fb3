"""A process's own clock, moved: our modules and LangGraph's read another time than the server's.

Every name in our packages, and in LangGraph's checkpoints, that is ``datetime`` becomes one whose ``now`` is shifted,
and ``time.time`` and ``time.time_ns`` are shifted too. Monotonic clocks stay, as they do when somebody sets a clock.
What is written in C (uuid7, psycopg) reads the machine's clock as before: a whole machine's can't be moved in a test.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Any

OURS = ("skills", "graph", "channels", "infra", "api", "langgraph.checkpoint")


class Clock:
    """The moved clock of this process. ``offset`` is in seconds and may change at any time."""

    def __init__(self, offset: float) -> None:
        self.offset = offset

    def install(self) -> None:
        """From now on everything that has been imported reads this clock."""
        seconds, nanoseconds, clock = time.time, time.time_ns, self

        class Moved(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:
                return dt.datetime.fromtimestamp(seconds() + clock.offset, tz)

        time.time = lambda: seconds() + clock.offset
        time.time_ns = lambda: nanoseconds() + int(clock.offset * 1e9)
        for module in [module for name, module in sys.modules.items() if name.startswith(OURS)]:
            for name, value in list(vars(module).items()):
                if value is dt.datetime:
                    setattr(module, name, Moved)
