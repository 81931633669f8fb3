"""Embeddings from any server that speaks OpenAI's protocol.

Importing this module brings langchain-openai and the SDK, half a second and 25 MB on top of LangGraph: import it only
when a key is set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from langchain_openai import OpenAIEmbeddings
from openai import DefaultAsyncHttpxClient
from pydantic import SecretStr

from infra.models.attempts import API, USUAL, Patience, ask
from infra.models.wellformed import wellformed
from skills.errors import ConfigurationError

KNOWN_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_SHORTENABLE = frozenset({"text-embedding-3-small", "text-embedding-3-large"})

_LONGEST_BYTES = 8_000
"""No byte-level tokenizer makes more tokens than bytes, so this fits OpenAI's 8,191 without a tokenizer at hand."""
_TEXTS_AT_ONCE = 32
"""Times 8,000 tokens at most: below OpenAI's limit of 300,000 for one request."""
_NOTHING = "."
"""Sent for a blank text, which OpenAI refuses."""


class OpenAIEmbedder:
    """An ``Embedder`` over HTTP. The deadline holds for each request of up to 32 texts.

    ``dimensions`` may be left out for OpenAI's own models, must be given for others, and asks OpenAI's third generation
    for shorter vectors; those are stored under a name of their own. ``longest`` cuts texts, in bytes of UTF-8.

    Raises:
        ConfigurationError: the vectors' length is not known, or the model has no such length.
    """

    def __init__(
        self,
        *,
        model: str,
        key: SecretStr,
        base_url: str | None = None,
        dimensions: int | None = None,
        longest: int = _LONGEST_BYTES,
        patience: Patience = USUAL,
    ) -> None:
        native = KNOWN_DIMENSIONS.get(model, dimensions)
        if native is None or native < 1:
            raise ConfigurationError(
                f"The length of {model}'s vectors is not known.", hint="Set the embedding dimensions, 768 for example."
            )
        self._dimensions = native if dimensions is None else dimensions
        shortened = self._dimensions != native
        if shortened and not (model in _SHORTENABLE and 0 < self._dimensions < native):
            raise ConfigurationError(
                f"{model} has {native} dimensions, not {self._dimensions}.",
                hint=f"Leave the embedding dimensions out, or set {native}.",
            )
        self._model = f"{model}@{self._dimensions}" if shortened else model
        self._longest = longest
        self._patience = patience
        self._http = DefaultAsyncHttpxClient(timeout=patience.timeout())
        self._embeddings = OpenAIEmbeddings(
            model=model,
            openai_api_key=key,
            openai_api_base=base_url or API,
            dimensions=self._dimensions if shortened else None,
            check_embedding_ctx_length=False,  # else it downloads a tokenizer
            chunk_size=_TEXTS_AT_ONCE,
            request_timeout=patience.timeout(),
            max_retries=0,  # attempts.ask retries
            http_async_client=self._http,
        )

    @property
    def model(self) -> str:
        """The model's name, with ``@512`` behind it when its vectors were asked for shorter than usual."""
        return self._model

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order; a text beyond the longest counts by its beginning.

        Raises:
            ModelUnavailableError: with an ``attempts.Reason`` as its message.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            vectors += await self._request([self._fit(text) for text in texts[start : start + _TEXTS_AT_ONCE]])
        return vectors

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _fit(self, text: str) -> str:
        fitting = wellformed(text, longest=self._longest)
        return fitting if fitting.strip() else _NOTHING

    async def _request(self, texts: list[str]) -> list[list[float]]:
        async def once() -> list[list[float]]:
            answer = np.asarray(await self._embeddings.aembed_documents(texts), dtype=np.float64)
            if answer.shape != (len(texts), self._dimensions):
                raise ValueError(answer.shape)
            lengths = np.linalg.norm(answer, axis=1, keepdims=True)
            if not (np.isfinite(lengths).all() and lengths.all()):
                raise ValueError("not a direction")
            # Single precision is what the database and the cache keep: the same text gives the same vector everywhere.
            vectors: list[list[float]] = (answer / lengths).astype(np.float32).tolist()
            return vectors

        return await ask(once, self._patience)
