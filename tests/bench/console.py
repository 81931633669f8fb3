"""Every page of the console, and what its script asks, over a made-up history of 1,000,000 messages in 100,000 cases.

An API process of its own answers somebody who is signed in, one request after the other, over HTTP. Each request is
about something else than the last, so nothing that was remembered for one answers the next. ``PAGES`` says what is
asked: a new page is a line there. Then a worker and a sender join, and decisions are followed into the chats.

The words of the messages are indexed before and the figures' rows computed, which is timed too.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx
from pydantic import SecretStr

from api.desks import build_staff_accounts
from api.terms import build_keyring
from infra.analytics.definitions import METRICS
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from infra.settings import Settings
from tests.bench.decisions import bench_decisions
from tests.bench.desk import NAME, OURS, PASSWORD, service, sign_in, until_up
from tests.bench.history import TOPICS, make, vocabulary

MESSAGES, CASES = 1_000_000, 100_000
BOUND = 200.0
"""Milliseconds that a page may take, at the 95th percentile."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for. What stands in braces in the path is filled in by ``KNOWN``, or by ``_days``."""

    name: str
    path: str
    searched: str | None = None
    """What is looked for, sent in a body."""
    only: Mapping[str, str] = field(default_factory=dict)
    """The filters beside it."""


_SEARCH = "/v1/conversations/search"

PAGES = (
    Page("review", "/review"),
    Page("queue", "/v1/review/escalations?limit=200"),
    Page("escalation", "/v1/review/escalations/{escalation}"),
    Page("cases_of_people", "/v1/review/cases?limit=200"),
    Page("case", "/v1/review/cases/{case}"),
    Page("customer_search", "/v1/review/customers?address={address}"),
    Page("customer", "/v1/review/customers/{customer}"),
    Page("customer_merge", "/v1/review/customers/{customer}/merge?into={other}"),
    Page("conversations", "/conversations"),
    Page("conversation_list", "/v1/conversations"),
    Page("conversation_list_open", "/v1/conversations?state=open"),
    Page("conversation_list_of_people", "/v1/conversations?state=open&owner=human"),
    Page("conversation_list_of_nobody", "/v1/conversations?person=nobody"),
    Page("conversation_list_filtered", "/v1/conversations?language=de&channel=whatsapp"),
    Page("conversation_list_of_a_topic", "/v1/conversations?topic={topic}&language=de&state=resolved"),
    Page("conversation_list_long_ago", "/v1/conversations?since={long_ago}&until={long_ago_end}"),
    Page("conversation", "/conversations/{case}"),
    Page("conversation_history", "/v1/conversations/{case}/history"),
    Page("search_address", _SEARCH, "{address}"),
    Page("search_id", _SEARCH, "{case}"),
    Page("search_topic", _SEARCH, "{topic}"),
    Page("search_name", _SEARCH, "made-up history", {"by": "name"}),
    Page("search_most_frequent_word", _SEARCH, "{most_frequent}"),
    Page("search_frequent_word", _SEARCH, "{frequent}"),
    Page("search_rare_word", _SEARCH, "{rare}"),
    Page("search_unknown_word", _SEARCH, "{unknown}"),
    Page("search_two_words", _SEARCH, "{most_frequent} {frequent}"),
    Page("search_four_words", _SEARCH, "{most_frequent} {frequent} {frequent} {rare}"),
    Page("search_word_filtered", _SEARCH, "{most_frequent}", {"language": "de"}),
    Page("search_word_all_left_out", _SEARCH, "{most_frequent}", {"channel": "form"}),
    Page("customer_page", "/customers/{customer}"),
    Page("customer_history", "/v1/review/customers/{customer}/messages"),
    Page("agent_inbox", "/langgraph/threads/search", ""),
    Page("alerts", "/alerts"),
    Page("status", "/status"),
    Page("status_manage", "/status/manage"),
    Page("dead_letters", "/v1/review/dead-letters"),
    Page("troubles", "/v1/review/troubles"),
    Page("knowledge", "/knowledge"),
    Page("articles", "/v1/knowledge/articles"),
    Page("analytics_30d", "/analytics?from={from_30}&to={to}&metric={metric}"),
    Page("analytics_365d", "/analytics?from={from_365}&to={to}&metric={metric}"),
    Page("analytics_30d_of_a_channel", "/analytics?from={from_30}&to={to}&channel=email&metric={metric}"),
    Page("analytics_export", "/v1/analytics/export?from={from_30}&to={to}"),
    Page("staff", "/staff"),
    Page("account", "/account"),
)

KNOWN: Mapping[str, LiteralString] = {
    "escalation": "select id::text as known from escalations where status = 'open' limit %s",
    "case": "select id::text as known from cases limit %s",
    "customer": "select id::text as known from customers limit %s",
    "other": "select id::text as known from customers order by id desc limit %s",
    "address": "select 'seed-' || n || '@example.org' as known from generate_series(1, %s) n",
}
"""What there is to look at."""


async def bench_console(environment: Mapping[str, str], key: str, *, port: int, quick: bool) -> dict[str, Any]:
    """Milliseconds of every page, and seconds of what goes before.

    Args:
        environment: of the process that answers, with the address of an empty database.
        key: the service's own, in base64.
        port: where it answers.
        quick: with little, to see that it works.
    """
    url, sealing = SecretStr(environment["DATABASE_URL"]), SecretStr(key)
    settings = Settings(_env_file=None, DATABASE_URL=url, master_keys={"bench": sealing}, index_key=sealing)
    database = Database(url.get_secret_value(), size=4)
    await database.open()
    try:
        await migrate(database)
        messages, cases = (20_000, 2_000) if quick else (MESSAGES, CASES)
        took = await make(database, settings, messages=messages, cases=cases)
        figures: dict[str, Any] = {"messages": messages, "cases": cases, **took}
        await build_staff_accounts(settings, database, build_keyring(settings)).add_first(NAME, PASSWORD)
        known = {name: await _known(database, statement) for name, statement in KNOWN.items()} | _words()
    finally:
        await database.close()
    times = 5 if quick else 100
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(service(environment, "api", str(port)))
        desk, chat = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60))
            for _ in range(2)
        ]
        await until_up(desk)
        await sign_in(desk)
        figures["pages"] = {page.name: await _measure(desk, page, known, times) for page in PAGES}
        for part in ("worker", "sender"):
            await stack.enter_async_context(service(environment, part))
        figures |= await bench_decisions(desk, chat, times=times)
    figures["slower_than_200_ms"] = [name for name, took in figures["pages"].items() if took["p95_ms"] > BOUND]
    return figures


def _words() -> dict[str, list[str]]:
    """What can be looked for by word and topic."""
    words = vocabulary()
    return {
        "topic": [f"Topic {number}" for number in range(TOPICS)],
        "most_frequent": words[:3],
        "frequent": words[50:150],
        "rare": words[5000:6000],
        "unknown": [f"quokka{number}" for number in range(_MOST)],
    }


async def _measure(
    client: httpx.AsyncClient, page: Page, known: Mapping[str, list[str]], times: int
) -> dict[str, float]:
    chance = random.Random(page.name)
    took = []
    for number in range(-2, times):  # two to warm up
        filling = {**_days(number), **{name: chance.choice(there) for name, there in known.items()}}
        path = page.path.format(**filling)
        body = None
        if page.searched is not None:
            body = {**({"text": page.searched.format(**filling)} if page.searched else {}), **page.only}
        began = time.perf_counter()
        answer = await (client.get(path) if body is None else client.post(path, json=body, headers=OURS))
        if number >= 0:
            took.append((time.perf_counter() - began) * 1000)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
    found = {"p50_ms": round(statistics.median(took), 1), "p95_ms": round(statistics.quantiles(took, n=20)[18], 1)}
    print(f"{page.name}: {found['p50_ms']} ms, 95 % within {found['p95_ms']} ms", file=sys.stderr, flush=True)
    return found


def _days(number: int) -> dict[str, str]:
    """Each time another period, and another figure in detail."""
    last = datetime.now(UTC).date() - timedelta(days=number % 20 + 1)
    return {
        "to": f"{last}",
        "from_30": f"{last - timedelta(days=29)}",
        "from_365": f"{last - timedelta(days=364)}",
        "long_ago": f"{last - timedelta(days=50)}T00:00:00Z",
        "long_ago_end": f"{last - timedelta(days=49)}T00:00:00Z",
        "metric": METRICS[number % len(METRICS)].key,
    }


async def _known(database: Database, statement: LiteralString) -> list[str]:
    async with database.connection() as connection:
        return [row["known"] for row in await (await connection.execute(statement, [_MOST])).fetchall()]
