from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from skills.errors import BadRequestError, ConflictError, NotFoundError
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore


@pytest.fixture
def in_doubt(csagent: Csagent, with_core: WithCore) -> UUID:
    """A reply of which nobody knows whether it arrived."""

    async def lose(core: Core) -> UUID:
        receipt = await core.write("talk", "hello")
        await core.work(receipt.case_id)
        (delivery,) = await core.outbox.claim(1)
        await core.outbox.lost(delivery, "unknown", "connection \x1b[31mlost")
        return delivery.id

    return with_core(lose)


def test_where_everything_arrived_the_list_says_so(csagent: Csagent) -> None:
    assert csagent("deliveries", "list").stdout == "every text arrived\n"
    assert json.loads(csagent("deliveries", "list", "--json").stdout) == []


def test_the_list_shows_what_nobody_has_settled_and_cannot_steer_the_terminal(csagent: Csagent, in_doubt: UUID) -> None:
    shown = csagent("deliveries", "list").stdout
    for word in (str(in_doubt), "unknown", "chat", "connection"):
        assert word in shown
    assert "\x1b" not in shown
    (item,) = json.loads(csagent("deliveries", "list", "--json").stdout)
    assert (item["id"], item["state"]) == (str(in_doubt), "unknown")


def test_a_delivery_is_settled_under_a_name_and_only_once(
    csagent: Csagent, in_doubt: UUID, with_core: WithCore
) -> None:
    done = csagent("deliveries", "settle", str(in_doubt)[:13], "send_again", "--as", "kim")
    assert done.stdout.startswith("settled as send_again, in case ")

    async def deliver_and_lose(core: Core) -> None:
        (delivery,) = await core.outbox.claim(1)
        await core.outbox.retry(delivery, "later", timedelta(0))
        await core.deliver()

    with_core(deliver_and_lose)
    again = csagent("deliveries", "settle", str(in_doubt), "arrived")
    assert isinstance(again.exception, NotFoundError)
    assert again.exception.hint


@pytest.mark.parametrize(
    ("identifier", "error"), [("0198", BadRequestError), ("z" * 12, NotFoundError), ("0" * 32, NotFoundError)]
)
def test_an_id_that_names_nothing_is_one_line(
    csagent: Csagent, in_doubt: UUID, identifier: str, error: type[Exception]
) -> None:
    assert isinstance(csagent("deliveries", "settle", identifier, "arrived").exception, error)


def test_a_finding_that_does_not_exist_is_refused(csagent: Csagent, in_doubt: UUID) -> None:
    assert csagent("deliveries", "settle", str(in_doubt), "maybe").exit_code == 2


def test_who_comes_second_is_told_who_was_first(csagent: Csagent, in_doubt: UUID, with_core: WithCore) -> None:
    async def settle_twice(core: Core) -> str:
        await core.outbox.settle_by_hand(in_doubt, "given_up", "lee")
        with pytest.raises(ConflictError) as refused:
            await core.outbox.settle_by_hand(in_doubt, "arrived", "kim")
        return str(refused.value)

    assert with_core(settle_twice) == "this delivery is failed already, by lee"
