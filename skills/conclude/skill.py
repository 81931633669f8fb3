"""The conclude node. It decides nothing by itself: whether a case is resolved is checked again in the turn's commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from skills.conclude.verdict import verdict_in
from skills.turn import Conclusion, Turn


class ConcludeInput(TypedDict):
    """What conclude reads."""

    turn: Turn


class ConcludeUpdate(TypedDict):
    """What conclude finds out."""

    conclusion: Conclusion


@dataclass(frozen=True)
class Conclude:
    """Listens for "that solved it" and "that didn't help", in every language that we answer in.

    Only after somebody has answered in the case, and only in messages that say nothing else. A bare yes or no counts
    when the last thing that we said was the question whether it helped.
    """

    async def __call__(self, state: ConcludeInput) -> ConcludeUpdate:
        """Read the waiting messages as one text."""
        turn = state["turn"]
        answered = any(message.author in {"agent", "human"} for message in turn.history)
        for_person = any(message.for_person is not None for message in turn.messages)
        verdict = verdict_in(turn.text, asked=turn.asked_helped) if answered and not for_person else None
        return {"conclusion": Conclusion(verdict, asked=turn.asked_helped)}
