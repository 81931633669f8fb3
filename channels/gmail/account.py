"""Our mailbox at Gmail: the methods of its API that the channel needs, asked through Google's client over our own HTTP.

The client's own HTTP (httplib2) sends a request again by itself when a connection breaks, a POST too, so that a mail
goes out twice and nobody is told. Here every request is sent once. Only a 401 is followed by a second try with a new
token: then the first one was certainly not taken. The client is synchronous: calls run in threads, a few at once.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx

from channels.gmail.credentials import Credentials
from channels.gmail.refusals import CallError, answered

API = "https://gmail.googleapis.com"
TIMEOUT = httpx.Timeout(12, connect=4, pool=4)
"""Seconds for each step of a request. A send has to be over before the sender's own deadline, which is 15."""

_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_UNAUTHORIZED, _ERROR = 401, 300
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A mail as lists name it."""

    id: str
    labels: frozenset[str] = frozenset()
    """Those it had when the change was written down; a list of search results has none."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of changes or of search results, in the API's order."""

    entries: tuple[Entry, ...]
    following: str | None
    """The token of the next page."""
    history_id: int = 0
    """The mailbox's at that moment; 0 for search results."""
    last_id: int = 0
    """The newest change on the page; 0 without one."""


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail as Gmail keeps it."""

    id: str
    thread_id: str
    labels: frozenset[str]
    received_at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose mailbox it is, and how far its history has come."""

    address: str
    history_id: int


class Account:
    """Asks Gmail, between ``async with`` and its end.

    Args:
        credentials: ours.
        api_url: where Gmail is: its own address, an emulator's, or a gateway's.
        threads: calls at once.
        timeout: of each step of a call.
    """

    def __init__(
        self, credentials: Credentials, *, api_url: str = API, threads: int = 4, timeout: httpx.Timeout = TIMEOUT
    ) -> None:
        self._credentials = credentials
        self._api_url = api_url.rstrip("/")
        self._threads = threads
        self._timeout = timeout
        self._building = threading.Lock()
        self._client: Any = None
        self._http: httpx.Client | None = None
        self._pool: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        self._http = httpx.Client(timeout=self._timeout, trust_env=True, follow_redirects=False)
        self._pool = ThreadPoolExecutor(self._threads, "gmail")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            # What is on its way is not waited for: its outcome is nobody's any more.
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._http is not None:
            self._http.close()

    async def profile(self) -> Profile:
        """Whose mailbox it is.

        Raises:
            CallError: Gmail did not say.
        """
        found = await self._call(lambda users: users.getProfile(userId="me"))
        return Profile(str(found["emailAddress"]).lower(), int(found["historyId"]))

    async def changes(self, start: int, page: str | None = None) -> Page:
        """A page of what came in or went out after a cursor, and of what came to light: out of spam, say.

        Raises:
            CallError: ``missing`` when the cursor is too old.
        """
        found = await self._call(
            lambda users: users.history().list(
                userId="me",
                startHistoryId=str(start),
                historyTypes=["messageAdded", "labelAdded"],
                maxResults=_PAGE,
                pageToken=page,
            )
        )
        records = found.get("history", [])
        entries: dict[str, Entry] = {}
        for record in records:
            for added in record.get("messagesAdded", []):
                _note(entries, added["message"])
            for added in record.get("labelsAdded", []):
                if {"INBOX", "SENT"} & set(added.get("labelIds", ())):
                    _note(entries, added["message"])
        return Page(
            tuple(entries.values()),
            found.get("nextPageToken"),
            int(found.get("historyId", 0)),
            max((int(record["id"]) for record in records), default=0),
        )

    async def search(self, query: str, page: str | None = None) -> Page:
        """A page of mails, newest first, in Gmail's query language. Spam and trash are left out.

        Raises:
            CallError: Gmail did not say.
        """
        found = await self._call(
            lambda users: users.messages().list(userId="me", q=query, maxResults=_PAGE, pageToken=page)
        )
        return Page(tuple(Entry(one["id"]) for one in found.get("messages", [])), found.get("nextPageToken"))

    async def read(self, mail_id: str) -> RawMail:
        """One mail, whole.

        Raises:
            CallError: ``missing`` when there is none, not yet or not any more.
        """
        found = await self._call(lambda users: users.messages().get(userId="me", id=mail_id, format="raw"))
        try:
            raw = base64.urlsafe_b64decode(found["raw"])
        except (binascii.Error, ValueError):
            raise CallError("an unreadable mail", fate="refused") from None
        return RawMail(
            id=found["id"],
            thread_id=found["threadId"],
            labels=frozenset(found.get("labelIds", ())),
            received_at=datetime.fromtimestamp(int(found["internalDate"]) / 1000, UTC),
            raw=raw,
        )

    async def header(self, mail_id: str, *names: str) -> Mapping[str, str]:
        """Header lines of a mail, by their names in lower case.

        Raises:
            CallError: Gmail did not say.
        """
        found = await self._call(
            lambda users: users.messages().get(userId="me", id=mail_id, format="metadata", metadataHeaders=list(names))
        )
        return {line["name"].lower(): line["value"] for line in found["payload"].get("headers", [])}

    async def send(self, raw: bytes, thread_id: str | None) -> str:
        """Send a mail, once; its id.

        Raises:
            CallError: see ``verdict`` for what it means.
        """
        body = {"raw": base64.urlsafe_b64encode(raw).decode()} | ({"threadId": thread_id} if thread_id else {})
        found = await self._call(lambda users: users.messages().send(userId="me", body=body))
        return str(found["id"])

    async def watch(self, topic: str) -> datetime:
        """Have changes told to a Pub/Sub topic; until when.

        Raises:
            CallError: the topic is not there, or Gmail may not publish to it.
        """
        body = {"topicName": topic, "labelIds": ["INBOX", "SENT"], "labelFilterBehavior": "include"}
        found = await self._call(lambda users: users.watch(userId="me", body=body))
        return datetime.fromtimestamp(int(found["expiration"]) / 1000, UTC)

    async def _call(self, ask: Callable[[Any], Any]) -> dict[str, Any]:
        if self._pool is None or self._http is None:
            raise RuntimeError("the account is not open")
        run = partial(self._execute, ask, self._http)
        return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    def _execute(self, ask: Callable[[Any], Any], http: httpx.Client) -> dict[str, Any]:
        transport = _Transport(http, self._credentials)
        try:
            answer = ask(self._users()).execute(http=transport, num_retries=0)
        except _NEVER_LEFT as error:
            raise CallError(f"not connected ({type(error).__name__})", fate="never left") from None
        except (httpx.HTTPError, RuntimeError) as error:  # the latter from a client that is closed meanwhile
            raise CallError(f"no answer ({type(error).__name__})", fate="unknown") from None
        # The client gives an answer that is no JSON back as the text that it is; each of Google's has something in it.
        if not isinstance(answer, dict) or not answer:
            raise CallError("an unreadable answer", fate="unknown")
        return answer

    def _users(self) -> Any:
        with self._building:
            if self._client is None:
                with warnings.catch_warnings():
                    # google-api-core warns of a date in 2027 when it meets an older grpcio, which nothing here uses.
                    warnings.filterwarnings("ignore", "Package google.api_core", FutureWarning)
                    from googleapiclient.discovery import build
                self._client = build(
                    "gmail",
                    "v1",
                    http=object(),  # never used: every request brings its own
                    static_discovery=True,
                    client_options={"api_endpoint": self._api_url},
                )
            return self._client.users()


@dataclass(frozen=True, slots=True)
class _Status:
    """What Google's client reads of an answer's head."""

    status: int


class _Transport:
    """httplib2's place in Google's client."""

    def __init__(self, http: httpx.Client, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> tuple[_Status, bytes]:
        """Send it once, signed."""
        token = self._credentials.token(self._http)
        answer = self._send(uri, method, body, headers, token)
        if answer.status_code == _UNAUTHORIZED:
            token = self._credentials.token(self._http, not_this=token)
            answer = self._send(uri, method, body, headers, token)
        if answer.status_code >= _ERROR:
            raise answered(answer.status_code, answer.content)
        return _Status(answer.status_code), answer.content

    def _send(
        self, uri: str, method: str, body: bytes | str | None, headers: Mapping[str, str] | None, token: str
    ) -> httpx.Response:
        signed = {**(headers or {}), "authorization": f"Bearer {token}"}
        return self._http.request(method, uri, content=body, headers=signed)


def _note(entries: dict[str, Entry], message: Mapping[str, Any]) -> None:
    entries[message["id"]] = Entry(message["id"], frozenset(message.get("labelIds", ())))
