from __future__ import annotations

import json
from pathlib import Path

from infra.postgres.directory import PostgresDirectory
from skills.ports import Known
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore
from tests.integration.core.identity import Identities

ROWS = "id,name,postcode,date_of_birth,email\n1,Jane Bell,G46 0JU,1986-01-25,jane@example.com\n2,Paul,,,\n"


async def who_lives_there(core: Core) -> Known:
    return await PostgresDirectory(core.database, core.keyring).known_by([("postcode", "G460JU")])


def test_a_file_is_brought_and_what_cannot_be_read_is_named(
    csagent: Csagent, with_core: WithCore, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(ROWS)
    first = csagent("customers", "import", str(file), "--as", "kim")
    assert (first.exit_code, first.stdout) == (1, "1 record added, 0 changed, 0 unchanged\n")
    assert "1 line left out" in first.stderr
    assert "line 3: a name alone finds nobody" in first.stderr
    file.write_text(ROWS.splitlines()[0] + "\n" + ROWS.splitlines()[1])
    again = csagent("customers", "import", str(file), "--json")
    assert (again.exit_code, json.loads(again.stdout)["unchanged"]) == (0, 1)
    assert len(with_core(who_lives_there).customers) == 1
    found = json.loads(csagent("customers", "find", "jane@example.com", "--json").stdout)
    shown = csagent("customers", "show", found[0]["id"]).stdout
    assert "Jane Bell" in shown
    assert "only said" in shown


def test_a_file_without_names_costs_no_start_of_a_server_and_says_which_columns_there_may_be(
    without_servers: Csagent, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("first;last\nJane;Bell\n")
    refused = without_servers("customers", "import", str(file))
    assert refused.exit_code != 0
    assert "no column 'name'" in str(refused.exception) + refused.stderr


def test_staff_note_what_they_learned_in_a_case(csagent: Csagent, with_core: WithCore) -> None:
    async def write(core: Core) -> str:
        people = Identities(core)
        return str(await people.customer_of(await people.mail("jane@example.com", "hello")))

    customer = with_core(write)
    noted = csagent("customers", "note", customer, "--called", "Jane Bell", "--postcode", "G46 0JU", "--as", "kim")
    assert noted.stdout == f"noted of {customer}\n"
    assert [str(found) for found, _ in with_core(who_lives_there).customers] == [customer]
    refused = csagent("customers", "note", customer, "--called", "Jane Bell")
    assert "a name alone finds nobody" in str(refused.exception) + refused.stderr
