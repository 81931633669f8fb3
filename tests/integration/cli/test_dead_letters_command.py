from __future__ import annotations

import json
from uuid import UUID

import pytest

from skills.errors import BadRequestError, ConflictError, NotFoundError
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore


@pytest.fixture
def letter(csagent: Csagent, with_core: WithCore) -> UUID:
    """A message that was given up."""

    async def bury(core: Core) -> UUID:
        receipt = await core.write("talk", "hello \x1b]0;owned\x07 [bold]you[/bold]")
        await core.dead_letters.bury(await core.claim(receipt.case_id), "ValueError")
        await core.deliver()
        return (await core.dead_letters.open())[0].id

    return with_core(bury)


def test_an_empty_list_says_so(csagent: Csagent) -> None:
    assert csagent("dead-letters", "list").stdout == "no dead letters\n"
    assert json.loads(csagent("dead-letters", "list", "--json").stdout) == []


def test_the_list_shows_id_age_error_and_number_of_messages(csagent: Csagent, letter: UUID) -> None:
    shown = csagent("dead-letters", "list").stdout
    for word in (str(letter), " s ", "ValueError", "1"):
        assert word in shown
    (item,) = json.loads(csagent("dead-letters", "list", "--json").stdout)
    assert (item["id"], item["error"], item["messages"], item["attempts"]) == (str(letter), "ValueError", 1, 1)


def test_show_gives_the_message_the_error_the_attempts_and_the_note_and_cannot_steer_the_terminal(
    csagent: Csagent, letter: UUID, with_core: WithCore
) -> None:
    async def write(core: Core) -> None:
        await core.write("talk", "anybody?")

    with_core(write)
    shown = csagent("dead-letters", "show", str(letter)[:13], "--as", "kim").stdout
    for word in (
        "ValueError",
        "tried 1 time",
        "[bold]you[/bold]",
        "It went wrong.",
        "(sent)",
        "the people",
        "anybody?",
    ):
        assert word in shown
    assert not {"\x1b", "\x07"} & set(shown)
    read = json.loads(csagent("dead-letters", "show", str(letter), "--json").stdout)
    assert read["told"]["text"] == "It went wrong."


def test_a_retry_asks_and_then_gives_the_case_to_the_agent(csagent: Csagent, letter: UUID, with_core: WithCore) -> None:
    refused = csagent("dead-letters", "retry", str(letter), typed="n\n")
    assert refused.exit_code == 1
    done = csagent("dead-letters", "retry", str(letter), "--as", "kim", typed="y\n")
    assert "retried" in done.stdout

    async def answer(core: Core) -> list[str]:
        (row,) = await core.rows("select case_id from case_work where due_at is not null")
        await core.work(row["case_id"])
        await core.deliver()
        return await core.said("talk")

    assert with_core(answer)[-1].startswith("agent: echo: hello")
    again = csagent("dead-letters", "retry", str(letter), "--yes")
    assert again.exit_code == 0, "a second time changes nothing"
    shown = csagent("dead-letters", "show", str(letter)).stdout
    assert "retried by kim" in shown
    assert "with the agent" in shown


def test_discarding_needs_a_reason_and_shows_it_afterwards(csagent: Csagent, letter: UUID) -> None:
    assert csagent("dead-letters", "discard", str(letter), "--yes").exit_code == 2
    with pytest.raises(BadRequestError, match="needs a reason"):
        raise_from(csagent("dead-letters", "discard", str(letter), "--yes", "--reason", " "))
    done = csagent("dead-letters", "discard", str(letter), "--yes", "--reason", "spam", "--as", "kim")
    assert "stays with the people" in done.stdout
    shown = csagent("dead-letters", "show", str(letter)).stdout
    assert "discarded by kim" in shown
    assert "spam" in shown
    with pytest.raises(ConflictError, match="discarded already"):
        raise_from(csagent("dead-letters", "retry", str(letter), "--yes"))


def test_of_an_erased_customer_it_is_said_that_nothing_is_left(
    csagent: Csagent, letter: UUID, with_core: WithCore
) -> None:
    async def erase(core: Core) -> None:
        await core.rows("update customer_keys set wrapped = null, destroyed_at = now() returning 1")

    with_core(erase)
    shown = csagent("dead-letters", "show", str(letter)).stdout
    assert "the customer was erased" in shown
    assert "[bold]" not in shown


@pytest.mark.parametrize(
    ("identifier", "error"),
    [
        ("1234", BadRequestError),
        ("no-id-at-all", BadRequestError),
        ("0b0a6f5e-7f3c-4f57-9a53-5d0f6a3d2c11", NotFoundError),
    ],
)
def test_what_is_no_dead_letters_id_is_said(csagent: Csagent, identifier: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        raise_from(csagent("dead-letters", "show", identifier))


def test_an_id_that_begins_several_is_refused(csagent: Csagent, letter: UUID, with_core: WithCore) -> None:
    async def copy(core: Core) -> None:
        twin = UUID(int=letter.int ^ 1)
        await core.rows(
            "insert into dead_letters (id, case_id, first_sequence, last_sequence, error)"
            " select %s, case_id, 1, 1, error from dead_letters returning 1",
            twin,
        )

    with_core(copy)
    with pytest.raises(BadRequestError, match="several ids begin"):
        raise_from(csagent("dead-letters", "show", str(letter)[:8]))


def raise_from(result: object) -> None:
    """What the command line would print as its error."""
    error = getattr(result, "exception", None)
    assert isinstance(error, Exception), result
    raise error
