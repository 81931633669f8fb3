"""From a request to a method and back, in this order: fault, token, scopes, parameters, body, answer.

Every path and verb comes from the discovery document. What the document has and the emulator has not is answered by
501, so that nobody takes a missing method for a missing mail.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, assert_never
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from evals.emulators.gmail import discovery
from evals.emulators.gmail.calls import Call, CallLog
from evals.emulators.gmail.faults import Drop, Fail, Faults, Hang, Manner, Truncate, Work
from evals.emulators.gmail.methods import Asked, Methods
from evals.emulators.gmail.oauth import Access, TokenEndpoint, basic_client
from evals.emulators.gmail.refusals import Refusal, TokenRefusal, invalid_argument
from evals.emulators.gmail.server import Connections

TOKEN = "oauth2.token"  # noqa: S105 - a method's name
CERTS = "oauth2.certs"

Handler = Callable[[Request, bytes], dict[str, Any] | None]
"""What is done for a request with that body; ``None`` is answered by 204."""


class Front:
    """What stands before the methods.

    Args:
        address: of the mailbox.
        methods: what they do.
        tokens: who may.
        certs: Google's public keys.
        faults: what goes wrong.
        calls: where every request is written down.
        connections: those that a fault may cut.
    """

    def __init__(
        self,
        address: str,
        methods: Methods,
        tokens: TokenEndpoint,
        certs: Callable[[], dict[str, Any]],
        faults: Faults,
        calls: CallLog,
        connections: Connections,
    ) -> None:
        self._address = address
        self._methods = methods
        self._tokens = tokens
        self._certs = certs
        self.faults = faults
        self.calls = calls
        self.connections = connections
        self.failures: list[AssertionError] = []
        """Answers that Gmail could not have given: the emulator's own mistakes."""

    def application(self) -> Starlette:
        """Every route."""
        routes = [
            Route("/token", _Endpoint(self, TOKEN, self._give_token), methods=["POST"]),
            Route("/oauth2/v3/certs", _Endpoint(self, CERTS, lambda _, __: self._certs()), methods=["GET"]),
        ]
        for method in discovery.methods().values():
            endpoint = _Endpoint(self, method.id, self._work(method))
            routes.append(Route(method.path, endpoint, methods=[method.verb]))
        return Starlette(routes=routes)

    def _give_token(self, request: Request, body: bytes) -> dict[str, Any]:
        form = parse_qs(body.decode("utf-8", "replace"))
        client = basic_client(
            request.headers.get("authorization", "")
        )  # in the header or in the form (RFC 6749, 2.3.1)
        return self._tokens.grant({**client, **{name: values[0] for name, values in form.items()}})

    def _work(self, method: discovery.Method) -> Handler:
        def work(request: Request, body: bytes) -> dict[str, Any] | None:
            access = self._tokens.authorize(request.headers.get("authorization"))
            self._check_access(method, access, request.path_params["userId"])
            do = self._methods.by_id.get(method.id)
            if do is None:
                raise Refusal(501, f"The emulator doesn't do {method.id}", "notImplemented")
            query = _read_query(method, request)
            answer = do(Asked(request.path_params, query, _read_body(method, body), access))
            self._check_answer(method, answer)
            return answer

        return work

    def _check_access(self, method: discovery.Method, access: Access, user: str) -> None:
        if not access.scopes & method.scopes:
            raise Refusal(403, "Request had insufficient authentication scopes.", "insufficientPermissions")
        if access.subject != self._address:
            raise Refusal(400, "Precondition check failed.", "failedPrecondition")
        if user not in {"me", self._address}:
            raise Refusal(403, f"Delegation denied for {access.subject}", "forbidden")

    def _check_answer(self, method: discovery.Method, answer: dict[str, Any] | None) -> None:
        if answer is None and method.response is None:
            return
        wrong = discovery.problems(method.response or "an empty answer", answer) if method.response else ["not empty"]
        if wrong:
            self.failures.append(AssertionError(f"{method.id} answered what Gmail could not: {'; '.join(wrong)}"))


class _Endpoint:
    """One method as an ASGI application, because a fault may end the connection instead of answering."""

    def __init__(self, front: Front, method: str, work: Handler) -> None:
        self._front = front
        self._method = method
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        # Chosen before anything can go wrong with the caller: it is what the server did.
        manner = self._front.faults.take(self._method)
        response = await self._respond(request, body, manner)
        self._write_down(request, manner, response)
        if response is not None:
            await response(scope, receive, send)
            return
        if isinstance(manner, Drop):
            self._front.connections.cut((scope["client"][0], scope["client"][1]))
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _respond(self, request: Request, body: bytes, manner: Manner) -> Response | None:
        """The answer; ``None``, if there is to be none."""
        match manner:
            case Work(seconds):
                await self._front.connections.pause(seconds)
                return self._answer(request, body)
            case Truncate():
                answered = self._answer(request, body)
                return _json(answered.status_code, bytes(answered.body)[: len(answered.body) // 2])
            case Fail(status, reason, message, taken):
                if taken:
                    self._answer(request, body)
                return _refused(Refusal(status, message, reason))
            case Hang(taken) | Drop(taken):
                if taken:
                    self._answer(request, body)
                return None
            case _:
                assert_never(manner)

    def _answer(self, request: Request, body: bytes) -> Response:
        try:
            answer = self._work(request, body)
        except (Refusal, TokenRefusal) as refusal:
            return _refused(refusal)
        return Response(status_code=HTTPStatus.NO_CONTENT) if answer is None else _json(HTTPStatus.OK, _dumped(answer))

    def _write_down(self, request: Request, manner: Manner, response: Response | None) -> None:
        status = None if response is None else int(response.status_code)
        self._front.calls.add(Call(self._method, request.method, request.url.path, status, manner, time.time()))


def _read_query(method: discovery.Method, request: Request) -> Mapping[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    for name, values in query.items():
        if problem := discovery.parameter_problem(method, name, values):
            raise invalid_argument(problem)
    if query.get("alt", ["json"]) != ["json"] or "fields" in query:
        raise invalid_argument("The emulator answers whole resources as JSON: neither 'alt' nor 'fields' is understood")
    return query


def _read_body(method: discovery.Method, body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    if method.request is None:
        raise invalid_argument("Request contains an invalid argument: this method takes no body")
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise invalid_argument("Invalid JSON payload received.") from error
    if problems := discovery.problems(method.request, parsed):
        raise invalid_argument(f"Invalid JSON payload received. {problems[0]}")
    found: Mapping[str, Any] = parsed
    return found


def _refused(refusal: Refusal | TokenRefusal) -> Response:
    response = _json(refusal.status, _dumped(refusal.body))
    if refusal.status == HTTPStatus.UNAUTHORIZED and isinstance(refusal, Refusal):
        response.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return response


def _dumped(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, indent=2).encode()


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json; charset=UTF-8")
