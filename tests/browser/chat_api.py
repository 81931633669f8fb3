"""The customer's API in memory: one conversation a token, events that can be broken off at any byte."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import UploadFile

from api.problems import UnauthorizedError
from skills.errors import InvalidMessageError, NotFoundError, SupportError


class NewMessage(BaseModel):
    """A message as the page sends it; nothing else may come with it."""

    model_config = ConfigDict(extra="forbid")

    text: str
    name: str | None = None
    email: str | None = None
    language: str | None = None
    wants_person: bool = False


@dataclass
class Talk:
    """One conversation."""

    token: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    activity: str = "idle"
    asks: str | None = None


@dataclass(frozen=True)
class Posted:
    """A request to send a message, as it came in."""

    key: str
    message: NewMessage
    token: str | None
    files: tuple[str, ...] = ()


class ChatApi:
    """What a test can do: reply, set the activity, lose answers, refuse, break streams."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.talks: dict[str, Talk] = {}
        self.posted: list[Posted] = []
        self.streams_from: list[int] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        """What was sent besides messages: the route and the body."""
        self.lose_answers = 0
        """So many messages are stored, and then the connection is reset instead of answered."""
        self.refuse: list[SupportError] = []
        """The next requests get these instead, in order."""
        self.streaming = True
        self.break_next_event = False
        """The next message is broken off in the middle of its event."""
        self._cut = cut
        self._by_key: dict[tuple[str, str], str] = {}
        self._waiting: set[asyncio.Event] = set()
        self._streaming = threading.Event()
        self._closing = False
        self.router = APIRouter(prefix="/v1/web")
        self.router.add_api_route("/messages", self._send, methods=["POST"], status_code=202)
        self.router.add_api_route("/messages", self._read, methods=["GET"])
        for path in ("resolution", "feedback", "identity/codes", "identity/proof"):
            self.router.add_api_route(f"/{path}", self._tell, methods=["POST"])
        self.router.add_api_route("/identity", self._standing, methods=["GET"])
        self.router.add_api_route("/conversations", self._conversations, methods=["GET"])
        self.router.add_api_route("/conversations/{talk_id}/messages", self._earlier, methods=["GET"])
        self.router.add_api_route("/events", self._events, methods=["GET"])

    @property
    def talk(self) -> Talk:
        """The only conversation there is."""
        (talk,) = self.talks.values()
        return talk

    def say(
        self,
        text: str,
        *,
        author: str = "agent",
        activity: str = "idle",
        asks: str | None = None,
        files: list[dict[str, Any]] | None = None,
    ) -> None:
        """A message in the conversation, and what is going on after it."""
        self._store(self.talk, author, text, files or [])
        self.talk.activity, self.talk.asks = activity, asks
        self._wake()

    def set_activity(self, activity: str) -> None:
        """What is going on in the conversation."""
        self.talk.activity = activity
        self._wake()

    async def until_streaming(self) -> None:
        """Wait until the page listens to an event stream."""
        assert await asyncio.to_thread(self._streaming.wait, 10)

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        self._wake()

    async def _send(
        self,
        request: Request,
        idempotency_key: Annotated[str, Header()],
        authorization: Annotated[str | None, Header()] = None,
    ) -> dict[str, Any]:
        message, files = await _read_message(request)
        token = authorization.removeprefix("Bearer ") if authorization else f"ct_{UUID(idempotency_key).hex}"
        names = tuple(file["name"] for file in files)
        self.posted.append(Posted(idempotency_key, message, token if authorization else None, names))
        if self.refuse:
            raise self.refuse.pop(0)
        if len(message.text) > 20_000:
            raise InvalidMessageError("the message is too long", hint="at most 20,000 characters")
        talk = self._find(token) if authorization else self.talks.setdefault(token, Talk(token))
        message_id = self._by_key.get((token, idempotency_key))
        if message_id is None:
            message_id = self._store(talk, "customer", message.text, files)["id"]
            self._by_key[token, idempotency_key] = message_id
            talk.activity, talk.asks = "person" if message.wants_person else "working", None
            self._wake()
        if self.lose_answers:
            self.lose_answers -= 1
            self._cut()
        return {
            "message_id": message_id,
            "conversation_token": token,
            "cursor": len(talk.messages),
            "activity": talk.activity,
        }

    async def _read(self, after: int = 0, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        talk = self._find(authorization.removeprefix("Bearer "))
        # Pages of three, so that a longer talk takes several.
        messages = [message for message in talk.messages if message["position"] > after][:3]
        cursor = messages[-1]["position"] if messages else after
        return {"messages": messages, "cursor": cursor, "activity": talk.activity, "asks": talk.asks}

    async def _tell(self, request: Request, authorization: Annotated[str | None, Header()] = None) -> Response:
        if self.refuse:
            raise self.refuse.pop(0)
        body = await request.json()
        self.told.append((request.url.path.removeprefix("/v1/web/"), body))
        if authorization and "/identity/" not in request.url.path:
            self.talk.asks = None
            self._wake()
        return Response(b'{"linked": true, "until": null}', status_code=202, media_type="application/json")

    async def _standing(self) -> dict[str, Any]:
        proven = any(what == "identity/proof" for what, _ in self.told)
        return {"proven": proven, "until": None, "can_prove": [] if proven else ["email"], "mentioned": []}

    async def _conversations(self) -> dict[str, Any]:
        talks = [("earlier", "My planter leaks", False), ("this", "How long", True)]
        return {"items": [{"id": key, "first_line": line, "here": here} for key, line, here in talks]}

    async def _earlier(self, talk_id: str, after: int = 0) -> dict[str, Any]:
        said = {"author": "customer", "text": f"{talk_id}: my planter leaks", "at": datetime.now(UTC).isoformat()}
        messages = [{"id": str(uuid4()), "position": 1, **said}] if after == 0 else []
        return {"messages": messages, "cursor": 1}

    async def _events(
        self,
        authorization: Annotated[str, Header()] = "",
        last_event_id: Annotated[int, Header()] = 0,
    ) -> Response:
        talk = self._find(authorization.removeprefix("Bearer "))
        self.streams_from.append(last_event_id)
        if not self.streaming:
            return Response("no streams here", media_type="text/plain")
        return StreamingResponse(self._stream(talk, last_event_id), media_type="text/event-stream")

    async def _stream(self, talk: Talk, after: int) -> AsyncIterator[str]:
        changed = asyncio.Event()
        self._waiting.add(changed)
        self._streaming.set()
        activity, asks = "", None
        try:
            while not self._closing:
                changed.clear()
                for message in [message for message in talk.messages if message["position"] > after]:
                    event = f"id: {message['position']}\nevent: message\ndata: {json.dumps(message)}\n\n"
                    if self.break_next_event:
                        self.break_next_event = False
                        self._streaming.clear()
                        yield event[: len(event) // 2]
                        # The half has to leave this machine before the connection is reset.
                        await asyncio.sleep(0.05)
                        self._cut()
                        return
                    after = message["position"]
                    yield event
                if talk.activity != activity:
                    activity = talk.activity
                    yield f": what is going on\nevent: activity\ndata: {json.dumps({'activity': activity})}\n\n"
                if talk.asks != asks:
                    asks = talk.asks
                    yield f"event: asks\ndata: {json.dumps({'asks': asks})}\n\n"
                await changed.wait()
        finally:
            self._waiting.discard(changed)

    def _find(self, token: str) -> Talk:
        if not token:
            raise UnauthorizedError("a conversation token is missing")
        if token not in self.talks:
            raise NotFoundError("there is no such conversation")
        return self.talks[token]

    def _store(self, talk: Talk, author: str, text: str, files: list[dict[str, Any]]) -> dict[str, Any]:
        message = {
            "id": str(uuid4()),
            "position": len(talk.messages) + 1,
            "author": author,
            "text": text,
            "at": datetime.now(UTC).isoformat(),
            "files": files,
        }
        talk.messages.append(message)
        return message

    def _wake(self) -> None:
        def wake() -> None:
            for event in self._waiting:
                event.set()

        assert self.loop is not None
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(wake)


async def _read_message(request: Request) -> tuple[NewMessage, list[dict[str, Any]]]:
    if "multipart" not in request.headers["content-type"]:
        return NewMessage.model_validate_json(await request.body()), []
    async with request.form() as form:
        files = [
            {
                "name": file.filename,
                "media_type": file.content_type,
                "size": file.size,
                "refusal": "program" if str(file.filename).endswith(".exe") else None,
                "url": "/v1/files/token",
            }
            for file in form.getlist("file")
            if isinstance(file, UploadFile)
        ]
        fields = {name: value for name, value in form.items() if name != "file"}
        return NewMessage.model_validate({"text": ""} | fields), files
