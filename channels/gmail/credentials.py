"""Who we are at Google: a file with the consent of the mailbox's owner, or with the key of a service account.

The file is read when it is needed and again when it has changed, so that signing in anew needs no restart. Access
tokens last an hour and stay in memory.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.oauth2.credentials import Credentials as UserCredentials
from google.oauth2.service_account import Credentials as AccountCredentials

from channels.gmail.refusals import NOT_SIGNED_IN, CallError
from skills.errors import ConfigurationError

SCOPES = ("https://www.googleapis.com/auth/gmail.readonly", "https://www.googleapis.com/auth/gmail.send")
"""The least that does: read mails and their history, watch, send. Nothing can be changed or deleted with it."""

CONNECT = "`csagent gmail connect` signs the mailbox in"


class Credentials:
    """The credentials in a file.

    Args:
        path: of the file.
        subject: whose mailbox a service account acts for.
    """

    def __init__(self, path: Path, subject: str) -> None:
        self._path = path
        self._subject = subject
        self._lock = threading.Lock()
        self._read_at: int | None = None
        self._held: Any = None

    def token(self, http: httpx.Client, *, not_this: str | None = None) -> str:
        """An access token; from any thread.

        Args:
            http: asks for a new one.
            not_this: one that was refused.

        Raises:
            CallError: there is none to be had; nothing else was asked.
        """
        with self._lock:
            try:
                held = self._current()
                if not held.valid or held.token == not_this:
                    held.refresh(_Asking(http))
            except RefreshError as error:
                if error.retryable:
                    raise CallError("no access token at the moment", fate="never left") from None
                raise CallError(NOT_SIGNED_IN, fate="never left", hint=_why(error)) from None
            except ConfigurationError as error:
                raise CallError(NOT_SIGNED_IN, fate="never left", hint=f"{error}: {error.hint}") from None
            except (GoogleAuthError, ValueError, TypeError, KeyError) as error:  # the latter for half an answer
                raise CallError(f"no access token: {type(error).__name__}", fate="never left") from None
            return str(held.token)

    def _current(self) -> Any:
        try:
            changed = self._path.stat().st_mtime_ns
            if self._held is None or changed != self._read_at:
                self._held = from_info(json.loads(self._path.read_text(encoding="utf-8")), self._subject)
                self._read_at = changed
        except OSError as error:
            raise ConfigurationError(f"{self._path} can't be read: {error.strerror}", hint=CONNECT) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigurationError(f"{self._path} holds no credentials of Google's", hint=CONNECT) from None
        return self._held


def from_info(info: Mapping[str, Any], subject: str) -> Any:
    """Google's own credentials of what stands in a file.

    Raises:
        ValueError: it is none of the two kinds.
    """
    # google-auth's constructors have no types
    if info.get("type") == "service_account":
        return AccountCredentials.from_service_account_info(info, scopes=SCOPES, subject=subject)  # type: ignore[no-untyped-call]
    if info.get("refresh_token"):
        return UserCredentials(  # type: ignore[no-untyped-call]
            None,
            refresh_token=info["refresh_token"],
            token_uri=info.get("token_uri") or "https://oauth2.googleapis.com/token",
            client_id=info["client_id"],
            client_secret=info["client_secret"],
            scopes=SCOPES,
        )
    raise ValueError("neither a consent nor a service account")


def store(path: Path, info: Mapping[str, Any]) -> None:
    """Write credentials where only this user can read them; what was there before is replaced in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(dict(info), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _why(error: RefreshError) -> str:
    """What to do about a refusal of the token endpoint, by its code."""
    text = str(error)
    if "unauthorized_client" in text:
        return "grant the service account's client id the two scopes, in admin.google.com under domain-wide delegation"
    if "Invalid email" in text:
        return "there is no such mailbox in the service account's domain: CSAGENT_GMAIL__SUBJECT"
    return f"the consent or key is not valid any more; {CONNECT}"


class _Asking:
    """google-auth's port for HTTP, on httpx."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        try:
            answer = self._http.request(method, url, content=body, headers=headers, timeout=timeout or 10.0)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransportError(type(error).__name__) from None  # type: ignore[no-untyped-call] # google-auth's
        return _Answer(answer)


class _Answer:
    """What google-auth reads of an answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.data = answer.content
