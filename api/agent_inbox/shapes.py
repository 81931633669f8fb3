"""The two shapes in which LangChain's tools ask a person, and the two in which the person answers.

``HumanInterrupt`` is Agent Inbox's own (``action_request``, ``config``, ``description``), answered by a list with one
``{"type": accept | edit | response | ignore, "args": …}``. ``HITLRequest`` is that of langchain's
``HumanInTheLoopMiddleware`` (``action_requests``, ``review_configs``), answered by ``{"decisions": [{"type": approve |
edit | reject | respond, …}]}``. Either answer is taken for either request: Agent Inbox shows both and always answers in
the first.

===========  ===========  ============================================================
first shape  second       here
===========  ===========  ============================================================
accept       approve      approve: the proposal is sent
edit         edit         edit: this text is sent; answer, where there is no proposal
response     reject       reject: the agent is told why and writes another draft
-            respond      answer: this text is sent instead
ignore       -            take_over: whoever ignores it has the case, the agent is silent
===========  ===========  ============================================================

What is typed as a ``response`` goes to the agent, never to the customer: Agent Inbox heads its field "Respond to
assistant", and fills it where langchain allows ``reject``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graph.review import make_decision
from skills.errors import BadRequestError
from skills.turn import Decision

ACTION = "send_reply"
"""What the agent asks leave for, in the second shape."""
ARGUMENT = "text"
"""Its only argument: what the customer will read."""

_FIRST = '[{"type": "accept" | "edit" | "response" | "ignore", "args": …}]'
_SECOND = '{"decisions": [{"type": "approve" | "edit" | "reject" | "respond", …}]}'


def human_interrupt(title: str, description: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request in Agent Inbox's own shape.

    Args:
        title: stands in the list.
        description: Markdown.
        request: the review request (``graph.review.ReviewRequest``).
    """
    offered = request["actions"]
    return {
        "action_request": {"action": title, "args": {ARGUMENT: request["proposal"]}},
        "config": {
            "allow_accept": "approve" in offered,
            "allow_edit": "edit" in offered or "answer" in offered,
            "allow_respond": "reject" in offered,
            "allow_ignore": "take_over" in offered,
        },
        "description": description,
    }


def hitl_request(description: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request in the shape of langchain's middleware.

    ``args`` is langchain's name since 1.0, ``arguments`` the one before, which Agent Inbox still reads.
    """
    offered, args = request["actions"], {ARGUMENT: request["proposal"]}
    allowed = {
        "approve": "approve" in offered,
        "edit": "edit" in offered or "answer" in offered,
        "reject": "reject" in offered,
        "respond": "answer" in offered,
    }
    return {
        "action_requests": [{"name": ACTION, "args": args, "arguments": args, "description": description}],
        "review_configs": [
            {"action_name": ACTION, "allowed_decisions": [name for name, may in allowed.items() if may]}
        ],
    }


def decision_in(answer: object, *, reviewer: str, offered: Sequence[str]) -> Decision:
    """The decision that an answer is.

    Args:
        answer: as it came in ``command.resume``, in either shape.
        reviewer: whose it is.
        offered: the actions of the request; whether the decision is among them is judged where it is taken.

    Raises:
        BadRequestError: it has neither shape, or lacks what its type needs.
    """
    if isinstance(answer, Mapping) and "decisions" in answer:
        return _second(_only(answer["decisions"]), reviewer, offered)
    return _first(_only(answer) if isinstance(answer, list) else answer, reviewer, offered)


def accepted_text(answer: object) -> str | None:
    """The text that an ``accept`` sent back, as Agent Inbox does; approving it means this text and no other."""
    one = answer[0] if isinstance(answer, list) and answer else answer
    return _argument(one.get("args")) if isinstance(one, Mapping) and one.get("type") == "accept" else None


def _first(one: object, reviewer: str, offered: Sequence[str]) -> Decision:
    kind, args = (one.get("type"), one.get("args")) if isinstance(one, Mapping) else (None, None)
    match kind:
        case "accept":
            return make_decision(action="approve", reviewer=reviewer)
        case "edit":
            return _edit(_argument(args), reviewer, offered)
        case "response":
            return make_decision(action="reject", reviewer=reviewer, reason=args)
        case "ignore":
            return make_decision(action="take_over", reviewer=reviewer)
        case _:
            raise BadRequestError("that answers nothing", hint=f"{_FIRST} or {_SECOND}")


def _second(one: object, reviewer: str, offered: Sequence[str]) -> Decision:
    given = one if isinstance(one, Mapping) else {}
    match given.get("type"):
        case "approve":
            return make_decision(action="approve", reviewer=reviewer)
        case "edit":
            action = given.get("edited_action")
            if isinstance(action, Mapping) and action.get("name") != ACTION:
                raise BadRequestError("an edit can't make another action of it", hint=f"its name stays {ACTION}")
            return _edit(_argument(action), reviewer, offered)
        case "reject":
            return make_decision(action="reject", reviewer=reviewer, reason=given.get("message"))
        case "respond":
            return make_decision(action="answer", reviewer=reviewer, text=given.get("message"))
        case _:
            raise BadRequestError("that decides nothing", hint=_SECOND)


def _edit(text: str | None, reviewer: str, offered: Sequence[str]) -> Decision:
    """Agent Inbox has no other field for a text of one's own, so where nothing is proposed an edit is an answer."""
    if text is None:
        raise BadRequestError(
            "an edit brings the text to send", hint=f'{{"args": {{"{ARGUMENT}": "…"}}}} is the action'
        )
    return make_decision(action="edit" if "edit" in offered else "answer", reviewer=reviewer, text=text)


def _argument(action: object) -> str | None:
    """The text in ``{"action" or "name": …, "args": {"text": …}}``; edited values come back as strings."""
    args = action.get("args") if isinstance(action, Mapping) else None
    text = args.get(ARGUMENT) if isinstance(args, Mapping) else None
    return text if isinstance(text, str) else None


def _only(many: object) -> object:
    if not isinstance(many, list) or len(many) != 1:
        raise BadRequestError("one thing is asked here, so one answer is needed", hint=f"{_FIRST} or {_SECOND}")
    return many[0]
