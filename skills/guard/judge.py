"""A model that reads a draft beside its sources, for whoever has one: the last of the checks, never the only one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from pydantic import BaseModel, Field

from skills.errors import ModelUnavailableError
from skills.guard.sources import Sources
from skills.ports import StructuredModel
from skills.turn import Finding
from skills.untrusted import fenced, notice, quoted


class JudgedForm(BaseModel):
    """What the judge is asked to fill in."""

    unsupported: list[int] = Field(description="numbers of the sentences that no passage supports")


def _packaged_instructions() -> str:
    return (files(__package__) / "prompts" / "support.en.md").read_text(encoding="utf-8").partition("\n\n")[2]


@dataclass(frozen=True)
class Judge:
    """Asks once. Without an answer nothing is found: the checks before it don't need it."""

    model: StructuredModel
    instructions: str = field(default_factory=_packaged_instructions)

    async def against(self, sentences: Sequence[str], sources: Sources, mark: str) -> list[Finding]:
        """The sentences that the model finds without support; ``mark`` is the turn's (``skills.untrusted``)."""
        if not sentences:
            return []
        passages = [quoted(source.text) for source in sources.cited]
        numbered = [f"{number}. {quoted(sentence)}" for number, sentence in enumerate(sentences, start=1)]
        material = [*fenced("passages", passages, mark), *fenced("answer", numbered, mark)]
        try:
            form = await self.model.fill(
                instructions=f"{self.instructions}\n{notice(mark)}", material="\n".join(material), form=JudgedForm
            )
        except ModelUnavailableError:
            return []
        return [
            Finding("unsupported", "a model finds that the cited passages don't say this", sentences[number - 1])
            for number in dict.fromkeys(form.unsupported)
            if 1 <= number <= len(sentences)
        ]
