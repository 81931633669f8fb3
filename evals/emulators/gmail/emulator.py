"""Gmail on one machine: the API, its token endpoint and Pub/Sub, around one mailbox.

with GmailEmulator() as gmail:
    gmail.push_to("http://127.0.0.1:8000/webhooks/gmail")
    gmail.mailbox.deliver(raw)                     # a customer writes
    gmail.wait_until(lambda: gmail.mailbox.sent)   # the product answers
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from threading import Condition
from typing import Self

from evals.emulators.gmail.calls import CallLog, wait_until
from evals.emulators.gmail.faults import Faults
from evals.emulators.gmail.mailbox import Changed, Mailbox, Sent
from evals.emulators.gmail.methods import Methods
from evals.emulators.gmail.oauth import TokenEndpoint
from evals.emulators.gmail.push import Attempt, Bad, PubSub, Subscription
from evals.emulators.gmail.routes import Front
from evals.emulators.gmail.server import Connections, Server
from evals.emulators.gmail.watch import Watch
from skills.errors import BadRequestError

MODIFY = "https://www.googleapis.com/auth/gmail.modify"
"""The scope that covers everything but deleting for good."""


class GmailEmulator:
    """Listens on 127.0.0.1 while the ``with`` block lasts. Its parts may be used from any thread, before it too.

    Args:
        address: of the mailbox.
        delegated: the scopes that the service account may ask for.
        port: 0 for any that is free.
        seed: of the gaps between history ids.
    """

    def __init__(
        self,
        address: str = "support@shop.example",
        *,
        delegated: Iterable[str] = (MODIFY,),
        port: int = 0,
        seed: int = 0,
    ) -> None:
        self._news = Condition()
        self.mailbox = Mailbox(address, self._news, seed=seed)
        self.tokens = TokenEndpoint(self.mailbox.address, delegated)
        self.pubsub = PubSub(self.mailbox.address, self._news)
        self.watch = Watch(self.pubsub.topic)
        self.faults = Faults()
        self.calls = CallLog(self._news)
        connections = Connections()
        methods = Methods(self.mailbox, self.watch, self._tell)
        self._front = Front(
            self.mailbox.address, methods, self.tokens, self.pubsub.certs, self.faults, self.calls, connections
        )
        self._server = Server(self._front.application(), connections, port)
        self.url = self.token_url = self.certs_url = ""
        self.mailbox.watch(self._changed)

    def __enter__(self) -> Self:
        self.url = f"http://127.0.0.1:{self._server.start()}"
        self.token_url = self.tokens.url = f"{self.url}/token"
        self.certs_url = f"{self.url}/oauth2/v3/certs"
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._server.stop()
        if kind is None and self._front.failures:
            raise self._front.failures[0]

    def push_to(self, endpoint: str, *, audience: str = "") -> Subscription:
        """Let Pub/Sub deliver there from now on, with tokens for that audience (the endpoint's URL unless given)."""
        self.pubsub.subscription = Subscription(endpoint, audience)
        return self.pubsub.subscription

    def forge(self, bad: Bad, history_id: int | None = None) -> Attempt:
        """Send the endpoint one notice whose token must not be believed, and wait for what it says.

        Raises:
            BadRequestError: there is no endpoint.
        """
        if self.pubsub.subscription is None:
            raise BadRequestError("No endpoint to send a forgery to", hint="call push_to first")
        current = history_id or self.mailbox.history.current
        forging = self.pubsub.forge(bad, current, self.pubsub.subscription)
        return asyncio.run_coroutine_threadsafe(forging, self._server.loop).result(30)

    def answer_with(self, answer: Callable[[Sent], bytes | None], *, most: int = 100) -> None:
        """Let somebody at the other end answer every mail that goes out, so many times; ``None`` is no answer."""
        left = iter(range(most))

        def respond(sent: Sent) -> None:
            if next(left, None) is not None and (raw := answer(sent)) is not None:
                self.mailbox.deliver(raw)

        self.mailbox.read(lambda sent: self._server.soon(respond, sent))

    def wait_until(self, holds: Callable[[], object], *, seconds: float = 10.0, what: str = "that") -> None:
        """Block until something is so. It is looked at again after every call, change and push.

        Raises:
            TimeoutError: it was not so in time.
        """
        wait_until(self._news, lambda: bool(holds()), seconds, what)

    def _changed(self, changed: Changed) -> None:
        if self.watch.covers(changed.labels):
            self._tell(changed)

    def _tell(self, changed: Changed) -> None:
        self._server.soon(self.pubsub.publish, changed.history_id, self._server.tasks)
