"""An outside service is away for long: every turn ends with a person, soon, and the customer is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from api.agent import open_agent, open_embedder
from infra.breakers import Breakers
from infra.crypto.keyring import Keyring
from infra.knowledge.ingest import Ingest
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.settings import ModelSettings, Settings
from tests.core import Core, make_core
from tests.emulators.openai_answers import ChatRequest
from tests.emulators.openai_server import KEY, SERVER_ERROR, Answer, Hang, OpenAIServer
from tests.integration.knowledge.hashed_words import SHOP, reading

QUESTION = "How long may I return an order?"
ANSWER = "You may return any order within thirty days of delivery."


@pytest.fixture(scope="module")
def listening() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(listening: OpenAIServer) -> OpenAIServer:
    listening.reset()
    listening.respond_with(_answer)
    return listening


def _answer(chat: ChatRequest) -> dict[str, object]:
    if chat.form == "MoodForm":
        return {"polarity": 0, "intensity": 0, "anger": 0, "urgency": 0, "language": "en", "evidence": []}
    number = chat.material.partition(ANSWER)[0].rpartition("<passage-")[2].partition("-")[0]
    citation = {"passage": int(number), "sentence": ANSWER}
    return {"answer": ANSWER, "answered": True, "citations": [citation], "language": "en"}


def settings_on(server: OpenAIServer, *, chat: str, embeddings: str, deadline: float = 60.0) -> Settings:
    """A short deadline is for a server that hangs only: on a busy machine one that answers would miss it."""
    return Settings(
        _env_file=None,
        OPENAI_API_KEY=SecretStr(KEY),
        OPENAI_BASE_URL=server.url,
        model=ModelSettings.model_validate({"chat": chat, "embeddings": embeddings, "deadline_seconds": deadline}),
    )


@asynccontextmanager
async def agent(settings: Settings, database: Database, keyring: Keyring, breakers: Breakers) -> AsyncIterator[Core]:
    async with open_embedder(settings) as embedder:
        await Ingest(PostgresArticles(database), embedder).add(reading(*SHOP))
    async with open_agent(settings, database, keyring, breakers=breakers) as graph:
        yield make_core(database, keyring, graph)


async def told(core: Core) -> str:
    """What the customer read after the question."""
    return "\n".join((await core.said("ada"))[1:])


async def explained(core: Core) -> str:
    """Why the reviewer was asked, and what there is to answer from."""
    (waiting,) = await core.reviews.queue()
    request = (await core.reviews.read(waiting.id, reader="kim")).request
    reasons = [reason["explanation"] for reason in request["reasons"]]
    return "\n".join([*reasons, *(source["text"] for source in request["sources"])])


async def ask(core: Core, thread: str = "ada") -> None:
    """One question, worked on and delivered."""
    receipt = await core.write(thread, QUESTION)
    await core.work(receipt.case_id)
    await core.deliver()


async def test_with_everything_up_the_customer_is_answered(
    server: OpenAIServer, database: Database, keyring: Keyring
) -> None:
    breakers = Breakers()
    async with agent(settings_on(server, chat="openai", embeddings="openai"), database, keyring, breakers) as core:
        await ask(core)
        assert ANSWER in await told(core)
    assert [(status.name, status.state) for status in breakers.statuses()] == [
        ("embeddings", "closed"),
        ("model", "closed"),
    ]


async def test_the_model_down_the_customer_is_told_that_a_person_answers_and_the_person_why(
    server: OpenAIServer, database: Database, keyring: Keyring
) -> None:
    breakers = Breakers()
    async with agent(
        settings_on(server, chat="openai", embeddings="minilm", deadline=0.3), database, keyring, breakers
    ) as core:
        server.otherwise(Hang())
        await ask(core)
        assert "Our automated assistant can't answer it at the moment, so a colleague will look" in await told(core)
        why = await explained(core)
        assert "No usable answer could be drafted: “the model did not answer: timeout”." in why
        assert ANSWER in why
        for number in range(3):
            await ask(core, f"visitor {number}")
        asked = len(server.requests)
        await ask(core, "after the breaker has opened")
        assert len(server.requests) == asked
        assert [(status.state, status.reason) for status in breakers.statuses()] == [("open", "timeout")]


async def test_embeddings_down_a_person_gets_what_is_found_by_words_and_no_turn_is_tried_for_ever(
    server: OpenAIServer, database: Database, keyring: Keyring
) -> None:
    breakers = Breakers()
    async with agent(settings_on(server, chat="embedded", embeddings="openai"), database, keyring, breakers) as core:
        server.otherwise(SERVER_ERROR)
        for number in range(4):
            await ask(core, f"visitor {number}")
        asked = len(server.requests)
        assert len(await core.reviews.queue()) == 4
        work = await core.rows("select due_at, attempts, paused from case_work")
        assert all(row["due_at"] is None and row["paused"] for row in work)
        await ask(core)
        assert len(server.requests) == asked
        assert "a colleague will look" in await told(core)
        rows = await core.reviews.queue()
        request = (await core.reviews.read(rows[-1].id, reader="kim")).request
        assert request["sources"][0]["text"] == ANSWER
        assert "searched by words only, the model for vectors did not answer: breaker open (server error)" in str(
            request["reasons"]
        )
        server.otherwise(Answer())
        assert [(status.state, status.reason) for status in breakers.statuses()] == [("open", "server error")]
