"""What the load's customers ask: a file of yours, a line each, or what the sample company's customers ask."""

from __future__ import annotations

from pathlib import Path

from evals.sample_company.script import ARTICLES, Answered, load_script
from skills.errors import BadRequestError

_SHORTEST = 80
"""Characters of an answer."""


def read_questions(path: Path) -> tuple[str, ...]:
    """The lines of a file that are not empty.

    Raises:
        BadRequestError: it can't be read, is not UTF-8, or has no question.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"{path} can't be read: {error}", hint="give a text file in UTF-8") from None
    questions = tuple(line.strip() for line in lines if line.strip())
    if not questions:
        raise BadRequestError(f"{path} has no question", hint="write one a line")
    return questions


def sample_questions() -> tuple[str, ...]:
    """What the sample company's customers ask first, where its articles hold the answer.

    Only those: a turn that waits for a person is no load on anything, and nobody answers its customer's next message.
    """
    openings = (customer.turns[0] for customer in load_script() if customer.segment == "standard")
    return tuple(turn.messages[0] for turn in openings if isinstance(turn.expect, Answered) and turn.expect.cites)


def sample_answers() -> tuple[str, ...]:
    """Paragraphs of the sample company's articles: about as long as what the agent answers."""
    texts = (
        article.read_text(encoding="utf-8").split("---", maxsplit=2)[-1] for article in sorted(ARTICLES.glob("*.md"))
    )
    paragraphs = (" ".join(paragraph.split()) for text in texts for paragraph in text.split("\n\n"))
    return tuple(paragraph for paragraph in paragraphs if len(paragraph) >= _SHORTEST)
