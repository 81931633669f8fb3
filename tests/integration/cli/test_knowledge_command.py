from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from api.commands.knowledge_add import progress_bar
from skills.errors import KnowledgeFileError, NotFoundError
from tests.integration.cli.conftest import Csagent


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "help"
    folder.mkdir()
    (folder / "returns.md").write_text("# Returns\n\nYou can return a lamp within 30 days.\n")
    (folder / "delivery.md").write_text("# Delivery\n\nA parcel takes three working days.\n")
    return folder


def test_articles_are_added_listed_found_and_removed(csagent: Csagent, articles: Path) -> None:
    added = csagent("knowledge", "add", str(articles))
    assert (added.exit_code, added.stdout.splitlines()[0].partition(" in ")[0]) == (0, "help: 2 added")
    listed = csagent("knowledge", "list")
    assert "help    en        public           2         2" in listed.stdout
    found = csagent("knowledge", "search", "How long does a parcel take?", "--limit", "1")
    assert "Delivery" in found.stdout
    assert "Returns" not in found.stdout
    removed = csagent("knowledge", "remove", "help", "--yes")
    assert removed.stdout == "removed 2 articles of help\n"
    assert "there are no articles yet" in csagent("knowledge", "list").stdout
    assert "nothing was found" in csagent("knowledge", "search", "parcel").stdout


def test_a_second_import_touches_nothing_and_prune_removes_what_is_gone(csagent: Csagent, articles: Path) -> None:
    csagent("knowledge", "add", str(articles))
    assert "help: 2 unchanged" in csagent("knowledge", "add", str(articles)).stdout
    (articles / "delivery.md").unlink()
    assert "help: 1 unchanged, 1 removed" in csagent("knowledge", "add", str(articles), "--prune").stdout


def test_unreadable_files_are_listed_with_exit_code_1_and_the_others_go_in(csagent: Csagent, articles: Path) -> None:
    (articles / "old.txt").write_bytes(b"Caf\xe9")
    (articles / "logo.png").write_bytes(b"\x89PNG")
    result = csagent("knowledge", "add", str(articles))
    assert result.exit_code == 1
    assert "2 added" in result.stdout
    assert "1 file of other formats left out" in result.stdout
    assert "1 problem:" in result.stderr
    assert "old.txt, line 1: is not UTF-8" in result.stderr
    assert "save it as UTF-8" in result.stderr


def test_json_for_scripts(csagent: Csagent, articles: Path) -> None:
    csagent("knowledge", "add", str(articles), "--source", "faq", "--audience", "customers", "--language", "de")
    (counted,) = json.loads(csagent("knowledge", "list", "--json").stdout)
    assert (counted["source"], counted["audience"], counted["language"], counted["articles"]) == (
        "faq",
        "customers",
        "de",
        2,
    )
    assert json.loads(csagent("knowledge", "search", "parcel", "--json").stdout) == []
    found = json.loads(csagent("knowledge", "search", "parcel", "--json", "--audience", "customers").stdout)
    assert found[0]["title"] == "Delivery"
    assert 0 < found[0]["similarity"] < 1


def test_a_removal_is_asked_about_and_no_means_no(csagent: Csagent, articles: Path) -> None:
    csagent("knowledge", "add", str(articles))
    refused = csagent("knowledge", "remove", "help", typed="n\n")
    assert refused.exit_code == 1
    assert "Remove 2 articles of help?" in refused.stderr
    assert "help" in csagent("knowledge", "list").stdout


def test_a_source_that_is_not_there_is_named(csagent: Csagent) -> None:
    result = csagent("knowledge", "remove", "nothing", "--yes")
    assert isinstance(result.exception, NotFoundError)
    assert str(result.exception) == "there is no source 'nothing'"


def test_a_wrong_path_is_told_before_any_server_is_looked_for(without_servers: Csagent) -> None:
    result = without_servers("knowledge", "add", "nowhere")
    assert isinstance(result.exception, KnowledgeFileError)
    assert str(result.exception) == "there is no file or folder nowhere"


def test_whoever_watches_sees_the_progress() -> None:
    shown = StringIO()
    with progress_bar(Console(file=shown, force_terminal=True, width=80, _environ={}), "adding") as told:
        assert told is not None
        told(3, 4)
    assert "3/4" in shown.getvalue()
