"""Signing in once: the owner of the mailbox agrees in a browser, and Google gives a token that lasts.

In a browser on this machine, which Google sends back to a port here; or in a browser anywhere, from whose address line
the answer is copied. Google no longer shows codes to copy, but the page it sends the browser to need not be there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.gmail.credentials import SCOPES
from skills.errors import ConfigurationError, SupportError

_NOBODY = "http://localhost:1/"
"""Where nobody listens: the browser shows an error, and in its address line what we need."""
_LONGEST = 300
"""Seconds to agree in."""


class NoConsentError(SupportError):
    """Google did not sign the mailbox in."""


class Consent:
    """One attempt to sign in.

    Args:
        client: what stands in the file that Google's console gives out for a desktop app.
        mailbox: whose consent it should be, if that is known.

    Raises:
        ConfigurationError: that is no such file.
    """

    def __init__(self, client: Mapping[str, Any], mailbox: str | None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            from google_auth_oauthlib.flow import InstalledAppFlow
        if "installed" not in client:
            raise ConfigurationError(
                "that is not the file of a desktop app's OAuth client",
                hint="in Google's console: Clients, Create client, Desktop app, Download JSON",
            )
        try:
            self._flow = InstalledAppFlow.from_client_config(dict(client), SCOPES)
        except (ValueError, KeyError):
            raise ConfigurationError("the OAuth client's file lacks something", hint="download it again") from None
        self._asking = {"access_type": "offline", "prompt": "consent", **({"login_hint": mailbox} if mailbox else {})}

    def in_browser(self, say: str) -> dict[str, Any]:
        """Open this machine's browser and wait until the owner has agreed; the credentials to keep.

        Args:
            say: shown beside the browser; ``{url}`` is the address, if it has to be opened by hand.

        Raises:
            NoConsentError: nobody agreed.
        """
        return self._credentials(
            lambda: self._flow.run_local_server(
                host="localhost",
                bind_addr="127.0.0.1",
                port=0,
                authorization_prompt_message=say,
                success_message="Signed in. You can close this page.",
                timeout_seconds=_LONGEST,
                **self._asking,
            )
        )

    def address(self) -> str:
        """Where to agree, in a browser anywhere; ``pasted`` is for what comes of it."""
        self._flow.redirect_uri = _NOBODY
        url, _ = self._flow.authorization_url(**self._asking)
        return str(url)

    def pasted(self, answer: str) -> dict[str, Any]:
        """Read what the browser's address line says at the end; the credentials to keep.

        Raises:
            NoConsentError: it holds no consent to the very question that was asked.
        """
        parts = urlsplit(answer.strip())
        if not parts.query:
            raise NoConsentError(
                "that is not the whole address", hint=f"it begins with {_NOBODY}? and has code= and state= in it"
            )
        # oauthlib takes answers over https only; this one came over the clipboard.
        return self._credentials(lambda: self._flow.fetch_token(authorization_response=f"https://x/?{parts.query}"))

    def _credentials(self, agree: Callable[[], object]) -> dict[str, Any]:
        try:
            agree()
            kept: dict[str, Any] = json.loads(self._flow.credentials.to_json())
        except Warning:
            raise NoConsentError(
                "the consent lacks a permission", hint="sign in again, and tick both boxes: read, and send"
            ) from None
        except Exception as error:  # noqa: BLE001 - oauthlib, requests and the flow each raise what they like
            code = getattr(error, "error", None) or type(error).__name__
            raise NoConsentError(f"Google did not sign the mailbox in: {code}", hint="try again") from None
        if not kept.get("refresh_token"):
            raise NoConsentError(
                "Google gave a token that ends in an hour", hint="take the app's access back at myaccount.google.com"
            )
        return {"type": "authorized_user", **{name: kept[name] for name in _KEPT}}


_KEPT = ("client_id", "client_secret", "refresh_token", "token_uri")
