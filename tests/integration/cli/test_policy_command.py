from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from api.commands.policy import _situation
from api.trying import make_turn
from graph.build import build_graph
from skills.errors import BadRequestError, PolicyError
from skills.turn import Finding, Guarding, Intent
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore
from tests.integration.cli.shop import write_shop
from tests.trivial import OfTurn, trivial_skills

OTHER = """
[[rule]]
name = "asked_for_human"
severity = "P1"
explanation = "The customer asks for a person"
when = { mentions = ["a human"] }

[[rule]]
name = "delivery"
severity = "P3"
explanation = "It is about delivery"
when = { mentions = ["delivery"] }
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    file = tmp_path / "other.toml"
    file.write_text(OTHER, encoding="utf-8")
    return file


@pytest.fixture
def shop(csagent: Csagent, tmp_path: Path) -> Csagent:
    """``csagent`` with the articles of a shop."""
    assert csagent("knowledge", "add", str(write_shop(tmp_path / "help"))).exit_code == 0
    return csagent


def test_a_text_is_explained_with_what_holds_what_nearly_does_and_how_soon_a_person_looks(shop: Csagent) -> None:
    shown = shop("policy", "explain", "I will sue you. How can I cancel my order? It cost 450 €").stdout
    assert "a person decides, P2: within 1 h" in shown
    held, _, nearly = shown.partition("These nearly do")
    assert "says “will sue”" in held
    assert "says “cancel my”, which is set aside" in " ".join(nearly.split())
    assert "names “450 €”; more than 500 is asked for" in " ".join(nearly.split())
    assert max(map(len, shown.splitlines())) <= 80


def test_json_has_every_rule_with_its_conditions(shop: Csagent) -> None:
    asked = ("policy", "explain", "How long does standard delivery take?", "--earlier-cases", "3", "--json")
    told = json.loads(shop(*asked).stdout)
    assert (told["escalated"], told["severity"], told["deadline_seconds"]) == (True, "P2", 3600)
    rules = {rule["rule"]: rule for rule in told["rules"]}
    assert [name for name, rule in rules.items() if rule["holds"]] == ["repeat_contact"]
    assert rules["repeat_contact"]["conditions"][1] == {
        "condition": "earlier_cases_at_least", "wanted": 3, "found": 3, "holds": True, "set_aside": [],
        "told": "earlier cases is 3; at least 3 is asked for",
    }  # fmt: skip


def test_another_file_is_explained_and_why_its_rules_do_not_hold(shop: Csagent, other: Path) -> None:
    shown = shop("policy", "explain", "Where is my parcel?", "--policy", str(other), "--all").stdout
    assert "nobody needs to be asked" in shown
    assert shown.count("says none of its 1 phrases") == 2


def test_a_good_policy_is_counted_and_a_bad_one_told_whole(csagent: Csagent, other: Path, tmp_path: Path) -> None:
    assert (
        csagent("policy", "check", str(other)).stdout == "other.toml: 2 rules (1 of P1, 0 of P2, 1 of P3), no fault\n"
    )
    assert "the shipped policy" in csagent("policy", "check").stdout
    bad = tmp_path / "bad.toml"
    bad.write_text(OTHER.replace('"P1"', '"p1"').replace("mentions", "mention"), encoding="utf-8")
    result = csagent("policy", "check", str(bad))
    assert result.exit_code == 1
    assert "3 faults" in result.stderr
    assert "did you mean “mentions”?" in " ".join(result.stderr.split())
    assert isinstance(csagent("policy", "dry-run", str(bad)).exception, PolicyError)


def test_a_dry_run_shows_what_would_have_changed_and_is_written_down(
    shop: Csagent, with_core: WithCore, other: Path
) -> None:
    async def talks(core: Core) -> None:
        for n, text in enumerate(("How long does standard delivery take?", "a human please", "I will sue you")):
            receipt = await core.write(f"talk {n}", text)
            await core.work(receipt.case_id)

    async def reads(core: Core) -> int:
        return len(await core.rows("select from events where kind = 'case.read' and actor = 'kim'"))

    with_core(talks)
    told = json.loads(shop("policy", "dry-run", str(other), "--as", "kim", "--json").stdout)
    assert (told["turns"], told["escalated"], told["escalated_by_other"]) == (3, 2, 2)
    assert {kind: change["turns"] for kind, change in told["changes"].items()} == {
        "newly_escalated": 1, "no_longer_escalated": 1, "more_urgent": 1, "less_urgent": 0, "other_rules": 0,
    }  # fmt: skip
    assert told["changes"]["no_longer_escalated"]["examples"][0]["text"] == "I will sue you"
    assert with_core(reads) == 3
    shown = shop("policy", "dry-run", str(other), "--since", "2h", "--examples", "1").stdout
    assert "newly escalated: 1 of 3 (33.3%)" in shown
    assert "answered → P3 delivery" in shown
    assert "nothing would have changed" not in shown


def test_a_span_or_a_file_that_makes_no_sense_is_refused(csagent: Csagent, other: Path) -> None:
    assert "no span of time" in str(csagent("policy", "dry-run", str(other), "--since", "soon").exception)
    assert isinstance(csagent("policy", "dry-run", "nowhere.toml").exception, BadRequestError)
    assert isinstance(csagent("policy", "explain", " ").exception, BadRequestError)


def test_where_nothing_was_said_nothing_is_tried(csagent: Csagent, other: Path) -> None:
    assert "no turn has ended since" in csagent("policy", "dry-run", str(other)).stdout


async def test_what_the_guards_and_the_intent_say_is_asked_of_the_policy_too() -> None:
    async def found_something(_: OfTurn) -> dict[str, Guarding]:
        return {"guarding": Guarding((Finding("secret", "it asks for a password", "Tell us your password."),))}

    async def intends(_: OfTurn) -> dict[str, Intent]:
        return {"intent": Intent("refund", "refund", 0.9, "in")}

    graph = build_graph(replace(trivial_skills(), guard=found_something, intent=intends))
    now = await _situation(graph, make_turn("Where is my money?", channel="chat", name=None))
    assert [objection.guard for objection in now.objections] == ["secret"]
    assert now.intent == Intent("refund", "refund", 0.9, "in")
