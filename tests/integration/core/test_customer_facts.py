from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from graph.build import build_graph
from infra.crypto.keyring import Keyring
from infra.customer_records import CustomerRecord
from infra.postgres.database import Database
from infra.postgres.directory import PostgresDirectory
from infra.postgres.facts import CustomerFacts, Kept
from skills.errors import ConflictError, NotFoundError
from skills.identify import Identify, keys_of
from skills.ports import KnownFacts
from skills.turn import CustomerId, EscalationId
from tests.core import Core, make_core
from tests.integration.core.identity import Identities
from tests.trivial import trivial_skills

JANE = KnownFacts("Jane Bell", "G46 0JU", date(1986, 1, 25))
PAUL = KnownFacts("Paul Young", "B4K 2BD", date(1990, 5, 1))
OF_JANE = CustomerRecord("id 1", JANE, email="jane@example.com", phone="+15550100100")
OF_PAUL = CustomerRecord("id 2", PAUL)
TELLS = "I'm Jane Bell, born 25 January 1986, postcode G46 0JU."


@pytest.fixture
def facts(core: Core) -> CustomerFacts:
    return CustomerFacts(core.database, core.keyring)


@pytest.fixture
def directory(core: Core) -> PostgresDirectory:
    return PostgresDirectory(core.database, core.keyring)


@pytest.fixture
def people(database: Database, keyring: Keyring) -> Identities:
    """Identities on a core whose identify node is the product's own."""
    identify = Identify(PostgresDirectory(database, keyring))
    return Identities(make_core(database, keyring, build_graph(replace(trivial_skills(), identify=identify))))


async def whose(core: Core, facts: KnownFacts) -> list[CustomerId]:
    known = await PostgresDirectory(core.database, core.keyring).known_by(list(keys_of(facts)))
    return [customer for customer, _ in known.customers]


async def test_a_record_is_found_by_any_one_of_its_facts(
    core: Core, facts: CustomerFacts, directory: PostgresDirectory
) -> None:
    assert await facts.keep([OF_JANE, OF_PAUL], told_by="kim") == Kept(added=2)
    (jane,) = await whose(core, JANE)
    for key in keys_of(JANE):
        assert (await directory.known_by([key])).customers == [(jane, JANE)]
    assert (await directory.known_by([("postcode", "EC1A1BB")])).customers == []
    assert (await directory.known_by([])).customers == ()


async def test_the_same_file_again_changes_only_what_changed(core: Core, facts: CustomerFacts) -> None:
    await facts.keep([OF_JANE, OF_PAUL], told_by="kim")
    (jane,) = await whose(core, JANE)
    moved = replace(JANE, postcode="SW1A 1AA")
    assert await facts.keep([replace(OF_JANE, facts=moved), OF_PAUL], told_by="kim") == Kept(changed=1, unchanged=1)
    assert await whose(core, replace(moved, name="", born=None)) == [jane]
    assert await whose(core, KnownFacts(postcode="G46 0JU")) == []
    assert len(await core.rows("select id from customers")) == 2


async def test_a_records_address_is_a_claim_until_somebody_proves_it(core: Core, facts: CustomerFacts) -> None:
    await facts.keep([OF_JANE], told_by="kim")
    people = Identities(core)
    mailed = await people.customer_of(await people.mail("jane@example.com", "hello"))
    (jane,) = await whose(core, JANE)
    assert mailed != jane
    found = await people.customers.find("jane@example.com", reader="kim")
    assert [(one.id, one.proven) for one in found] == [(mailed, True), (jane, False)]


async def test_a_record_of_somebody_who_proved_its_address_is_theirs(core: Core, facts: CustomerFacts) -> None:
    people = Identities(core)
    mailed = await people.customer_of(await people.mail("jane@example.com", "hello"))
    await facts.keep([OF_JANE], told_by="kim")
    assert await whose(core, JANE) == [mailed]


async def test_whoever_was_joined_is_found_as_who_they_are_part_of(core: Core, facts: CustomerFacts) -> None:
    await facts.keep([OF_JANE], told_by="kim")
    (jane,) = await whose(core, JANE)
    people = Identities(core)
    into = await people.customer_of(await people.mail("a@example.com", "hello"))
    last = await people.customer_of(await people.mail("b@example.com", "hello"))
    await people.customers.merge(jane, into, reviewer="kim")
    await people.customers.merge(into, last, reviewer="kim")
    assert await whose(core, JANE) == [last]
    await people.customers.unmerge(into, reviewer="kim")
    assert await whose(core, JANE) == [into]


async def test_the_erased_are_not_found_and_a_file_does_not_bring_them_back(core: Core, facts: CustomerFacts) -> None:
    await facts.keep([OF_JANE], told_by="kim")
    (jane,) = await whose(core, JANE)
    await core.rows(
        "update customer_keys set wrapped = null, destroyed_at = now() where customer_id = %s returning id", jane
    )
    assert await whose(core, JANE) == []
    assert await facts.keep([OF_JANE], told_by="kim") == Kept(erased=1)
    with pytest.raises(ConflictError, match="erased"):
        await facts.note(jane, JANE, told_by="kim")


async def test_what_staff_note_is_kept_in_place_of_what_they_noted_before(core: Core, facts: CustomerFacts) -> None:
    people = Identities(core)
    writer = await people.customer_of(await people.mail("a@example.com", "hello"))
    await facts.note(writer, PAUL, told_by="kim")
    await facts.note(writer, JANE, told_by="lee")
    assert (await whose(core, JANE), await whose(core, PAUL)) == ([writer], [])
    with pytest.raises(NotFoundError):
        await facts.note(CustomerId(uuid4()), JANE, told_by="kim")
    events = await people.events("customer.facts_kept")
    assert [(event["actor"], event["data"]) for event in events] == [
        (name, {"customer_id": str(writer)}) for name in ("kim", "lee")
    ]


async def test_nothing_of_a_record_can_be_read_in_the_database(core: Core, facts: CustomerFacts) -> None:
    await facts.keep([OF_JANE], told_by="kim")
    for table in ("customer_facts", "customer_fact_keys", "customers", "identities", "events"):
        rows = str(await core.rows(f"select * from {table}"))
        for word in ("Jane", "Bell", "G46", "0JU", "1986", "jane@", "555"):
            assert word not in rows
            assert word.encode().hex() not in rows


async def test_the_reviewer_is_offered_the_match_and_the_visitor_learns_nothing(people: Identities) -> None:
    facts = CustomerFacts(people.core.database, people.core.keyring)
    await facts.keep([OF_JANE, OF_PAUL], told_by="kim")
    (jane,) = await whose(people.core, JANE)
    earlier = await people.mail("mail@example.com", "my secret order")
    await people.answer(earlier)
    await people.customers.merge(jane, await people.customer_of(earlier), reviewer="kim")
    told = await people.chat("talk", f"{TELLS} a person, please")
    turn = await people.turn(told)
    assert (turn.customer.verified, turn.customer.name, turn.elsewhere) == (False, None, ())
    await people.core.work(told.case_id)
    (waiting,) = await people.core.reviews.queue()
    request = (await people.core.reviews.read(EscalationId(waiting.id), reader="kim")).request
    assert request["possible_matches"] == [str(await people.customer_of(earlier))]
    assert request["elsewhere"] == []
    standing = await people.earlier.standing("talk")
    assert standing.until is None
    assert await people.customer_of(told) != await people.customer_of(earlier)


async def test_who_is_in_the_records_hears_what_a_stranger_hears(people: Identities) -> None:
    heard = []
    for known in (False, True):
        if known:
            await CustomerFacts(people.core.database, people.core.keyring).keep([OF_JANE], told_by="kim")
        thread = f"talk {known}"
        told = await people.chat(thread, TELLS)
        await people.core.work(told.case_id)
        await people.core.deliver()
        heard.append(await people.core.said(thread))
    assert heard[0] == heard[1]
