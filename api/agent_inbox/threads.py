"""Escalations as the threads, states and runs of LangGraph's API.

A thread's values hold ids and codes only: Agent Inbox renders every text among them as Markdown with raw HTML, and what
customers wrote is in the interrupt's description, escaped.
"""

from __future__ import annotations

from typing import Any

from api.agent_inbox.description import describe, title_of
from api.agent_inbox.names import ASSISTANTS, GraphId, InterruptName, ThreadName
from api.agent_inbox.shapes import hitl_request, human_interrupt
from infra.postgres.escalations import ReadEscalation

_STATUS = {"open": "interrupted", "decided": "busy", "closed": "idle"}
_NODE = "review"


def thread(read: ReadEscalation, graph: GraphId) -> dict[str, Any]:
    """A thread as ``GET /threads/{id}`` and the search give it."""
    touched = max((message.at for message in read.later_messages), default=read.created_at)
    return {
        "thread_id": str(name_of(read, graph)),
        "created_at": read.created_at.isoformat(),
        "updated_at": max(touched, read.created_at).isoformat(),
        "metadata": {"graph_id": graph, "assistant_id": str(ASSISTANTS[graph])},
        "status": _STATUS[read.status],
        "config": {},
        "values": _values(read),
        "interrupts": {str(read.id): _interrupts(read, graph)} if read.status == "open" else {},
    }


def state(read: ReadEscalation, graph: GraphId) -> dict[str, Any]:
    """A thread's state. There is one, the present."""
    interrupts = _interrupts(read, graph) if read.status == "open" else []
    task = {
        "id": str(read.id),
        "name": _NODE,
        "path": ["__pregel_pull", _NODE],
        "error": None,
        "interrupts": interrupts,
        "checkpoint": None,
        "state": None,
        "result": None,
    }
    return {
        "values": _values(read),
        "next": [_NODE] if interrupts else [],
        "checkpoint": checkpoint(read, graph),
        "metadata": {"graph_id": graph},
        "created_at": read.created_at.isoformat(),
        "parent_checkpoint": None,
        "tasks": [task] if interrupts else [],
        "interrupts": interrupts,
    }


def checkpoint(read: ReadEscalation, graph: GraphId) -> dict[str, Any]:
    """What names a state: the version that was read."""
    return {"thread_id": str(name_of(read, graph)), "checkpoint_ns": "", "checkpoint_id": read.version}


def run(read: ReadEscalation, graph: GraphId, thread_id: str) -> dict[str, Any]:
    """The run that an answer began. An escalation is answered once, so its id is the run's."""
    at = read.created_at.isoformat()
    return {
        "run_id": str(read.id),
        "thread_id": thread_id,
        "assistant_id": str(ASSISTANTS[graph]),
        "created_at": at,
        "updated_at": at,
        "status": "pending",
        "metadata": {"graph_id": graph},
        "multitask_strategy": "reject",
    }


def assistant(graph: GraphId) -> dict[str, Any]:
    """The assistant that a graph has."""
    epoch = "1970-01-01T00:00:00+00:00"
    return {
        "assistant_id": str(ASSISTANTS[graph]),
        "graph_id": graph,
        "name": graph,
        "description": "Cases of customer support that wait for a person",
        "config": {},
        "context": {},
        "metadata": {"created_by": "system"},
        "version": 1,
        "created_at": epoch,
        "updated_at": epoch,
    }


def name_of(read: ReadEscalation, graph: GraphId) -> ThreadName:
    """The thread's id, with the version as it is now."""
    return ThreadName(read.case_id, graph, read.version)


def _interrupts(read: ReadEscalation, graph: GraphId) -> list[dict[str, Any]]:
    description = describe(read)
    value = (
        human_interrupt(title_of(read), description, read.request)
        if graph == "support"
        else hitl_request(description, read.request)
    )
    return [{"id": str(InterruptName(read.id, read.version)), "value": value}]


def _values(read: ReadEscalation) -> dict[str, Any]:
    return {
        "case_id": str(read.case_id),
        "escalation_id": str(read.id),
        "status": read.status,
        "channel": read.channel,
        "severity": read.severity,
        "reply_by": read.reply_by.isoformat(),
        "claimed_by": read.claimed_by,
        "decided": read.decided,
    }
