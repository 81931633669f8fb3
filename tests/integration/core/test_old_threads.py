"""Threads paused under an older graph: each one that was kept resumes today, and two versions work side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from langgraph.graph import END, START, StateGraph

import infra.postgres.endings
from graph.build import Graph, Skills, build_graph
from graph.review import make_decision, review
from graph.routing import after_adapt, after_review
from graph.state import TurnState
from infra.postgres.database import Database
from skills.errors import TurnNotResumableError
from skills.turn import CaseId, Retrieval
from tests.core import Core, make_core
from tests.fixtures.paused_threads import KEYRING, THREAD, full_skills, kept, read, restore
from tests.trivial import OfTurn
from tests.working import fail_times

pytestmark = pytest.mark.no_cover  # the same code again and again, in another order or with other data


HANDOFF = "system: A colleague will look at this."
ACTIONS = ["approve", "edit", "answer", "reject", "take_over"]
ESCALATED = [path for path in kept() if path.stem == "escalated"]
MEANWHILE = [path for path in kept() if path.stem == "meanwhile"]
UNDECIDED = [path for path in kept() if path.stem != "decided"]


class NewerState(TurnState, total=False):
    """The state of a later graph: one key more, which no old thread has."""

    checked: Retrieval


def later_graph(skills: Skills, *, review_node: str = "review") -> Graph:
    """Version 2: ``respond`` is called ``write``, and ``check`` stands before ``adapt``.

    Args:
        skills: the nodes.
        review_node: the name of the node that old threads are paused in.
    """

    async def check(state: OfTurn) -> dict[str, Retrieval]:
        return {"checked": Retrieval(state["turn"].text, (), 1.0)}

    async def to_review(state: TurnState) -> str:
        return review_node if await after_adapt(state) == "review" else END

    async def from_review(state: TurnState) -> str:
        return "write" if await after_review(state) == "respond" else END

    graph = StateGraph(NewerState)
    nodes = {
        "identify": skills.identify,
        "sentiment": skills.sentiment,
        "retrieve": skills.retrieve,
        "write": skills.respond,
        "escalate": skills.escalate,
        "check": check,
        "adapt": skills.adapt,
        review_node: review,
    }
    for name, node in nodes.items():
        graph.add_node(name, node)
    graph.add_edge(START, "identify")
    graph.add_edge("identify", "sentiment")
    graph.add_edge("identify", "retrieve")
    graph.add_edge(["sentiment", "retrieve"], "write")
    graph.add_edge("write", "escalate")
    graph.add_edge("escalate", "check")
    graph.add_edge("check", "adapt")
    graph.add_conditional_edges("adapt", to_review, [review_node, END])
    graph.add_conditional_edges(review_node, from_review, ["write", END])
    return graph.compile()


GRAPHS = {"today's": build_graph(full_skills()), "a later": later_graph(full_skills())}


@dataclass
class Restored:
    """A kept thread in a fresh database."""

    core: Core
    case_id: CaseId

    async def decide(self, action: str) -> None:
        (queued,) = await self.core.reviews.queue()
        read = await self.core.reviews.read(queued.id, reader="lee")
        words = "a person's words" if action in {"edit", "answer"} else None
        reason = "too long" if action == "reject" else None
        decision = make_decision(action=action, reviewer="lee", text=words, reason=reason)
        await self.core.reviews.decide(read.id, decision, seen=read.version)

    async def settle(self) -> list[str]:
        """Everything that can be done, done: what was said after the handoff by others than the customer."""
        while (lease := await self.core.leases.claim(self.case_id)) is not None:
            if (work := await self.core.ledger.load(lease)) is None:
                await self.core.ledger.release(lease)
            else:
                await self.core.handler.handle(work)
        await self.core.deliver()
        said = await self.core.said(THREAD)
        return [line for line in said[said.index(HANDOFF) + 1 :] if not line.startswith("customer")]


async def restored(database: Database, path: Path, graph: Graph) -> Restored:
    rows = read(path)
    async with database.connection() as connection:
        await restore(connection, rows)
    core = make_core(database, KEYRING, graph)
    (case,) = await core.rows("select id from cases")
    return Restored(core, CaseId(case["id"]))


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, size=4)
    await database.open()
    yield database
    await database.close()


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("path", UNDECIDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_thread_paused_under_an_older_graph_resumes_with_every_decision(
    empty: Database, path: Path, action: str, graph: str
) -> None:
    thread = await restored(empty, path, GRAPHS[graph])
    (queued,) = await thread.core.reviews.queue()
    request = (await thread.core.reviews.read(queued.id, reader="lee")).request
    if action not in request["actions"]:
        assert path.stem == "exhausted"
        return
    await thread.decide(action)
    said = await thread.settle()
    later = ["agent: echo: are you there? | hello?"] if path.stem == "meanwhile" else []
    match action:
        case "approve":
            assert said == [f"agent: {request['proposal']}", *later]
        case "edit" | "answer":
            assert said == ["human: a person's words", *later]
        case "take_over":
            assert said == []
        case _:
            assert said == []
            (queued,) = await thread.core.reviews.queue()
            again = await thread.core.reviews.read(queued.id, reader="lee")
            assert again.request["rejected"][-1] == {"draft": request["proposal"], "reason": "too long"}
    owner = "human" if action == "take_over" else "agent"
    assert [row["owner"] for row in await thread.core.rows("select owner from cases")] == [owner]


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("path", [path for path in kept() if path.stem == "decided"], ids=lambda path: path.parent.name)
async def test_a_decision_that_was_in_before_the_new_graph_came_is_applied_by_it(
    empty: Database, path: Path, graph: str
) -> None:
    thread = await restored(empty, path, GRAPHS[graph])
    assert await thread.settle() == ["agent: echo: a person please"]


@pytest.mark.parametrize("newer_pauses", [True, False])
async def test_two_versions_at_work_side_by_side_resume_each_others_threads(
    empty: Database, newer_pauses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (make_core(empty, KEYRING, graph) for graph in GRAPHS.values())
    pauses, resumes = (new, old) if newer_pauses else (old, new)
    monkeypatch.setattr(infra.postgres.endings, "GRAPH_VERSION", "2" if newer_pauses else "1")
    receipt = await pauses.write(THREAD, "a person please")
    await pauses.work(receipt.case_id)
    monkeypatch.setattr(infra.postgres.endings, "GRAPH_VERSION", "1" if newer_pauses else "2")
    thread = Restored(resumes, receipt.case_id)
    await thread.decide("reject")
    assert await thread.settle() == []
    back = Restored(pauses, receipt.case_id)
    await back.decide("approve")
    assert await back.settle() == ["agent: echo: a person please (again 1)"]
    (turn,) = await pauses.rows("select graph_version, outcome from turns")
    assert turn == {"graph_version": "1" if newer_pauses else "2", "outcome": "answered"}


@pytest.mark.parametrize("action", ["approve", "answer", "take_over"])
@pytest.mark.parametrize("path", ESCALATED, ids=lambda path: path.parent.name)
async def test_a_thread_whose_node_is_gone_is_left_to_a_worker_that_has_it(
    empty: Database, path: Path, action: str
) -> None:
    thread = await restored(empty, path, later_graph(full_skills(), review_node="approval"))
    await thread.decide(action)
    lease = await thread.core.claim(thread.case_id)
    work = await thread.core.ledger.load(lease)
    assert work is not None
    with pytest.raises(TurnNotResumableError):
        await thread.core.handler.handle(work)
    await thread.core.leases.give_back(lease, delay=timedelta(0), blameless=False)
    older = Restored(make_core(empty, KEYRING, GRAPHS["today's"]), thread.case_id)
    words = {"approve": "agent: echo: a person please", "answer": "human: a person's words"}
    assert await older.settle() == [text for said, text in words.items() if said == action]


@pytest.mark.parametrize("path", MEANWHILE, ids=lambda path: path.parent.name)
async def test_a_thread_that_no_version_can_resume_any_more_ends_with_a_person_who_is_told(
    empty: Database, path: Path
) -> None:
    thread = await restored(empty, path, later_graph(full_skills(), review_node="approval"))
    await thread.decide("approve")
    await fail_times(thread.core, thread.case_id, 5)
    assert await thread.settle() == ["system: It went wrong."]
    (letter,) = await thread.core.dead_letters.open()
    assert letter.error == "TurnNotResumableError"
    states = await thread.core.rows("select state from messages where direction = 'in' order by sequence")
    assert [row["state"] for row in states] == ["dead", "human", "human"]
