"""Tells the staff: what is due goes out by mail and by webhook, each receiver in a lane of its own.

Claim (committed) ─▶ the call ─▶ settle. Killed in between, it is told again: see ``infra.postgres.alert_sends``.
Whoever fails is left alone for a while and holds up nobody else. Mails that are due to one person are one mail.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from api.alert_desk import AlertDesk
from api.metrics import Metrics
from infra.alerts.alert import letter, payload, subject
from infra.alerts.mail import Mail, Mailer
from infra.alerts.sending import Attempt, Never, NotYet, Told
from infra.alerts.webhook import Webhooks
from infra.breakers import Breaker, BreakerOpenError, Breakers, Limits
from infra.postgres.alert_sends import ClaimedSend, Lane
from skills.errors import DatabaseUnavailableError

_LIMITS = Limits(failures=3, window=120.0, cooldown=30.0)
_AT_ONCE = 8
"""Receivers that are told side by side."""
_IN_A_MAIL = 30
"""Alerts that one mail tells of at most."""
_FIRST, _LONGEST = 5.0, 3600.0
"""Seconds between attempts; each pause is three times the one before."""
_log = structlog.get_logger(__name__)


class Alerter:
    """Tells whoever there is to tell.

    Args:
        desk: what there is to tell.
        mailer: hands mails in; without one nobody is told by mail.
        webhooks: calls programs.
        breakers: of the services that this process asks.
        metrics: what is counted.
        base: the address of the console.
    """

    def __init__(
        self,
        desk: AlertDesk,
        *,
        mailer: Mailer | None,
        webhooks: Webhooks,
        breakers: Breakers,
        metrics: Metrics,
        base: str,
    ) -> None:
        self.desk = desk
        self._mailer = mailer
        self._webhooks = webhooks
        self._breakers = breakers
        self._metrics = metrics
        self._base = base
        self._known: dict[str, Breaker] = {}

    async def deliver(self) -> int:
        """Tell what is due now; how many receivers were tried."""
        if given_up := await self.desk.sends.tend():
            _log.error("alerts.given_up", sends=given_up)
        room = asyncio.Semaphore(_AT_ONCE)

        async def lane(one: Lane) -> int:
            try:
                async with room:
                    return await self._lane(one)
            except DatabaseUnavailableError:
                _log.warning("alerts.database_away")  # what was claimed is due again in a minute
                return 0

        async with asyncio.TaskGroup() as group:
            lanes = [group.create_task(lane(one)) for one in await self.desk.sends.lanes()]
        return sum(task.result() for task in lanes)

    async def _lane(self, lane: Lane) -> int:
        """One receiver, until nothing is due to them or they fail."""
        breaker = self._breaker(lane)
        tried = 0
        while True:
            try:
                permit = breaker.admit()
            except BreakerOpenError:
                return tried
            try:
                sends = await self.desk.sends.claim(lane, _IN_A_MAIL if lane.endpoint_id is None else 1)
                attempt = await self._tell(lane, sends) if sends else None
            except BaseException:
                breaker.drop(permit)
                raise
            if attempt is None:
                breaker.drop(permit)
                return tried
            down = isinstance(attempt, NotYet) and attempt.down
            breaker.settle(permit, attempt.reason if isinstance(attempt, NotYet) and down else None)
            await self._settle(lane, sends, attempt)
            tried += 1
            if down:
                return tried

    async def _tell(self, lane: Lane, sends: Sequence[ClaimedSend]) -> Attempt:
        alerts, now = [send.alert for send in sends], datetime.now(UTC)
        if lane.endpoint_id is None:
            if self._mailer is None or lane.address is None:
                return NotYet("no_mail_server")
            mail = Mail(str(sends[0].id), lane.address, subject(alerts, now), letter(alerts, self._base, now))
            return await self._mailer.send(mail)
        assert lane.url is not None  # an endpoint has both
        assert lane.generation is not None
        secrets = self.desk.endpoints.secrets(lane.endpoint_id, lane.generation, old_signs=lane.old_signs)
        (alert,) = alerts
        return await self._webhooks.post(lane.url, str(alert.id), payload(alert, self._base, now), secrets)

    async def _settle(self, lane: Lane, sends: Sequence[ClaimedSend], attempt: Attempt) -> None:
        medium = "email" if lane.endpoint_id is None else "webhook"
        self._metrics.alert_sends.labels(medium=medium, result=type(attempt).__name__.lower()).inc(len(sends))
        match attempt:
            case Told():
                await self.desk.sends.settle(sends, "sent")
            case NotYet():
                delay = max(pause(max(send.attempt for send in sends)), attempt.seconds)
                await self.desk.sends.put_off(sends, attempt.reason, timedelta(seconds=delay))
                _log.warning("alerts.not_told", medium=medium, to=lane.endpoint or lane.name, reason=attempt.reason)
            case Never():
                await self.desk.sends.settle(sends, "failed", attempt.reason)
                _log.error("alerts.never_told", medium=medium, to=lane.endpoint or lane.name, reason=attempt.reason)
                if attempt.gone and lane.endpoint is not None:
                    await self.desk.endpoints.disable(lane.endpoint, by="scheduler", gone=True)

    def _breaker(self, lane: Lane) -> Breaker:
        name = "alert mail" if lane.endpoint_id is None else f"webhook {lane.endpoint}"
        if name not in self._known:
            self._known[name] = self._breakers.add(name, _LIMITS)
        return self._known[name]


def pause(attempt: int) -> float:
    """Seconds after this attempt, somewhat by chance: 5, 15, 45 …, an hour at most."""
    return random.uniform(0.8, 1.0) * min(_LONGEST, _FIRST * 3.0 ** min(attempt - 1, 10))  # noqa: S311 - not a secret
