"""What the product has to know of a channel in order to serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import APIRouter

from api.scheduler import Job
from api.wiring import Services
from channels.protocol import OutboundChannel


def no_jobs(_services: Services) -> Sequence[Job]:
    """Nothing is to be done from time to time."""
    return ()


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel, or several that share everything but their name."""

    outbound: Callable[[Services], AbstractAsyncContextManager[Sequence[OutboundChannel]]]
    """Opens its sending halves; none of them when the operator has not set the channel up."""
    routers: tuple[APIRouter, ...] = ()
    """Where its messages come in. They answer 404 while the channel is not set up."""
    jobs: Callable[[Services], Sequence[Job]] = no_jobs
    """What the leading scheduler does for it."""
