"""Whatever is written, proven, joined and parted in whatever order: all of it is there, once, and somebody's alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.inbox import Receipt
from infra.postgres.verification import CodeLimits
from skills.errors import ConflictError, NotFoundError, NotProvenError
from skills.turn import CaseId, ConversationId, CustomerId
from tests.core import make_core
from tests.integration.core.identity import Identities

PEOPLE = st.integers(0, 2)
TALKS = st.integers(0, 2)
MANY = 10_000
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mail"), PEOPLE, st.just(0)),
        st.tuples(st.just("chat"), TALKS, st.just(0)),
        st.tuples(st.just("prove"), TALKS, PEOPLE),
        st.tuples(st.just("forget"), TALKS, st.just(0)),
        st.tuples(st.just("merge"), st.integers(0, 7), st.integers(0, 7)),
        st.tuples(st.just("unmerge"), st.integers(0, 7), st.just(0)),
        st.tuples(st.just("answer"), st.integers(0, 7), st.just(0)),
    ),
    min_size=4,
    max_size=18,
)


@dataclass
class World:
    """One example: three people with an address each, three browsers, and what was written so far."""

    people: Identities
    name: str
    written: dict[str, Receipt] = field(default_factory=dict)
    customers: list[CustomerId] = field(default_factory=list)

    async def play(self, act: str, one: int, other: int) -> None:
        people, talk = self.people, f"{self.name} talk {one}"
        with suppress(NotFoundError, ConflictError):
            match act:
                case "mail":
                    text = f"mail {len(self.written)}"
                    await self._keep(text, await people.mail(f"{self.name}-{one}@example.com", text, thread=f"{talk}m"))
                case "chat":
                    text = f"chat {len(self.written)}"
                    await self._keep(text, await people.chat(talk, text))
                case "prove":
                    await people.prove(talk, f"{self.name}-{other}@example.com")
                case "forget":
                    await people.proofs.forget(talk)
                case "merge" if self.customers:
                    source, into = (self.customers[n % len(self.customers)] for n in (one, other))
                    await people.customers.merge(source, into, reviewer="kim")
                case "unmerge" if self.customers:
                    await people.customers.unmerge(self.customers[one % len(self.customers)], reviewer="kim")
                case "answer" if self.written:
                    receipt = list(self.written.values())[one % len(self.written)]
                    lease = await people.core.leases.claim(receipt.case_id)
                    work = None if lease is None else await people.core.ledger.load(lease)
                    if work is not None:
                        await people.core.handler.handle(work)
                    elif lease is not None:
                        await people.core.ledger.release(lease)
                case _:
                    pass

    async def check(self) -> None:
        core = self.people.core
        for text, receipt in self.written.items():
            case = await core.cases.read(CaseId(receipt.case_id), reader="kim")
            assert text in [said.text for said in case.transcript]
        rows = await core.rows(
            "select c.id, c.customer_id = v.customer_id as same, u.merged_into, v.id as conversation_id"
            " from cases c join conversations v on v.id = c.conversation_id join customers u on u.id = c.customer_id"
            " where c.id = any(%s)",
            [receipt.case_id for receipt in self.written.values()],
        )
        assert [row for row in rows if not row["same"] or row["merged_into"] is not None] == []
        for customer in self.customers:
            page = await self.people.customers.read(customer, reader="kim")
            if page.merged_into is not None:
                assert (page.conversations, page.addresses, page.cases) == (0, (), ())
            assert all(known.address is not None for known in page.addresses)
        owners = await core.rows(
            "select channel, address_index from identities where verified_at is not null"
            " group by channel, address_index having count(distinct customer_id) > 1"
        )
        assert owners == []
        await self._check_what_is_seen()

    async def _check_what_is_seen(self) -> None:
        """Who has proven something sees what is their customer's beyond doubt, and nobody else sees anything."""
        core = self.people.core
        for number in range(3):
            thread = f"{self.name} talk {number}"
            try:
                talks = await self.people.earlier.talks(thread)
            except (NotFoundError, NotProvenError):
                continue
            ids = [talk.id for talk in talks]
            rows = await core.rows(
                "select count(distinct v.customer_id) as customers, bool_and(i.verified_at is not null"
                " or v.proven_by is not null) as proven, bool_and(p.customer_id is null"
                " or p.customer_id = v.customer_id) as ours"
                " from conversations v join identities i on i.id = v.identity_id"
                " left join identities p on p.id = v.proven_by where v.id = any(%s)",
                ids,
            )
            assert (rows[0]["customers"], rows[0]["proven"], rows[0]["ours"]) == (1, True, True)
            for one in ids:
                await self.people.earlier.messages(thread, ConversationId(one))

    async def _keep(self, text: str, receipt: Receipt) -> None:
        self.written[text] = receipt
        customer = await self.people.customer_of(receipt)
        if customer not in self.customers:
            self.customers.append(customer)


@pytest.fixture(scope="module")
def worlds(databases: object, keyring: Keyring) -> Iterator[tuple[asyncio.Runner, Identities, Iterator[int]]]:
    """A loop and a database for all examples: each has people of its own."""
    with databases.lend() as url, asyncio.Runner() as runner:  # type: ignore[attr-defined] # of the test's databases
        database = Database(url, size=4)
        runner.run(database.open())
        limits = CodeLimits(
            an_hour_to_address=MANY,
            a_day_to_address=MANY,
            an_hour_from_talk=MANY,
            an_hour=MANY,
            life=timedelta(hours=1),
        )
        yield runner, Identities(make_core(database, keyring), limits), count()
        runner.run(database.close())


@settings(max_examples=40)
@given(steps=STEPS)
def test_all_that_was_written_is_there_once_and_somebodys_alone(
    worlds: tuple[asyncio.Runner, Identities, Iterator[int]], steps: list[tuple[str, int, int]]
) -> None:
    runner, people, numbers = worlds

    async def example() -> None:
        world = World(people, f"w{next(numbers)}")
        for step in steps:
            await world.play(*step)
        await world.check()

    runner.run(example())
