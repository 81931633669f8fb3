"""The emulator is only worth something if it refuses what the real server refuses."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
from pydantic import BaseModel, Field

from tests.emulators.openai_answers import hashed_words
from tests.emulators.openai_server import KEY, Answer, Drop, OpenAIServer, Raw, rate_limited

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
OPEN = {"type": "object", "properties": {"text": {"type": "string"}}}
CLOSED = OPEN | {"additionalProperties": False, "required": ["text"]}


class Inner(BaseModel):
    number: int = Field(ge=3)


class Form(BaseModel):
    text: str
    kind: Literal["a", "b"]
    only: Literal["x"]
    inner: Inner
    several: list[Inner]
    perhaps: Inner | None
    yes: bool


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(dimensions=8) as server:
        yield server


@pytest.fixture
def client(server: OpenAIServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        yield client


def formatted(schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    asked = {"name": "form", "schema": schema, "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": asked}}


def tooled(schema: dict[str, Any], choice: str, *, strict: bool = False) -> dict[str, Any]:
    return {
        "tools": [{"type": "function", "function": {"name": "form", "parameters": schema, "strict": strict}}],
        "tool_choice": {"type": "function", "function": {"name": choice}},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "blue"},
        {"messages": []},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "wizard", "content": "Hello"}]},
        {"messages": [{"role": "user", "content": "half \ud800"}]},
        {"temperature": 3},
        {"stream": True},
        formatted(OPEN),
        formatted({"type": "array"}, strict=False),
        formatted(CLOSED | {"properties": {"text": {"anyOf": [{"type": "object"}]}}}),
        tooled(OPEN, "form", strict=True),
        tooled(OPEN, "another"),
    ],
)
def test_a_malformed_question_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    assert client.post("/chat/completions", json=CHAT).status_code == 200
    # json.dumps writes half a surrogate pair as an escape, as careless clients do; httpx would refuse it.
    answer = client.post("/chat/completions", content=json.dumps(CHAT | change).encode())
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request_error"


@pytest.mark.parametrize(
    "change", [{"input": ""}, {"input": []}, {"input": ["a", ""]}, {"input": "ä" * 4096}, {"input": ["a" * 8000] * 38}]
)
def test_texts_that_the_real_server_refuses_are_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    assert client.post("/embeddings", json={"model": "m"} | change).status_code == 400


@pytest.mark.parametrize("change", [formatted(CLOSED), formatted(OPEN, strict=False), tooled(OPEN, "form")])
def test_a_form_is_filled_in_where_it_was_asked_for(client: httpx.Client, change: dict[str, Any]) -> None:
    message = client.post("/chat/completions", json=CHAT | change).json()["choices"][0]["message"]
    told = message["tool_calls"][0]["function"]["arguments"] if "tools" in change else message["content"]
    assert told == '{"text": ""}'


def test_the_emptiest_form_fits_its_schema(client: httpx.Client) -> None:
    asked = formatted(Form.model_json_schema(), strict=False)
    message = client.post("/chat/completions", json=CHAT | asked).json()["choices"][0]["message"]
    assert Form.model_validate_json(message["content"]) == Form(
        text="", kind="a", only="x", inner=Inner(number=3), several=[], perhaps=None, yes=False
    )


def test_vectors_come_as_numbers_or_packed_and_are_the_same(client: httpx.Client) -> None:
    asked = {"model": "m", "input": ["late parcel"], "dimensions": 16}
    plain = client.post("/embeddings", json=asked).json()["data"][0]["embedding"]
    packed = client.post("/embeddings", json=asked | {"encoding_format": "base64"}).json()["data"][0]["embedding"]
    assert plain == hashed_words("late parcel", 16)
    assert list(struct.unpack("<16f", base64.b64decode(packed))) == pytest.approx(plain, abs=1e-7)


def test_the_script_is_followed_and_then_the_rest(server: OpenAIServer, client: httpx.Client) -> None:
    server.script(rate_limited(2), Raw(b"{", 500), Drop())
    first = client.post("/chat/completions", json=CHAT)
    assert (first.status_code, first.headers["retry-after"]) == (429, "2")
    assert client.post("/embeddings", json={}).status_code == 500
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/chat/completions", json=CHAT)
    server.otherwise(Answer())
    assert client.post("/chat/completions", json=CHAT).json()["choices"][0]["message"]["content"] == "ok"
    server.wait_for_requests(4)
    assert [request.path for request in server.requests][:2] == ["/v1/chat/completions", "/v1/embeddings"]


def test_strangers_and_unknown_places_are_turned_away(client: httpx.Client) -> None:
    assert client.post("/images", json=CHAT).status_code == 404
    assert client.post("/chat/completions", content=b"[]").status_code == 400
    assert client.post("/chat/completions", json=CHAT, headers={"Authorization": "Bearer x"}).status_code == 401


def test_waiting_for_what_never_comes_ends(server: OpenAIServer) -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        server.wait_for_requests(1, timeout=0.01)


def test_a_responder_that_raises_is_reported_when_the_server_closes() -> None:
    def wrong(_: object) -> str:
        raise ZeroDivisionError

    def ask(server: OpenAIServer) -> None:
        server.respond_with(wrong)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(
                f"{server.url}/chat/completions", json=CHAT, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False
            )

    with pytest.raises(ZeroDivisionError), OpenAIServer() as server:
        ask(server)
