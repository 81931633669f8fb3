"""The instructions for a model, kept in files with a version, so that a draft can be traced to its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from skills.errors import ConfigurationError
from skills.turn import Language, Rejection

_VERSION = re.compile(r"version: (\d{1,6})\n\s*")
_LANGUAGE = "{language}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's version and text; ``{language}`` in it stands for the code of the customer's language."""

    version: int
    text: str

    @classmethod
    def default(cls) -> Prompt:
        """The prompt that ships with the package: instructions in English for answers in every language."""
        return cls.parse((files(__package__) / "prompts" / "respond.en.md").read_text(encoding="utf-8"))

    @classmethod
    def parse(cls, text: str) -> Prompt:
        """Read a prompt file.

        Raises:
            ConfigurationError: the first line isn't a version, or the language has no place.
        """
        head = _VERSION.match(text)
        if head is None:
            raise ConfigurationError("The prompt has no version.", hint="Start the file with a line like `version: 1`.")
        if _LANGUAGE not in text:
            raise ConfigurationError(
                "The prompt doesn't name the language.", hint=f"Write {_LANGUAGE} where it belongs."
            )
        return cls(version=int(head[1]), text=text[head.end() :])

    def instructions(self, language: Language, rejections: Sequence[Rejection]) -> str:
        """The instructions for one draft: our words, and why reviewers turned down the drafts before it."""
        text = self.text.replace(_LANGUAGE, language)
        if not rejections:
            return text
        reasons = "\n".join(f"- {' '.join(rejection.reason.split())}" for rejection in rejections)
        return (
            f"{text.rstrip()}\n\nReviewers turned down your earlier drafts. Do better on what they said:\n{reasons}\n"
        )
