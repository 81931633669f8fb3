"""One change of one file, and the figures of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal["killed", "timeout", "survived"]

_LONGEST = 100
"""Characters of a text in an id; a longer one is cut in the middle."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``text`` in place of ``start`` to ``end``; ``shown`` is the piece around it that a reader understands."""

    operator: str
    start: int
    end: int
    text: str
    shown: tuple[int, int] | None = None
    lines: range | None = None
    """Of Python: a test that runs none of these lines can't notice; ``None`` where every test of the file may."""

    def on(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one function or one block of SQL."""

    file: str
    """From the project's root."""
    place: str
    """The function or constant, or the block of SQL."""
    operator: str
    before: str
    after: str
    source: str
    """Of SQL the whole block, of Python the whole module, as changed."""
    reached_by: tuple[int | str, ...] | None = None
    """The lines or the block that a test has to reach to notice; ``None``: any line of the file."""
    nth: int = 1
    """Of those that read alike in this place."""

    @property
    def id(self) -> str:
        """The same as long as the changed line is: what a reason is kept under."""
        often = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.place}: {self.operator}: {self.before} → {self.after}{often}"

    @property
    def where(self) -> tuple[str, str]:
        return self.file, self.place


def mutants_of(file: str, place: str, source: str, edits: Iterable[Edit]) -> Iterator[Mutant]:
    """The edits as mutants, without those that change nothing or lead to the same text."""
    seen, alike = {source}, dict[str, int]()
    for edit in edits:
        changed = edit.on(source)
        if changed in seen:
            continue
        seen.add(changed)
        start, end = edit.shown or (edit.start, edit.end)
        before, after = source[start:end], source[start : edit.start] + edit.text + source[edit.end : end]
        reached_by = (place,) if file.endswith(".sql") else None if edit.lines is None else tuple(edit.lines)
        mutant = Mutant(file, place, edit.operator, _short(before), _short(after) or "nothing", changed, reached_by)
        alike[mutant.id] = alike.get(mutant.id, 0) + 1
        yield replace(mutant, nth=alike[mutant.id])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 30]} … {line[-27:]}"
