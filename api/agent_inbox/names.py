"""Names in LangGraph's API: graphs, threads and interrupts.

Agent Inbox sends an answer back with nothing but the thread's id, so the id of a thread that was listed says which
version of the request was read. Whoever answers an older version is refused as on the console.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Self
from uuid import UUID, uuid5

from skills.errors import NotFoundError
from skills.turn import CaseId, EscalationId

GraphId = Literal["support", "support_hitl"]
"""``support`` asks in the shape ``HumanInterrupt``, ``support_hitl`` in ``HITLRequest``. Both are the same cases."""

_NAMESPACE = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""LangGraph's for the assistant that every graph has."""
ASSISTANTS: Mapping[GraphId, UUID] = MappingProxyType(
    {"support": uuid5(_NAMESPACE, "support"), "support_hitl": uuid5(_NAMESPACE, "support_hitl")}
)

_HEX = "[0-9a-f]"
_ID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_VERSION = rf"{_HEX}{{16}}\.\w{{1,20}}"
_THREAD = re.compile(rf"(?P<case>{_ID})(?:\.(?P<version>{_VERSION}))?(?P<hitl>\.hitl)?", re.ASCII)
_INTERRUPT = re.compile(rf"(?P<escalation>{_ID})\.(?P<version>{_VERSION})", re.ASCII)


def graph_named(name: str) -> GraphId:
    """The graph of this id, or of the assistant with this id.

    Raises:
        NotFoundError: there is none. Agent Inbox knows the words "Invalid assistant ID" and says so to its user.
    """
    for graph, assistant in ASSISTANTS.items():
        if name in {graph, str(assistant)}:
            return graph
    raise NotFoundError("Invalid assistant ID: there is no such graph", hint=f"one of {', '.join(ASSISTANTS)}")


@dataclass(frozen=True, slots=True)
class ThreadName:
    """A case, in one shape, and the version of its request that was read, where it was listed."""

    case_id: CaseId
    graph: GraphId = "support"
    version: str | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """The thread of this id; a case's plain id is one without a version.

        Raises:
            NotFoundError: no thread was ever called so.
        """
        found = _THREAD.fullmatch(text)
        if found is None:
            raise NotFoundError("there is no such thread")
        graph: GraphId = "support_hitl" if found["hitl"] else "support"
        return cls(CaseId(UUID(found["case"])), graph, found["version"])

    def __str__(self) -> str:
        """Its id: ``case``, ``case.version`` or ``case.version.hitl``."""
        version = "" if self.version is None else f".{self.version}"
        return f"{self.case_id}{version}{'.hitl' if self.graph == 'support_hitl' else ''}"


@dataclass(frozen=True, slots=True)
class InterruptName:
    """An escalation and the version of its request."""

    escalation_id: EscalationId
    version: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """The interrupt of this id, if it can be one."""
        found = _INTERRUPT.fullmatch(text)
        return None if found is None else cls(EscalationId(UUID(found["escalation"])), found["version"])

    def __str__(self) -> str:
        """Its id."""
        return f"{self.escalation_id}.{self.version}"
