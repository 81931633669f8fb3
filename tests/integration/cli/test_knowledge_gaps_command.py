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
    assert "no open questions" in csagent("knowledge", "gaps", "list").stdout
    with_core(an_open_question)
    assert QUESTION in csagent("knowledge", "gaps", "list").stdout
    (gap,) = json.loads(csagent("knowledge", "gaps", "list", "--json").stdout)
    assert (gap["questions"], gap["answers"]) == (1, 0)
    shown = csagent("knowledge", "gaps", "show", gap["id"][:20]).stdout
    assert f"version {gap['version']}" in shown
    assert "no person has answered yet" in shown
    decide = ("knowledge", "gaps", "approve", gap["id"], "--version", gap["version"])
    assert isinstance(csagent(*decide).exception, BadRequestError)
    (tmp_path / "answer.md").write_text("We engrave every can. Ask our Petra.\n")
    written = (*decide, "--title", "Engraving", "--file", str(tmp_path / "answer.md"), "--as", "kim")
    refused = csagent(*written).exception
    assert isinstance(refused, ConflictError)
    assert "--checked" in str(refused.hint)
    assert "is live" in csagent(*written, "--checked").stdout
    assert "Engraving" in csagent("knowledge", "search", QUESTION).stdout
    add = csagent("knowledge", "add", str(tmp_path / "answer.md"), "--source", "gaps").exception
    assert isinstance(add, BadRequestError)


def test_a_gap_is_dismissed(csagent: Csagent, with_core: WithCore) -> None:
    with_core(an_open_question)
    (gap,) = json.loads(csagent("knowledge", "gaps", "list", "--json").stdout)
    decide = ("knowledge", "gaps", "dismiss", gap["id"][:30], "--version", gap["version"], "--reason", "not_ours")
    assert "dismissed" in csagent(*decide).stdout
    assert "no open questions" in csagent("knowledge", "gaps", "list").stdout
