"""`csagent knowledge gaps`: an open question is listed, read, and becomes an article that a person wrote."""

from __future__ import annotations

import json
from pathlib import Path

from skills.errors import BadRequestError, ConflictError
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore

QUESTION = "Do you engrave watering cans?"


async def an_open_question(core: Core) -> None:
    receipt = await core.write("talk", QUESTION)
    await core.work(receipt.case_id)
    await core.rows("update turns set outcome = 'unanswered' returning 1")


def test_an_open_question_is_listed_read_and_answered_for_everybody(
    csagent: Csagent, with_core: WithCore, tmp_path: Path
) -> None:
    with_core(an_open_question)
    (gap,) = json.loads(csagent("knowledge", "gaps", "list", "--json").stdout)
    assert (gap["question"], gap["questions"], gap["answers"]) == (QUESTION, 1, 0)
    shown = csagent("knowledge", "gaps", "show", gap["id"][:20]).stdout
    assert f"version {gap['version']}" in shown
    assert "no person has answered yet" in shown
    (tmp_path / "answer.md").write_text("We engrave every can. Ask our Petra.\n")
    decide = ("knowledge", "gaps", "approve", gap["id"], "--version", gap["version"])
    written = (*decide, "--title", "Engraving", "--file", str(tmp_path / "answer.md"), "--as", "kim")
    refused = csagent(*written).exception
    assert isinstance(refused, ConflictError)
    assert "--checked" in str(refused.hint)
    assert "is live" in csagent(*written, "--checked").stdout
    assert "no open questions" in csagent("knowledge", "gaps", "list").stdout


def test_no_import_may_take_the_name_of_what_was_approved(without_servers: Csagent, tmp_path: Path) -> None:
    (tmp_path / "answer.md").write_text("# Engraving\n\nWe don't.\n")
    refused = without_servers("knowledge", "add", str(tmp_path / "answer.md"), "--source", "gaps").exception
    assert isinstance(refused, BadRequestError)
