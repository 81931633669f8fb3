"""The respond node with a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from skills.errors import ModelUnavailableError
from skills.ports import StructuredModel
from skills.respond.clarify import clarifying_draft
from skills.respond.drafts import NO_PASSAGES, draft_without_sources, unknown_draft
from skills.respond.form import AnswerForm, citations_of, misfit
from skills.respond.prompt import Prompt
from skills.respond.rewrite import advice_on, withdrawn
from skills.respond.skill import RespondInput, RespondUpdate, usable
from skills.turn import Draft, Finding, Language, Message, Passage, Rejection, Retrieval, Turn
from skills.untrusted import fenced, mark_of, notice, quoted

MODEL_DOWN = "the model did not answer"
_LONGEST_FAILURE = 120
_EARLIER_MESSAGES = 8


@dataclass(frozen=True)
class ModelResponder:
    """Lets a model write from the passages.

    Small talk, empty searches and questions that several articles fit don't reach the model. Without an answer from it,
    or with one that doesn't fit the form, the draft is the plain "I don't know" with the reason in ``failure``: the
    policy sends it to a person. What it wrote is checked by the guards after this node; when they demand it, the model
    is asked once more and told why.
    """

    model: StructuredModel
    prompt: Prompt = field(default_factory=Prompt.default)

    async def __call__(self, state: RespondInput) -> RespondUpdate:
        """Ask once, within the model's own deadline."""
        rejections, guarding = state.get("rejections", ()), state.get("guarding")
        if guarding is not None and guarding.demand == "withdraw":
            return {"draft": withdrawn(state["draft"], guarding.findings)}
        objected = guarding.findings if guarding is not None and guarding.demand == "rewrite" else ()
        turn, retrieval, language = state["turn"], state["retrieval"], state["sentiment"].language
        conclusion, intent = state.get("conclusion"), state.get("intent")
        if not rejections and (draft := draft_without_sources(turn, language, conclusion=conclusion, intent=intent)):
            return {"draft": draft}
        passages = usable(retrieval.passages, rejections)
        if not passages:
            failure = None if retrieval.passages else retrieval.failure or NO_PASSAGES
            return {"draft": self._unknown(language, retrieval.confidence if retrieval.passages else 0.0, failure)}
        own = [passage for passage in passages if passage.language == language]
        if not rejections and (asking := clarifying_draft(turn, own, language)):
            return {"draft": asking}
        try:
            form = await self.model.fill(
                instructions=self._instructions(turn, language, rejections, objected),
                material=material_for(turn, passages, objected),
                form=AnswerForm,
            )
        except ModelUnavailableError as error:
            return {"draft": self._unknown(language, retrieval.confidence, _reason(error))}
        return {"draft": self._read(form, passages, retrieval, language)}

    def _instructions(
        self, turn: Turn, language: Language, rejections: Sequence[Rejection], objected: Sequence[Finding]
    ) -> str:
        parts = [
            self.prompt.instructions(language, rejections).rstrip(),
            notice(mark_of(turn.id)),
            *advice_on(objected),
        ]
        return "\n\n".join(part.strip() for part in parts) + "\n"

    def _read(self, form: AnswerForm, passages: Sequence[Passage], retrieval: Retrieval, language: Language) -> Draft:
        if not form.answered:
            return self._unknown(language, retrieval.confidence, retrieval.failure)
        if found := misfit(form, passages):
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


def material_for(turn: Turn, passages: Sequence[Passage], objected: Sequence[Finding] = ()) -> str:
    """The untrusted texts between tags that carry the turn's mark, so that no text can close or open one."""
    mark = mark_of(turn.id)
    history = [line for message in turn.history[-_EARLIER_MESSAGES:] for line in _said(message, mark)]
    elsewhere = [line for message in turn.elsewhere for line in _said(message, mark)]
    messages = [line for message in turn.messages for line in _said(message, mark)]
    numbered = [line for n, passage in enumerate(passages, start=1) for line in _numbered(passage, n, mark)]
    refused = [quoted(finding.sentence) for finding in objected if finding.sentence]
    return "\n".join(
        [
            *(fenced("elsewhere", elsewhere, mark) if elsewhere else ()),
            *fenced("history", history, mark),
            *fenced("messages", messages, mark),
            *fenced("passages", numbered, mark),
            *(fenced("objected", refused, mark) if refused else ()),
        ]
    )


def _said(message: Message, mark: str) -> list[str]:
    """Each message in tags of its own, so that no text can seem to be somebody else's."""
    author = message.author if message.channel is None else f"{message.author}-{message.channel}"
    return fenced(author, [quoted(message.text)], mark)


def _numbered(passage: Passage, number: int, mark: str) -> list[str]:
    title = f"{quoted(passage.title)} / {quoted(passage.heading)}"
    return fenced(f"passage-{number}", [title, quoted(passage.text)], mark)


def _reason(error: ModelUnavailableError) -> str:
    said = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{MODEL_DOWN}: {said}"[:_LONGEST_FAILURE] if said else MODEL_DOWN
