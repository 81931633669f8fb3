"""The respond node with a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from skills.errors import ModelUnavailableError
from skills.ports import StructuredModel
from skills.respond.clarify import clarifying_draft
from skills.respond.drafts import NO_PASSAGES, small_talk_draft, unknown_draft
from skills.respond.grounding import AnswerForm, citations_of, objection
from skills.respond.prompt import Prompt
from skills.respond.skill import RespondInput, RespondUpdate, usable
from skills.turn import Draft, Language, Passage, Retrieval, Turn

_LONGEST_MESSAGE = 4_000
MODEL_DOWN = "the model did not answer"
_LONGEST_FAILURE = 120
_EARLIER_MESSAGES = 8


@dataclass(frozen=True)
class ModelResponder:
    """Lets a model write from the passages and checks what it wrote.

    Small talk, empty searches and questions that several articles fit don't reach the model. Without an answer from it,
    or with one that fails a check of ``grounding``, the draft is the plain "I don't know" with the reason in
    ``failure``: the policy sends it to a person.
    """

    model: StructuredModel
    prompt: Prompt = field(default_factory=Prompt.default)

    async def __call__(self, state: RespondInput) -> RespondUpdate:
        """Ask once, within the model's own deadline."""
        rejections = state.get("rejections", ())
        turn, retrieval, language = state["turn"], state["retrieval"], state["sentiment"].language
        if not rejections and (draft := small_talk_draft(turn, language, state.get("conclusion"))):
            return {"draft": draft}
        if not retrieval.passages:
            return {"draft": self._unknown(language, 0.0, retrieval.failure or NO_PASSAGES)}
        passages = usable(retrieval.passages, rejections)
        if not passages:
            return {"draft": self._unknown(language, retrieval.confidence, None)}
        own = [passage for passage in passages if passage.language == language]
        if not rejections and (asking := clarifying_draft(turn, own, language)):
            return {"draft": asking}
        try:
            form = await self.model.fill(
                instructions=self.prompt.instructions(language, rejections),
                material=material_for(turn, passages),
                form=AnswerForm,
            )
        except ModelUnavailableError as error:
            return {"draft": self._unknown(language, retrieval.confidence, _reason(error))}
        return {"draft": self._checked(form, turn, passages, retrieval, language)}

    def _checked(
        self, form: AnswerForm, turn: Turn, passages: Sequence[Passage], retrieval: Retrieval, language: Language
    ) -> Draft:
        if not form.answered:
            return self._unknown(language, retrieval.confidence, retrieval.failure)
        said = (*turn.elsewhere, *turn.history, *turn.messages)
        asked = "\n".join(message.text for message in said if message.author == "customer")
        if found := objection(form, passages, asked, language):
            return self._unknown(language, retrieval.confidence, found)
        return Draft(
            text=form.answer.strip(),
            answered=True,
            citations=citations_of(form, passages),
            confidence=retrieval.confidence,
            language=language,
            model=self._author,
        )

    @property
    def _author(self) -> str:
        """The model and the words that it was asked with, so that a draft can be traced to both."""
        return f"{self.model.name}/respond-{self.prompt.version}"

    def _unknown(self, language: Language, confidence: float, failure: str | None) -> Draft:
        return unknown_draft(language, confidence=confidence, model=self._author, failure=failure)


def material_for(turn: Turn, passages: Sequence[Passage]) -> str:
    """The untrusted texts between tags. Angle brackets in them are escaped, so that no text can close its tag."""
    history = [f"{message.author}: {_quoted(message.text)}" for message in turn.history[-_EARLIER_MESSAGES:]]
    elsewhere = [f"{message.author} ({message.channel}): {_quoted(message.text)}" for message in turn.elsewhere]
    messages = [_quoted(message.text) for message in turn.messages]
    numbered = [_numbered(passage, number) for number, passage in enumerate(passages, start=1)]
    return "\n".join(
        [
            *(("<elsewhere>", *elsewhere, "</elsewhere>") if elsewhere else ()),
            "<history>",
            *history,
            "</history>",
            "<messages>",
            *messages,
            "</messages>",
            "<passages>",
            *numbered,
            "</passages>",
        ]
    )


def _numbered(passage: Passage, number: int) -> str:
    title = f"{_quoted(passage.title)} / {_quoted(passage.heading)}"
    return f'<passage number="{number}">\n{title}\n{_quoted(passage.text)}\n</passage>'


def _quoted(text: str) -> str:
    return escape(text[:_LONGEST_MESSAGE], quote=False)


def _reason(error: ModelUnavailableError) -> str:
    said = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{MODEL_DOWN}: {said}"[:_LONGEST_FAILURE] if said else MODEL_DOWN
