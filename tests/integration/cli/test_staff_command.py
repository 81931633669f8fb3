from __future__ import annotations

import json

import pytest

from skills.errors import BadRequestError, ConflictError, NotFoundError
from tests.integration.cli.conftest import Csagent


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSAGENT_STAFF__PASSWORD_MEMORY_KIB", "32")


def test_somebody_is_added_made_a_lead_kept_out_and_let_in_again(csagent: Csagent) -> None:
    assert "nobody has an account" in csagent("staff", "list").stdout
    assert len(csagent("staff", "add", "ada", "--role", "admin").stdout.strip()) == 23
    first = json.loads(csagent("staff", "add", "lena", "--json").stdout)["password"]
    assert csagent("staff", "role", "lena", "lead").stdout == "lena is lead now\n"
    assert csagent("staff", "reset", "lena").stdout.strip() != first
    csagent("staff", "disable", "lena")
    listed = {one["name"]: one for one in json.loads(csagent("staff", "list", "--json").stdout)}
    assert (listed["lena"]["role"], listed["lena"]["disabled_at"] is None) == ("lead", False)
    assert "disabled" in csagent("staff", "list").stdout
    csagent("staff", "enable", "lena")
    assert csagent("staff", "rename", "lena", "lena.berg").stdout == "lena is lena.berg now\n"
    assert "disabled" not in (listed_now := csagent("staff", "list").stdout)
    assert "lena.berg" in listed_now


def test_what_can_not_be_is_one_line_and_a_hint(csagent: Csagent) -> None:
    csagent("staff", "add", "ada", "--role", "admin")
    for arguments, error in {
        ("add", "ada"): ConflictError,
        ("add", "kim"): ConflictError,  # the name of a staff key
        ("add", "Über"): BadRequestError,
        ("add", "lena", "--role", "king"): BadRequestError,
        ("role", "nobody", "lead"): NotFoundError,
        ("role", "ada", "lead"): ConflictError,
        ("disable", "ada"): ConflictError,
        ("rename", "ada", "kim"): ConflictError,
        ("rename", "ada", "no name"): BadRequestError,
        ("rename", "nobody", "somebody"): NotFoundError,
    }.items():
        failed = csagent("staff", *arguments)
        assert isinstance(failed.exception, error), arguments
