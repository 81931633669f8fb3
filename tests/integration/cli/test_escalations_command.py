from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from api.commands.escalations import reader, unique_length
from infra.postgres.escalations import ReadEscalation
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import EscalationId
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore

PROPOSAL = "echo: a person please"


@pytest.fixture
def waiting(csagent: Csagent, with_core: WithCore) -> ReadEscalation:
    """An escalation that waits for a person."""

    async def escalate(core: Core) -> ReadEscalation:
        receipt = await core.write("talk", "a person please")
        await core.work(receipt.case_id)
        (queued,) = await core.reviews.queue()
        return await core.reviews.read(queued.id, reader="test")

    return with_core(escalate)


def said_after_the_worker(with_core: WithCore, case: ReadEscalation) -> list[str]:
    async def work(core: Core) -> list[str]:
        await core.work(case.case_id)
        await core.deliver()
        return await core.said("talk")

    return with_core(work)


def test_an_empty_queue_says_so(csagent: Csagent) -> None:
    assert csagent("escalations", "list").stdout == "nothing waits for a person\n"


def test_the_queue_shows_severity_time_left_rule_and_first_line(csagent: Csagent, waiting: ReadEscalation) -> None:
    shown = csagent("escalations", "list").stdout
    assert str(waiting.id)[:8] in shown
    for word in ("P2", "min left", "chat", "asked_for_human", "a person please"):
        assert word in shown
    (item,) = json.loads(csagent("escalations", "list", "--json").stdout)
    assert (item["id"], item["severity"], item["rules"]) == (str(waiting.id), "P2", ["asked_for_human"])


def test_a_queue_that_is_cut_short_says_of_how_many(
    csagent: Csagent, waiting: ReadEscalation, with_core: WithCore
) -> None:
    async def escalate(core: Core) -> None:
        receipt = await core.write("another", "a person please")
        await core.work(receipt.case_id)

    with_core(escalate)
    shown = csagent("escalations", "list", "--limit", "1")
    assert str(waiting.id)[:8] in shown.stdout
    assert shown.stderr == "the first 1 of 2; --limit shows more\n"


def test_show_gives_the_talk_the_proposal_the_reasons_and_the_version(
    csagent: Csagent, waiting: ReadEscalation
) -> None:
    shown = csagent("escalations", "show", str(waiting.id)[:13], "--as", "kim").stdout
    for word in (
        "What was said",
        "a person please",
        "asked_for_human",
        "Greet them.",
        PROPOSAL,
        waiting.version,
        "approve, edit",
    ):
        assert word in shown
    read = json.loads(csagent("escalations", "show", str(waiting.id), "--json").stdout)
    assert (read["version"], read["request"]["proposal"]) == (waiting.version, PROPOSAL)


def test_what_a_customer_writes_cannot_steer_the_terminal(csagent: Csagent, with_core: WithCore) -> None:
    async def escalate(core: Core) -> str:
        receipt = await core.write("talk", "a person \x1b]0;owned\x07 [bold]please[/bold]\n\u202etxet")
        await core.work(receipt.case_id)
        (queued,) = await core.reviews.queue()
        return str(queued.id)

    identifier = with_core(escalate)
    shown = csagent("escalations", "show", identifier).stdout + csagent("escalations", "list").stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "[bold]please[/bold]" in shown


def test_without_a_version_it_is_shown_and_asked_about(
    csagent: Csagent, waiting: ReadEscalation, with_core: WithCore
) -> None:
    result = csagent("escalations", "decide", str(waiting.id), "--action", "approve", "--as", "kim", typed="y\n")
    assert result.exit_code == 0
    assert PROPOSAL in result.stderr
    assert "Send the proposal above to the customer?" in result.stderr
    assert f"decided: approve; a worker applies it to case {waiting.case_id}" in result.stdout
    assert said_after_the_worker(with_core, waiting)[-1] == f"agent: {PROPOSAL}"


def test_no_decides_nothing(csagent: Csagent, waiting: ReadEscalation) -> None:
    result = csagent("escalations", "decide", str(waiting.id), "--action", "take_over", typed="n\n")
    assert result.exit_code == 1
    assert str(waiting.id)[:8] in csagent("escalations", "list").stdout


def test_nobody_approves_what_they_did_not_read(csagent: Csagent, waiting: ReadEscalation) -> None:
    result = csagent("escalations", "decide", str(waiting.id), "--action", "approve", "--yes")
    assert isinstance(result.exception, BadRequestError)
    assert str(result.exception) == "--yes needs --version"


def test_a_text_comes_from_a_file_or_standard_input(
    csagent: Csagent, waiting: ReadEscalation, with_core: WithCore, tmp_path: Path
) -> None:
    asked = csagent("escalations", "decide", str(waiting.id), "--action", "answer", "--text-file", "-", typed="Hello.")
    assert isinstance(asked.exception, BadRequestError)
    given = ("--version", waiting.version, "--yes")
    both = csagent(
        "escalations", "decide", str(waiting.id), "--action", "answer", "--text-file", "-", "--text", "x", *given
    )
    assert "exclude each other" in str(both.exception)
    missing = csagent("escalations", "decide", str(waiting.id), "--action", "edit", "--text-file", "no.txt", *given)
    assert str(missing.exception) == "no.txt can't be read: FileNotFoundError"
    (tmp_path / "answer.txt").write_text("It left us on Monday.")
    sent = csagent("escalations", "decide", str(waiting.id), "--action", "answer", "--text-file", "answer.txt", *given)
    assert sent.exit_code == 0
    assert said_after_the_worker(with_core, waiting)[-1] == "human: It left us on Monday."


def test_a_conflict_says_what_the_customer_has_written_since(
    csagent: Csagent, waiting: ReadEscalation, with_core: WithCore
) -> None:
    with_core(lambda core: core.write("talk", "never mind, I found it"))
    stale = csagent("escalations", "decide", str(waiting.id), "--action", "approve", "--version", waiting.version, "-y")
    assert isinstance(stale.exception, ConflictError)
    assert "the customer has written since:\n  never mind, I found it" in stale.stderr
    assert "version now" in stale.stderr
    shown = csagent("escalations", "show", str(waiting.id)).stdout
    assert "Written since" in shown


def test_who_comes_second_is_told_who_was_first(csagent: Csagent, waiting: ReadEscalation) -> None:
    given = ("--version", waiting.version, "--yes")
    first = csagent("escalations", "decide", str(waiting.id), "--action", "take_over", "--as", "kim", *given)
    assert first.exit_code == 0
    second = csagent("escalations", "decide", str(waiting.id), "--action", "approve", "--as", "lee")
    assert isinstance(second.exception, ConflictError)
    assert "decided: take_over by kim" in second.stderr
    assert "decided: take_over by kim" in csagent("escalations", "show", str(waiting.id)).stdout


def test_a_claim_is_shown(csagent: Csagent, waiting: ReadEscalation, with_core: WithCore) -> None:
    with_core(lambda core: core.reviews.claim(waiting.id, "lee"))
    assert "lee is at it" in csagent("escalations", "list").stdout
    assert "lee is at it" in csagent("escalations", "show", str(waiting.id)).stdout
    given = ("--version", waiting.version, "--yes", "--as", "kim")
    refused = csagent("escalations", "decide", str(waiting.id), "--action", "approve", *given)
    assert "lee is at it" in refused.stderr


def test_a_rejected_draft_is_shown_with_the_next_proposal(
    csagent: Csagent, waiting: ReadEscalation, with_core: WithCore
) -> None:
    given = ("--version", waiting.version, "--yes", "--as", "kim")
    csagent("escalations", "decide", str(waiting.id), "--action", "reject", "--reason", "too curt", *given)
    said_after_the_worker(with_core, waiting)
    (item,) = json.loads(csagent("escalations", "list", "--json").stdout)
    shown = csagent("escalations", "show", item["id"]).stdout
    assert "Rejected before: too curt" in shown
    assert f"{PROPOSAL} (again 1)" in shown


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [("0198", BadRequestError), ("not-an-id-at-all", BadRequestError), ("ffffffff", NotFoundError)],
)
def test_a_wrong_id_is_told_apart_from_a_missing_one(csagent: Csagent, identifier: str, kind: type[Exception]) -> None:
    assert isinstance(csagent("escalations", "show", identifier).exception, kind)


def test_a_beginning_that_several_ids_share_is_not_enough(csagent: Csagent, with_core: WithCore) -> None:
    async def three(core: Core) -> str:
        for talk in ("one talk", "another talk", "a third talk"):
            receipt = await core.write(talk, "a person please")
            await core.work(receipt.case_id)
        ids = sorted(str(item.id) for item in await core.reviews.queue())
        # Ids begin with their time: of three, two that follow each other share enough, also where a minute ends.
        shared = [one[:count] for one, other in pairwise(ids) for count in range(37) if one[:count] == other[:count]]
        return max(shared, key=len)

    result = csagent("escalations", "show", with_core(three))
    assert isinstance(result.exception, BadRequestError)
    assert "several ids begin with" in str(result.exception)


def test_ids_are_shown_as_long_as_it_takes_to_tell_them_apart() -> None:
    ids = [EscalationId(UUID(int=0xABC)), EscalationId(UUID(int=0xABD))]
    assert unique_length(ids) == 38
    assert unique_length(ids[:1]) == 8


def test_a_reviewer_without_a_name_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert reader(" kim ") == "kim"
    with pytest.raises(BadRequestError, match="nobody knows who you are"):
        reader(None)
