from __future__ import annotations

import json
from pathlib import Path

import pytest

from skills.errors import BadRequestError, NotFoundError
from tests.integration.cli.conftest import Csagent


def test_an_incident_is_opened_told_and_ended_in_a_terminal(csagent: Csagent) -> None:
    incident = csagent("status", "open", "Mails wait", "--severity", "P1", "--part", "form").stdout.strip()
    told = csagent("status", "update", incident, "resolved", "All mails are delivered.")
    assert (told.exit_code, told.stdout) == (0, "it is public\n")
    assert csagent("status", "report", incident, "--text", "A disk was full.").stdout == "the report is public\n"
    shown = json.loads(csagent("status", "show", "--json").stdout)["incidents"][0]
    assert (shown["title"], shown["updates"][0]["phase"], shown["report"]) == (
        "Mails wait",
        "resolved",
        "A disk was full.",
    )
    assert "Mails wait" in csagent("status", "show").stdout
    for arguments, error in {
        ("update", "ffffffff", "resolved", "x"): NotFoundError,
        ("update", incident, "over", "x"): BadRequestError,
        ("open", "x", "--severity", "P9", "--part", "chat"): BadRequestError,
        ("plan", "x", "y", "soon", "later", "--part", "chat"): BadRequestError,
    }.items():
        assert isinstance(csagent("status", *arguments).exception, error), arguments


def test_files_for_another_host_are_written_where_nothing_runs(
    without_servers: Csagent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSAGENT_COMPANY__NAME", "Example Shop")
    told = without_servers("status", "export", "--to", str(tmp_path / "site"), "--origin", "http://127.0.0.1:9")
    assert told.exit_code == 0, told.output
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Example Shop status" in page
    assert "can&#39;t be reached from here now" in page
