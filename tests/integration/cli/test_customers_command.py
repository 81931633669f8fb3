from __future__ import annotations

import json
from uuid import uuid4

import pytest

from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import CustomerId
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore
from tests.integration.core.identity import Identities

Two = tuple[CustomerId, CustomerId]


@pytest.fixture
def two(csagent: Csagent, with_core: WithCore) -> Two:
    """Dana by mail, and Eli by mail, who says in a chat to be Dana."""

    async def write(core: Core) -> Two:
        people = Identities(core)
        dana = await people.customer_of(await people.mail("dana@example.com", "hello", name="Dana \x1b[31m"))
        eli = await people.customer_of(await people.chat("talk", "hello", email="Dana@example.com", name="Eli"))
        return dana, eli

    return with_core(write)


def test_an_address_finds_who_proved_it_and_who_only_says_so(csagent: Csagent, two: Two) -> None:
    lines = csagent("customers", "find", " DANA@example.com", "--as", "kim").stdout.splitlines()
    assert [line.split() for line in lines] == [
        [str(two[0]), "proven", "email"],
        [str(two[1]), "only", "says", "so", "email"],
    ]
    found = json.loads(csagent("customers", "find", "dana@example.com", "--json").stdout)
    assert [(one["id"], one["proven"]) for one in found] == [(str(two[0]), True), (str(two[1]), False)]
    assert csagent("customers", "find", "nobody@example.com").stdout == "nobody has this address\n"


def test_a_customer_is_shown_with_addresses_cases_and_matches_and_cannot_steer_the_terminal(
    csagent: Csagent, two: Two
) -> None:
    shown = csagent("customers", "show", str(two[1]), "--as", "kim").stdout
    for word in ("Eli", "dana@example.com", "only said", "1 case in 1 conversation, 1 open", "chat", str(two[0])):
        assert word in shown
    assert "\x1b" not in csagent("customers", "show", str(two[0])).stdout
    read = json.loads(csagent("customers", "show", str(two[0]), "--json").stdout)
    assert (read["addresses"][0]["address"], read["possible_matches"][0]["theirs"]) == ("dana@example.com", False)


def test_two_are_shown_joined_after_a_yes_and_parted_again(csagent: Csagent, two: Two) -> None:
    dana, eli = map(str, two)
    refused = csagent("customers", "merge", eli, dana, typed="n\n")
    assert (refused.exit_code, "dana@example.com" in refused.stderr) == (1, True)
    merged = csagent("customers", "merge", eli, dana, "--as", "kim", typed="y\n")
    assert f"merged into {dana}" in merged.stdout
    assert f"is part of {dana} now" in csagent("customers", "show", eli).stdout
    shown = csagent("customers", "show", dana).stdout
    assert "2 cases in 2 conversations" in shown
    assert "by kim" in shown
    parted = csagent("customers", "unmerge", eli, "--as", "lee")
    assert parted.stdout == f"parted from {dana}\n"
    assert "undone by lee" in csagent("customers", "show", dana).stdout
    again = json.loads(csagent("customers", "merge", eli, dana, "--yes", "--json").stdout)
    assert again["customer_id"] == dana
    assert json.loads(csagent("customers", "unmerge", eli, "--json").stdout) == {
        "customer_id": eli,
        "parted_from": dana,
    }


def test_what_makes_no_sense_is_refused_with_one_line(csagent: Csagent, two: Two) -> None:
    dana = str(two[0])
    for arguments, error in (
        (("show", "dana"), BadRequestError),
        (("show", str(uuid4())), NotFoundError),
        (("find", "\x07"), BadRequestError),
        (("merge", dana, dana, "--yes"), ConflictError),
        (("unmerge", dana), NotFoundError),
    ):
        result = csagent("customers", *arguments)
        assert isinstance(result.exception, error), arguments
