"""`csagent knowledge` over time: pages that are fetched, versions, dates, the report, another model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from skills.errors import BadRequestError, ConfigurationError, KnowledgeFileError, NotFoundError, SupportError
from tests.emulators.openai_server import DIMENSIONS, KEY, OpenAIServer
from tests.integration.cli.conftest import Csagent
from tests.unit.knowledge.misbehaving_site import Site, a_site, file, page, sitemap, unchanging


def refused(result: Result, kind: type[SupportError], why: str) -> None:
    assert isinstance(result.exception, kind)
    assert why in str(result.exception)


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as running:
        yield running


@pytest.fixture
def article(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    folder.mkdir()
    (folder / "fee.md").write_text("# Fee\n\nA return costs four euros.\n")
    return folder / "fee.md"


def test_the_pages_of_a_sitemap_are_added_and_a_second_run_fetches_what_changed(csagent: Csagent, site: Site) -> None:
    site.pages["/a"] = unchanging("Returns", "Thirty days.")
    site.pages["/b"] = page("Lamps", "They shine.")
    site.pages["/sitemap.xml"] = file(sitemap(site.url("/a"), site.url("/b"), site.url("/c")), "text/xml")
    url = site.url("/sitemap.xml")
    refused(csagent("knowledge", "add", url), KnowledgeFileError, "not a public address")
    command = ("knowledge", "add", url, "--source", "shop", "--allow-network", "127.0.0.1", "--limit", "3")
    assert "shop: 2 added" in csagent(*command).stdout
    site.pages["/b"] = page("Lamps", "They shine brightly.")
    again = csagent(*command)
    assert "shop: 1 changed, 1 unchanged" in again.stdout
    assert again.exit_code == 0
    found = json.loads(csagent("knowledge", "search", "how long for returns?", "--json").stdout)
    assert found[0]["url"] == site.url("/a")
    site.pages["/sitemap.xml"] = file(sitemap(site.url("/b")), "text/xml")
    assert "shop: 1 unchanged, 1 removed" in csagent(*command, "--prune").stdout


def test_a_history_is_shown_and_an_earlier_version_comes_back(csagent: Csagent, article: Path) -> None:
    csagent("knowledge", "add", str(article.parent), "--as", "kim")
    article.write_text("# Fee\n\nA return costs five euros.\n")
    csagent("knowledge", "add", str(article.parent), "--as", "sam")
    history = json.loads(csagent("knowledge", "history", "fee.md", "--json").stdout)
    assert [(line["version"], line["change"], line["changed_by"]) for line in history["versions"]] == [
        (2, "changed", "sam"),
        (1, "added", "kim"),
    ]
    assert "four euros" in csagent("knowledge", "show", "help/fee.md", "--version", "1").stdout
    assert "five euros" in csagent("knowledge", "show", "help/fee.md").stdout
    assert "version 1 of help/fee.md is back" in csagent("knowledge", "restore", "fee.md", "--version", "1").stdout
    assert "1 unchanged" in csagent("knowledge", "add", str(article.parent)).stdout
    assert "four euros" in csagent("knowledge", "search", "what does a return cost").stdout
    assert "restored" in csagent("knowledge", "history", "fee.md").stdout
    refused(csagent("knowledge", "show", "nothing"), NotFoundError, "has versions")


def test_what_is_wrong_is_listed(csagent: Csagent, article: Path) -> None:
    assert "nothing to look at" in csagent("knowledge", "check").stdout
    (article.parent / "terms.md").write_text("---\nexpires: 2020-01-01\n---\n# Old terms\n\nSee [the fee](costs.md).\n")
    (article.parent / "faq.csv").write_text("question,answer\nWhat is the fee?,A return costs 5 euros.\n")
    csagent("knowledge", "add", str(article.parent))
    told = csagent("knowledge", "check").stdout
    assert "1 conflict, 1 expired, 1 broken link" in told
    findings = json.loads(csagent("knowledge", "check", "--json").stdout)["findings"]
    assert [finding["kind"] for finding in findings] == ["conflict", "expired", "broken_link"]
    assert findings[0]["other"]["slug"] == "fee.md"


def test_another_model_takes_over_and_searches_follow_it(
    csagent: Csagent, article: Path, surroundings: pytest.MonkeyPatch
) -> None:
    csagent("knowledge", "add", str(article.parent))
    refused(csagent("knowledge", "reindex", "--model", "tiny"), ConfigurationError, "OPENAI_API_KEY")
    with OpenAIServer() as server:
        surroundings.setenv("OPENAI_API_KEY", KEY)
        surroundings.setenv("OPENAI_BASE_URL", server.url)
        told = csagent("knowledge", "reindex", "--model", "tiny", "--dimensions", str(DIMENSIONS), "--grace", "0")
        assert told.stdout == "tiny answers now; 1 model dropped: minilm-l6-v2\n"
        asked = len(server.requests)
        assert "four euros" in csagent("knowledge", "search", "what does a return cost?").stdout
        assert len(server.requests) == asked + 1
        assert csagent("knowledge", "reindex", "--model", "minilm", "--grace", "0").exit_code == 0
        assert "four euros" in csagent("knowledge", "search", "what does a return cost?").stdout
        assert len(server.requests) == asked + 1


def test_mistakes_are_refused_before_anything_begins(csagent: Csagent, article: Path) -> None:
    refused(csagent("knowledge", "add", str(article), str(article), "--source", "a"), BadRequestError, "one source")
    refused(csagent("knowledge", "add", str(article), "--expires", "soon"), KnowledgeFileError, "not a date")
    refused(csagent("knowledge", "add", str(article), "--allow-network", "here"), KnowledgeFileError, "not a network")
    refused(csagent("knowledge", "add", "https://kim:secret@shop.example/"), KnowledgeFileError, "password")
