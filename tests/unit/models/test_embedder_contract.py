"""What every ``Embedder`` does, the bundled one, a remembered one and one over HTTP alike."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from infra.models.cache import CachedEmbedder, MemoryVectorCache
from infra.models.minilm import MiniLmEmbedder
from infra.models.openai_embeddings import OpenAIEmbedder
from skills.ports import Embedder
from tests.emulators.openai_server import KEY, OpenAIServer


@pytest.fixture(params=["minilm", "cached minilm", "openai", "cached openai"], scope="module")
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    inner: MiniLmEmbedder | OpenAIEmbedder
    with OpenAIServer() as server:
        if "minilm" in request.param:
            inner = MiniLmEmbedder()
        else:
            inner = OpenAIEmbedder(model="text-embedding-3-small", key=SecretStr(KEY), base_url=server.url)
        yield CachedEmbedder(inner, MemoryVectorCache()) if "cached" in request.param else inner
        if isinstance(inner, MiniLmEmbedder):
            inner.close()
        else:
            await inner.aclose()


async def test_one_unit_vector_a_text_of_the_promised_length(embedder: Embedder) -> None:
    texts = [f"Question number {index} about {'my ' * (index % 7)}order" for index in range(70)]
    vectors = await embedder.embed(texts)
    assert len(vectors) == len(texts)
    assert {len(vector) for vector in vectors} == {embedder.dimensions}
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * len(texts), abs=1e-5)
    assert all(isinstance(number, float) for vector in vectors for number in vector)


async def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = [f"{'very ' * (index * 5 % 13)}late parcel {index}" for index in range(40)]
    forwards = await embedder.embed(texts)
    backwards = await embedder.embed(texts[::-1])
    for one, other in zip(forwards, backwards[::-1], strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert len({tuple(vector) for vector in forwards}) == len(texts)


async def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert await embedder.embed([]) == []


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "\ud800", "😀", "مرحبا", "x" * 3000])
async def test_odd_texts_are_fine(embedder: Embedder, text: str) -> None:
    [vector] = await embedder.embed([text])
    assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-5)


async def test_the_same_text_has_the_same_vector(embedder: Embedder) -> None:
    first = await embedder.embed(["Where is my parcel?"])
    second = await embedder.embed(["Where is my parcel?"])
    assert first == second


@pytest.mark.parametrize("word", ["parcel ", "Lieferverzögerung ", "配送"])
async def test_five_thousand_words_are_cut_not_refused(embedder: Embedder, word: str) -> None:
    [vector] = await embedder.embed([word * 5000])
    assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-5)


async def test_texts_that_share_words_are_nearer(embedder: Embedder) -> None:
    parcel, late, invoice = await embedder.embed(["my parcel is late", "late parcel", "invoice address change"])
    assert dot(parcel, late) > dot(parcel, invoice)


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
