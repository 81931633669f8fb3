"""The chat model over real sockets, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from infra.models.attempts import Patience
from infra.models.openai_chat import Method, OpenAIModel
from skills.errors import ModelUnavailableError
from tests.emulators.openai_answers import ChatRequest
from tests.emulators.openai_server import (
    EMPTY_CHOICES,
    EMPTY_CONTENT,
    GARBAGE,
    KEY,
    NOT_JSON,
    SERVER_ERROR,
    WRONG_FORM,
    Answer,
    Behaviour,
    Drop,
    Hang,
    LoneSurrogate,
    OpenAIServer,
    Raw,
    Say,
    Trickle,
    rate_limited,
)

QUICK = Patience(deadline=5.0, attempts=3, pause=0.01)
CANARY = "Ms. Canary, card 4111"


class Source(BaseModel):
    passage: int
    sentence: str


class Reply(BaseModel):
    """A reply to the customer."""

    text: str = Field(description="What the customer reads.")
    tone: Literal["plain", "warm"]
    sources: list[Source]
    note: str | None


REPLY = Reply(text="Hello", tone="warm", sources=[Source(passage=1, sentence="Hello")], note=None)


@pytest.fixture(scope="module")
def listening() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def server(listening: OpenAIServer) -> OpenAIServer:
    listening.reset()
    listening.respond_with(lambda _: REPLY)
    return listening


@pytest.fixture(params=["json_schema", "function_calling"])
def method(request: pytest.FixtureRequest) -> Method:
    chosen: Method = request.param
    return chosen


@pytest.fixture
async def model(server: OpenAIServer, method: Method) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel(model="m-1", key=SecretStr(KEY), base_url=server.url, method=method, patience=QUICK)
    yield model
    await model.aclose()


async def fill(model: OpenAIModel, material: str = CANARY) -> Reply:
    return await model.fill(instructions="Answer kindly.", material=material, form=Reply)


async def test_a_form_comes_back_filled_in(server: OpenAIServer, model: OpenAIModel) -> None:
    seen: list[ChatRequest] = []

    def respond(chat: ChatRequest) -> Reply:
        seen.append(chat)
        return REPLY

    server.respond_with(respond)
    assert await fill(model) == REPLY
    assert (seen[0].instructions, seen[0].material, seen[0].form) == ("Answer kindly.", CANARY, "Reply")
    assert server.requests[0].body["temperature"] == 0
    assert server.requests[0].body["model"] == model.name == "m-1"


async def test_a_form_is_asked_for_in_the_configured_way(
    server: OpenAIServer, model: OpenAIModel, method: Method
) -> None:
    await fill(model)
    body = server.requests[0].body
    assert ("response_format" in body, "tools" in body) == (method == "json_schema", method == "function_calling")


async def test_half_a_surrogate_pair_in_the_question_is_sent_as_a_question_mark(
    server: OpenAIServer, model: OpenAIModel
) -> None:
    await fill(model, "broken \ud800")
    assert server.requests[0].body["messages"][-1]["content"] == "broken ?"


@pytest.mark.parametrize(
    "behaviour",
    [
        GARBAGE,
        NOT_JSON,
        WRONG_FORM,
        EMPTY_CHOICES,
        EMPTY_CONTENT,
        LoneSurrogate(),
        Say("I would rather not."),
        Say('{"text": 1}'),
        Say(REPLY.model_copy(update={"text": "NUL \x00"}).model_dump_json()),
        Raw(b"{}"),
        Raw(b"null"),
        Raw(b'{"choices": null}'),
        Raw(b'{"choices": [{"message": {"role": "assistant", "refusal": "No.", "content": null}}]}'),
        Raw(b'{"choices": [{"finish_reason": "length", "message": {"role": "assistant", "content": "{"}}]}'),
    ],
    ids=[
        "garbage", "not JSON", "wrong form", "empty choices", "empty content", "lone surrogate", "prose",
        "another form", "NUL", "empty object", "null", "null choices", "refusal", "cut off",
    ],
)  # fmt: skip
async def test_an_unusable_answer_is_a_bad_answer_and_not_asked_for_again(
    server: OpenAIServer, model: OpenAIModel, behaviour: Behaviour
) -> None:
    server.otherwise(behaviour)
    with pytest.raises(ModelUnavailableError, match=r"^bad answer$"):
        await fill(model)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (rate_limited(), "rate limited"),
        (SERVER_ERROR, "server error"),
        (Drop(), "unreachable"),
        (Raw(b"", 408), "timeout"),
    ],
    ids=["429", "500", "dropped", "408"],
)
async def test_what_passes_is_asked_again_until_patience_ends(
    server: OpenAIServer, model: OpenAIModel, behaviour: Behaviour, reason: str
) -> None:
    server.script(behaviour, behaviour, Answer())
    assert await fill(model) == REPLY
    server.otherwise(behaviour)
    with pytest.raises(ModelUnavailableError, match=rf"^{reason}$"):
        await fill(model)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Raw(b"", 401), "refused key"),
        (Raw(b"", 403), "refused key"),
        (Raw(b"", 404), "unknown model"),
        (Raw(b"", 400), "refused request"),
        (rate_limited(code="insufficient_quota"), "quota used up"),
    ],
    ids=["401", "403", "404", "400", "no credit"],
)
async def test_what_stays_refused_is_not_asked_again(
    server: OpenAIServer, model: OpenAIModel, behaviour: Behaviour, reason: str
) -> None:
    server.otherwise(behaviour)
    with pytest.raises(ModelUnavailableError, match=rf"^{reason}$") as caught:
        await fill(model)
    assert len(server.requests) == 1
    assert caught.value.hint


@pytest.mark.parametrize("behaviour", [Hang(), Trickle(0.05)], ids=["hang", "trickle"])
async def test_one_deadline_holds_over_everything(server: OpenAIServer, behaviour: Behaviour) -> None:
    server.otherwise(behaviour)
    model = OpenAIModel(model="m", key=SecretStr(KEY), base_url=server.url, patience=replace(QUICK, deadline=0.4))
    started = time.monotonic()
    with pytest.raises(ModelUnavailableError, match=r"^timeout$"):
        await fill(model)
    assert 0.35 < time.monotonic() - started < 10
    await model.aclose()


async def test_a_server_that_asks_to_wait_is_left_alone_that_long(server: OpenAIServer, model: OpenAIModel) -> None:
    server.script(rate_limited(retry_after=0.3), Answer())
    started = time.monotonic()
    assert await fill(model) == REPLY
    assert time.monotonic() - started >= 0.3


async def test_a_wait_beyond_the_deadline_is_given_up_at_once(server: OpenAIServer, model: OpenAIModel) -> None:
    server.otherwise(rate_limited(retry_after=60))
    started = time.monotonic()
    with pytest.raises(ModelUnavailableError, match=r"^rate limited$"):
        await fill(model)
    assert time.monotonic() - started < 20
    assert len(server.requests) == 1


async def test_a_cancelled_question_ends_at_once_and_the_next_is_answered(
    server: OpenAIServer, model: OpenAIModel
) -> None:
    let_go = threading.Event()
    server.script(Answer(until=let_go))
    asking = asyncio.create_task(fill(model))
    await asyncio.to_thread(server.wait_for_requests, 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    let_go.set()
    assert await fill(model) == REPLY


async def test_nobody_listening_is_unreachable() -> None:
    with OpenAIServer() as gone:
        url = gone.url
    model = OpenAIModel(model="m", key=SecretStr(KEY), base_url=url, patience=QUICK)
    with pytest.raises(ModelUnavailableError, match=r"^unreachable$") as caught:
        await fill(model)
    assert "OPENAI_BASE_URL" in str(caught.value.hint)
    await model.aclose()


async def test_a_wrong_key_is_a_refused_key(server: OpenAIServer) -> None:
    model = OpenAIModel(model="m", key=SecretStr("sk-other"), base_url=server.url, patience=QUICK)
    with pytest.raises(ModelUnavailableError, match=r"^refused key$"):
        await fill(model)
    await model.aclose()


@pytest.mark.parametrize("behaviour", [Answer(), GARBAGE, LoneSurrogate(), Say('{"text": 1}'), SERVER_ERROR])
async def test_what_was_asked_and_answered_is_never_logged(
    server: OpenAIServer, model: OpenAIModel, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    server.respond_with(lambda _: REPLY.model_copy(update={"text": CANARY}))
    server.otherwise(behaviour)
    with caplog.at_level(logging.DEBUG):
        try:
            await fill(model)
        except ModelUnavailableError:
            logging.getLogger("test").exception("failed")
    assert "Canary" not in caplog.text
    assert KEY not in caplog.text


async def test_the_environment_does_not_decide_where_questions_go(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/elsewhere")
    model = OpenAIModel(model="m", key=SecretStr(KEY))
    assert str(model._chat.root_async_client.base_url) == "https://api.openai.com/v1/"
    await model.aclose()


TRACED = """
import asyncio, sys
from langchain_core.tracers.langchain import wait_for_all_tracers
from pydantic import BaseModel, SecretStr
from infra.models.openai_chat import OpenAIModel

class Form(BaseModel):
    text: str

async def main():
    model = OpenAIModel(model="m", key=SecretStr(sys.argv[2]), base_url=sys.argv[1], traced=sys.argv[3] == "allowed")
    await model.fill(instructions="i", material="m", form=Form)
    await model.aclose()

asyncio.run(main())
wait_for_all_tracers()
"""


@pytest.mark.parametrize("traced", ["allowed", "forbidden"])
async def test_langsmith_hears_of_a_call_only_when_allowed(server: OpenAIServer, traced: str) -> None:
    with OpenAIServer() as langsmith:
        environment = {
            **os.environ,
            "PYTHONPATH": ".",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_API_KEY": "left over",
            "LANGSMITH_ENDPOINT": langsmith.url,
        }
        server.respond_with(lambda _: {"text": "Hello"})
        await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", TRACED, server.url, KEY, traced],
            check=True,
            capture_output=True,
            env=environment,
            timeout=60,
        )
        assert bool(langsmith.requests) == (traced == "allowed")
    assert len(server.requests) == 1
