from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from infra.analytics.periods import Period, Step
from infra.analytics.report import Filters, Question, Report
from infra.postgres.analytics import Analytics
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.database import Database

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
Ask = Callable[..., Awaitable[Report]]


@pytest.fixture
def rows(database: Database) -> AnalyticsRows:
    return AnalyticsRows(database)


@pytest.fixture
def ask(database: Database) -> Ask:
    async def report(period: Period = MARCH, *, step: Step = "week", **filters: str) -> Report:
        return await Analytics(database).report(Question(period, step, Filters(**filters)))

    return report
