"""The emulator that a test or `make run` holds. Its package's docstring shows it in use."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from evals.emulators.twilio.exchange import Exchange, Listener
from evals.emulators.twilio.faults import USUAL, Answer, Behaviour, Life, WebhookFault
from evals.emulators.twilio.ledger import PREFIX, Ledger
from evals.emulators.twilio.resources import Media, Message
from evals.emulators.twilio.webhooks import READ_TIMEOUT, Posted, Poster, inbound_parameters, status_parameters

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "emulated-auth-token"  # noqa: S105 - opens nothing but the emulator
NUMBER = "+14155238886"

_OPT_OUT = {"stop": "STOP", "unsubscribe": "STOP", "start": "START", "unstop": "START", "help": "HELP"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the API, whatever became of it."""

    method: str
    path: str
    form: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Report:
    message: Message
    status: str
    error_code: int | None


class TwilioServer:
    """The server; a context manager that listens while it is open.

    Args:
        messages_url: our webhook for messages, as Twilio's console would know it.
        proxy: a public URL's beginning and where it leads on this machine; webhooks to the first go to the second.
        pace: seconds between two statuses of a message.
        opt_outs: whether Twilio handles STOP and START itself (Advanced Opt-Out).
        clock: the time, in UTC, which a test may turn.
        port: where to listen; a free port if 0.
    """

    def __init__(
        self,
        *,
        messages_url: str | None = None,
        proxy: tuple[str, str] | None = None,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        number: str = NUMBER,
        templates: Mapping[str, str] | None = None,
        pace: float = 0.0,
        opt_outs: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
    ) -> None:
        self.account_sid = account_sid
        self.messages_url = messages_url
        self.credentials = f"{account_sid}:{auth_token}".encode()
        self.closing = threading.Event()
        self.ledger = Ledger(account_sid, number, clock, dict(templates or {}))
        self._pace = pace
        self._opt_outs = opt_outs
        self._poster = Poster(auth_token, proxy)
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._posted: list[Posted] = []
        self._script: deque[Behaviour] = deque()
        self._otherwise: Behaviour = Answer()
        self._lives: deque[Life] = deque()
        self._usual_life = USUAL
        self._reports: queue.Queue[_Report | None] = queue.Queue()
        self._reporter = threading.Thread(target=self._report_all, daemon=True)
        self._http = Listener(("127.0.0.1", port), Exchange)
        self._http.emulator = self

    @property
    def url(self) -> str:
        """What the SDK's base URL has to be."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def calls(self) -> list[Call]:
        """Every request to the API so far, in order."""
        with self._lock:
            return list(self._calls)

    @property
    def sent(self) -> list[Message]:
        """Every message that was taken from us, in order."""
        with self.ledger.lock:
            return [message for message in self.ledger.messages if message.direction != "inbound"]

    @property
    def posted(self) -> list[Posted]:
        """Every webhook that went out, in order."""
        with self._lock:
            return list(self._posted)

    def script(self, *behaviours: Behaviour) -> None:
        """One behaviour for each of the next requests."""
        with self._lock:
            self._script.extend(behaviours)

    def otherwise(self, behaviour: Behaviour) -> None:
        """What to do when the script is at its end."""
        with self._lock:
            self._otherwise = behaviour

    def mend(self) -> None:
        """Be good again."""
        with self._lock:
            self._script.clear()
            self._lives.clear()
            self._otherwise, self._usual_life = Answer(), USUAL

    def lives(self, *lives: Life, otherwise: Life = USUAL) -> None:
        """What becomes of each of the next messages, and of all after them."""
        with self._lock:
            self._lives.extend(lives)
            self._usual_life = otherwise

    def write(
        self,
        sender: str,
        text: str = "",
        *,
        media: Sequence[Media] = (),
        name: str = "",
        fault: WebhookFault = "none",
        **parameters: str,
    ) -> list[Posted]:
        """A customer writes to us. Returns when we answered.

        Args:
            sender: their number in E.164, or a business-scoped user id.
            text: what they write.
            media: files that they send with it.
            name: their profile's.
            fault: what goes wrong with the webhook.
            parameters: more of the webhook's parameters, such as ``Latitude``.
        """
        if self.messages_url is None:
            raise ValueError("messages_url is not set: the emulator doesn't know where to send a customer's message")
        message = self.ledger.receive(PREFIX + sender, text, tuple(media))
        wish = _OPT_OUT.get(text.strip().casefold()) if self._opt_outs else None
        if wish is not None:
            parameters["OptOutType"] = wish
            with self.ledger.lock:
                if wish == "STOP":
                    self.ledger.opted_out.add(message.from_)
                elif wish == "START":
                    self.ledger.opted_out.discard(message.from_)
        form = inbound_parameters(message, self.url, profile=name, extra=parameters)
        url = self.messages_url
        match fault:
            case "none":
                return [self._post(url, form)]
            case "doubled":
                return self._post_at_once(url, form)
            case "forged":
                return [self._post(url, form, signed="AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
            case "replayed":
                return [self._post(url, form), self._post(url, form)]
            case "truncated":
                return [self._post(url, form, truncated=True)]

    def repeat(self, posted: Posted) -> Posted:
        """The same webhook once more, every byte the same, as Twilio does it after a failure."""
        return self._post(posted.url, posted.parameters)

    def settle(self) -> None:
        """Block until every status so far was reported (from asyncio: in a thread)."""
        self._reports.join()

    def create(self, form: Mapping[str, Sequence[str]]) -> Message:
        """Take a message from us, for ``exchange``."""
        with self._lock:
            life = self._lives[0] if self._lives else self._usual_life
        message, life = self.ledger.create(form, life)
        with self._lock:
            if self._lives:
                self._lives.popleft()
        for status in life.statuses:
            failed = status in {"failed", "undelivered"}
            self._reports.put(_Report(message, status, life.error_code if failed else None))
        return message

    def called(self, method: str, path: str, form: Mapping[str, Sequence[str]]) -> Behaviour:
        """Record a request and say what happens to it, for ``exchange``."""
        with self._lock:
            self._calls.append(Call(method, path, form))
            return self._script.popleft() if self._script else self._otherwise

    def file(self, sid: str) -> Media | None:
        """The file of that SID, for ``exchange``."""
        with self.ledger.lock:
            return next((one for message in self.ledger.messages for one in message.media if one.sid == sid), None)

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self._reporter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._reports.put(None)
        self._http.shutdown()
        self._http.server_close()
        self._reporter.join(READ_TIMEOUT)
        self._poster.close()

    def _report_all(self) -> None:
        while (report := self._reports.get()) is not None:
            try:
                if not self.closing.wait(self._pace):
                    self._report(report)
            finally:
                self._reports.task_done()

    def _report(self, report: _Report) -> None:
        self.ledger.report(report.message, report.status, report.error_code)
        url = report.message.status_callback
        if url is not None:
            self._post(url, status_parameters(report.message, report.status, report.error_code))

    def _post_at_once(self, url: str, form: dict[str, str]) -> list[Posted]:
        answers: queue.Queue[Posted] = queue.Queue()
        threads = [threading.Thread(target=lambda: answers.put(self._post(url, form))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [answers.get() for _ in threads]

    def _post(self, url: str, form: dict[str, str], *, signed: str | None = None, truncated: bool = False) -> Posted:
        posted = self._poster.post(url, form, signed=signed, truncated=truncated)
        with self._lock:
            self._posted.append(posted)
        return posted
