"""The reviewer's API in memory: two reviewers, versions, claims and conflicts as the real one has them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from api.problems import UnauthorizedError
from api.routes.staff import Actor, SignedIn, signed_in
from infra.staff.roles import Role
from skills.errors import BadRequestError, ConflictError, DatabaseUnavailableError, NotFoundError
from tests.browser.examples import background, escalations, line, owned_case

COOKIE = "csagent_staff"
KEYS = {"session-of-mira": "mira", "session-of-jonas": "jonas"}


class NewDecision(BaseModel):
    """A decision as the page sends it; nothing else may come with it."""

    model_config = ConfigDict(extra="forbid")

    action: str
    version: str
    text: str | None = None
    reason: str | None = None
    covers_later: bool = False
    undoable: bool


class NewText(BaseModel):
    """What a reviewer writes to a customer."""

    model_config = ConfigDict(extra="forbid")

    text: str
    undoable: bool


class NewNote(BaseModel):
    """What a reviewer writes to colleagues."""

    model_config = ConfigDict(extra="forbid")

    text: str
    asks: str | None = None
    answers: str | None = None


class ReviewApi:
    """What a test can do: add escalations, change one behind the reviewer's back, read what was decided."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut = cut
        self.losing_answers = False
        """Messages to customers are stored, and then the connection is reset instead of answered."""
        self.queue_is_broken = False
        self.beyond = 0
        """Escalations that wait beyond those that the queue gives."""
        self.keys = dict(KEYS)
        """Sessions, and whose they are."""
        self.role: Role = "reviewer"
        self.escalations = {item["id"]: item for item in escalations()}
        self.cases = {case["id"]: case for case in (owned_case(),)}
        self.decisions: list[tuple[str, str, NewDecision]] = []
        self.written: list[tuple[str, str]] = []
        """Key and text of every request to write to a customer."""
        self.reads: list[str] = []
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.onlookers: list[str] = []
        self.router = APIRouter(prefix="/v1/review", dependencies=[Depends(signed_in)])
        get, post = ["GET"], ["POST"]
        one, case = "/escalations/{item}", "/cases/{case_id}"
        add = self.router.add_api_route
        add("/escalations", self._queue, methods=get)
        add(one, self._read, methods=get)
        add(f"{one}/claim", self._claim, methods=post, status_code=204, response_model=None)
        add(f"{one}/claim", self._release, methods=["DELETE"], status_code=204, response_model=None)
        add(f"{one}/decision", self._decide, methods=post, status_code=202)
        add("/files/{message_id}/{ordinal}", self._file, methods=get, response_model=None)
        add("/cases", self._cases, methods=get)
        add(case, self._case, methods=get)
        add(f"{case}/messages", self._write, methods=post, status_code=202)
        add("/questions", self._questions, methods=get)
        add("/colleagues", self._colleagues, methods=get)
        add(f"{case}/notes", self._note, methods=post, status_code=201)
        add(f"{case}/background", self._background, methods=get)
        add(f"{case}/looking", self._look, methods=["PUT"])
        add(f"{case}/looking", self._leave, methods=["DELETE"], status_code=204, response_model=None)
        for action in ("take-over", "hand-back", "resolve"):
            add(f"{case}/{action}", getattr(self, "_" + action.replace("-", "_")), methods=post, status_code=204)

    async def _file(self, message_id: str, ordinal: int) -> Response:  # noqa: ARG002 - every message has the same
        if self.losing_answers:
            raise NotFoundError("there is no such file")
        return Response(f"file {ordinal}", media_type="application/octet-stream")

    def customer_writes(self, item: str, text: str) -> None:
        """A message that comes after the proposal: whoever read before has an old version."""
        found = self.escalations[item]
        written = line(len(found["transcript"]) + 1, "customer", text)
        found["transcript"].append(written)
        found["later_messages"].append(written)
        found["version"] = f"{found['version'].partition('.')[0]}.{written['sequence']}"

    def somebody_decides(self, item: str, action: str, reviewer: str) -> None:
        """Another reviewer was quicker."""
        self.escalations[item].update(status="decided", decided=f"{action} by {reviewer}", claimed_by=None)

    async def signed_in(self, request: Request) -> Actor:
        """Who asks, by the cookie, in the place of ``api.routes.staff.signed_in``."""
        name = self.keys.get(request.cookies.get(COOKIE, ""))
        if name is None:
            raise UnauthorizedError("sign in first")
        return Actor(name, self.role, form_token="f" * 64)

    async def _queue(self) -> dict[str, Any]:
        if self.queue_is_broken:
            raise DatabaseUnavailableError("the database is away")
        waiting = sorted(
            (item for item in self.escalations.values() if item["status"] == "open"), key=lambda item: item["due_at"]
        )
        names = ("id", "case_id", "channel", "severity", "due_at", "created_at", "claimed_by")
        return {
            "items": [
                {name: item[name] for name in names}
                | {
                    "rules": [reason["rule"] for reason in item["request"]["reasons"]],
                    "customer_name": item["customer"]["name"],
                    "first_line": " ".join(item["request"]["messages"])[:119],
                    "has_draft": item["request"]["answered"],
                }
                for item in waiting
            ],
            "total": len(waiting) + self.beyond,
        }

    async def _read(self, item: str) -> dict[str, Any]:
        self.reads.append(item)
        found = self._escalation(item)
        return deepcopy(found) | {"state": self._state(found["case_id"])}

    async def _claim(self, item: str, actor: SignedIn) -> None:
        found, staff = self._escalation(item), actor.name
        if found["status"] != "open" or found["claimed_by"] not in {None, staff}:
            raise _conflict(found)
        found["claimed_by"] = staff

    async def _release(self, item: str, actor: SignedIn) -> None:
        found = self._escalation(item)
        if found["claimed_by"] != actor.name:
            raise _conflict(found)
        found["claimed_by"] = None

    async def _decide(self, item: str, new: NewDecision, actor: SignedIn) -> dict[str, Any]:
        found, staff = self._escalation(item), actor.name
        if found["status"] != "open" or found["claimed_by"] not in {None, staff}:
            raise _conflict(found)
        if new.version != found["version"]:
            seen = int(new.version.partition(".")[2])
            raise _conflict(
                found,
                proposal_changed=new.version.partition(".")[0] != found["version"].partition(".")[0],
                new_messages=[m["text"] for m in found["later_messages"] if m["sequence"] > seen],
            )
        if (new.text is None) == (new.action in {"edit", "answer"}) or (new.reason is None) == (new.action == "reject"):
            raise BadRequestError(f"{new.action} takes something else")
        if new.covers_later and new.action not in {"edit", "answer"}:
            raise BadRequestError("covers_later goes with a text of yours", hint="choose edit or answer")
        self.decisions.append((item, staff, new))
        found.update(status="decided", decided=f"{new.action} by {staff}", claimed_by=None)
        if new.action == "take_over":
            self.cases[found["case_id"]] = owned_case() | {
                "id": found["case_id"],
                "owner_name": staff,
                "customer": found["customer"],
                "transcript": found["transcript"],
                "withheld_draft": found["request"]["proposal"],
                "asked_for": {
                    "severity": found["severity"],
                    "due_at": found["due_at"],
                    "reasons": found["request"]["reasons"],
                    "sources": found["request"]["sources"],
                },
            }
        return {"case_id": found["case_id"]}

    async def _questions(self, actor: SignedIn) -> dict[str, Any]:
        asked = [
            {"case_id": case, "escalation_id": None, "channel": "chat"} | note
            for case, notes in self.notes.items()
            for note in notes
            if note["asked"] == actor.name and not note["answered_at"]
        ]
        return {"items": asked}

    async def _colleagues(self, actor: SignedIn) -> dict[str, Any]:
        return {"names": [name for name in ("jonas", "mira") if name != actor.name]}

    async def _note(self, case_id: str, new: NewNote, actor: SignedIn) -> dict[str, Any]:
        notes = self.notes.setdefault(case_id, [])
        for note in notes:
            if note["id"] == new.answers:
                note["answered_at"] = datetime.now(UTC).isoformat()
        notes.append(
            {
                "id": str(uuid4()),
                "author": actor.name,
                "text": new.text,
                "asked": new.asks,
                "answers": new.answers,
                "created_at": datetime.now(UTC).isoformat(),
                "answered_at": None,
            }
        )
        return {"id": notes[-1]["id"]}

    async def _background(self, case_id: str) -> dict[str, Any]:
        return background(case_id) | {"notes": self.notes.get(case_id, [])}

    async def _look(self, case_id: str, actor: SignedIn) -> dict[str, Any]:
        others = [name for name in self.onlookers if name != actor.name]
        return {"others": others, "state": self._state(case_id)}

    async def _leave(self, case_id: str) -> None: ...

    async def _cases(self) -> dict[str, Any]:
        owned = [case for case in self.cases.values() if case["owner"] == "human" and case["status"] == "open"]
        return {
            "items": [
                {name: case[name] for name in ("id", "channel", "owner_name", "opened_at")}
                | {name: (case["asked_for"] or {}).get(name) for name in ("severity", "due_at")}
                | {
                    "customer_name": case["customer"]["name"],
                    "last_line": [m["text"] for m in case["transcript"] if m["author"] == "customer"][-1],
                    "waiting": sum(1 for message in case["transcript"] if message["state"] == "human"),
                    "waiting_since": next((m["at"] for m in case["transcript"] if m["state"] == "human"), None),
                }
                for case in owned
            ],
            "total": len(owned),
        }

    async def _case(self, case_id: str) -> dict[str, Any]:
        self.reads.append(case_id)
        return deepcopy(self._owned(case_id)) | {"state": self._state(case_id)}

    async def _write(self, case_id: str, new: NewText, idempotency_key: Annotated[UUID, Header()]) -> dict[str, Any]:
        case = self._owned(case_id)
        if case["owner"] != "human":
            raise ConflictError("the agent has this case", hint="take it over, then write")
        known = str(idempotency_key) in {key for key, _ in self.written}
        self.written.append((str(idempotency_key), new.text))
        if self.losing_answers:
            self._cut()
        if known:
            return {"message_id": case["transcript"][-1]["id"]}
        for message in case["transcript"]:
            message["state"] = "handled"
        if case["asked_for"]:
            case["asked_for"]["due_at"] = None
        written = line(len(case["transcript"]) + 1, "human", new.text, delivery="sent")
        case["transcript"].append(written)
        return {"message_id": written["id"]}

    async def _take_over(self, case_id: str, actor: SignedIn) -> None:
        self._owned(case_id).update(owner="human", owner_name=actor.name)

    async def _hand_back(self, case_id: str) -> None:
        self._owned(case_id).update(owner="agent", owner_name=None)

    async def _resolve(self, case_id: str) -> None:
        self._owned(case_id).update(owner="agent", status="resolved", resolved_at=datetime.now(UTC).isoformat())

    def _state(self, case_id: str) -> str:
        return " ".join(item["version"] for item in self.escalations.values() if item["case_id"] == case_id)

    def _escalation(self, item: str) -> dict[str, Any]:
        if item not in self.escalations:
            raise NotFoundError("there is no such escalation")
        return self.escalations[item]

    def _owned(self, case_id: str) -> dict[str, Any]:
        if case_id not in self.cases:
            raise NotFoundError("there is no such case")
        return self.cases[case_id]


def _conflict(found: dict[str, Any], **more: object) -> ConflictError:
    changes = {name: found[name] for name in ("status", "version", "claimed_by", "decided")} | more
    if found["status"] != "open":
        return ConflictError(f"this was decided already: {found['decided']}", changes=changes)
    if more:
        return ConflictError("this changed since you read it", hint="read it again, then decide", changes=changes)
    return ConflictError(f"{found['claimed_by']} is at it", hint="agree with them, or wait", changes=changes)
