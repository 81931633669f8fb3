"""What the load needs of a channel: the customer's side, over the very webhook that the provider or browser calls.

A channel of its own is one module with these two classes in it (web.py is one). A mail or phone channel would post the
provider's notification in ``send``, and let a stand-in for the provider, which the sender calls, feed ``watch``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from skills.errors import UnavailableError
from skills.turn import Author


class NotTakenError(UnavailableError):
    """The service did not take it.

    Args:
        kind: what happened, in a word or two that errors are counted by.
        final: whether sending it again could not help.
    """

    def __init__(self, kind: str, *, final: bool = False) -> None:
        super().__init__(kind)
        self.kind = kind
        self.final = final


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as the customer has it before their eyes."""

    id: str
    author: Author


class Conversation(Protocol):
    """One customer's talk. Its first ``send`` begins it."""

    async def send(self, key: UUID, text: str) -> str:
        """Send one message, and return the id that it was acknowledged with; the same key is the same message.

        Raises:
            NotTakenError: it was not acknowledged.
        """
        ...

    def watch(self) -> AsyncIterator[Seen]:
        """Everything in the conversation as it becomes visible, over lost connections, until it is closed."""
        ...

    async def transcript(self) -> list[Seen]:
        """Everything in the conversation, in the order in which the customer sees it.

        Raises:
            NotTakenError: it could not be read.
        """
        ...


class LoadChannel(Protocol):
    """A service's channel, as its customers reach it."""

    @property
    def name(self) -> str:
        """The channel's name, for reports."""
        ...

    def begin(self) -> Conversation:
        """A new customer's conversation; nothing is sent yet."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
