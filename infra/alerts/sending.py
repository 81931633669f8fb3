"""What an attempt to tell somebody came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """It has arrived."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """It may arrive another time. ``reason`` is a code, ``seconds`` how long the receiver asks us to wait at least.

    ``down`` says that whoever was asked is in trouble altogether, so that others need not be sent there now.
    """

    reason: str
    seconds: float = 0.0
    down: bool = True


@dataclass(frozen=True, slots=True)
class Never:
    """It will not arrive. ``gone``: the receiver asks never to be told anything again."""

    reason: str
    gone: bool = False


Attempt = Told | NotYet | Never
