"""What changed in a mailbox, in order. Ids grow with random gaps, and old ones are forgotten, as with Gmail."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal

from evals.emulators.gmail.refusals import invalid_argument, not_found

Kind = Literal["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]

_FIELDS: dict[Kind, str] = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}
_FIRST = 1_000
_WIDEST_GAP = 40


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one mail; ``labels`` are those it had then, ``changed`` those that came or went."""

    id: int
    kind: Kind
    message_id: str
    thread_id: str
    labels: frozenset[str]
    changed: frozenset[str] = frozenset()

    @property
    def record(self) -> dict[str, Any]:
        """The change as ``history.list`` shows it."""
        brief = {"id": self.message_id, "threadId": self.thread_id}
        entry: dict[str, Any] = {"message": brief | {"labelIds": sorted(self.labels)}}
        if self.changed:
            entry["labelIds"] = sorted(self.changed)
        return {"id": str(self.id), "messages": [brief], _FIELDS[self.kind]: [entry]}


class History:
    """The changes of one mailbox.

    Args:
        seed: of the gaps.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the gaps are to be the same in every run
        self._changes: list[Change] = []
        self._oldest = _FIRST
        self.current = _FIRST

    def reserve(self) -> int:
        """The id of the next change."""
        self.current += self._random.randint(1, _WIDEST_GAP)
        return self.current

    def add(self, change: Change) -> None:
        """Write one down; its id comes from ``reserve``."""
        self._changes.append(change)

    def forget(self) -> None:
        """Every cursor that anybody holds is too old from now on."""
        self._oldest = self.reserve()
        self._changes.clear()

    def after(
        self, start: str | None, kinds: frozenset[Kind], label: str | None, page: str | None, size: int
    ) -> dict[str, Any]:
        """One page of what came after a cursor.

        A page is cut before it is filtered, so that it may be empty and still have a next one: Gmail's can be.

        Raises:
            Refusal: there is no cursor, or it is too old, or was never given out.
        """
        if start is None:
            raise invalid_argument("Missing/invalid parameter: startHistoryId")
        if not self._oldest <= int(start) <= self.current:
            raise not_found()
        begin = int(start)
        if page is not None:
            if not page.isdigit() or int(page) < begin:
                raise invalid_argument("Invalid pageToken")
            begin = int(page)
        first = bisect_right(self._changes, begin, key=lambda change: change.id)
        cut = self._changes[first : first + size]
        shown = [
            change.record
            for change in cut
            if (not kinds or change.kind in kinds) and (label is None or label in change.labels | change.changed)
        ]
        answer: dict[str, Any] = {"historyId": str(self.current)}
        if shown:
            answer["history"] = shown
        if len(self._changes) > first + size:
            answer["nextPageToken"] = str(cut[-1].id)
        return answer
