"""The checks of ``csagent doctor`` that ask the servers: the database and what waits in it, and Redis."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.commands.finding import Finding, error, failed, ok, warning
from api.commands.printing import duration, plural
from infra.postgres.articles import PostgresArticles
from infra.postgres.connections import SMALLEST_POOL, Budget, Connections, Demand
from infra.postgres.database import Database
from infra.postgres.migrate import known_migrations, pending
from infra.redis.signals import RedisSignals
from skills.errors import DatabaseUnavailableError, SupportError

_SKEW_WARNING, _SKEW_ERROR = 2.0, 60.0
"""Seconds. The database's clock decides about leases and deadlines; tokens and figures come from this one."""

_LATE_QUEUE = 30.0
"""Seconds that a due case may wait before somebody should look whether workers run."""

_SERVER = """
select current_setting('server_version') as version,
    (select extversion from pg_extension where extname = 'vector') as vector,
    extract(epoch from clock_timestamp())::float8 as clock,
    to_regclass('migrations') is not null as begun
"""

_STATE = """
select
    (select count(*) from case_work where due_at <= now() and (leased_until is null or leased_until < now())) as due,
    (select coalesce(extract(epoch from now() - min(due_at)), 0)::float8 from case_work
        where due_at <= now() and (leased_until is null or leased_until < now())) as oldest,
    (select count(*) from outbox where state = 'unknown') as unknown,
    (select count(*) from outbox where state = 'failed') as failed,
    (select count(*) from dead_letters where resolved_at is null) as dead,
    (select count(*) from escalations where status = 'open') as open,
    (select count(*) from escalations where status = 'open' and due_at < now()) as late,
    to_regclass(%(this_month)s) is not null as this_month,
    to_regclass(%(next_month)s) is not null as next_month
"""

_ALIKE = "select name from staff_accounts where name = any(%(keys)s) order by name"


@dataclass(frozen=True, slots=True)
class State:
    """What waits in the database, counted in one statement; ``oldest`` is in seconds."""

    due: int
    oldest: float
    unknown: int
    failed: int
    dead: int
    open: int
    late: int
    this_month: bool
    next_month: bool


async def check_redis(url: str | None) -> Finding:
    """Whether Redis answers. It is a hint only: without it everything works, a little slower."""
    if url is None:
        return ok("redis", "not configured: PostgreSQL wakes the workers")
    signals = RedisSignals(url)
    try:
        answers = await signals.ping()
    finally:
        await signals.close()
    if answers:
        return ok("redis", "answers")
    return warning("redis", "does not answer; PostgreSQL's sweep finds the work, more slowly", "start it: REDIS_URL")


async def check_database(url: str, demand: Demand, staff_keys: Iterable[str] = ()) -> AsyncIterator[Finding]:
    """Everything that the database can tell, as it is found out; it ends at the first thing that the rest needs.

    Args:
        url: the database's.
        demand: how many connections all processes may want.
        staff_keys: the names of the staff keys, which no account should have.
    """
    database = Database(url, size=2, application="csagent doctor")
    try:
        await database.open()
    except SupportError as problem:
        yield failed("database", problem)
        return
    try:
        async for finding in _checks(database, demand, list(staff_keys)):
            yield finding
    except DatabaseUnavailableError as problem:
        yield error("database", str(problem), "is it being restarted? try again")
    finally:
        await database.close()


async def _checks(database: Database, demand: Demand, staff_keys: list[str]) -> AsyncIterator[Finding]:
    async with database.connection() as connection:
        before = time.time()
        server = await (await connection.execute(_SERVER)).fetchone()
        after = time.time()
    assert server is not None  # it has no table to be empty
    vector = f"pgvector {server['vector']}" if server["vector"] else "pgvector available"
    yield ok("database", f"PostgreSQL {server['version'].split()[0]}, {vector}")
    yield clock_finding(server["clock"] - (before + after) / 2)
    yield connections_finding(await Connections(database).budget(demand))
    # Looking for what is pending would make the table of migrations where there is none; a doctor changes nothing.
    todo = await pending(database) if server["begun"] else known_migrations()
    if todo:
        yield error("migrations", f"{plural(len(todo), 'migration')} pending", "csagent migrate")
        return
    yield ok("migrations", "up to date")
    articles = sum(count.articles for count in await PostgresArticles(database).counts())
    if articles:
        yield ok("knowledge", plural(articles, "article"))
    else:
        yield warning("knowledge", "no articles: every question goes to a person", "csagent knowledge add PATH")
    async with database.connection() as connection:
        alike = await (await connection.execute(_ALIKE, {"keys": staff_keys})).fetchall()
    if alike:
        names = ", ".join(row["name"] for row in alike)
        yield warning(
            "staff", f"{names}: an account and a staff key", "csagent staff rename, or call the key otherwise"
        )
    for finding in state_findings(await _state(database)):
        yield finding


async def _state(database: Database) -> State:
    now = datetime.now(UTC)
    following = now.replace(day=1) + timedelta(days=32)
    months = {"this_month": f"events_{now:%Y_%m}", "next_month": f"events_{following:%Y_%m}"}
    async with database.connection() as connection:
        row = await (await connection.execute(_STATE, months)).fetchone()
    assert row is not None  # it has no table to be empty
    return State(**row)


def connections_finding(budget: Budget) -> Finding:
    """Whether the server has connections enough for every process at its busiest."""
    if budget.enough:
        return ok("connections", str(budget))
    mend = "raise max_connections, or CSAGENT_DATABASE_PROCESSES says more processes than there are"
    if budget.largest_pool >= SMALLEST_POOL:
        mend = f"CSAGENT_DATABASE_POOL={budget.largest_pool}, or {mend}"
    return warning("connections", str(budget), mend)


def clock_finding(skew: float) -> Finding:
    """How far this machine's clock is from the database's, in seconds."""
    found = f"{abs(skew):.1f} s from the database's"
    if abs(skew) > _SKEW_ERROR:
        return error("clock", found, "set both machines' clocks by NTP")
    if abs(skew) > _SKEW_WARNING:
        return warning("clock", found, "set both machines' clocks by NTP")
    return ok("clock", found)


def state_findings(state: State) -> list[Finding]:
    """What needs a person, and what says that a process is missing."""
    found = []
    if state.oldest > _LATE_QUEUE:
        found.append(
            warning(
                "queue",
                f"{plural(state.due, 'case')} due, the oldest for {duration(state.oldest)}",
                "do workers run? `csagent up`, or `csagent worker`",
            )
        )
    else:
        found.append(ok("queue", f"{plural(state.due, 'case')} due"))
    if state.unknown or state.failed:
        found.append(
            warning(
                "sends",
                f"{state.unknown:,} of unknown outcome, {state.failed:,} failed",
                "look at their cases: the customer may have got nothing",
            )
        )
    else:
        found.append(ok("sends", "none failed, none of unknown outcome"))
    if state.dead:
        found.append(
            warning("dead letters", f"{state.dead:,} given up", "answer their cases: people own them now, page /review")
        )
    else:
        found.append(ok("dead letters", "none"))
    if state.late:
        found.append(warning("escalations", f"{state.open:,} open, {state.late:,} late", "csagent escalations list"))
    else:
        found.append(ok("escalations", f"{state.open:,} open, none late"))
    if state.this_month and state.next_month:
        found.append(ok("event partitions", "made ahead"))
    else:
        month = "next month's" if state.this_month else "this month's"
        found.append(warning("event partitions", f"{month} is missing", "does the scheduler run? `csagent scheduler`"))
    return found
