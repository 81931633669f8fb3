"""Where an article is read from: the file that a problem names, and what holds where the file says nothing."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from infra.knowledge.article import Article, audience_name, language_code, moment
from skills.errors import KnowledgeFileError
from skills.language import FALLBACK_LANGUAGE, guess_language
from skills.turn import Audience, Language

_GUESSED = 4000
"""Characters from whose words a language is guessed."""


class UnreadableFileError(KnowledgeFileError):
    """That file of articles can't be read. ``file`` and ``line`` say where."""

    def __init__(self, message: str, *, file: str, line: int | None = None, hint: str | None = None) -> None:
        place = file if line is None else f"{file}, line {line}"
        super().__init__(f"{place}: {message}", hint=hint)
        self.file = file
        self.line = line


Found = Article | UnreadableFileError
"""What a reader yields: an article, or what is wrong with one entry while the others go on."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One file of one source."""

    source: str
    file: str
    """The path within the source, with ``/`` between its parts."""
    language: Language | None
    """Of articles that do not say theirs; ``None``: guessed from the text, English where that is too short."""
    audience: Audience
    effective: datetime | None = None
    expires: datetime | None = None
    url: str | None = None
    """Where the file was fetched, if it was."""

    def article(
        self,
        *,
        title: str,
        text: str,
        key: str | None = None,
        url: str | None = None,
        language: str | None = None,
        audience: str | None = None,
        effective: str | None = None,
        expires: str | None = None,
    ) -> Article:
        """An article of this file; ``key`` names it within a file that holds many.

        Raises:
            KnowledgeFileError: one of the fields can't be used.
        """
        return Article(
            slug=self.file if key is None else f"{self.file}#{key}",
            title=" ".join(title.split()),
            text=text.strip(),
            url=(url or "").strip() or self.url,
            language=self._language(language, f"{title}\n{text}"),
            audience=audience_name(audience) if audience and audience.strip() else self.audience,
            source=self.source,
            effective=moment(effective) if effective and effective.strip() else self.effective,
            expires=moment(expires, ends=True) if expires and expires.strip() else self.expires,
        )

    def _language(self, given: str | None, text: str) -> Language:
        if given and given.strip():
            return language_code(given)
        return self.language or guess_language(text[:_GUESSED]) or FALLBACK_LANGUAGE

    def problem(
        self, problem: str | KnowledgeFileError, *, line: int | None = None, hint: str | None = None
    ) -> UnreadableFileError:
        """What is wrong, with this file's name and the line before it."""
        hint = problem.hint if isinstance(problem, KnowledgeFileError) else hint
        return UnreadableFileError(str(problem), file=self.file, line=line, hint=hint)

    @property
    def name(self) -> str:
        """A title out of the file's name: ``return-policy.md`` → ``Return policy``."""
        stem = re.sub(r"\.\w+$", "", self.file.rsplit("/", 1)[-1])
        words = " ".join(re.split(r"[-_\s]+", stem)).strip()
        return words[:1].upper() + words[1:] or self.file


def key_from(text: str) -> str:
    """A short, stable key for an entry without an id: its words, and a hash so that two never share one."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-")
    digest = hashlib.sha256(" ".join(text.split()).encode(errors="replace")).hexdigest()[:8]
    return f"{words}-{digest}" if words else digest
