"""Models behind their breakers, over real sockets: one that fails is left alone, and found again when it is back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest
from pydantic import BaseModel, SecretStr

from infra.breakers import Breaker, Limits
from infra.models.attempts import Patience
from infra.models.cache import CachedEmbedder, MemoryVectorCache
from infra.models.guarded import GuardedEmbedder, GuardedModel
from infra.models.openai_chat import OpenAIModel
from infra.models.openai_embeddings import OpenAIEmbedder
from skills.errors import ModelUnavailableError
from tests.emulators.openai_server import (
    EMPTY_CHOICES,
    EMPTY_CONTENT,
    GARBAGE,
    KEY,
    NOT_JSON,
    SERVER_ERROR,
    Answer,
    Behaviour,
    Drop,
    Hang,
    OpenAIServer,
    Raw,
    rate_limited,
)

PATIENT = Patience(deadline=60.0, attempts=2, pause=0.01)
"""Long enough for a server that answers, however busy the machine is."""
QUICK = replace(PATIENT, deadline=1.0)
"""For one that hangs."""
LIMITS = Limits(failures=2, window=60.0, cooldown=5.0)


class Word(BaseModel):
    word: str


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Guarded:
    """A model behind a breaker whose clock a test turns on."""

    model: GuardedModel
    breaker: Breaker
    clock: Clock

    async def say(self) -> str:
        return (await self.model.fill(instructions="Say a word.", material="please", form=Word)).word

    async def failing(self, *, times: int = 1) -> str:
        for _ in range(times - 1):
            await self.failing()
        with pytest.raises(ModelUnavailableError) as caught:
            await self.say()
        return str(caught.value)


@pytest.fixture(scope="module")
def listening() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(listening: OpenAIServer) -> OpenAIServer:
    listening.reset()
    listening.respond_with(lambda _: {"word": "hello"})
    return listening


@pytest.fixture
async def guarded(server: OpenAIServer, request: pytest.FixtureRequest) -> AsyncIterator[Guarded]:
    behaviour = request.node.callspec.params.get("behaviour") if hasattr(request.node, "callspec") else None
    patience = QUICK if isinstance(behaviour, Hang) else PATIENT
    model = OpenAIModel(model="m", key=SecretStr(KEY), base_url=server.url, patience=patience)
    clock = Clock()
    breaker = Breaker("model", LIMITS, clock=clock)
    yield Guarded(GuardedModel(model, breaker), breaker, clock)
    await model.aclose()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Hang(), "timeout"),
        (SERVER_ERROR, "server error"),
        (rate_limited(), "rate limited"),
        (rate_limited(retry_after=600), "rate limited"),
        (rate_limited(code="insufficient_quota"), "quota used up"),
        (Drop(), "unreachable"),
        (Raw(b"{}", status=401), "refused key"),
        (Raw(b"{}", status=404), "unknown model"),
    ],
    ids=["a ten-minute hang", "5xx", "429 storm", "429 with a long wait", "no credit", "dropped", "401", "404"],
)
async def test_a_model_that_is_down_is_not_asked_any_more_and_found_when_it_is_back(
    server: OpenAIServer, guarded: Guarded, behaviour: Behaviour, reason: str
) -> None:
    server.otherwise(behaviour)
    assert await guarded.failing(times=2) == reason
    asked, began = len(server.requests), time.perf_counter()
    for _ in range(100):
        assert await guarded.failing() == f"breaker open ({reason})"
    assert time.perf_counter() - began < 5  # at the model's deadline each they would take thirty seconds
    assert len(server.requests) == asked

    guarded.clock.now += LIMITS.cooldown
    assert await guarded.failing() == reason
    assert await guarded.failing() == f"breaker open ({reason})"

    server.otherwise(Answer())
    guarded.clock.now += LIMITS.cooldown
    assert await guarded.say() == "hello"
    assert guarded.breaker.status.state == "closed"


@pytest.mark.parametrize(
    "behaviour",
    [GARBAGE, NOT_JSON, EMPTY_CHOICES, EMPTY_CONTENT, Raw(b"{}", status=400)],
    ids=["garbage", "not JSON", "no choices", "empty", "400"],
)
async def test_an_answer_that_can_not_be_used_says_nothing_about_the_next_prompt(
    server: OpenAIServer, guarded: Guarded, behaviour: Behaviour
) -> None:
    server.otherwise(behaviour)
    assert await guarded.failing(times=5) in {"bad answer", "refused request"}
    server.otherwise(Answer())
    assert await guarded.say() == "hello"


async def test_of_many_who_ask_at_the_cooldowns_end_one_is_let_through(server: OpenAIServer, guarded: Guarded) -> None:
    server.otherwise(SERVER_ERROR)
    await guarded.failing(times=2)
    server.otherwise(Answer())
    asked = len(server.requests)
    guarded.clock.now += LIMITS.cooldown
    said = await asyncio.gather(*(guarded.say() for _ in range(10)), return_exceptions=True)
    assert said.count("hello") == 1
    assert len(server.requests) == asked + 1
    assert await guarded.say() == "hello"


async def test_known_vectors_are_there_while_the_embedder_is_not(server: OpenAIServer) -> None:
    inner = OpenAIEmbedder(
        model="text-embedding-3-small", key=SecretStr(KEY), base_url=server.url, patience=replace(PATIENT, attempts=1)
    )
    guard = GuardedEmbedder(inner, Breaker("embeddings", LIMITS, clock=Clock()))
    embedder = CachedEmbedder(guard, MemoryVectorCache())
    known = await embedder.embed(["delivery"])
    server.otherwise(SERVER_ERROR)
    for reason in ("server error", "server error", r"breaker open \(server error\)"):
        with pytest.raises(ModelUnavailableError, match=reason):
            await embedder.embed(["something new"])
    assert await embedder.embed(["delivery"]) == known
    assert (guard.model, guard.dimensions) == (inner.model, inner.dimensions)
    await inner.aclose()
