"""The part of LangGraph's HTTP API that LangChain's Agent Inbox speaks, over the review desk (docs/agent-inbox.md).

A thread is a case that waits for a person, an interrupt its escalation, a resume a decision: taken as on the console,
with the same guards. Nothing here runs a graph; a worker carries the decision out.

Paths, bodies and answers are those of LangGraph's API, so they are not in our OpenAPI document. What is not here
answers 501 and says what is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any, Literal

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api.agent_inbox import threads
from api.agent_inbox.names import ASSISTANTS, GraphId, InterruptName, ThreadName, graph_named
from api.agent_inbox.shapes import accepted_text, decision_in
from api.problems import ProblemResponse, problem
from api.routes.answers import take_decision
from api.routes.staff import CustomerReader, Reviewer, SignedIn, StaffRoute
from api.routes.visitor import With
from api.wiring import Services
from graph.review import make_decision
from infra.crypto.keyring import KeyDestroyedError, SealBrokenError
from infra.postgres.escalations import ReadEscalation
from infra.postgres.views import note_view
from skills.errors import BadRequestError, UnavailableError

open_router = APIRouter(prefix="/langgraph", include_in_schema=False)
router = APIRouter(prefix="/langgraph", include_in_schema=False, route_class=StaffRoute)

_MOST = 1000
"""How deep the list goes. It is sorted by deadline: what comes later than that is not looked for page by page."""
_CARRIED_OUT = 10.0
"""Seconds for which an answer waits until a worker has carried the decision out."""
_LOOK_AGAIN = 0.1
_END = "__end__"
_SUPPORTED = (
    "GET info, ok, assistants/{id}, threads/{id}, threads/{id}/state, threads/{id}/history; "
    "POST threads/search, assistants/search, threads/{id}/history, threads/{id}/state (to resolve), "
    "threads/{id}/runs, runs/wait, runs/stream (to resume)"
)

_log = structlog.get_logger(__name__)


class Wanted(BaseModel):
    """Which threads: those of a graph that wait for a person. ``select`` is heard, and all is given."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    metadata: dict[str, Any] | None = None
    limit: int = Field(10, ge=1, le=100)
    offset: int = Field(0, ge=0, le=_MOST)
    select: list[str] | None = None

    def graph(self) -> GraphId:
        """Which graph's.

        Raises:
            BadRequestError: threads are looked for by something else.
            NotFoundError: there is no such graph.
        """
        given = self.metadata or {}
        if not given.keys() <= {"graph_id", "assistant_id"}:
            raise BadRequestError("threads are found by graph_id or assistant_id only")
        return graph_named(str(given.get("graph_id") or given.get("assistant_id") or "support"))


class Resume(BaseModel):
    """A command. Only ``resume`` means something here."""

    resume: Any = None
    goto: Any = None
    update: Any = None


class NewRun(BaseModel):
    """A run that resumes. What else LangGraph's clients send along, how to stream and where to trace, is not needed."""

    assistant_id: str
    command: Resume | None = None
    input: Any = None

    def answer(self) -> object:
        """What the person answers.

        Raises:
            BadRequestError: the run is to do something else.
        """
        if self.input is not None or self.command is None or self.command.goto or self.command.update:
            raise BadRequestError("a run here only resumes", hint='{"command": {"resume": …}} and nothing beside it')
        return self.command.resume


class NewState(BaseModel):
    """The state that Agent Inbox writes when somebody marks a thread as resolved."""

    values: Any = None
    as_node: str | None = None


@open_router.get("/info")
async def info() -> dict[str, Any]:
    """What this is. Agent Inbox asks without a key, before it adds an inbox."""
    return {
        "version": version("csagent"),
        "flags": {"assistants": True, "crons": False, "langsmith": False},
        "host": {"kind": "csagent", "project_id": None, "revision_id": None, "tenant_id": None},
    }


@open_router.get("/ok")
async def ok() -> dict[str, bool]:
    """That it answers."""
    return {"ok": True}


@router.post("/assistants/search")
async def search_assistants(staff: SignedIn) -> list[dict[str, Any]]:  # noqa: ARG001 - signed in is enough
    """The graphs: one for each shape."""
    return [threads.assistant(graph) for graph in ASSISTANTS]


@router.get("/assistants/{assistant_id}")
async def get_assistant(assistant_id: str, staff: SignedIn) -> dict[str, Any]:  # noqa: ARG001 - as above
    """One of them."""
    return threads.assistant(graph_named(assistant_id))


@router.post("/threads/search")
async def search_threads(wanted: Wanted, use: With, staff: CustomerReader) -> JSONResponse:
    """What waits for a person, the nearest deadline first. That you read it is written down, one by one."""
    graph, found = wanted.graph(), []
    last = wanted.offset + wanted.limit if wanted.status in {None, "interrupted"} else 0
    for line in (await use.reviews.queue(limit=last))[wanted.offset :]:
        try:
            read = await use.reviews.read(line.id, reader=staff)
        except (SealBrokenError, KeyDestroyedError) as error:  # one that does not open hides no other
            _log.warning("agent_inbox.unreadable", escalation=str(line.id), error=type(error).__name__)
            continue
        if read.status == "open":
            found.append(threads.thread(read, graph))
    if not found:
        note_view("escalations.listed")  # an empty list shows nothing, so nothing is to be written down
    return JSONResponse(found)


@router.get("/threads/{thread_id}")
async def get_thread(thread_id: str, use: With, staff: CustomerReader) -> JSONResponse:
    """One thread as it is now. That you read it is written down."""
    named = ThreadName.of(thread_id)
    return JSONResponse(threads.thread(await _read(use, named, staff), named.graph))


@router.get("/threads/{thread_id}/state")
async def get_state(thread_id: str, use: With, staff: CustomerReader) -> JSONResponse:
    """Its state."""
    named = ThreadName.of(thread_id)
    return JSONResponse(threads.state(await _read(use, named, staff), named.graph))


@router.get("/threads/{thread_id}/history")
async def get_history(thread_id: str, use: With, staff: CustomerReader) -> JSONResponse:
    """Its states. Earlier ones are not kept (ADR 3): there is the present one."""
    named = ThreadName.of(thread_id)
    return JSONResponse([threads.state(await _read(use, named, staff), named.graph)])


@router.post("/threads/{thread_id}/history")
async def post_history(thread_id: str, use: With, staff: CustomerReader) -> JSONResponse:
    """The same, as LangGraph's clients ask."""
    return await get_history(thread_id, use, staff)


@router.post("/threads/{thread_id}/runs")
async def create_run(thread_id: str, new: NewRun, use: With, staff: Reviewer) -> JSONResponse:
    """Answer, and wait for nothing."""
    read, graph = await _answer(use, thread_id, new, staff)
    return JSONResponse(threads.run(read, graph, thread_id), headers=_location(read, thread_id))


@router.post("/threads/{thread_id}/runs/wait")
async def wait_for_run(thread_id: str, new: NewRun, use: With, staff: Reviewer) -> JSONResponse:
    """Answer, and wait until it is carried out."""
    read, _ = await _answer(use, thread_id, new, staff)
    done = await _carried_out(use, read)
    return JSONResponse(
        {"escalation_id": str(read.id), "status": "closed" if done else "decided"}, headers=_location(read, thread_id)
    )


@router.post("/threads/{thread_id}/runs/stream")
async def stream_run(thread_id: str, new: NewRun, use: With, staff: Reviewer) -> StreamingResponse:
    """Answer, and stream that it is carried out. A refusal is a problem, never a stream."""
    read, _ = await _answer(use, thread_id, new, staff)
    return StreamingResponse(
        _told(use, read),
        media_type="text/event-stream",
        headers=_location(read, thread_id) | {"Cache-Control": "no-store"},
    )


@router.post("/threads/{thread_id}/state")
async def resolve_thread(thread_id: str, new: NewState, use: With, staff: Reviewer) -> JSONResponse:
    """Mark as resolved: take the case over, and resolve it. No other state can be written."""
    if new.values is not None or new.as_node != _END:
        raise BadRequestError("a state can't be written here", hint=f'no values and as_node "{_END}" resolve the case')
    named = ThreadName.of(thread_id)
    read = await _read(use, named, staff)
    if read.decided != f"take_over by {staff}":  # or an earlier try got so far
        seen = _version(named, None)
        await take_decision(use, read.id, make_decision(action="take_over", reviewer=staff), seen=seen)
    if not await _carried_out(use, read):
        raise UnavailableError(
            "the case is yours, but not resolved yet", hint="try again, or resolve it on the console"
        )
    await use.cases.resolve(read.case_id, staff)
    return JSONResponse({"checkpoint": threads.checkpoint(read, named.graph)})


@router.api_route("/{path:path}", methods=["DELETE", "GET", "PATCH", "POST", "PUT"])
async def not_here(path: str, staff: SignedIn) -> ProblemResponse:  # noqa: ARG001 - signed in is enough
    """Everything else of LangGraph's API."""
    return problem(501, "Not supported", detail="this part of LangGraph's API is not here", hint=_SUPPORTED)


async def _read(use: Services, named: ThreadName, staff: str) -> ReadEscalation:
    escalation_id, _ = await use.reviews.newest_of(named.case_id)
    return await use.reviews.read(escalation_id, reader=staff)


async def _answer(use: Services, thread_id: str, new: NewRun, staff: str) -> tuple[ReadEscalation, GraphId]:
    """Take the decision that a run brings.

    Raises:
        NotFoundError: there is no such graph or thread.
        BadRequestError: it is no answer to what was asked, or does not say which version was read.
        ConflictError: as on the console: changed since, decided, or somebody else is at it.
    """
    graph, named = graph_named(new.assistant_id), ThreadName.of(thread_id)
    interrupt, answer = _addressed(new.answer())
    read = await _read(use, named, staff)
    seen = _version(named, interrupt)
    decision = decision_in(answer, reviewer=staff, offered=read.request["actions"])
    if read.version == seen and accepted_text(answer) not in {None, read.request["proposal"]}:
        raise BadRequestError("accept sends the text that was proposed", hint="to send another one, edit")
    await take_decision(use, read.id, decision, seen=seen)
    return read, graph


def _addressed(resume: object) -> tuple[InterruptName | None, object]:
    """The interrupt that is answered, where the answer names one: ``{id: answer}``."""
    if isinstance(resume, dict) and len(resume) == 1:
        ((name, answer),) = resume.items()
        if (interrupt := InterruptName.of(str(name))) is not None:
            return interrupt, answer
    return None, resume


def _version(named: ThreadName, interrupt: InterruptName | None) -> str:
    seen = named.version if interrupt is None else interrupt.version
    if seen is None:
        raise BadRequestError(
            "which version you read is not said",
            hint='answer the thread_id that the list gave, or resume {"<id of the interrupt>": …}',
        )
    return seen


async def _carried_out(use: Services, read: ReadEscalation) -> bool:
    """Whether a worker has carried out the decision, waited for a little."""
    deadline = time.monotonic() + _CARRIED_OUT
    while await use.reviews.newest_of(read.case_id) == (read.id, "decided"):
        if time.monotonic() > deadline or use.stopping.is_set():
            return False
        await asyncio.sleep(_LOOK_AGAIN)
    return True


async def _told(use: Services, read: ReadEscalation) -> AsyncIterator[str]:
    run_id = str(read.id)
    yield _event("metadata", {"run_id": run_id, "attempt": 1})
    begun = {"event": "on_chain_start", "name": "review", "run_id": run_id, "data": {}}
    yield _event("events", begun | {"metadata": {"langgraph_node": "review"}})
    await _carried_out(use, read)


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _location(read: ReadEscalation, thread_id: str) -> dict[str, str]:
    return {"Content-Location": f"/threads/{thread_id}/runs/{read.id}"}
