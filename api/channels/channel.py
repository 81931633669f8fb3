"""What the product has to know of a channel in order to serve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from api.bodies import MAX_BODY
from api.problems import problem
from api.scheduler import Job
from api.wiring import Services
from channels.addresses import AddressKind
from channels.protocol import OutboundChannel
from skills.turn import ChannelName


def no_jobs(_services: Services) -> Sequence[Job]:
    """Nothing is to be done from time to time."""
    return ()


def no_codes(_services: Services) -> Mapping[AddressKind, ChannelName]:
    """It can't send one-time codes."""
    return {}


def too_large(_request: Request, limit: int) -> Response:
    """A problem, for programs."""
    return problem(413, "The request is too large", hint=f"at most {limit // 1024} KiB")


@dataclass(frozen=True, slots=True, eq=False)
class Inlet:
    """Routes with a limit of their own for the bodies of requests, in bytes."""

    router: APIRouter
    max_body: int = MAX_BODY
    too_large: Callable[[Request, int], Response] = too_large
    """Answers a body that is announced larger."""

    @property
    def larger_paths(self) -> list[str]:
        """How the paths begin that take more than is usual."""
        if self.max_body <= MAX_BODY:
            return []
        return [route.path.partition("{")[0] for route in self.router.routes if isinstance(route, APIRoute)]


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One channel, or several that share everything but their name."""

    outbound: Callable[[Services], AbstractAsyncContextManager[Sequence[OutboundChannel]]]
    """Opens its sending halves; none of them when the operator has not set the channel up."""
    inlets: tuple[Inlet, ...] = ()
    """Where its messages come in. They answer 404 while the channel is not set up."""
    jobs: Callable[[Services], Sequence[Job]] = no_jobs
    """What the leading scheduler does for it."""
    codes: Callable[[Services], Mapping[AddressKind, ChannelName]] = no_codes
    """Which kind of address it can send a one-time code to, on which of its channels; none while it is not set up."""
