"""One mailbox: its mails, their threads and labels, and what changed when.

Google's clients see it through the API; the other people of the story write to it here: customers by ``deliver``, a
colleague in Gmail's own window by ``send_as_person``, ``save_draft`` and ``delete``. Any thread may call.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import formatdate
from threading import Condition
from typing import Any

from evals.emulators.gmail.history import Change, History, Kind
from evals.emulators.gmail.identity import Identity, identity
from evals.emulators.gmail.labels import FIXED, Labels
from evals.emulators.gmail.message import Mail
from evals.emulators.gmail.refusals import Refusal, invalid_argument, not_found
from evals.emulators.gmail.search import query

_MOST_BYTES = 36_700_160
"""What one mail may weigh (the document's ``maxSize``)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that went out. ``raw`` is as the recipients got it but for Bcc, which only the mailbox sees."""

    id: str
    thread_id: str
    raw: bytes
    identity: Identity = field(repr=False)
    by_person: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """The news of a change: the mailbox's history id after it, and the labels of the mail."""

    history_id: int
    labels: frozenset[str]


class Mailbox:
    """The mailbox of one address.

    Args:
        address: whose it is.
        news: told of every change; also what callers are kept apart by.
        seed: of the gaps between history ids.
    """

    def __init__(self, address: str, news: Condition, *, seed: int = 0) -> None:
        self.address = address.lower()
        self.history = History(seed)
        self.labels = Labels()
        self.rewrites_message_ids = False
        """Whether a well-formed Message-ID of a client is replaced too, which users of the API have seen happen."""
        self._news = news
        self._mails: dict[str, Mail] = {}
        self._next_id = int(time.time() * 1_000) << 20
        self._sent: list[Sent] = []
        self._watchers: list[Callable[[Changed], None]] = []
        self._readers: list[Callable[[Sent], None]] = []

    def watch(self, watcher: Callable[[Changed], None]) -> None:
        """Tell of every change."""
        self._watchers.append(watcher)

    def read(self, reader: Callable[[Sent], None]) -> None:
        """Tell of every mail that goes out."""
        self._readers.append(reader)

    @property
    def sent(self) -> list[Sent]:
        """Every mail that went out, in order, whoever sent it."""
        with self._news:
            return list(self._sent)

    @property
    def mails(self) -> list[Mail]:
        """Everything in it, oldest first."""
        with self._news:
            return list(self._mails.values())

    def deliver(self, raw: bytes, *, labels: Iterable[str] = ("INBOX", "UNREAD")) -> str:
        """A mail comes in. Returns its id."""
        with self._news:
            return self._add(raw, set(labels), self._thread_of(identity(message_from_bytes(raw)))).id

    def save_draft(self, raw: bytes) -> str:
        """A person begins a mail in Gmail's own window. Returns its id."""
        return self.deliver(raw, labels=("DRAFT",))

    def send_as_person(self, raw: bytes) -> str:
        """A person sends a mail in Gmail's own window, which finds the thread by itself. Returns its id."""
        with self._news:
            raw = self._complete(raw)
            return self._send(raw, self._thread_of(identity(message_from_bytes(raw))), by_person=True).id

    def send(self, raw: bytes, thread_id: str | None = None) -> Mail:
        """A client of the API sends a mail.

        It joins the thread that is asked for only if it refers to a mail in it and has its subject; else it begins one.

        Raises:
            Refusal: nobody to send it to, too large, or no such thread.
        """
        if len(raw) > _MOST_BYTES:
            raise Refusal(413, "Request entity too large: the mail weighs more than 36700160 bytes", "uploadTooLarge")
        with self._news:
            raw = self._complete(raw)
            found = identity(message_from_bytes(raw))
            if not found.recipients:
                raise invalid_argument("Recipient address required")
            if thread_id is not None and not self.thread(thread_id):
                raise not_found()
            joined = thread_id if thread_id is not None and self._belongs(found, self.thread(thread_id)) else None
            return self._send(raw, joined, by_person=False)

    def get(self, mail_id: str) -> Mail:
        """One mail.

        Raises:
            Refusal: there is no such mail (any more).
        """
        with self._news:
            if mail_id not in self._mails:
                raise not_found()
            return self._mails[mail_id]

    def thread(self, thread_id: str) -> list[Mail]:
        """The mails of a thread, oldest first; none, if there is no such thread."""
        with self._news:
            return [mail for mail in self._mails.values() if mail.thread_id == thread_id]

    def page(
        self, q: str, labels: frozenset[str], page: str | None, size: int, *, hidden: bool
    ) -> tuple[list[Mail], str | None, int]:
        """Mails, newest first: one page, the token of the next if there is one, and how many there are on all pages.

        Mails that come meanwhile don't shift the pages: a token is the id of the last mail seen.

        Raises:
            Refusal: the query or the token can't be read.
        """
        fits = query(q, time.time(), hidden=hidden or bool(labels & {"SPAM", "TRASH"}))
        with self._news:
            found = [mail for mail in reversed(self._mails.values()) if labels <= mail.labels and fits(mail)]
            if page is not None and (not page.isdigit() or len(page) > 20):  # noqa: PLR2004 - digits of 64 bits
                raise invalid_argument("Invalid pageToken")
            rest = [mail for mail in found if page is None or int(mail.id, 16) < int(page)]
        shown = rest[:size]
        return shown, str(int(shown[-1].id, 16)) if len(rest) > size else None, len(found)

    def relabel(self, mail_id: str, add: Iterable[str], remove: Iterable[str]) -> Mail:
        """Change the labels of a mail, whoever does it.

        Raises:
            Refusal: no such mail or label, or a label that only Gmail sets.
        """
        with self._news:
            mail = self.get(mail_id)
            for label in (*add, *remove):
                if label in FIXED or label not in self.labels:
                    raise invalid_argument(f"Invalid label: {label}")
            added, removed = set(add) - mail.labels, (set(remove) & mail.labels) - set(add)
            mail.labels = (mail.labels | added) - removed
            for kind, changed in (("labelAdded", added), ("labelRemoved", removed)):
                if changed:
                    self._record(mail, "labelAdded" if kind == "labelAdded" else "labelRemoved", changed)
            return mail

    def delete(self, mail_id: str) -> None:
        """A person deletes a mail for good.

        Raises:
            Refusal: no such mail.
        """
        with self._news:
            mail = self.get(mail_id)
            del self._mails[mail_id]
            self._record(mail, "messageDeleted")

    def changes(
        self, start: str | None, kinds: frozenset[Kind], label: str | None, page: str | None, size: int
    ) -> dict[str, Any]:
        """The answer of ``history.list``.

        Raises:
            Refusal: the cursor is missing, too old, or was never given out.
        """
        with self._news:
            return self.history.after(start, kinds, label, page, size)

    def forget_history(self) -> None:
        """Every cursor that anybody holds is too old from now on."""
        with self._news:
            self.history.forget()

    def profile(self) -> dict[str, Any]:
        """The answer of ``getProfile``."""
        with self._news:
            return {
                "emailAddress": self.address,
                "messagesTotal": len(self._mails),
                "threadsTotal": len({mail.thread_id for mail in self._mails.values()}),
                "historyId": str(self.history.current),
            }

    def _complete(self, raw: bytes) -> bytes:
        """Put into the header what Gmail does."""
        parsed = message_from_bytes(raw)
        lines = []
        given = str(parsed.get("Message-ID", "")).strip()
        if self.rewrites_message_ids or not _is_message_id(given):
            lines.append(f"Message-ID: <CA{secrets.token_urlsafe(18)}@mail.gmail.com>")
            if given:
                raw = _rename(raw, b"message-id", b"X-Google-Original-Message-ID")
        if "From" not in parsed:
            lines.append(f"From: {self.address}")
        if "Date" not in parsed:
            lines.append(f"Date: {formatdate(time.time())}")
        return "".join(f"{line}\r\n" for line in lines).encode() + raw

    def _send(self, raw: bytes, thread_id: str | None, *, by_person: bool) -> Mail:
        to_self = self.address in identity(message_from_bytes(raw)).recipients
        mail = self._add(raw, {"SENT", "INBOX", "UNREAD"} if to_self else {"SENT"}, thread_id)
        sent = Sent(mail.id, mail.thread_id, raw, mail.identity, by_person)
        self._sent.append(sent)
        self._news.notify_all()
        for reader in self._readers:
            reader(sent)
        return mail

    def _add(self, raw: bytes, labels: set[str], thread_id: str | None) -> Mail:
        self._next_id += 1 + secrets.randbelow(1 << 12)
        new = f"{self._next_id:016x}"
        mail = Mail(new, thread_id or new, raw, labels, int(time.time() * 1_000), self.history.current)
        self._mails[new] = mail
        self._record(mail, "messageAdded")
        return mail

    def _record(self, mail: Mail, kind: Kind, changed: set[str] | frozenset[str] = frozenset()) -> None:
        mail.history_id = self.history.reserve()
        labels = frozenset(mail.labels)
        self.history.add(Change(mail.history_id, kind, mail.id, mail.thread_id, labels, frozenset(changed)))
        self._news.notify_all()
        for watcher in self._watchers:
            watcher(Changed(mail.history_id, labels | changed))

    def _thread_of(self, new: Identity) -> str | None:
        """The thread that a mail joins by what it says of itself: that of the latest mail that it refers to."""
        candidates = reversed(self._mails.values()) if new.references else ()
        return next((mail.thread_id for mail in candidates if self._belongs(new, [mail])), None)

    @staticmethod
    def _belongs(new: Identity, mails: Iterable[Mail]) -> bool:
        return any(
            mail.identity.message_id in new.references and mail.identity.subject == new.subject for mail in mails
        )


def _is_message_id(value: str) -> bool:
    local, at, domain = value.removeprefix("<").removesuffix(">").partition("@")
    return (
        bool(local and at and domain) and value.startswith("<") and value.endswith(">") and not set(value) & set(" \t")
    )


def _rename(raw: bytes, name: bytes, new: bytes) -> bytes:
    """The mail with a header of another name."""
    head, blank, body = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    lines = head.split(b"\n")
    renamed = [new + line[len(name) :] if line.lower().startswith(name + b":") else line for line in lines]
    return b"\n".join(renamed) + blank + body
