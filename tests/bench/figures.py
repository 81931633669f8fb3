"""Figures over a made-up history of 100,000 conversations and 1,000,000 messages: how long a page takes, all in.

Every answer goes through the application as a request does: rows read, figures computed, page rendered. Nothing is
remembered between two of them. The rows are computed once before, which is timed too, and once more for what is new.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from api.app import create_app, services_of
from evals.loadtest.questions import sample_answers, sample_questions
from evals.loadtest.seed import seed
from infra.analytics.definitions import METRICS
from infra.crypto.keyring import Keyring
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.database import Database
from infra.settings import Settings

MESSAGES, CASES = 1_000_000, 100_000
SPANS = (7, 30, 90)
"""Days of the periods that are asked for; the history has ninety."""


async def bench_figures(database: Database, settings: Settings, keyring: Keyring, *, quick: bool) -> dict[str, Any]:
    """Milliseconds of the page and of the JSON, and seconds of the computing."""
    messages, cases, asks = (20_000, 2_000, 5) if quick else (MESSAGES, CASES, 40)
    texts = (sample_questions(), sample_answers())
    await seed(database, keyring, messages=messages, cases=cases, texts=texts)
    began = time.perf_counter()
    rows = AnalyticsRows(database)
    while (await rows.refresh(seconds=3600)).more:
        pass
    filled = time.perf_counter() - began
    async with database.connection() as connection:
        await connection.execute("vacuum analyze analytics_cases, analytics_ends, analytics_work")
    began = time.perf_counter()
    await rows.refresh()
    figures: dict[str, Any] = {
        "messages": messages,
        "cases": cases,
        "fill_s": round(filled, 1),
        "refresh_ms": round((time.perf_counter() - began) * 1000, 1),
    }
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        assert services_of(app).analytics is not None
        transport = httpx.ASGITransport(app=app)
        key = settings.staff_keys["bench"].get_secret_value()
        async with httpx.AsyncClient(
            transport=transport, base_url="http://bench", headers={"Authorization": f"Bearer {key}"}, timeout=60
        ) as client:
            for path, name in (("/analytics/page", "page"), ("/v1/analytics", "json")):
                for days in SPANS:
                    took = [await _ask(client, path, days, number) for number in range(asks)]
                    figures[f"{name}_{days}d_ms"] = {
                        "p50": round(statistics.median(took), 1),
                        "p95": round(statistics.quantiles(took, n=20)[18], 1),
                    }
    return figures


async def _ask(client: httpx.AsyncClient, path: str, days: int, number: int) -> float:
    """Each time another period and another figure in detail, as people do who look around."""
    today = datetime.now(UTC).date() - timedelta(days=number % 3)
    asked = {"from": str(today - timedelta(days=days - 1)), "to": str(today)}
    if path == "/analytics/page":
        asked["metric"] = METRICS[number % len(METRICS)].key
    began = time.perf_counter()
    answer = await client.get(path, params=asked)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.text
    return took


def settings_of(database_url: str, key: str) -> Settings:
    """Of an application that nobody else uses."""
    return Settings(
        _env_file=None,
        DATABASE_URL=SecretStr(database_url),
        master_keys={"bench": SecretStr(key)},
        index_key=SecretStr(key),
        staff_keys={"bench": SecretStr("bench-key")},
    )
