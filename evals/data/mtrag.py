"""MTRAG-UN (IBM, Apache-2.0): 507 conversation turns, each labelled by whether its passages answer it.

Every turn is a task of its own with the talk before it and the passages that its annotators found fit. All 97 turns
that nothing answers come with *no* passage at all: whoever counts the given passages has read the label. So the
passages of all turns are pooled into one knowledge base here, in which a turn has to find its own, and
``MtragTurn.gold`` only says which they would be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import NAMESPACE_OID, UUID, uuid5

from infra.knowledge.article import Article
from skills.errors import BadRequestError
from skills.language import ENGLISH
from skills.turn import CaseId, ChannelName, Customer, CustomerId, Message, MessageId, Turn, TurnId

FOLDER = "mtrag_un"
_FILE = "reference.jsonl"
_SOURCE = "mtrag"
_LONGEST_TITLE = 80
_HISTORY = 20
"""Earlier messages that a turn is given, as in the product."""

Answerability = Literal["ANSWERABLE", "PARTIAL", "UNANSWERABLE", "UNDERSPECIFIED"]


@dataclass(frozen=True, slots=True)
class MtragTurn:
    """One task: the turn as the product would be given it."""

    dialogue: str
    answerability: Answerability
    turn: Turn
    gold: frozenset[str]
    """Slugs of the articles that its annotators found fit."""
    development: bool
    """Which half it is in, by the SHA-256 of the dialogue's id."""

    @property
    def talk(self) -> str:
        """What was said, from the beginning to the question, one line a message."""
        return "\n".join(message.text for message in (*self.turn.history, *self.turn.messages))


@dataclass(frozen=True, slots=True)
class Mtrag:
    """The turns, and every passage that belongs to one of them as an article."""

    turns: tuple[MtragTurn, ...]
    articles: tuple[Article, ...]


def read_mtrag(data: Path) -> Mtrag:
    """Read the set from the folder of public data.

    Raises:
        BadRequestError: the file can't be read, or a line is not a task.
    """
    file = data / FOLDER / _FILE
    articles: dict[str, Article] = {}
    turns: list[MtragTurn] = []
    for number, task in _tasks(file):
        try:
            found = [_article(context) for context in task["contexts"]]
            turns.append(_turn(task, frozenset(article.slug for article in found)))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BadRequestError(f"{file.name}, line {number}: not a task: {error!r}") from error
        articles |= {article.slug: article for article in found}
    return Mtrag(tuple(turns), tuple(articles.values()))


def _tasks(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"{file} can't be read: {type(error).__name__}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            raise BadRequestError(f"{file.name}, line {number}: not JSON: {error}") from error


def _turn(task: Mapping[str, Any], gold: frozenset[str]) -> MtragTurn:
    dialogue = str(task["conversation_id"])
    label = task["answerability"][0]
    if label not in get_args(Answerability):
        raise ValueError(label)
    said = [_message(task["task_id"], number, each) for number, each in enumerate(task["input"])]
    if not said or said[-1].author != "customer":
        raise ValueError("the last message is not the customer's")
    return MtragTurn(
        dialogue=dialogue,
        answerability=label,
        turn=Turn(
            id=TurnId(_id(task["task_id"])),
            case_id=CaseId(_id(dialogue)),
            channel=ChannelName("chat"),
            customer=Customer(
                id=CustomerId(_id(dialogue)),
                name=None,
                verified=False,
                language=ENGLISH,
                segment="standard",
                earlier_cases=0,
            ),
            messages=(said[-1],),
            history=tuple(said[:-1][-_HISTORY:]),
            earlier_polarity=(),
            started_at=said[-1].received_at,
        ),
        gold=gold,
        development=hashlib.sha256(dialogue.encode()).digest()[-1] % 2 == 0,
    )


def _message(task: str, number: int, said: Mapping[str, Any]) -> Message:
    return Message(
        id=MessageId(_id(f"{task} {number}")),
        sequence=number + 1,
        author="customer" if said["speaker"] == "user" else "agent",
        text=str(said["text"]).strip(),
        received_at=datetime.fromtimestamp(said["metadata"]["created_at"], tz=UTC),
    )


def _article(context: Mapping[str, Any]) -> Article:
    text = str(context["text"]).replace("\0", " ").strip()
    first = text.partition("\n")[0]
    return Article(
        slug=str(context["document_id"]),
        title=str(context.get("title") or first)[:_LONGEST_TITLE],
        text=text,
        url=None,
        language=ENGLISH,
        audience="public",
        source=_SOURCE,
    )


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)
