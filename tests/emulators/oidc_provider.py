"""An OpenID provider over HTTP that speaks the wire format and misbehaves on demand.

Discovery, an authorization endpoint that signs in whoever ``claims`` describes without asking, a token endpoint that
checks client, code, redirect address and PKCE as RFC 6749 and RFC 7636 say, and keys. It shares no code
with the client.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "csagent-console", "s3cret/with+signs"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OidcProvider:
    """Listens on 127.0.0.1 while the ``with`` block lasts.

    What a test plays with: ``claims`` are merged into every ID token, ``None`` takes one out; ``wrong_key`` signs with
    a key that is not published; ``algorithm`` is written into the head, ``none`` leaves the signature away; ``broken``
    is a path that answers 500.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.wrong_key = False
        self.broken: str | None = None
        self.issuer_told: str | None = None
        self.asked: list[str] = []
        self._keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
        self._named = 0
        self._codes: dict[str, dict[str, str]] = {}
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/realm"

    def rotate(self) -> None:
        """From now on tokens are signed by a new key of a new name."""
        self._keys.reverse()
        self._named += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def answer(self, method: str, path: str, query: dict[str, str], body: str, authorization: str) -> tuple[int, Any]:
        """Status and JSON; of a redirect the address."""
        where = path.removeprefix("/realm")
        self.asked.append(where)
        if where == self.broken:
            return 500, {"error": "server_error"}
        if where == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer_told or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        if where == "/keys":
            return 200, {"keys": [self._published()]}
        if where == "/authorize":
            return 302, self._authorize(query)
        if where == "/token" and method == "POST":
            return self._token({name: values[0] for name, values in parse_qs(body).items()}, authorization)
        return 404, {"error": "not_found"}

    def _authorize(self, query: dict[str, str]) -> str:
        assert query["tenant"] == "1", "the endpoint's own query was lost"
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = encoded(hashlib.sha256(f"{time.time_ns()}".encode()).digest())
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        pair = base64.b64encode(f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}".encode()).decode()
        if authorization != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        began = self._codes.pop(form.get("code", ""), None)
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            began is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != began["redirect_uri"]
            or challenge != began["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(began["nonce"])}

    def token(self, nonce: str) -> str:
        """An ID token, as sound or unsound as the test wants it."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "subject-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "preferred_username": "Mira",
            "groups": ["support-leads", "everybody"],
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": self.algorithm, "kid": f"key-{self._named}", "typ": "JWT"}
        text = ".".join(encoded(json.dumps(part).encode()) for part in (head, kept))
        if self.algorithm == "none":
            return f"{text}."
        key = self._keys[1 if self.wrong_key else 0]
        return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def _published(self) -> dict[str, str]:
        numbers = self._keys[0].public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": f"key-{self._named}",
            "n": encoded(numbers.n.to_bytes(256)),
            "e": encoded(numbers.e.to_bytes(3)),
        }


class _Handler(BaseHTTPRequestHandler):
    provider: OidcProvider

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_GET(self) -> None:
        self._answer("GET", "")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""

    def _answer(self, method: str, body: str) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, told = self.provider.answer(method, parts.path, query, body, self.headers.get("Authorization", ""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", told)
            told = {}
        data = json.dumps(told).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
