"""Searches by the embedding model that answers at the moment, and follows when another one is switched to.

A process looks every second which model answers. When it is another one, that one is opened while the old one goes on
answering; if it can't be opened, the old one stays and it is tried again later. So a switch needs no restart, and
whoever does the switching leaves the old vectors for some seconds (``infra.knowledge.reindexing``).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from skills.errors import ConfigurationError, UnavailableError
from skills.ports import Knowledge, KnowledgeQuery
from skills.turn import Passage

_log = structlog.get_logger(__name__)

_RETRY = 30.0
"""Seconds after which a model that could not be opened is tried again."""


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model by the name under which its vectors are stored, and their length."""

    name: str
    dimensions: int


class SwitchingKnowledge:
    """``skills.ports.Knowledge`` that follows the answering model.

    Args:
        first: what answers until another model does.
        model: the name of its model.
        answering: which model answers now; ``None`` while none was ever chosen.
        opened: makes the knowledge of another model.
        check: seconds between two looks.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        first: Knowledge,
        model: str,
        answering: Callable[[], Awaitable[Model | None]],
        opened: Callable[[Model], Awaitable[Knowledge]],
        *,
        check: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._knowledge = first
        self._model = model
        self._answering = answering
        self._opened = opened
        self._check = check
        self._clock = clock
        self._look_at = float("-inf")
        self._looking = False

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """The best passages by the model that answers; see ``skills.ports.Knowledge``."""
        if self._clock() >= self._look_at and not self._looking:
            self._looking = True  # whoever comes meanwhile is answered by the model that is open
            try:
                await self._follow()
            finally:
                self._looking = False
        return await self._knowledge.search(query)

    async def _follow(self) -> None:
        self._look_at = self._clock() + self._check
        try:
            model = await self._answering()
            if model is None or model.name == self._model:
                return
            self._knowledge = await self._opened(model)
        except (UnavailableError, ConfigurationError) as error:
            _log.warning("knowledge.model_not_followed", reason=str(error))
            self._look_at = self._clock() + _RETRY
        else:
            _log.info("knowledge.model_switched", model=model.name)
            self._model = model.name
