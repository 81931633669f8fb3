from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from api.commands.doctor import examine
from api.commands.finding import Finding
from api.commands.machine_checks import check_binaries, check_chat_model, check_embeddings, check_folder, check_python
from api.commands.server_checks import (
    State,
    alerts_finding,
    check_database,
    check_redis,
    clock_finding,
    connections_finding,
    state_findings,
)
from infra.embedded.servers import RunningServers
from infra.postgres.connections import Budget, Demand
from infra.settings import read_settings
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore

CALM = State(0, 0.0, 0, 0, 0, 0, 0, untold=0, addresses=0, webhooks=1, gone=0, this_month=True, next_month=True)


def states(found: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.state for finding in found}


def test_a_sound_machine_has_no_error_and_is_told_what_is_missing(csagent: Csagent) -> None:
    result = csagent("doctor")
    assert result.exit_code == 0, result.stdout
    assert "ok      database         PostgreSQL 1" in result.stdout
    assert "ok      embeddings       minilm-l6-v2 gives 384 dimensions" in result.stdout
    assert "warning knowledge        no articles" in result.stdout
    assert "csagent knowledge add PATH" in result.stdout
    assert "0 errors, 1 warning" in result.stdout


def test_json_names_every_check(csagent: Csagent, redis_url: str, surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("REDIS_URL", redis_url)
    told = json.loads(csagent("doctor", "--json").stdout)
    assert told["healthy"] is True
    assert [check["check"] for check in told["checks"]] == [
        *("python", "settings", "embedded servers", "folder", "keys", "policy", "chat model", "embeddings"),
        *("mailbox", "whatsapp"),
        *("redis", "database", "clock", "connections", "migrations", "knowledge", "queue", "sends", "dead letters"),
        *("escalations", "event partitions", "alerts"),
    ]


def test_nothing_is_started_or_made_just_to_look(without_servers: Csagent, tmp_path: Path) -> None:
    result = without_servers("doctor")
    assert result.exit_code == 0
    assert "the embedded servers are not running" in result.stdout
    assert "`csagent up` starts them" in result.stdout
    assert not (tmp_path / "folder").exists()


def test_a_wrong_setting_ends_the_examination_with_what_to_mend(
    without_servers: Csagent, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("CSAGENT_WORKER__SLOTS", "many")
    result = without_servers("doctor")
    assert result.exit_code == 1
    assert "CSAGENT_WORKER__SLOTS can't be used" in result.stdout


async def test_each_thing_that_is_wrong_is_an_error_of_its_own(
    surroundings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[[rule]]\nname = 'x'\n")
    surroundings.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    surroundings.setenv("REDIS_URL", "redis://127.0.0.1:1")
    surroundings.setenv("CSAGENT_INDEX_KEY", "short")
    surroundings.setenv("CSAGENT_POLICY_FILE", str(policy))
    surroundings.setenv("CSAGENT_MODEL__CHAT", "openai")
    surroundings.setenv("CSAGENT_MODEL__EMBEDDINGS", "openai")
    found = [finding async for finding in examine()]
    wrong = {name: state for name, state in states(found).items() if state != "ok"}
    assert wrong == {
        **dict.fromkeys(("keys", "policy", "chat model", "embeddings", "database"), "error"),
        "redis": "warning",
    }
    assert all(finding.hint for finding in found if finding.state != "ok")


async def test_keys_are_missing_only_where_nobody_will_make_them(
    surroundings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    surroundings.delenv("CSAGENT_INDEX_KEY")
    assert states([finding async for finding in examine()])["keys"] == "ok"
    surroundings.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert states([finding async for finding in examine()])["keys"] == "error"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "keys.env").touch()
    assert states([finding async for finding in examine()])["keys"] == "ok"


async def test_models_behind_a_key_are_not_asked(surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("OPENAI_API_KEY", "sk-test")
    surroundings.setenv("CSAGENT_MODEL__EMBEDDINGS", "openai")
    settings = read_settings()
    assert check_chat_model(settings).message.endswith("not asked, as that costs")
    assert (await check_embeddings(settings)).message.endswith("not asked, as that costs")


def test_an_old_python_a_full_disk_and_a_closed_folder_are_told(
    surroundings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = read_settings()
    for free, state in ((10**8, "error"), (10**9, "warning"), (10**10, "ok")):
        surroundings.setattr("shutil.disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        assert check_folder(settings).state == state
    (tmp_path / "file").touch()
    assert check_folder(read_settings(folder=tmp_path / "file" / "below")).state == "error"
    for version, state in (((3, 10, 1), "error"), ((3, 11, 0), "ok"), ((3, 99, 0), "warning")):
        surroundings.setattr("sys.version_info", version)
        assert check_python().state == state


def test_a_platform_without_embedded_servers_is_told(surroundings: pytest.MonkeyPatch) -> None:
    settings = read_settings()
    assert check_binaries(settings).state == "ok"
    with surroundings.context() as patched:
        patched.setattr("infra.embedded.binaries.find_redis", lambda: None)
        assert check_binaries(settings).state == "warning"
    surroundings.setattr("infra.embedded.binaries.find_spec", lambda _: None)
    assert check_binaries(settings).state == "error"


async def test_a_database_that_was_never_migrated_ends_there(server_url: str) -> None:
    found = [finding async for finding in check_database(server_url, Demand(1, 2, listening=False))]
    assert states(found) == {"database": "ok", "clock": "ok", "connections": "ok", "migrations": "error"}


def test_more_connections_than_the_server_has_are_a_warning_with_a_pool_that_would_fit(
    csagent: Csagent, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("CSAGENT_DATABASE_PROCESSES", "10")
    surroundings.setenv("CSAGENT_DATABASE_POOL", "150")
    result = csagent("doctor")
    assert result.exit_code == 0
    assert "warning connections      1510 needed (10 processes, 150 pooled and 1 listening each)" in result.stdout
    assert re.search(r"CSAGENT_DATABASE_POOL=\d+, or raise max_connections", result.stdout)
    demand = Demand(processes=60, pool=2, listening=False)
    assert "DATABASE_POOL" not in connections_finding(Budget(demand, allowed=100, reserved=3, others=0)).hint


def test_embedded_servers_that_run_are_found_by_what_their_keeper_wrote(
    without_servers: Csagent, surroundings: pytest.MonkeyPatch, servers: RunningServers
) -> None:
    if not servers.folder.name:
        pytest.skip("this run is on servers that the environment names")
    surroundings.setattr("api.commands.machine_checks.instance_name", lambda _: servers.folder.name)
    surroundings.setattr("api.commands.machine_checks.SYSTEM_FOLDER", servers.folder.parent)
    surroundings.setenv("CSAGENT_FOLDER", str(servers.folder))
    told = json.loads(without_servers("doctor", "--json").stdout)
    found = {check["check"]: check["state"] for check in told["checks"]}
    assert found["database"] == "ok"


async def test_redis_may_be_left_out() -> None:
    assert (await check_redis(None)).state == "ok"


def test_a_case_that_waits_for_a_worker_is_seen(csagent: Csagent, with_core: WithCore) -> None:
    async def write(core: Core) -> None:
        receipt = await core.write("talk", "hello")
        await core.rows(
            "update case_work set due_at = now() - interval '5 minutes' where case_id = %s returning 1", receipt.case_id
        )

    with_core(write)
    assert "warning queue            1 case due, the oldest for 5 min" in csagent("doctor").stdout


@pytest.mark.parametrize(
    ("state", "check"),
    [
        (replace(CALM, due=3, oldest=90.0), "queue"),
        (replace(CALM, unknown=1), "sends"),
        (replace(CALM, failed=1), "sends"),
        (replace(CALM, dead=1), "dead letters"),
        (replace(CALM, open=2, late=1), "escalations"),
        (replace(CALM, next_month=False), "event partitions"),
        (replace(CALM, this_month=False), "event partitions"),
    ],
)
def test_what_needs_a_person_is_a_warning(state: State, check: str) -> None:
    found = state_findings(state)
    assert [finding.check for finding in found if finding.state == "warning"] == [check]
    assert {finding.state for finding in state_findings(CALM)} == {"ok"}


def test_it_says_whether_anybody_is_told_that_something_waits() -> None:
    assert alerts_finding(CALM, mail=False).message == "0 accounts by mail, 1 webhook"
    assert "not set up" in alerts_finding(replace(CALM, webhooks=0), mail=True).message
    for troubled in (replace(CALM, untold=1), replace(CALM, gone=1), replace(CALM, addresses=2)):
        assert alerts_finding(troubled, mail=False).state == "warning"


def test_clocks_that_differ_are_told() -> None:
    assert [clock_finding(skew).state for skew in (0.5, -3.0, 90.0)] == ["ok", "warning", "error"]
