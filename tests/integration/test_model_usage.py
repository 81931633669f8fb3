"""What a call of a chat model took is told to whoever asked, for every attempt, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import BaseModel, SecretStr

from infra.models.attempts import Patience
from infra.models.openai_chat import Method, OpenAIModel
from infra.models.usage import USAGE, Usage
from skills.errors import ModelUnavailableError
from tests.emulators.openai_server import (
    KEY,
    SERVER_ERROR,
    Answer,
    Behaviour,
    Drop,
    Hang,
    OpenAIServer,
    Raw,
    Say,
    rate_limited,
)

UNTOLD = Raw(
    b'{"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [{"index": 0, "finish_reason":'
    b' "stop", "message": {"role": "assistant", "content": "{\\"text\\": \\"Hello\\"}"}}]}'
)


class Form(BaseModel):
    text: str


@pytest.fixture(scope="module")
def listening() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(listening: OpenAIServer) -> OpenAIServer:
    listening.reset()
    listening.respond_with(lambda _: Form(text="Hello"))
    return listening


async def told(server: OpenAIServer, *, method: Method = "json_schema", deadline: float = 5.0) -> Usage:
    model = OpenAIModel(
        model="m",
        key=SecretStr(KEY),
        base_url=server.url,
        method=method,
        patience=Patience(deadline=deadline, attempts=3, pause=0.01),
    )
    usage = Usage()
    outer = USAGE.set(usage)
    try:
        await model.fill(instructions="i", material="m", form=Form)
    except ModelUnavailableError:
        pass
    finally:
        USAGE.reset(outer)
        await model.aclose()
    return usage


@pytest.fixture(autouse=True)
async def _unwatched() -> AsyncIterator[None]:
    assert USAGE.get() is None
    yield
    assert USAGE.get() is None


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_a_call_tells_what_it_took(server: OpenAIServer, method: Method) -> None:
    assert await told(server, method=method) == Usage(begun=1, known=1, tokens_in=1, tokens_out=1)


@pytest.mark.parametrize(
    "behaviour", [SERVER_ERROR, rate_limited(), Drop()], ids=["server error", "rate limited", "dropped"]
)
async def test_attempts_that_were_turned_away_took_nothing(server: OpenAIServer, behaviour: Behaviour) -> None:
    server.script(behaviour, behaviour, Answer())
    assert await told(server) == Usage(begun=3, known=3, tokens_in=1, tokens_out=1)


async def test_a_useless_answer_is_paid_for_as_well(server: OpenAIServer) -> None:
    server.script(Say('{"text": 1}'))
    usage = await told(server)
    assert (usage.begun, usage.known) == (1, 0), "the SDK loses what it could not read; it is estimated then"


async def test_what_the_server_does_not_tell_is_not_known(server: OpenAIServer) -> None:
    server.script(UNTOLD)
    assert await told(server) == Usage(begun=1, known=0)


async def test_a_call_that_never_ends_is_begun_and_not_known(server: OpenAIServer) -> None:
    server.otherwise(Hang())
    assert await told(server, deadline=0.3) == Usage(begun=1, known=0)
