"""The own escalation cases, read and checked: a mistake in a case would silently turn into a wrong score."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from skills.errors import BadRequestError
from skills.turn import (
    Author,
    CaseId,
    ChannelName,
    Customer,
    CustomerId,
    Message,
    MessageId,
    Severity,
    Turn,
    TurnId,
)

HOME = Path(__file__).parent

Part = Literal["development", "held_out", "written_after"]
Outcome = Literal["escalate", "answer"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]

_WRITTEN = datetime(2026, 6, 1, 9, tzinfo=UTC)
"""When every case is set: nothing in a figure may depend on the day of the run."""


class EscalationCase(BaseModel):
    """One case; ``category`` is its file's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Slug
    outcome: Outcome
    channel: Literal["chat", "email"]
    says: Annotated[tuple[Text, ...], Field(min_length=1)]
    """What waits, in order."""
    severity: Severity | None = None
    """Of ``escalate``: how urgent it has to be at least."""
    before: tuple[tuple[Author, Text], ...] = ()
    """What was said before, oldest first."""
    language: Literal["en", "de", "es", "fr"] = "en"
    segment: str = "standard"
    verified: bool | None = None
    earlier_cases: Annotated[int, Field(ge=0)] = 0

    @property
    def half(self) -> Part:
        """Which half it belongs to: by the parity of the SHA-256 of its id."""
        return "development" if hashlib.sha256(self.id.encode()).digest()[-1] % 2 else "held_out"

    def turn(self) -> Turn:
        """The turn as a worker would load it. Ids and times come from the case's id, so that every run is the same."""
        said = (*self.before, *(("customer", text) for text in self.says))
        messages = tuple(
            Message(MessageId(self._uuid(f"message-{number}")), number, author, text, _WRITTEN)
            for number, (author, text) in enumerate(said, start=1)
        )
        customer = Customer(
            id=CustomerId(self._uuid("customer")),
            name=None,
            verified=self.channel == "email" if self.verified is None else self.verified,
            language=None,
            segment=self.segment,
            earlier_cases=self.earlier_cases,
        )
        return Turn(
            id=TurnId(self._uuid("turn")),
            case_id=CaseId(self._uuid("case")),
            channel=ChannelName(self.channel),
            customer=customer,
            messages=messages[len(self.before) :],
            history=messages[: len(self.before)],
            earlier_polarity=(),
            started_at=_WRITTEN,
        )

    def _uuid(self, of: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"escalation-case:{self.id}:{of}")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    category: Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]
    part: Literal["written_after"] | None = None
    case: Annotated[tuple[EscalationCase, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Listed:
    """A case under its category, and the part that it is counted in."""

    category: str
    part: Part
    case: EscalationCase


def load_cases(folder: Path = HOME) -> tuple[Listed, ...]:
    """Every case of a folder's files, file by file in the order of their names.

    Raises:
        BadRequestError: a file is not TOML or doesn't fit the format, an id stands twice, or a severity is asked for
            where nobody has to decide.
    """
    listed = tuple(entry for file in sorted(folder.glob("*.toml")) for entry in _read(file))
    counted = Counter(entry.case.id for entry in listed)
    if twice := [id_ for id_, count in counted.items() if count > 1]:
        raise BadRequestError(
            f"the case {twice[0]!r} stands twice in {folder.name}", hint="ids name results: keep them unique"
        )
    return listed


def _read(file: Path) -> list[Listed]:
    try:
        content = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadRequestError(f"{file.name} is not TOML: {error}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise BadRequestError(
            f"{file.name}: {place}: {fault['msg']}", hint="README.md beside it shows the format"
        ) from error
    for case in content.case:
        if case.severity is not None and case.outcome == "answer":
            raise BadRequestError(f"{file.name}: the case {case.id!r} has a severity and no escalation")
    return [Listed(content.category, content.part or case.half, case) for case in content.case]
