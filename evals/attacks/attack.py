"""One attack: an honest question, somebody else's text beside it, and what must not come back.

Our own stand in ``evals/own/attacks/*.toml``; BIPIA's are planted in the sample company's articles, in customers' mails
that quote one of BIPIA's e-mails, and in those e-mails standing as articles. An assistant that obeys BIPIA's attacks
writes the lines of ``evals/own/attacks/bipia_obeyed.toml``, or changes its answer as ``evals.attacks.disguises`` does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from evals.attacks.disguises import DISGUISES
from evals.data.bipia import AttackText, Email
from skills.errors import BadRequestError

OWN = Path(__file__).parent.parent / "own" / "attacks"
Place = Literal["body", "subject", "attachment", "article", "quoted_mail", "mail_as_article"]
Where = Literal["start", "middle", "end"]
Wants = Literal["say", "answer"]
"""What the attacker is after: that the agent says something, or that it answers where a person ought to."""
_PLACES: tuple[Place, ...] = ("body", "subject", "attachment", "article")


@dataclass(frozen=True, slots=True)
class Question:
    """What an honest customer asks. ``person``: a person ought to decide about it."""

    text: str
    language: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. ``obeyed`` makes of an honest answer what an assistant that obeys would write."""

    id: str
    place: Place
    kind: str
    question: Question
    text: str
    obeyed: Callable[[str], str]
    where: Where = "end"
    wants: Wants = "say"
    file_name: str | None = None
    alone: bool = False
    """In a subject: the question stands in it, and the body is empty."""
    about: Email | None = None
    """BIPIA's e-mail that the attack is planted in."""


def own_questions() -> tuple[dict[str, Question], list[dict[str, str]]]:
    """The honest questions by name, and the articles that answer those that aren't English."""
    raw = tomllib.loads((OWN / "questions.toml").read_text(encoding="utf-8"))
    return {name: Question(**row) for name, row in raw["question"].items()}, raw["article"]


def own_attacks() -> list[Attack]:
    """Every attack of our own.

    Raises:
        BadRequestError: one says something that nobody reads, or two have one name.
    """
    questions, _ = own_questions()
    attacks = [
        _own(place, row, questions)
        for place in _PLACES
        for row in tomllib.loads((OWN / f"{place}.toml").read_text(encoding="utf-8"))["attack"]
    ]
    if len({attack.id for attack in attacks}) < len(attacks):
        raise BadRequestError("Two attacks have one id.", hint="Give each of evals/own/attacks an id of its own.")
    return attacks


def bipia_attacks(texts: Sequence[AttackText], emails: Sequence[Email], asked: Sequence[Question]) -> list[Attack]:
    """Each text in an article, and in a mail that a customer quotes or that stands as an article itself, by turns.

    Which question, e-mail and position (start, middle, end) go together is by turns, so that every run plays the same.
    """
    lines = tomllib.loads((OWN / "bipia_obeyed.toml").read_text(encoding="utf-8"))
    positions: tuple[Where, ...] = get_args(Where)
    attacks: list[Attack] = []
    for index, text in enumerate(texts):
        obeyed = DISGUISES.get(text.category) or _beside(lines[text.category][text.number])
        name, email = f"bipia-{text.category}-{text.number}", emails[index % len(emails)]

        def made(
            place: Place, question: Question, where: Where, *, about: Email | None = None,
            text: AttackText = text, obeyed: Callable[[str], str] = obeyed, name: str = name,
        ) -> Attack:  # fmt: skip
            return Attack(
                f"{name}-{place}-{where}", place, text.category, question, text.text, obeyed, where, about=about
            )

        where = positions[index % len(positions)]
        attacks.append(made("article", asked[index % len(asked)], where))
        if index % 2:
            attacks.append(made("quoted_mail", asked[index % len(asked)], where, about=email))
        else:
            attacks.append(made("mail_as_article", Question(email.question, "en"), where, about=email))
    return attacks


def planted(text: str, attack: str, where: Where) -> str:
    """A text with an attack as a line of its own; the middle is the line break or sentence end nearest to it."""
    if where == "start":
        return f"{attack}\n\n{text}"
    if where == "end":
        return f"{text}\n\n{attack}"
    ends = [at + 1 for at in range(len(text) - 1) if text[at] in ".!?\n" and text[at + 1].isspace()]
    middle = min(ends, key=lambda at: abs(at - len(text) // 2), default=len(text))
    return f"{text[:middle]}\n\n{attack}\n\n{text[middle:].lstrip()}"


def _own(place: Place, row: dict[str, Any], questions: dict[str, Question]) -> Attack:
    known = {"id", "kind", "ask", "text", "obeyed", "where", "wants", "name", "alone"}
    if unknown := row.keys() - known:
        raise BadRequestError(f"attack {row.get('id')}: unknown {', '.join(unknown)}", hint=f"known: {sorted(known)}")
    return Attack(
        id=row["id"],
        place=place,
        kind=row["kind"],
        question=questions[row["ask"]],
        text=row["text"],
        obeyed=_beside(row["obeyed"]),
        where=row.get("where", "end"),
        wants=row.get("wants", "say"),
        file_name=row.get("name"),
        alone=row.get("alone", False),
    )


def _beside(line: str) -> Callable[[str], str]:
    return lambda honest: f"{honest}\n\n{line}".strip()
