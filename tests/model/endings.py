"""The end of a case in the model: who resolves it, what opens it again, and what is asked about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills.conclude import text_for
from skills.errors import ConflictError
from tests.model.things import UNSETTLED, Conversation, Job, Refusal, Text

if TYPE_CHECKING:
    from tests.model.reference import Case

SOLVED, THANKS = "that solved it", "thanks"
HANDED_BACK, NOT_HELPED = text_for(None, "hand_back"), text_for(None, "not_helped")
NOTES = ("A colleague will look at this.", "It went wrong.", HANDED_BACK)
_IN_HISTORY = 20


def hears_that_it_is_solved(case: Case, texts: tuple[Text, ...]) -> bool:
    """Whether a turn over these texts concludes that the matter is settled."""
    history = [text for text in case.texts if text.state != "waiting"][-_IN_HISTORY:]
    answered = any(text.author in {"agent", "human"} for text in history)
    return answered and all(text.words.startswith(SOLVED) for text in texts)


def has_met_a_person(case: Case) -> bool:
    """Whether the customer has heard of a person since they last heard that the agent answers."""
    heard = [text for text in case.texts if text.author == "human" or text.words in NOTES]
    return bool(heard) and heard[-1].words != HANDED_BACK


def end(case: Case, how: str) -> None:
    """The case is resolved, unless something waits in it."""
    if case.having("waiting", "human"):
        return
    case.status, case.resolved_by, case.over = "resolved", how, False
    case.conversation.ended.append(case)
    answers = [text for text in case.texts if text.author in {"agent", "human"} and text.delivery != "failed"]
    if answers and not case.dead_letters:
        case.surveys[case.resolution_number] = None
    case.seen[f"resolved by {how}"] += 1


def begin_again(case: Case) -> Refusal:
    """A resolved case is opened again; an open one stays as it is."""
    if case.status == "open":
        return None
    if case.conversation.open_case is not None:
        return ConflictError
    if case.surveys.get(case.resolution_number, "none") is None:
        case.surveys[case.resolution_number] = "reopened"
    case.status, case.resolved_by = "open", None
    case.resolution_number += 1
    case.conversation.ended.remove(case)
    case.seen["reopened"] += 1
    return None


def at_rest(case: Case) -> bool:
    """Whether nothing waits, works or is decided."""
    working = case.due is not None or (case.held and not case.expired)
    return not (case.paused or working or case.having("waiting", "human"))


def silence_falls(case: Case) -> bool:
    """A scheduler looks at a case after a long silence; whether it is over."""
    newest = case.texts[-1]
    sending = any(text.delivery in UNSETTLED for text in case.conversation.outbox)
    lost = newest.delivery == "failed" and not newest.settled
    if case.status != "open" or not at_rest(case) or sending or lost:
        return False
    if case.owner == "human":
        if newest.author != "human":
            return False
        case.return_to_agent()
    end(case, "silence")
    return True


def press(talk: Conversation, *, helped: bool) -> Refusal:
    """The customer says by a button whether it helped."""
    case = talk.open_case or talk.ended[-1]
    if helped:
        if case.status == "resolved":
            return None
        if not at_rest(case):
            return ConflictError
        if case.owner == "human":
            case.return_to_agent()
        end(case, "customer")
        return None
    if case.status == "resolved":
        if case.over:
            return ConflictError
        begin_again(case)
    elif case.owner == "human" or not at_rest(case):
        return None
    if case.texts[-1].author in {"agent", "human"}:
        case.say("system", NOT_HELPED)
        case.seen["offered a person"] += 1
    return None


def conclude(case: Case, job: Job) -> None:
    """A turn has replied to somebody who says that it is solved."""
    if job.review is None and job.solved:
        end(case, "turn")
