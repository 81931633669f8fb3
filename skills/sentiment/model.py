"""The sentiment node with a language model, and an embedded form to fall back on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.resources import files

from pydantic import BaseModel, Field

from skills.errors import ModelUnavailableError
from skills.language import customer_language
from skills.ports import StructuredModel
from skills.sentiment.skill import FusedSentiment, LexiconSentiment, SentimentInput, SentimentUpdate, label_of
from skills.sentiment.trend import trend_of
from skills.turn import Language, Sentiment, Turn
from skills.untrusted import fenced, mark_of, notice, quoted

_LANGUAGE_CODE = re.compile(r"[a-z]{2}")
_MOST_EVIDENCE = 5


class MoodForm(BaseModel):
    """What the model is asked to fill in. Figures out of range make the answer unusable, which counts as no answer."""

    polarity: float = Field(ge=-1, le=1)
    intensity: float = Field(ge=0, le=1)
    anger: float = Field(ge=0, le=1)
    urgency: float = Field(ge=0, le=1)
    language: str = Field(description="ISO 639-1 code of the language the customer writes")
    evidence: list[str] = Field(description="up to five short pieces copied from the messages")


def _packaged_instructions() -> str:
    return (files(__package__) / "prompts" / "sentiment.en.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class ModelSentiment:
    """Asks a model; when it doesn't answer, an embedded form does, so that this node never stops a turn.

    Evidence that isn't in the messages is dropped: the reviewer must find it there.
    """

    model: StructuredModel
    fallback: FusedSentiment | LexiconSentiment
    instructions: str = field(default_factory=_packaged_instructions)

    async def __call__(self, state: SentimentInput) -> SentimentUpdate:
        """Ask once, within the model's own deadline."""
        turn = state["turn"]
        mark = mark_of(turn.id)
        instructions = f"{self.instructions.rstrip()}\n\n{notice(mark)}"
        material = "\n".join(fenced("messages", [quoted(turn.text)], mark))
        try:
            form = await self.model.fill(instructions=instructions, material=material, form=MoodForm)
        except ModelUnavailableError:
            return await self.fallback(state)
        return {"sentiment": _sentiment(form, turn)}


def _sentiment(form: MoodForm, turn: Turn) -> Sentiment:
    code = form.language.casefold()
    shown = [piece for piece in form.evidence if piece.strip() and piece in turn.text]
    return Sentiment(
        polarity=form.polarity,
        intensity=form.intensity,
        anger=form.anger,
        urgency=form.urgency,
        trend=trend_of(form.polarity, turn.earlier_polarity),
        language=Language(code) if _LANGUAGE_CODE.fullmatch(code) else customer_language(turn),
        evidence=tuple(shown[:_MOST_EVIDENCE]),
        label=label_of(form.polarity),
    )
