"""Models behind a circuit breaker: while it is open they fail at once, and nobody waits out a deadline.

What counts as a failure is ``attempts.fault``: a model that can't be reached, is too slow, answers with an error, or
turns the whole account away. An answer that doesn't fit the form and a refusal of one prompt don't count: the server
answered, quickly, and the next prompt may fare better.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.breakers import Breaker, BreakerOpenError
from infra.models.attempts import fault
from skills.errors import ModelUnavailableError
from skills.ports import Answer, Embedder, StructuredModel


class GuardedModel:
    """A ``StructuredModel`` that asks another one only while its breaker lets it."""

    def __init__(self, model: StructuredModel, breaker: Breaker) -> None:
        self._model = model
        self._breaker = breaker

    @property
    def name(self) -> str:
        """The asked model's."""
        return self._model.name

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        """The asked model's answer.

        Raises:
            ModelUnavailableError: as the asked model raises it, or ``breaker open`` with what opened it.
        """
        try:
            return await self._breaker.call(
                lambda: self._model.fill(instructions=instructions, material=material, form=form), fault=fault
            )
        except BreakerOpenError as error:
            raise _not_asked(error) from None


class GuardedEmbedder:
    """An ``Embedder`` that asks another one only while its breaker lets it."""

    def __init__(self, embedder: Embedder, breaker: Breaker) -> None:
        self._embedder = embedder
        self._breaker = breaker

    @property
    def model(self) -> str:
        """The asked embedder's."""
        return self._embedder.model

    @property
    def dimensions(self) -> int:
        """The asked embedder's."""
        return self._embedder.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The asked embedder's vectors.

        Raises:
            ModelUnavailableError: as the asked embedder raises it, or ``breaker open`` with what opened it.
        """
        try:
            return await self._breaker.call(lambda: self._embedder.embed(texts), fault=fault)
        except BreakerOpenError as error:
            raise _not_asked(error) from None


def _not_asked(error: BreakerOpenError) -> ModelUnavailableError:
    return ModelUnavailableError(f"breaker open ({error.reason})", hint=error.hint)
