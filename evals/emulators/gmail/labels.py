"""The labels of a mailbox: Gmail's own, and those that people made."""

from __future__ import annotations

from typing import Any

_SHOWN = ("INBOX", "SENT", "DRAFT", "STARRED", "IMPORTANT", "UNREAD", "SPAM", "TRASH", "CHAT")
_CATEGORIES = tuple(f"CATEGORY_{name}" for name in ("PERSONAL", "SOCIAL", "PROMOTIONS", "UPDATES", "FORUMS"))

FIXED = frozenset({"SENT", "DRAFT", "CHAT"})
"""Those that only Gmail gives and takes."""


class Labels:
    """The names behind label ids."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}

    def __contains__(self, label_id: str) -> bool:
        return label_id in (*_SHOWN, *_CATEGORIES) or label_id in self._made

    def make(self, name: str) -> str:
        """A person makes a label. Returns its id."""
        label_id = f"Label_{len(self._made) + 1}"
        self._made[label_id] = name
        return label_id

    def resources(self) -> list[dict[str, Any]]:
        """All of them, as ``labels.list`` shows them."""
        system: list[dict[str, Any]] = [{"id": name, "name": name, "type": "system"} for name in _SHOWN]
        hidden = {"messageListVisibility": "hide", "labelListVisibility": "labelHide", "type": "system"}
        system += [{"id": name, "name": name} | hidden for name in _CATEGORIES]
        seen = {"messageListVisibility": "show", "labelListVisibility": "labelShow", "type": "user"}
        return system + [{"id": label_id, "name": name} | seen for label_id, name in self._made.items()]
