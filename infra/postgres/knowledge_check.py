"""Brings what the report on articles needs out of the database; ``infra.knowledge.checking`` makes the report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from infra.knowledge.checking import Checked, CheckTerms, Finding, check
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import DatabaseUnavailableError, KnowledgeUnavailableError
from skills.turn import ArticleId

LATELY = timedelta(days=90)
"""How far back citations count."""
MOST_PASSAGES = 20_000
"""Passages that are compared with each other: that many take some seconds."""
ALIKE = 0.95
"""Cosine from which on two passages say the same."""
_BLOCK = 1_000
_MOST_PAIRS = 500


class KnowledgeCheck:
    """Reads everything once, and then thinks in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("knowledge_check")

    async def report(self, terms: CheckTerms | None = None) -> list[Finding]:
        """Everything that is worth a look, the worst first.

        Raises:
            KnowledgeUnavailableError: the database did not answer.
        """
        try:
            async with self._database.transaction() as connection:
                await connection.execute("set local statement_timeout = '60s'")
                found = await connection.execute(self._sql["articles"], {"lately": LATELY})
                articles = [Checked(**row) for row in await found.fetchall()]
                found = await connection.execute(self._sql["removed_addresses"])
                removed = {str(row["url"]) for row in await found.fetchall()}
                found = await connection.execute(self._sql["vectors"], {"most": MOST_PASSAGES})
                vectors = [(ArticleId(row["article_id"]), str(row["embedding"])) for row in await found.fetchall()]
        except DatabaseUnavailableError as error:
            raise KnowledgeUnavailableError(f"the knowledge base did not answer: {error}") from error
        return await asyncio.to_thread(_report, articles, vectors, removed, terms)


def _report(
    articles: Sequence[Checked],
    vectors: Sequence[tuple[ArticleId, str]],
    removed: set[str],
    terms: CheckTerms | None,
) -> list[Finding]:
    owners = [owner for owner, _ in vectors]
    rows = [np.fromstring(text[1:-1], sep=",", dtype=np.float32) for _, text in vectors]
    return check(articles, alike(owners, np.stack(rows)) if rows else [], removed, datetime.now(UTC), terms)


def alike(owners: Sequence[ArticleId], matrix: NDArray[np.float32]) -> list[tuple[ArticleId, ArticleId, float]]:
    """Pairs of articles with nearly the same passage, the nearest first; each pair once.

    Args:
        owners: whose passage each row is.
        matrix: unit vectors, one a row.
    """
    best: dict[tuple[ArticleId, ArticleId], float] = {}
    for start in range(0, len(matrix), _BLOCK):
        block = matrix[start : start + _BLOCK] @ matrix.T
        for row, column in np.argwhere(block >= ALIKE).tolist():
            one, other = owners[start + row], owners[column]
            if start + row < column and one != other:
                pair = (one, other) if str(one) < str(other) else (other, one)
                best[pair] = max(best.get(pair, 0.0), float(block[row, column]))
    ordered = sorted(best.items(), key=lambda item: (-item[1], str(item[0])))
    return [(one, other, cosine) for (one, other), cosine in ordered[:_MOST_PAIRS]]
