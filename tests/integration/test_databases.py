"""What tests borrow is as it is after the migrations, whatever the test before did to it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.databases import LentDatabases


@pytest.fixture
def lent(server_url: str, template: str) -> Iterator[LentDatabases]:
    lent = LentDatabases(server_url, template)
    yield lent
    lent.close()


def run(url: str, *statements: bytes) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_was_written_is_gone_and_numbers_begin_at_one(lent: LentDatabases) -> None:
    with lent.lend() as first:
        run(
            first,
            b"insert into customer_keys (id, customer_id, wrapped, master_key_id)"
            b" values (gen_random_uuid(), gen_random_uuid(), 'k', 'm')",
            b"select nextval('outbox_position_seq')",
            b"insert into events (id, kind, data) values (gen_random_uuid(), 'test', '{}')",
        )
    with lent.lend() as second, psycopg.connect(second) as connection:
        assert second == first
        cursor = connection.execute(
            "select (select count(*) from customer_keys), (select count(*) from events), nextval('outbox_position_seq')"
        )
        assert cursor.fetchone() == (0, 0, 1)


def test_who_is_still_connected_is_sent_away(lent: LentDatabases) -> None:
    with lent.lend() as url:
        left = psycopg.connect(url)
        left.execute("lock table cases")
    with left, pytest.raises(psycopg.OperationalError):
        left.execute("select 1")


@pytest.mark.parametrize(
    "change",
    [
        b"create table mine ()",
        b"alter table case_work alter column attempts set default 4",
        b"drop index messages_seen",
        b"create function one() returns int language sql as 'select 1'",
        b"update scheduler_lease set token = token + 1",
        b"delete from migrations",
    ],
)
def test_one_that_was_changed_is_not_lent_again(lent: LentDatabases, change: bytes) -> None:
    with lent.lend() as first:
        run(first, change)
    with lent.lend() as second:
        assert second != first


def test_one_with_settings_of_its_own_is_not_lent_again(lent: LentDatabases) -> None:
    with lent.lend() as first:
        name = first.rpartition("/")[2]
        run(first, f"alter database {name} set statement_timeout = 1000".encode())
    with lent.lend() as second:
        assert second != first
