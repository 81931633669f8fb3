"""LangSmith stays off unless the operator set a key.

langchain and LangGraph post every prompt to LangSmith as soon as ``LANGSMITH_TRACING=true`` stands in the environment,
be it left over from another project, and even without a key. The environment is not ours to change at import, so the
decision is made around each call: wiring passes ``allowed=True`` only when its settings hold a LangSmith key.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from langsmith import tracing_context


def tracing(*, allowed: bool) -> AbstractContextManager[None]:
    """A block in which nothing is traced, or, if ``allowed``, whatever LangSmith's own variables say.

    Holds for every task started inside.
    """
    return nullcontext() if allowed else tracing_context(enabled=False)
