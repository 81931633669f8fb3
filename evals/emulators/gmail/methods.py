"""What each method of the API does, once it is known that the caller may and that the question has the right shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evals.emulators.gmail.history import Kind
from evals.emulators.gmail.mailbox import Changed, Mailbox
from evals.emulators.gmail.message import decoded, encoded
from evals.emulators.gmail.oauth import Access
from evals.emulators.gmail.refusals import Refusal, invalid_argument, not_found
from evals.emulators.gmail.watch import Watch

Answer = dict[str, Any] | None

_MOST = 500
_USUAL = 100
_METADATA = "https://www.googleapis.com/auth/gmail.metadata"
_KINDS: Mapping[str, Kind] = {
    "messageAdded": "messageAdded",
    "messageDeleted": "messageDeleted",
    "labelAdded": "labelAdded",
    "labelRemoved": "labelRemoved",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, of the right shape."""

    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Mapping[str, Any]
    access: Access

    def one(self, name: str) -> str | None:
        """A parameter that may be given once."""
        values = self.query.get(name)
        return values[0] if values else None

    def many(self, name: str) -> frozenset[str]:
        """A parameter that may be given more than once."""
        return frozenset(self.query.get(name, ()))

    @property
    def size(self) -> int:
        """How much is to stand on a page."""
        return min(int(self.one("maxResults") or _USUAL), _MOST) or _USUAL

    @property
    def form(self) -> str:
        """How mails are to be shown.

        Raises:
            Refusal: not to those who may see headers alone.
        """
        form = self.one("format") or "full"
        if self.headers_only and form in {"full", "raw"}:
            raise Refusal(403, f"Metadata scope doesn't allow format {form.upper()}", "forbidden")
        return form

    @property
    def headers_only(self) -> bool:
        """Whether the caller may see headers but no text: Gmail lets the narrowest scope decide."""
        return _METADATA in self.access.scopes


class Methods:
    """The methods over one mailbox, by the ids of the discovery document.

    Args:
        mailbox: what they work on.
        watch: who is told of changes.
        tell: tells Pub/Sub of the state, when a watch begins.
    """

    def __init__(self, mailbox: Mailbox, watch: Watch, tell: Callable[[Changed], None]) -> None:
        self._mailbox = mailbox
        self._watch = watch
        self._tell = tell
        self.by_id: Mapping[str, Callable[[Asked], Answer]] = {
            "gmail.users.getProfile": self._get_profile,
            "gmail.users.watch": self._begin_watch,
            "gmail.users.stop": self._end_watch,
            "gmail.users.labels.list": self._list_labels,
            "gmail.users.history.list": self._list_history,
            "gmail.users.messages.list": self._list_messages,
            "gmail.users.messages.get": self._get_message,
            "gmail.users.messages.send": self._send_message,
            "gmail.users.messages.modify": self._modify_message,
            "gmail.users.messages.attachments.get": self._get_attachment,
            "gmail.users.threads.get": self._get_thread,
        }

    def _get_profile(self, _: Asked) -> Answer:
        return self._mailbox.profile()

    def _begin_watch(self, asked: Asked) -> Answer:
        until = self._watch.begin(asked.body)
        current = self._mailbox.history.current
        self._tell(Changed(current, frozenset()))
        return {"historyId": str(current), "expiration": str(until)}

    def _end_watch(self, _: Asked) -> Answer:
        self._watch.end()
        return None

    def _list_labels(self, _: Asked) -> Answer:
        return {"labels": self._mailbox.labels.resources()}

    def _list_history(self, asked: Asked) -> Answer:
        kinds = frozenset(_KINDS[kind] for kind in asked.many("historyTypes"))
        return self._mailbox.changes(
            asked.one("startHistoryId"), kinds, asked.one("labelId"), asked.one("pageToken"), asked.size
        )

    def _list_messages(self, asked: Asked) -> Answer:
        q = asked.one("q") or ""
        if q and asked.headers_only:
            raise Refusal(403, "Metadata scope does not support 'q' parameter", "forbidden")
        shown, following, total = self._mailbox.page(
            q,
            asked.many("labelIds"),
            asked.one("pageToken"),
            asked.size,
            hidden=asked.one("includeSpamTrash") == "true",
        )
        answer: dict[str, Any] = {"resultSizeEstimate": total}
        if shown:
            answer["messages"] = [mail.brief for mail in shown]
        if following:
            answer["nextPageToken"] = following
        return answer

    def _get_message(self, asked: Asked) -> Answer:
        return self._mailbox.get(asked.path["id"]).resource(asked.form, _lower(asked.many("metadataHeaders")))

    def _send_message(self, asked: Asked) -> Answer:
        raw = decoded(asked.body.get("raw", ""))
        if not raw:
            raise invalid_argument(
                "'raw' RFC822 payload message string or uploading message via /upload/* URL required"
            )
        return self._mailbox.send(raw, asked.body.get("threadId") or None).labelled

    def _modify_message(self, asked: Asked) -> Answer:
        add, remove = asked.body.get("addLabelIds", ()), asked.body.get("removeLabelIds", ())
        if not add and not remove:
            raise invalid_argument("No label add or removes specified")
        return self._mailbox.relabel(asked.path["id"], add, remove).labelled

    def _get_attachment(self, asked: Asked) -> Answer:
        content = self._mailbox.get(asked.path["messageId"]).attachment(asked.path["id"])
        if content is None:
            raise invalid_argument("Invalid attachment token")
        return {"size": len(content), "data": encoded(content)}

    def _get_thread(self, asked: Asked) -> Answer:
        mails = self._mailbox.thread(asked.path["id"])
        if not mails:
            raise not_found()
        shown = [mail.resource(asked.form, _lower(asked.many("metadataHeaders"))) for mail in mails]
        return {"id": asked.path["id"], "historyId": str(max(mail.history_id for mail in mails)), "messages": shown}


def _lower(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
