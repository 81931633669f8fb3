"""What a document that is no text file had in it."""

from __future__ import annotations

from dataclasses import dataclass

from skills.errors import KnowledgeFileError


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document as Markdown. Title and language are what it says of itself, empty when it says nothing."""

    title: str
    text: str
    language: str


class ExtractionError(KnowledgeFileError):
    """That document can't be read."""
