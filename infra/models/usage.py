"""How many tokens the calls of one question took, told by the model to whoever pays.

A model port returns a form and nothing else. Who wants to know the price lays a ``Usage`` into ``USAGE`` around the
question; a model that can tell writes into it, however often it asks its server. Nobody there: nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult


@dataclass(slots=True)
class Usage:
    """What one question has taken so far."""

    begun: int = 0
    """Calls to the server."""
    known: int = 0
    """Those of them whose tokens are counted below, or that certainly cost nothing."""
    tokens_in: int = 0
    tokens_out: int = 0


USAGE: ContextVar[Usage | None] = ContextVar("usage", default=None)
"""The account of the question that this task asks."""


class UsageReport(AsyncCallbackHandler):
    """Writes the calls of a LangChain chat model into an account.

    A call that never ends (a deadline, a cancellation) stays begun and unknown: it may have been answered, and billed,
    after we hung up.

    Args:
        usage: where to.
        free: whether a call that failed so certainly cost nothing.
    """

    def __init__(self, usage: Usage, *, free: Callable[[BaseException], bool]) -> None:
        self._usage = usage
        self._free = free

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain's signature
        messages: list[list[BaseMessage]],  # noqa: ARG002 - the same
        **_: Any,
    ) -> None:
        """A call begins."""
        self._usage.begun += 1

    async def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        """A call was answered, usefully or not, and the server may have said what it took."""
        told = [
            generation.message.usage_metadata
            for generations in response.generations
            for generation in generations
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage)
        ]
        for usage in told:
            if usage is not None and usage["total_tokens"] > 0:
                self._usage.known += 1
                self._usage.tokens_in += usage["input_tokens"]
                self._usage.tokens_out += usage["output_tokens"]

    async def on_llm_error(self, error: BaseException, **_: Any) -> None:
        """A call failed."""
        if self._free(error):
            self._usage.known += 1
