from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.company import Company, open_company
from tests.databases import LentDatabases


@pytest.fixture(scope="module")
async def company(databases: LentDatabases) -> AsyncIterator[Company]:
    """One for all tests of a module."""
    with databases.lend() as url:
        async with open_company(url) as opened:
            yield opened
