"""The suites against a server that speaks OpenAI's protocol: two variables set, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evals.__main__ import main
from tests.emulators.openai_answers import ChatRequest
from tests.emulators.openai_server import KEY, SERVER_ERROR, OpenAIServer
from tests.unit.evals.test_mtrag import a_task, write

PARIS = {"document_id": "p-1", "text": "The museum opened in 1921. It stands in Paris.", "title": "Museum"}


def grounded(chat: ChatRequest) -> dict[str, Any]:
    """Quotes the first passage's first sentence; of prices it knows nothing."""
    passage = re.findall(r"<passage-1-.*?>\n.*?\n(.*?)\n?</passage-1-", chat.material, re.DOTALL)[0].strip()
    sentence = passage.partition(".")[0] + "."
    if "cost" in chat.material:
        return {"answer": "", "answered": False, "citations": [], "language": "en"}
    citations = [{"passage": 1, "sentence": sentence}]
    return {"answer": sentence, "answered": True, "citations": citations, "language": "en"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tasks = [
        a_task(f"{kind} {n}", question, label=label, contexts=contexts)
        for n in range(4)  # so that both halves have both kinds
        for kind, question, label, contexts in [
            ("yes", f"When did museum number {n} open?", "ANSWERABLE", [PARIS]),
            ("no", f"What does ticket number {n} cost?", "UNANSWERABLE", []),
        ]
    ]
    return write(tmp_path / "data", *tasks)


async def run(data: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    await main(["--only", "abstention", "--data", str(data), *more])
    line: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line


async def test_a_suite_runs_against_a_server_and_a_second_time_without_a_call(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer() as server:
        server.respond_with(grounded)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        first = await run(data, capsys)
        assert first["model"] == "gpt-5-mini"
        assert first["mtrag_balanced_acc"] == 1.0
        assert first["abstention_calls"] == {"kept": 0, "made": 8, "failed": 0, "tokens_in": 8, "tokens_out": 8}
        assert len(server.requests) == 8
        second = await run(data, capsys)
        assert len(server.requests) == 8
        assert second["abstention_calls"] == {"kept": 8, "made": 0, "failed": 0, "tokens_in": 0, "tokens_out": 0}
        assert second["mtrag_balanced_acc"] == first["mtrag_balanced_acc"]
        server.otherwise(SERVER_ERROR)
        monkeypatch.setenv("CSAGENT_MODEL__DEADLINE_SECONDS", "0.2")
        third = await run(data, capsys, "--no-cache")
        assert third["abstention_calls"]["kept"] == 0
        assert third["abstention_calls"]["failed"] > 0
        assert third["mtrag_answered"] == 0.0
