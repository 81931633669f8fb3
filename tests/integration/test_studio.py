"""`langgraph dev` with the project's own langgraph.json, over its HTTP API."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.agent import openai_chat
from api.studio import graph, prepare, receive
from infra.settings import read_settings
from skills.errors import BadRequestError, ConfigurationError
from tests.integration.cli.shop import write_shop

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A running `langgraph dev` on articles of our own."""
    folder = tmp_path_factory.mktemp("studio")
    articles = write_shop(folder / "articles")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CSAGENT_STUDIO_ARTICLES": str(articles),
        "CSAGENT_MODEL__CHAT": "embedded",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "langgraph_cli", "dev", "--config", str(PROJECT / "langgraph.json")),
                *("--no-browser", "--no-reload", "--port", str(port)),
            ],
            cwd=PROJECT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0) as client:
            wait_until_ready(client, process, log)
            yield client
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/ok").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)  # a child process gives nothing to wait on until it listens
    pytest.fail(f"langgraph dev did not come up:\n{log.read_text(errors='replace')[-4000:]}")


def run(client: httpx.Client, thread: str, **what: Any) -> dict[str, Any]:
    response = client.post(f"/threads/{thread}/runs/wait", json={"assistant_id": "support", **what})
    response.raise_for_status()
    state: dict[str, Any] = response.json()
    assert "__error__" not in state, state
    return state


def new_thread(client: httpx.Client) -> str:
    return str(client.post("/threads", json={}).json()["thread_id"])


def test_an_ordinary_question_is_answered(studio: httpx.Client) -> None:
    state = run(studio, new_thread(studio), input={"text": "How long does standard delivery take?", "name": "Ada"})
    assert "Standard delivery takes three working days." in state["reply"]["text"]
    assert state["turn"]["customer"]["name"] == "Ada"
    assert state["retrieval"]["passages"][0]["title"] == "Delivery times"


def test_a_person_is_asked_and_the_thread_goes_on_with_what_they_decide(studio: httpx.Client) -> None:
    thread = new_thread(studio)
    paused = run(studio, thread, input={"text": "I want to talk to a human", "channel": "chat"})
    (interrupt,) = paused["__interrupt__"]
    assert interrupt["value"]["actions"] == ["approve", "edit", "answer", "reject", "take_over"]
    assert studio.get(f"/threads/{thread}/state").json()["next"] == ["review"]

    again = run(studio, thread, command={"resume": {"action": "reject", "reason": "too curt"}})
    (interrupt,) = again["__interrupt__"]
    assert interrupt["value"]["rejected"][0]["reason"] == "too curt"

    ended = run(studio, thread, command={"resume": {"action": "approve"}})
    assert "__interrupt__" not in ended
    assert ended["decision"]["action"] == "approve"
    assert ended["reply"]["text"] == interrupt["value"]["proposal"]
    assert studio.get(f"/threads/{thread}/state").json()["next"] == []


def test_studio_knows_the_form_of_the_input(studio: httpx.Client) -> None:
    (assistant,) = studio.post("/assistants/search", json={}).json()
    schema = studio.get(f"/assistants/{assistant['assistant_id']}/schemas").json()["input_schema"]
    assert set(schema["properties"]) == {"text", "channel", "name"}
    assert schema["required"] == ["text"]


async def test_a_message_without_text_is_refused() -> None:
    with pytest.raises(BadRequestError, match="there is no message"):
        await receive({"text": "  "})


async def test_the_graph_is_made_once_and_a_failed_preparation_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CSAGENT_STUDIO_ARTICLES", str(tmp_path))
    with pytest.raises(ConfigurationError, match="there is no article in"):
        await graph()
    (tmp_path / "delivery.md").write_text("# Delivery\n\nThree working days.\n")
    made = await graph()
    assert "receive" in made.nodes
    assert await graph() is made


async def test_a_model_is_used_where_there_is_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert openai_chat(read_settings()) is None
    monkeypatch.setenv("CSAGENT_MODEL__CHAT", "openai")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY is not set"):
        openai_chat(read_settings())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model = openai_chat(read_settings())
    assert model is not None
    assert model.name == read_settings().model.chat_name
    with pytest.raises(ConfigurationError, match="there is no article"):
        await prepare(read_settings(), tmp_path)
