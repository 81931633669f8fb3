"""The articles over HTTP, for the staff alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import pytest

from channels.addresses import EMAIL
from channels.envelope import Envelope
from infra.knowledge.ingest import Ingest
from infra.knowledge.question import LONGEST
from infra.models.minilm import MiniLmEmbedder
from infra.postgres.articles import PostgresArticles
from infra.postgres.directory import PostgresDirectory
from skills.escalate.policy import DEFAULT_NAME
from skills.turn import Claim
from tests.integration.http.conftest import Service, running, settings_on
from tests.integration.knowledge.hashed_words import SHOP, article, reading

FEE = article("fee", "Fee", "A return costs four euros.")


@pytest.fixture
async def stocked(service: Service) -> Service:
    embedder = MiniLmEmbedder()
    await embedder.load()
    ingest = Ingest(PostgresArticles(service.services.database), embedder)
    await ingest.add(reading(*SHOP[:6], FEE), by="kim")
    await ingest.add(reading(*SHOP[:6], replace(FEE, text="A return costs five euros.")), by="sam")
    embedder.close()
    return service


async def test_staff_search_as_a_reader_and_see_where_a_passage_comes_from(stocked: Service) -> None:
    question = {"text": "how do I change my password?", "limit": 3}
    found = (await stocked.kim.post("/v1/knowledge/search", json=question)).json()["items"]
    assert len(found) == 3
    assert (found[0]["title"], found[0]["source"], found[0]["slug"]) == (
        "How do I change my password?",
        "help",
        "password",
    )
    assert found[0]["similarity"] > 0.8
    assert found[0]["place_by_words"] == 1
    for audience, seen in (("public", False), ("staff", True)):
        asked = {"text": "goodwill voucher", "audience": audience}
        items = (await stocked.kim.post("/v1/knowledge/search", json=asked)).json()["items"]
        assert ("goodwill" in {item["slug"] for item in items}) is seen
    for wrong in ({"text": ""}, {"text": "a", "language": "?"}, {"text": "a", "limit": 0}, {"text": "a", "x": 1}):
        assert (await stocked.kim.post("/v1/knowledge/search", json=wrong)).status_code == 422


async def test_articles_are_listed_read_and_an_earlier_version_comes_back(stocked: Service) -> None:
    listed = (await stocked.kim.get("/v1/knowledge/articles", params={"text": "FEE"})).json()["items"]
    assert [(one["slug"], one["version"]) for one in listed] == [("fee", 2)]
    path = f"/v1/knowledge/articles/{FEE.id}"
    assert (await stocked.kim.get(path)).json() == listed[0]
    versions = (await stocked.kim.get(f"{path}/versions")).json()["items"]
    assert [(one["version"], one["change"], one["changed_by"]) for one in versions] == [
        (2, "changed", "sam"),
        (1, "added", "kim"),
    ]
    assert (await stocked.kim.get(f"{path}/versions/1")).json()["body"] == "A return costs four euros."
    assert (await stocked.lee.post(f"{path}/restore", json={"version": 1})).status_code == 204
    newest = (await stocked.kim.get(f"{path}/versions")).json()["items"][0]
    assert (newest["version"], newest["change"], newest["changed_by"]) == (3, "restored", "lee")
    for gone in (
        f"{path}/versions/9",
        f"/v1/knowledge/articles/{uuid4()}",
        f"/v1/knowledge/articles/{uuid4()}/versions",
    ):
        assert (await stocked.kim.get(gone)).status_code == 404
    assert (await stocked.kim.post(f"{path}/restore", json={"version": 9})).status_code == 404
    assert (await stocked.kim.get("/v1/knowledge/articles", params={"text": "\0"})).status_code == 422


async def test_the_report_names_what_differs(stocked: Service) -> None:
    ingest_path = "/v1/knowledge/check"
    assert (await stocked.kim.get(ingest_path)).json() == {"findings": []}
    async with stocked.services.database.connection() as connection:
        await connection.execute(
            "update articles set body = 'A return costs six euros.' where slug = 'hours' or slug = 'invoice'"
        )
        await connection.execute("insert into missing_articles select id from articles where slug = 'refund'")
    findings = (await stocked.kim.get(ingest_path)).json()["findings"]
    assert [(one["kind"], one["article"]["slug"]) for one in findings] == [("conflict", "fee"), ("missing", "refund")]
    assert findings[0]["other"]["slug"] == "invoice"


async def test_staff_try_a_question_and_see_how_the_agent_comes_to_its_answer(stocked: Service) -> None:
    before = await rows(stocked)
    asked = {"text": "How long may I return an order?"}
    answer = (await stocked.kim.post("/v1/knowledge/try", json=asked)).json()
    assert (answer["handoff"], answer["request"]) == (None, None)
    assert "You may return any order within thirty days of delivery." in answer["reply"]
    told = {step["skill"]: step["told"] for step in answer["steps"]}
    assert next(iter(told)) == "identify"
    assert list(told)[-4:] == ["respond", "guard", "escalate", "adapt"]
    assert told["identify"] == [{"text": "not verified", "label": None, "tone": None}]
    assert told["guard"] == [{"text": "no objection", "label": None, "tone": "good"}]
    assert {"text": asked["text"], "label": "query", "tone": None} in told["retrieve"]
    assert all(step["milliseconds"] >= 0 for step in answer["steps"])
    by_mail = (await stocked.kim.post("/v1/knowledge/try", json={**asked, "channel": "email"})).json()
    assert by_mail["reply"] != answer["reply"]
    assert await rows(stocked) == before


async def test_a_question_that_goes_to_a_person_is_asked_of_nobody_while_it_is_tried(stocked: Service) -> None:
    before = await rows(stocked)
    answer = (await stocked.kim.post("/v1/knowledge/try", json={"text": "I want to talk to a person"})).json()
    assert answer["steps"][-1]["skill"] == "review"
    assert answer["steps"][-1]["told"] == [{"text": "waits for a person", "label": None, "tone": "warn"}]
    assert answer["handoff"]
    assert answer["request"] == {
        "severity": "P2",
        "proposal": answer["reply"],
        "actions": ["approve", "edit", "answer", "reject", "take_over"],
    }
    assert await rows(stocked) == before
    assert (await stocked.kim.get("/v1/review/escalations")).json()["items"] == []


async def test_a_trial_does_not_tell_whether_somebody_is_a_customer(service: Service) -> None:
    mail = Envelope(
        channel=EMAIL,
        provider_message_id="1",
        thread="1",
        address="dana@shop.example",
        verified=True,
        text="Hello",
    )
    await service.services.inbox.receive(mail, settle=timedelta(0))
    directory = PostgresDirectory(service.services.database, service.services.keyring)
    assert len(await directory.verified_owners([Claim("email", "dana@shop.example")])) == 1
    asked = {"text": "My address is dana@shop.example, where is my parcel?"}
    answer = (await service.kim.post("/v1/knowledge/try", json=asked)).json()
    assert [line["text"] for line in answer["steps"][0]["told"]] == ["not verified", "email dana@shop.example"]


async def test_a_trial_of_nothing_of_too_much_or_of_an_unknown_channel_is_refused(service: Service) -> None:
    for wrong in (
        {"text": ""},
        {"text": " \n"},
        {"text": "a\0"},
        {"text": "a" * (LONGEST + 1)},
        {"text": "a", "channel": "pigeon"},
        {"text": "a", "x": 1},
        {},
    ):
        answer = await service.kim.post("/v1/knowledge/try", json=wrong)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), wrong


async def test_a_policy_that_can_not_be_read_is_no_fault_of_who_tries(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[[rules]]\nname = 1\n")
    settings = settings_on(database_url, redis_url)
    settings.policy_file = policy
    async with running(settings) as service:
        answer = await service.kim.post("/v1/knowledge/try", json={"text": "Where is my parcel?"})
        assert (answer.status_code, answer.json()["title"]) == (500, "The service is not set up")
        policy.write_text((files("skills.escalate") / DEFAULT_NAME).read_text("utf-8"))
        assert (await service.kim.post("/v1/knowledge/try", json={"text": "Where is my parcel?"})).status_code == 200


async def rows(service: Service) -> dict[str, int]:
    async with service.services.database.connection() as connection:
        cursor = await connection.execute(
            "select (select count(*) from customers) as customers, (select count(*) from cases) as cases,"
            " (select count(*) from messages) as messages, (select count(*) from turns) as turns,"
            " (select count(*) from escalations) as escalations, (select count(*) from checkpoints) as checkpoints,"
            " (select count(*) from outbox) as outbox, (select count(*) from events) as events"
        )
        (counted,) = await cursor.fetchall()
    return dict(counted)


async def test_nobody_else_reads_the_articles(service: Service) -> None:
    for path in ("articles", f"articles/{uuid4()}", f"articles/{uuid4()}/versions", "check"):
        assert (await service.customer.get(f"/v1/knowledge/{path}")).status_code == 401
    assert (await service.customer.post("/v1/knowledge/search", json={"text": "a"})).status_code == 401
    assert (await service.customer.post("/v1/knowledge/try", json={"text": "a"})).status_code == 401
