"""The graph for LangGraph Studio and `langgraph dev`: the agent's own skills, and no server of ours.

Articles are read from a folder into memory, nobody's address is known, nothing is kept and nothing is sent. The server
asks for the graph again for every run and every look at its state, so what is slow (the model, the articles' vectors)
is made once a process. Whatever reads a file does so in a thread, because the server refuses to let anything block an
event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import NotRequired
from uuid import uuid4

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from typing_extensions import TypedDict

from api.agent import choose_skills, openai_chat
from graph.build import Graph, build_graph
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.reading import read_articles
from infra.models.cache import CachedEmbedder, MemoryVectorCache
from infra.models.minilm import MiniLmEmbedder
from infra.settings import Settings, read_settings
from skills.errors import BadRequestError, ConfigurationError
from skills.ports import Embedder, FactKey, Known
from skills.turn import (
    CHECKPOINTED,
    CaseId,
    ChannelName,
    Claim,
    Customer,
    CustomerId,
    Message,
    MessageId,
    Turn,
    TurnId,
)

ARTICLES = "CSAGENT_STUDIO_ARTICLES"
"""The environment variable that names the folder of articles."""

_SAMPLE = Path(__file__).resolve().parents[1] / "evals" / "sample_company" / "articles"


class StudioInput(TypedDict):
    """What is typed into Studio: a customer's message as JSON."""

    text: str
    channel: NotRequired[str]
    """``chat`` when it is left out."""
    name: NotRequired[str | None]


class StudioTurn(TypedDict):
    """What the other skills start from."""

    turn: Turn


class NobodyKnown:
    """A ``CustomerDirectory`` in which nobody has proved an address yet, and nobody is known."""

    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:  # noqa: ARG002 - whatever is claimed
        """No customer, ever."""
        return []

    async def known_by(self, keys: Sequence[FactKey]) -> Known:  # noqa: ARG002 - whatever is said
        """No customer, ever."""
        return Known()


class Preparation:
    """Makes the graph once, however many ask for it at the same time and from whichever event loop.

    A preparation that failed (a folder that isn't there) is tried again by the next who asks.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._graph: Future[Graph] | None = None

    async def graph(self) -> Graph:
        """The graph, compiled without a checkpointer.

        Raises:
            ConfigurationError: the folder of articles, a model or a key can't be used.
            KnowledgeFileError: there is nothing at the folder's path.
        """
        with self._lock:
            if self._graph is None or (self._graph.done() and self._graph.exception() is not None):
                self._graph = Future()
                Thread(target=_prepare_into, args=(self._graph,), name="studio", daemon=True).start()
        return await asyncio.shield(asyncio.wrap_future(self._graph))


_preparation = Preparation()


async def graph() -> Graph:
    """The target of ``langgraph.json``; see ``Preparation.graph``."""
    return await _preparation.graph()


@asynccontextmanager
async def checkpointer() -> AsyncIterator[InMemorySaver]:
    """The checkpointer that ``langgraph.json`` names: in memory, and gone with the server.

    The server's own would not do: it knows no way to allow our types, so a paused turn would come back without them.
    """
    yield InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINTED))


async def receive(state: StudioInput) -> StudioTurn:
    """Make a turn out of one message, from a customer of whom nothing is known but a name.

    Raises:
        BadRequestError: there is no text.
    """
    text: object = state.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadRequestError("there is no message", hint='for example {"text": "Where is my parcel?"}')
    now = datetime.now(UTC)
    customer = Customer(
        id=CustomerId(uuid4()),
        name=state.get("name") or None,
        verified=False,
        language=None,
        segment="standard",
        earlier_cases=0,
    )
    return {
        "turn": Turn(
            id=TurnId(uuid4()),
            case_id=CaseId(uuid4()),
            channel=ChannelName(state.get("channel") or "chat"),
            customer=customer,
            messages=(Message(MessageId(uuid4()), 1, "customer", text, now),),
            history=(),
            earlier_polarity=(),
            started_at=now,
        )
    }


async def prepare(settings: Settings, articles: Path) -> Graph:
    """Load the models, read the articles and compile the graph.

    Raises:
        ConfigurationError: a model, a key or the policy file can't be used, or the folder has no article.
        KnowledgeFileError: there is nothing at the path.
    """
    embedder: Embedder = CachedEmbedder(MiniLmEmbedder(), MemoryVectorCache())
    knowledge = InMemoryKnowledge(embedder)
    reading = await asyncio.to_thread(read_articles, articles)
    if not reading.articles:
        raise ConfigurationError(f"there is no article in {articles}", hint=f"name a folder with some: {ARTICLES}=…")
    await Ingest(knowledge, embedder).add(reading)
    skills = await asyncio.to_thread(
        choose_skills,
        settings,
        knowledge=knowledge,
        subjects=knowledge.subjects(),
        directory=NobodyKnown(),
        model=openai_chat(settings),
        embedder=embedder,
    )
    return build_graph(skills, receive=receive, receives=StudioInput)


def _prepare_into(result: Future[Graph]) -> None:
    try:
        settings, articles = read_settings(), Path(os.environ.get(ARTICLES) or _SAMPLE)
        result.set_result(asyncio.run(prepare(settings, articles)))
    except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
        result.set_exception(error)
