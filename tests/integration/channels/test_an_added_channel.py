"""A channel is added by a folder and a line: the example, beside those of the product, from question to answer."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from api.channels import CHANNELS
from tests.architecture.project import ROOT, files
from tests.databases import LentDatabases
from tests.examples.sms_channel.gateway import Gateway
from tests.integration.channels.bench import SmsBench
from tests.integration.channels.stage import Stage, staged
from tests.integration.serving import settings_on


@pytest.fixture(scope="module")
async def sms(databases: LentDatabases) -> AsyncIterator[tuple[Stage, SmsBench]]:
    with databases.lend() as url, Gateway("a secret of two") as gateway:
        bench = SmsBench(gateway)
        async with staged(settings_on(url), (*CHANNELS, bench.channel)) as stage:
            yield stage, bench


async def received(bench: SmsBench, number: str, count: int) -> list[str]:
    """What is on the customer's telephone, once it is so much."""

    def wait() -> list[str]:
        with bench.gateway.news:
            assert bench.gateway.news.wait_for(lambda: len(bench.gateway.received(number)) >= count, timeout=20)
        return bench.gateway.received(number)

    return await asyncio.to_thread(wait)


async def test_a_question_by_the_new_channel_is_answered_on_it(sms: tuple[Stage, SmsBench]) -> None:
    stage, bench = sms
    await bench.write(stage, "Ada", "when do you open?", str(uuid4()))
    assert await received(bench, bench.address("Ada"), 1) == ["echo: when do you open?"]
    rows = await stage.rows(
        "select v.channel, i.verified_at is not null as proven, c.owner from cases c"
        " join conversations v on v.id = c.conversation_id join identities i on i.id = v.identity_id"
        " where v.channel = 'sms'"
    )
    assert rows == [{"channel": "sms", "proven": True, "owner": "agent"}]


async def test_a_person_answers_on_it_too_and_troubles_of_its_provider_are_outlived(
    sms: tuple[Stage, SmsBench],
) -> None:
    stage, bench = sms
    bench.trouble("broken late")
    await bench.write(stage, "Ben", "a person, please", str(uuid4()))
    number = bench.address("Ben")
    assert await received(bench, number, 1) == ["A colleague will look at this."]
    staff = {"Authorization": "Bearer kim-key"}
    queue = (await stage.http.get("/v1/review/escalations", headers=staff)).json()["items"]
    assert [one["channel"] for one in queue] == ["sms"]
    where = f"/v1/review/escalations/{queue[0]['id']}"
    read = (await stage.http.get(where, headers=staff)).json()
    decision = {"action": "answer", "text": "Kim here: of course.", "version": read["version"]}
    assert (await stage.http.post(f"{where}/decision", json=decision, headers=staff)).is_success
    assert (await received(bench, number, 2))[1] == "Kim here: of course."


def test_it_touches_no_file_of_the_product() -> None:
    for path in files(".py", folders=("skills", "graph", "channels", "infra", "api", "evals")):
        assert "sms_channel" not in path.read_text(encoding="utf-8"), path


def test_it_is_made_of_what_a_channel_may_use() -> None:
    """The channels' own words, the skills' words, how the product opens a channel: nothing of how texts are stored."""
    used = {
        node.module
        for path in (ROOT / "tests/examples/sms_channel").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in {"api", "infra", "graph"}
    }
    assert used == {"api.channels.channel", "api.wiring"}
