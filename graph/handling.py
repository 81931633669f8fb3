"""Handling one turn, from a leased case to its commit.

Crash anywhere before ``Ledger.commit``: nothing has happened; the lease runs out, another worker runs the turn again
from the messages. Crash after it: everything has happened. No node sends or writes anything in between.

A message that arrives while the graph runs supersedes it: at the commit the ledger sees it, commits nothing, and the
turn runs again over all that waits, at most ``MAX_RERUNS`` times. After that the reply goes out and the newer messages
make the next turn, so that a customer who never stops writing is answered all the same. A resumed turn is never
superseded: what a person decided stands, and messages that came meanwhile make the next turn.
"""

from __future__ import annotations

import copy
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from graph.build import Graph
from graph.ports import Ledger, Outcome, Pause, Work
from graph.state import TurnState
from skills.errors import TurnNotResumableError

MAX_RERUNS = 2

CURRENT_WORK: ContextVar[Work | None] = ContextVar("current_work", default=None)
"""The work that this task runs, for what is kept by turn without being a skill's business (model replies)."""


class TurnHandler:
    """Runs the graph over the work of one leased case.

    Args:
        graph: compiled without a checkpointer; each turn brings its own.
        ledger: where work comes from and outcomes go.
    """

    def __init__(self, graph: Graph, ledger: Ledger) -> None:
        self._graph = graph
        self._ledger = ledger

    async def handle(self, work: Work) -> Outcome | None:
        """Run and commit; the outcome that was committed, or ``None`` when there was nothing left to do.

        Raises:
            LeaseLostError: another worker has the case now; nothing of this run was written.
        """
        for rerun in range(MAX_RERUNS + 1):
            outcome = await self.run(work)
            may_supersede = work.resumption is None and rerun < MAX_RERUNS
            began = time.perf_counter()
            if await self._ledger.commit(work, outcome, may_supersede=may_supersede) == "committed":
                # Too late for the turn's own row, in time for the metrics.
                outcome.milliseconds["finish"] = _since(began)
                return outcome
            again = await self._ledger.load(work.lease)
            if again is None:
                await self._ledger.release(work.lease)
                return None
            work = again
        raise AssertionError("the last run may not be superseded")

    async def run(self, work: Work) -> Outcome:
        """Run the graph to its end or to its interrupt. Nothing is written anywhere but in the work's checkpointer.

        Raises:
            TurnNotResumableError: the paused turn waits in a node that this version of the graph does not have. A
                worker of the older version may still resume it; else it is buried, and a person is told.
        """
        started_at, clock = datetime.now(UTC), time.perf_counter()
        CURRENT_WORK.set(work)
        graph = copy.copy(self._graph)
        graph.checkpointer = work.checkpointer
        config: RunnableConfig = {"configurable": {"thread_id": str(work.lease.case_id)}}
        start: TurnState | Command[None]
        if work.turn is not None:
            start = {"turn": work.turn}
        elif work.resumption is not None:
            start = Command(resume={work.resumption.interrupt_id: work.resumption.decision})
        else:
            raise ValueError("work is a fresh turn or a resumption")
        # "exit": one checkpoint at the end. The turn commits once, so the ones between would only be paid for.
        result = await graph.ainvoke(start, config, durability="exit", version="v2")
        if work.resumption is not None and result.value.get("decision") is not work.resumption.decision:
            # LangGraph drops the task of a node that is gone, and ends with the draft that nobody has approved.
            raise TurnNotResumableError
        pause = None
        if result.interrupts:
            (interrupt,) = result.interrupts
            pause = Pause(interrupt.id, interrupt.value)
        milliseconds = {"graph": _since(clock)}
        if work.turn is not None:
            waited = work.turn.started_at - work.turn.messages[0].received_at
            milliseconds["queue"] = round(waited.total_seconds() * 1000, 2)
        return Outcome(cast("TurnState", result.value), pause, started_at, milliseconds)


def _since(began: float) -> float:
    """Milliseconds since a reading of ``time.perf_counter``."""
    return round((time.perf_counter() - began) * 1000, 2)
