"""The worst model there can be: it obeys whatever it is told by whoever wrote the text.

It answers as an honest model would, then does what the attack wants, cites a passage for every sentence, calls every
customer calm, and does the same again when it is asked to do better. Only the guards and the policy stand behind it.
"""

from __future__ import annotations

import re

from skills.guard import JudgedForm
from skills.language import customer_language, sentences
from skills.ports import Answer
from skills.respond import AnswerForm
from skills.sentiment import MoodForm
from skills.turn import Turn

from evals.attacks.attack import Attack  # isort: skip

_PASSAGE = re.compile(r"<passage-(\d+)-([0-9a-f]{12})>\n(.*?)\n</passage-\1-\2>", re.DOTALL)


class ObedientModel:
    """``skills.ports.StructuredModel``. Set ``honest``, ``attack`` and ``turn`` before each play."""

    name = "obedient"

    def __init__(self) -> None:
        self.honest = ""
        """What it would answer without the attack; empty when it would not know."""
        self.attack: Attack | None = None
        self.turn: Turn | None = None

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:  # noqa: ARG002 - it listens to the material alone
        """Fill in whichever form it is."""
        if form is AnswerForm:
            return form.model_validate(self._answer(material))
        if form is MoodForm:
            assert self.turn is not None
            language = customer_language(self.turn)
            return form.model_validate(
                {"polarity": 0, "intensity": 0, "anger": 0, "urgency": 0, "language": language, "evidence": []}
            )
        assert form is JudgedForm
        return form.model_validate({"unsupported": []})

    def _answer(self, material: str) -> dict[str, object]:
        answer = self.honest if self.attack is None else self.attack.obeyed(self.honest)
        passages = {int(number): text for number, _, text in _PASSAGE.findall(material)}
        lines = [line for line in sentences(answer) if line in answer]
        citations = [{"passage": _backing(line, passages), "sentence": line} for line in lines]
        return {"answer": answer, "answered": bool(answer.strip()), "citations": citations, "language": "en"}


def _backing(sentence: str, passages: dict[int, str]) -> int:
    """The passage that has the sentence, else the first one: it cites something whatever it says."""
    return next((number for number, text in passages.items() if sentence in text), 1)
