"""Embeddings over real sockets, against a server that misbehaves. What every embedder does: see the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from infra.models.attempts import Patience
from infra.models.openai_embeddings import OpenAIEmbedder
from skills.errors import ConfigurationError, ModelUnavailableError
from tests.emulators.openai_server import (
    EMPTY_CHOICES,
    GARBAGE,
    KEY,
    NOT_JSON,
    SERVER_ERROR,
    WRONG_FORM,
    Answer,
    Behaviour,
    Drop,
    Hang,
    OpenAIServer,
    Raw,
)

QUICK = Patience(deadline=5.0, attempts=3, pause=0.01)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
async def embedder(server: OpenAIServer) -> AsyncIterator[OpenAIEmbedder]:
    embedder = OpenAIEmbedder(model="text-embedding-3-small", key=SecretStr(KEY), base_url=server.url, patience=QUICK)
    yield embedder
    await embedder.aclose()


@pytest.mark.parametrize(
    "behaviour", [GARBAGE, NOT_JSON, WRONG_FORM, EMPTY_CHOICES, Raw(b'{"data": [{"embedding": [0, 0, 0]}]}'),
                  Raw(b'{"data": [{"embedding": "AA=="}]}'), Raw(b'{"data": [{"embedding": [1, 2]}]}'),
                  Raw(b'{"data": [{"embedding": [NaN, 1, 1]}]}'), Raw(b'{"data": [{"embedding": ["a", "b", "c"]}]}')],
    ids=["garbage", "not JSON", "wrong form", "no data", "zero", "bad base64", "too short", "NaN", "words"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the vendor's own, about words for numbers
async def test_unusable_vectors_are_a_bad_answer(server: OpenAIServer, behaviour: Behaviour) -> None:
    server.otherwise(behaviour)
    embedder = OpenAIEmbedder(model="m", dimensions=3, key=SecretStr(KEY), base_url=server.url, patience=QUICK)
    with pytest.raises(ModelUnavailableError, match=r"^bad answer$"):
        await embedder.embed(["a"])
    await embedder.aclose()


async def test_embedding_goes_on_after_a_failure_that_passes(server: OpenAIServer, embedder: OpenAIEmbedder) -> None:
    server.script(SERVER_ERROR, Drop(), Answer())
    assert len(await embedder.embed(["a"])) == 1
    assert len(server.requests) == 3


async def test_a_hanging_embedding_is_a_timeout(server: OpenAIServer) -> None:
    server.otherwise(Hang())
    embedder = OpenAIEmbedder(
        model="m", dimensions=3, key=SecretStr(KEY), base_url=server.url, patience=replace(QUICK, deadline=0.2)
    )
    with pytest.raises(ModelUnavailableError, match=r"^timeout$"):
        await embedder.embed(["a"])
    await embedder.aclose()


async def test_a_long_list_is_sent_in_requests_that_the_server_takes(
    server: OpenAIServer, embedder: OpenAIEmbedder
) -> None:
    vectors = await embedder.embed([f"{index} " + "x" * 9000 for index in range(70)])
    assert [len(request.body["input"]) for request in server.requests] == [32, 32, 6]
    assert len(vectors) == 70


async def test_vectors_of_any_length_become_unit_vectors(server: OpenAIServer) -> None:
    server.otherwise(Raw(b'{"data": [{"embedding": [3, 0, 4]}]}'))
    embedder = OpenAIEmbedder(model="m", dimensions=3, key=SecretStr(KEY), base_url=server.url)
    assert await embedder.embed(["a"]) == [pytest.approx([0.6, 0.0, 0.8], abs=1e-7)]
    await embedder.aclose()


async def test_shorter_vectors_are_asked_for_and_stored_under_their_own_name(server: OpenAIServer) -> None:
    embedder = OpenAIEmbedder(
        model="text-embedding-3-large", dimensions=256, key=SecretStr(KEY), base_url=server.url, patience=QUICK
    )
    [vector] = await embedder.embed(["a"])
    assert (len(vector), embedder.dimensions, embedder.model) == (256, 256, "text-embedding-3-large@256")
    assert server.requests[0].body["dimensions"] == 256
    await embedder.aclose()


async def test_a_length_that_is_only_known_is_not_asked_for(server: OpenAIServer) -> None:
    server.otherwise(Raw(b'{"data": [{"embedding": [1, 0, 0]}]}'))
    embedder = OpenAIEmbedder(model="nomic", dimensions=3, key=SecretStr(KEY), base_url=server.url)
    await embedder.embed(["a"])
    assert "dimensions" not in server.requests[0].body
    assert embedder.model == "nomic"
    await embedder.aclose()


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("nomic", None),
        ("nomic", 0),
        ("text-embedding-ada-002", 512),
        ("text-embedding-3-small", 4000),
        ("text-embedding-3-small", -1),
    ],
)
def test_an_impossible_length_is_refused_with_a_hint(name: str, dimensions: int | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAIEmbedder(model=name, dimensions=dimensions, key=SecretStr(KEY))
    assert "dimensions" in str(caught.value.hint)


async def test_a_wrong_key_is_a_refused_key(server: OpenAIServer) -> None:
    embedder = OpenAIEmbedder(model="m", dimensions=3, key=SecretStr("sk-other"), base_url=server.url, patience=QUICK)
    with pytest.raises(ModelUnavailableError, match=r"^refused key$"):
        await embedder.embed(["a"])
    await embedder.aclose()
