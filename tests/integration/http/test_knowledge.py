"""The articles over HTTP, for the staff alone."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from infra.knowledge.ingest import Ingest
from infra.models.minilm import MiniLmEmbedder
from infra.postgres.articles import PostgresArticles
from tests.integration.http.conftest import Service
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


async def test_nobody_else_reads_the_articles(service: Service) -> None:
    for path in ("articles", f"articles/{uuid4()}", f"articles/{uuid4()}/versions", "check"):
        assert (await service.customer.get(f"/v1/knowledge/{path}")).status_code == 401
    assert (await service.customer.post("/v1/knowledge/search", json={"text": "a"})).status_code == 401
