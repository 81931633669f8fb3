"""Following a mailbox: every mail that came in or went out since the last time is taken in once, and none is left out.

Killed anywhere: the cursor moves only over what is stored, so the next run takes the rest again, and what is here
already is known by its name. A push only says "look": its history id is never used, for pushes are lost, doubled and
overtake each other. Two runs at once do no harm; a mailbox's row lets one work at a time, and a run that lost it moves
no cursor.

A cursor that Gmail has forgotten (404) is followed by a look at all mails since the last run. A mail that is named and
not there yet (404 right after it came) is written down and asked for again; so is one that alone can't be fetched.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from channels.gmail.account import Account, Entry, RawMail
from channels.gmail.automatic import Judgement, Kind
from channels.gmail.inbound import (
    HIDDEN,
    Own,
    OwnCopy,
    Received,
    Understood,
    WrittenByPerson,
    under_gmails_name,
    understand,
    unread,
)
from channels.gmail.refusals import CallError
from skills.errors import ConflictError, UnavailableError

WINDOW = timedelta(days=30)
"""How far back a look at everything goes: no farther than resolved cases are certainly in the database."""
PATIENCE = timedelta(minutes=10)
"""After which a mail that was named and never there is taken for deleted."""
RENEWAL = timedelta(days=6)
"""What has to be left of a watch, which lasts a week; so it is renewed daily."""

_OVERLAP = timedelta(hours=1)
_AT_ONCE = 3
"""Mails that are fetched together; each may weigh 35 MB."""
_SINGLE_FAILURES = 3
"""So many mails of a run may fail one by one; then it is Gmail that fails."""
_AWAITED = 50

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HeldMailbox:
    """A mailbox as it was when a run took it for itself."""

    token: int
    """Names the hold: an old one moves no cursor."""
    history_id: int | None
    """The cursor; ``None`` before the first run."""
    began_at: datetime | None
    """From when on its mails are ours."""
    synced_at: datetime | None
    """Up to when everything is certainly here."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A mail that was named and could not be had."""

    mail_id: str
    since: datetime


class Place(Protocol):
    """Where the cursor of the mailbox is kept. Each method but ``hold`` raises LeaseLostError for an old hold."""

    async def hold(self) -> HeldMailbox | None:
        """Take it, for a while; ``None`` while another run has it."""
        ...

    async def begin(self, held: HeldMailbox, history_id: int) -> None:
        """Begin to follow it here."""
        ...

    async def advance(self, held: HeldMailbox, history_id: int) -> None:
        """Everything up to there is stored."""
        ...

    async def renew(self, held: HeldMailbox) -> None:
        """This run is alive."""
        ...

    async def finish(self, held: HeldMailbox) -> bool:
        """The run has come to its end; whether somebody asked for another one meanwhile."""
        ...

    async def release(self, held: HeldMailbox) -> None:
        """Let another run have it."""
        ...

    async def await_mail(self, mail_id: str) -> None:
        """Write down a mail that has to be asked for again."""
        ...

    async def forget_mail(self, mail_id: str) -> None:
        """It is here, or never will be."""
        ...

    async def awaited(self, limit: int) -> Sequence[Awaited]:
        """Those that were written down, the one that was asked for longest ago first."""
        ...


class Intake(Protocol):
    """Who stores what was understood. Both may be told the same twice."""

    async def received(self, received: Received) -> bool:
        """A mail came in. Whether it is new.

        Raises:
            ConflictError: another mail has its name.
        """
        ...

    async def written(self, written: WrittenByPerson) -> bool:
        """A person wrote from the mailbox. Whether it is new and belongs to a talk of ours."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, in figures."""

    counts: Counter[str] = field(default_factory=Counter)
    more: bool = False
    """Whether another run should follow at once."""


class Sync:
    """Runs over one mailbox.

    Args:
        account: the mailbox at Gmail.
        place: where its cursor is kept.
        intake: who stores what is found.
        own: who we are on mail.
    """

    def __init__(self, account: Account, place: Place, intake: Intake, own: Own) -> None:
        self._account = account
        self._place = place
        self._intake = intake
        self._own = own

    async def run(self) -> Report:
        """Take in what is new.

        Raises:
            CallError: Gmail failed; what was taken in so far is.
            LeaseLostError: another run has the mailbox now.
            DatabaseUnavailableError: the same, of the database.
        """
        report = Report()
        held = await self._place.hold()
        if held is None:
            report.counts["busy"] += 1
            return report
        try:
            if held.history_id is None:
                # What was there before is not ours: nobody wants an answer to last year's mails.
                await self._place.begin(held, (await self._account.profile()).history_id)
            else:
                await self._ask_again(report)
                await self._follow(held, held.history_id, report)
            return Report(report.counts, more=await self._place.finish(held))
        except BaseException:
            await asyncio.shield(self._place.release(held))
            raise

    async def _follow(self, held: HeldMailbox, start: int, report: Report) -> None:
        page_token, first = None, 0
        while True:
            try:
                page = await self._account.changes(start, page_token)
            except CallError as error:
                if not error.missing:
                    raise
                _log.warning("gmail.cursor_forgotten")
                await self._look_at_all(held, report)
                return
            first = first or page.history_id
            await self._take(held, page.entries, report)
            if page.following is None:
                # Not the last answer's id but the first's: what came between the answers may be on no page.
                await self._place.advance(held, max(page.last_id, first))
                return
            await self._place.advance(held, max(page.last_id, start))
            page_token = page.following

    async def _look_at_all(self, held: HeldMailbox, report: Report) -> None:
        now = datetime.now(UTC)
        known = [moment for moment in (held.synced_at and held.synced_at - _OVERLAP, held.began_at) if moment]
        since = max(*known, now - WINDOW) if known else now - WINDOW
        cursor = (await self._account.profile()).history_id  # before the list: what comes after it is news
        query = f"after:{int(since.timestamp())}"
        entries: list[Entry] = []
        page_token = None
        while True:
            page = await self._account.search(query, page_token)
            entries += page.entries
            if (page_token := page.following) is None:
                break
        await self._take(held, entries[::-1], report)  # the oldest first
        await self._place.advance(held, cursor)
        report.counts["looked_at_all"] += 1

    async def _take(self, held: HeldMailbox, entries: Sequence[Entry], report: Report) -> None:
        wanted = [entry.id for entry in entries if not HIDDEN & entry.labels]
        for first in range(0, len(wanted), _AT_ONCE):
            ids = wanted[first : first + _AT_ONCE]
            answers = await asyncio.gather(*(self._read(mail_id) for mail_id in ids))
            for mail_id, answer in zip(ids, answers, strict=True):
                await self._place.renew(held)
                await self._take_one(mail_id, answer, report)

    async def _read(self, mail_id: str) -> RawMail | CallError:
        try:
            return await self._account.read(mail_id)
        except CallError as error:
            return error

    async def _take_one(self, mail_id: str, answer: RawMail | CallError, report: Report) -> None:
        if isinstance(answer, RawMail):
            await self._ingest(answer, report)
            return
        alone = answer.passing and not answer.too_much and report.counts["failed"] < _SINGLE_FAILURES
        if not (answer.missing or alone):
            raise answer
        report.counts["missing" if answer.missing else "failed"] += 1
        await self._place.await_mail(mail_id)

    async def _ask_again(self, report: Report) -> None:
        for awaited in await self._place.awaited(_AWAITED):
            answer = await self._read(awaited.mail_id)
            if isinstance(answer, RawMail):
                await self._ingest(answer, report)
                await self._place.forget_mail(awaited.mail_id)
            elif answer.missing and datetime.now(UTC) - awaited.since > PATIENCE:
                _log.info("gmail.mail_gone", mail=awaited.mail_id)
                await self._place.forget_mail(awaited.mail_id)
            elif answer.access or answer.too_much:
                raise answer
            else:
                await self._place.await_mail(awaited.mail_id)

    async def _ingest(self, found: RawMail, report: Report) -> None:
        """Store one mail, whatever it is like: one that can't be read or stored becomes a message for a person."""
        try:
            understood = await asyncio.to_thread(understand, found, self._own)
            report.counts[await self._store(understood)] += 1
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - no mail may be lost, nor keep others from coming in
            _log.error("gmail.mail_unread", mail=found.id, error=type(error).__name__, exc_info=True)
            reason = Judgement(Kind.PERSON, "it could not be read")
            new = await self._intake.received(Received(unread(found, type(error).__name__), reason))
            report.counts["unread" if new else "known"] += 1

    async def _store(self, understood: Understood | None) -> str:
        match understood:
            case None | OwnCopy():
                return "not_ours" if understood is None else "own"
            case WrittenByPerson():
                return "by_person" if await self._intake.written(understood) else "known"
            case Received():
                try:
                    return "received" if await self._intake.received(understood) else "known"
                except ConflictError:
                    return await self._store_namesake(understood)

    async def _store_namesake(self, understood: Received) -> str:
        """A mail with the Message-ID of another: a sender's mistake, or a trick. Gmail's own id tells them apart."""
        renamed = Received(
            under_gmails_name(understood.envelope), understood.judgement, understood.bounce, understood.reported
        )
        try:
            return "received" if await self._intake.received(renamed) else "known"
        except ConflictError:
            return "known"  # it is here, as an earlier version of us read it


class Watches(Protocol):
    """Knows until when Pub/Sub is told."""

    async def watched_until(self) -> datetime | None:
        """The end of the watch; ``None`` before the first."""
        ...

    async def watched(self, until: datetime) -> None:
        """It was renewed."""
        ...


async def keep_watch(account: Account, watches: Watches, topic: str) -> bool:
    """Renew the watch if it is a day old or over; whether it was. Without one mails are found by looking, later.

    Raises:
        CallError: Gmail refused.
    """
    until = await watches.watched_until()
    if until is not None and until - datetime.now(UTC) > RENEWAL:
        return False
    await watches.watched(await account.watch(topic))
    return True
