"""Remembers what servers said of pages, so that the next run fetches only what changed.

Kept after the articles of a run are in: whoever dies between reads those pages again.
"""

from __future__ import annotations

from collections.abc import Mapping

from infra.knowledge.fetching import Validators
from infra.postgres.database import Database
from infra.postgres.queries import load


class FetchedPages:
    """One row a page of a source. Every method raises DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("fetched_pages")

    async def known(self, source: str, terms: bytes) -> dict[str, Validators]:
        """What was said of the source's pages that were read under these terms and have articles."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["known"], {"source": source, "terms": terms})
            return {row["url"]: Validators(row["etag"], row["last_modified"]) for row in await cursor.fetchall()}

    async def keep(self, source: str, terms: bytes, told: Mapping[str, Validators]) -> None:
        """Remember it; pages of which nothing was said are left out."""
        useful = {url: said for url, said in told.items() if said.etag or said.last_modified}
        values = {
            "source": source,
            "terms": terms,
            "urls": list(useful),
            "etags": [_storable(said.etag) for said in useful.values()],
            "dates": [_storable(said.last_modified) for said in useful.values()],
        }
        async with self._database.connection() as connection:
            await connection.execute(self._sql["keep"], values)


def _storable(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "")[:1000]
