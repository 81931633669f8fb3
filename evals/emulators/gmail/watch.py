"""What a mailbox's owner asked to be told of, and until when. A watch lasts a week."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from evals.emulators.gmail.refusals import Refusal, invalid_argument

WEEK = 7 * 86_400
_TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")


class Watch:
    """The one watch of a mailbox.

    Args:
        topic: the only topic that exists.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.until = 0.0
        """Seconds since the epoch; in the past, there is no watch."""
        self.one_a_second = False
        """Whether notices that come within a second of the last are dropped, as Gmail does."""
        self._labels: frozenset[str] = frozenset()
        self._excluding = False
        self._told = 0.0

    @property
    def active(self) -> bool:
        """Whether anybody is told of anything."""
        return time.time() < self.until

    def begin(self, asked: Mapping[str, Any]) -> int:
        """Begin it or renew it. Returns when it ends, in milliseconds since the epoch.

        Raises:
            Refusal: there is no such topic.
        """
        topic = str(asked.get("topicName", ""))
        if not _TOPIC.fullmatch(topic):
            raise invalid_argument(f"Invalid topicName does not match projects/*/topics/*: '{topic}'")
        if topic != self.topic:
            raise Refusal(404, f"Error sending test message to Cloud PubSub {topic} : Resource not found", "notFound")
        self._labels = frozenset(asked.get("labelIds", ()))
        behaviour = asked.get("labelFilterBehavior") or asked.get("labelFilterAction")
        self._excluding = behaviour == "exclude"
        self.until = time.time() + WEEK
        return int(self.until * 1_000)

    def end(self) -> None:
        """End it, as ``stop`` does and a week without renewal."""
        self.until = 0.0

    def covers(self, labels: frozenset[str]) -> bool:
        """Whether a change of a mail with these labels is to be told now."""
        if not self.active or (self._labels and bool(self._labels & labels) is self._excluding):
            return False
        now = time.monotonic()
        if self.one_a_second and now < self._told + 1:
            return False
        self._told = now
        return True
