from __future__ import annotations

import json
from pathlib import Path

import pytest

from skills.errors import BadRequestError
from tests.integration.cli.conftest import Csagent
from tests.integration.cli.shop import write_shop

SKILLS = ["identify", "sentiment", "retrieve", "intent", "conclude", "respond", "guard", "escalate", "adapt"]


@pytest.fixture
def shop(csagent: Csagent, tmp_path: Path) -> Csagent:
    """``csagent`` with the articles of a shop."""
    assert csagent("knowledge", "add", str(write_shop(tmp_path / "help"))).exit_code == 0
    return csagent


def test_a_question_is_answered_with_what_each_skill_found(shop: Csagent) -> None:
    result = shop("ask", "How long does standard delivery take? Write to ada@shop.example", "--name", "Ada")
    assert result.exit_code == 0
    steps = [line.split()[0] for line in result.stdout.splitlines() if " ms " in line]
    assert sorted(steps) == sorted(SKILLS)
    assert "claims  email ada@shop.example" in result.stdout
    assert "nobody needs to be asked" in result.stdout
    assert "no objection" in result.stdout
    assert "nothing concluded" in result.stdout
    assert "topic  Delivery times, confidence" in result.stdout
    assert "waits for a person" not in result.stdout
    _, _, reply = result.stdout.partition("The customer gets\n")
    assert "Standard delivery takes three working days." in " ".join(reply.split())
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_who_wants_a_person_gets_a_note_and_the_person_the_proposal(shop: Csagent) -> None:
    result = shop("ask", "This is terrible, I want to talk to a human!")
    assert result.exit_code == 0
    assert "asked_for_human" in result.stdout
    assert result.stdout.count("waits for a person") == 1
    assert "The customer gets now" in result.stdout
    assert "A person is asked (P2)" in result.stdout
    assert "they may approve, edit, answer, reject, take_over" in result.stdout


def test_json_holds_every_finding(shop: Csagent) -> None:
    told = json.loads(shop("ask", "How long does standard delivery take?", "--json").stdout)
    assert {step["skill"] for step in told["steps"]} == set(SKILLS)
    assert all(step["milliseconds"] >= 0 for step in told["steps"])
    assert told["answered_now"] is True
    assert "three working days" in told["reply"]
    paused = json.loads(shop("ask", "I want to talk to a human", "--json").stdout)
    assert paused["answered_now"] is False
    assert paused["steps"][-1]["skill"] == "review"
    assert paused["handoff"]


def test_nothing_is_stored(shop: Csagent) -> None:
    shop("ask", "I want to talk to a human")
    assert json.loads(shop("escalations", "list", "--json").stdout) == []


def test_an_empty_question_is_refused(csagent: Csagent) -> None:
    assert isinstance(csagent("ask", "  ").exception, BadRequestError)
