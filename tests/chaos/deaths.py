"""Deaths to order: a text says where the process that handles it is to die, once, of a real SIGKILL.

    "m7-3 @die=respond.before@"   dies before the node runs; the second attempt finds that it has happened and goes on
    "m7-3 @poison@"               dies in every attempt
    "m7-3 @fail@"                 raises in every attempt
    "m7-3 @slow=2.5@"             the node ``respond`` takes so many seconds

The marks survive in texts that quote them, so a reply can tell the sender to die as well.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import random
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

NODES = ("identify", "sentiment", "retrieve", "respond", "escalate", "adapt")
"""The nodes that every turn passes. ``review`` and ``resume`` are passed only where a person decides."""

_DIE = re.compile(r"@die=([a-z]+\.[a-z]+)@")
_SLOW = re.compile(r"@slow=([0-9.]+)@")
_IN = 0.005
"""Seconds into a node, or a call, at which "in" dies."""


class Deaths:
    """Dies when it is told to.

    Args:
        folder: where it is remembered that a death has happened, over the lives of processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def die_at(self, place: str, text: str) -> None:
        """Die here and now, if the text says so and it has not happened yet."""
        if place in _DIE.findall(text) and self._first_time(place, text):
            os.kill(os.getpid(), signal.SIGKILL)

    def die_soon_at(self, place: str, text: str, *, seconds: float = _IN) -> None:
        """Die while what begins now is under way, if the text says so."""
        if place in _DIE.findall(text) and self._first_time(place, text):
            asyncio.get_running_loop().call_later(seconds, os.kill, os.getpid(), signal.SIGKILL)

    def around(self, name: str, node: Callable[[Any], Awaitable[Any]], *, most: float = 0.0) -> Callable[[Any], Any]:
        """A node that dies before, in or after itself, and takes its time.

        Args:
            name: of the node, as texts say it.
            node: what it does. Its annotations stay, for LangGraph reads them.
            most: seconds that it takes at most, for no reason.
        """

        @functools.wraps(node)
        async def deadly(state: Any) -> Any:
            text = state["turn"].text
            self.die_at(f"{name}.before", text)
            if "@poison@" in text and name == "respond":
                os.kill(os.getpid(), signal.SIGKILL)
            if "@fail@" in text and name == "respond":
                raise ValueError("this text can't be answered")
            if f"{name}.in" in _DIE.findall(text):
                self.die_soon_at(f"{name}.in", text)
                await asyncio.sleep(2 * _IN)
            slow = _SLOW.search(text) if name == "respond" else None
            wait = float(slow[1]) if slow else random.uniform(0.0, most)
            if wait:
                await asyncio.sleep(wait)
            update = await node(state)
            if f"{name}.after" in _DIE.findall(text) and self._first_time(f"{name}.after", text):
                # The node has returned by then, and the graph may have begun the next.
                asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGKILL)
            return update

        return deadly

    def _first_time(self, place: str, text: str) -> bool:
        mark = hashlib.sha256(f"{place}\x1f{_tag(text)}".encode()).hexdigest()
        try:
            (self._folder / mark).open("x").close()
        except FileExistsError:
            return False
        return True


def _tag(text: str) -> str:
    """What names the message, in the customer's own text and in every text that quotes it."""
    found = re.search(r"m\d+-\d+[^@]*@die=", text)
    return found[0] if found else text
