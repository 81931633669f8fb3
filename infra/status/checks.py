"""What is measured of the running product, and what follows from it for each component. Pure: measured elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from infra.status.components import Component, State, worst

BEAT_SECONDS = 10.0
"""Between two signs of life of a process."""
_GONE = 45.0
"""Seconds without a sign of life after which a process counts as gone."""
_SLOW_DELIVERY, _NO_DELIVERY = 120.0, 600.0
_SLOW_QUEUE, _NO_QUEUE = 60.0, 300.0
_LATE_REVIEW = 900.0
_SYNC_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Beat:
    """A process's last sign of life. ``breakers``: name and state of each of its circuit breakers."""

    process: str
    age: float
    breakers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measures:
    """What was seen at one moment, in seconds.

    Attributes:
        beats: of every process that was heard of.
        api_answers: whether the API's health endpoint said that it is ready; ``None`` when it was not asked.
        queue: how long the oldest case has waited for a worker.
        deliveries: by channel, how long the oldest text has waited to be sent.
        review: how late the latest review is.
        mail_failures: how often in a row the mailbox could not be read.
    """

    beats: Sequence[Beat] = ()
    api_answers: bool | None = None
    queue: float = 0.0
    deliveries: Mapping[str, float] = field(default_factory=dict)
    review: float = 0.0
    mail_failures: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says. ``reason`` is a code for staff; empty when all is well."""

    component: str
    state: State
    reason: str = ""


def judge(measures: Measures, components: Collection[Component]) -> list[Verdict]:
    """What the measures say of each component, in their order."""
    seen = _Seen(measures)
    return [seen.verdict(component.id) for component in components]


class _Seen:
    """The measures, looked at part by part."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._alive = {beat.process for beat in measures.beats if beat.age < _GONE}
        self._breakers: dict[str, set[str]] = {}
        for beat in measures.beats:
            if beat.age < _GONE:
                for name, state in beat.breakers.items():
                    self._breakers.setdefault(name, set()).add(state)

    def verdict(self, component: str) -> Verdict:
        """The worst that was found."""
        found = self._found(component)
        state = worst([one for one, _ in found])
        return Verdict(component, state, next(reason for one, reason in found if one == state))

    def _found(self, component: str) -> list[tuple[State, str]]:
        api, agent = self._api(), self._agent()
        match component:
            case "chat" | "form":
                return [api, self._mild(self._sender(component))]
            case "whatsapp":
                return [api, *self._channel(component)]
            case "email":
                failing = self._measures.mail_failures >= _SYNC_FAILURES
                return [("degraded", "mailbox_unread") if failing else _WELL, *self._channel(component)]
            case "agent":
                return [agent, ("degraded", "model_breaker") if self._open("model") else _WELL]
            case "people":
                return [self._mild(api), ("degraded", "late") if self._measures.review > _LATE_REVIEW else _WELL]
            case _:
                return [api]

    def _api(self) -> tuple[State, str]:
        if self._measures.api_answers is False:
            return ("down", "api_not_ready")
        return _WELL if "api" in self._alive or self._measures.api_answers else ("down", "no_api")

    def _agent(self) -> tuple[State, str]:
        if "worker" not in self._alive:
            return ("down", "no_worker")
        return _slow(self._measures.queue, _SLOW_QUEUE, _NO_QUEUE, "queue")

    def _sender(self, channel: str) -> tuple[State, str]:
        if "sender" not in self._alive:
            return ("down", "no_sender")
        return _slow(self._measures.deliveries.get(channel, 0.0), _SLOW_DELIVERY, _NO_DELIVERY, "outbox")

    def _channel(self, channel: str) -> list[tuple[State, str]]:
        return [self._sender(channel), ("down", "provider") if self._open(f"{channel} provider") else _WELL]

    def _mild(self, found: tuple[State, str]) -> tuple[State, str]:
        """Something else still works: at most degraded."""
        return ("degraded", found[1]) if found[0] == "down" else found

    def _open(self, breaker: str) -> bool:
        """Whether every process that has this breaker has it open: one that gets through shows that it works."""
        states = self._breakers.get(breaker, set())
        return bool(states) and states <= {"open", "half-open"}


_WELL: tuple[State, str] = ("operational", "")


def _slow(seconds: float, slow: float, none: float, reason: str) -> tuple[State, str]:
    if seconds >= none:
        return ("down", f"{reason}_stands")
    return ("degraded", f"{reason}_slow") if seconds >= slow else _WELL
