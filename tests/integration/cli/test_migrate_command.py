from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.postgres.migrate import known_migrations
from skills.errors import ConfigurationError
from tests.databases import a_database
from tests.integration.cli.conftest import Csagent


@pytest.fixture
def empty(surroundings: pytest.MonkeyPatch, server_url: str) -> Iterator[None]:
    """The environment names a database with nothing in it."""
    with a_database(server_url) as url:
        surroundings.setenv("DATABASE_URL", url)
        yield


@pytest.mark.usefixtures("empty")
def test_check_says_what_is_pending_and_migrate_applies_it_once(without_servers: Csagent) -> None:
    names = [migration.name for migration in known_migrations()]
    checked = without_servers("migrate", "--check")
    assert checked.exit_code == 1
    assert checked.stdout.splitlines()[:-1] == [f"pending  {name}" for name in names]
    applied = without_servers("migrate")
    assert (applied.exit_code, applied.stdout.splitlines()) == (0, [f"applied  {name}" for name in names])
    for arguments in (["migrate"], ["migrate", "--check"]):
        again = without_servers(*arguments)
        assert (again.exit_code, again.stdout) == (0, "the database is up to date\n")


@pytest.mark.usefixtures("empty")
def test_other_commands_name_the_one_to_run_first(without_servers: Csagent) -> None:
    result = without_servers("knowledge", "list")
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).endswith("pending")
    assert result.exception.hint == "run `csagent migrate` first"


def test_a_server_that_is_away_is_one_line_with_a_hint(
    surroundings: pytest.MonkeyPatch, without_servers: Csagent
) -> None:
    surroundings.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    result = without_servers("migrate")
    assert isinstance(result.exception, ConfigurationError)
    assert "PostgreSQL does not answer" in str(result.exception)
    assert "DATABASE_URL" in str(result.exception.hint)
