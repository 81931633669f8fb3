"""Files of customers, fetched from the emulator: whole or not at all, and our credentials stay with Twilio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from channels.whatsapp.account import Account
from channels.whatsapp.inbound import MediaReference
from channels.whatsapp.media import MediaFetch
from evals.emulators.twilio.faults import Drop, Hang, server_error
from evals.emulators.twilio.resources import Media
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer
from skills.errors import InvalidMessageError, NotFoundError, ProviderUnavailableError

PICTURE = Media(b"\xff\xd8\xff" * 1_000, "image/jpeg")


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def reference(twilio: TwilioServer) -> MediaReference:
    message = twilio.ledger.receive("whatsapp:+491701234567", "", (PICTURE,))
    return MediaReference(0, f"{twilio.url}{message.uri}/Media/{PICTURE.sid}", "image/jpeg")


def fetching(
    twilio: TwilioServer, http: httpx.AsyncClient, *, max_bytes: int = 10_000, deadline: float = 20.0
) -> MediaFetch:
    account = Account(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio.url)
    return MediaFetch(account, http, max_bytes=max_bytes, deadline=deadline)


async def test_a_file_is_fetched_through_the_redirect(
    twilio: TwilioServer, http: httpx.AsyncClient, reference: MediaReference
) -> None:
    assert await fetching(twilio, http).fetch(reference) == PICTURE.content


async def test_a_file_that_is_too_large_is_refused(
    twilio: TwilioServer, http: httpx.AsyncClient, reference: MediaReference
) -> None:
    with pytest.raises(InvalidMessageError, match="too large"):
        await fetching(twilio, http, max_bytes=2_999).fetch(reference)


async def test_a_file_that_is_gone_is_not_found(
    twilio: TwilioServer, http: httpx.AsyncClient, reference: MediaReference
) -> None:
    gone = MediaReference(0, reference.url.replace(PICTURE.sid, "ME404"), "image/jpeg")
    with pytest.raises(NotFoundError, match="no more"):
        await fetching(twilio, http).fetch(gone)


@pytest.mark.parametrize("behaviour", [server_error(), Drop(), Hang()])
async def test_a_fault_is_worth_another_attempt(
    twilio: TwilioServer, http: httpx.AsyncClient, reference: MediaReference, behaviour: Drop
) -> None:
    twilio.script(behaviour)
    with pytest.raises(ProviderUnavailableError, match="can't be had"):
        await fetching(twilio, http, deadline=0.5).fetch(reference)


@pytest.mark.parametrize("url", ["https://evil.example/Media/ME1", "https://api.twilio.com.evil.example/x", "http://["])
async def test_nothing_is_fetched_from_a_foreign_address(
    twilio: TwilioServer, http: httpx.AsyncClient, url: str
) -> None:
    with pytest.raises((InvalidMessageError, ProviderUnavailableError)):
        await fetching(twilio, http).fetch(MediaReference(0, url, "image/jpeg"))
    assert twilio.calls == []


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


REAL = MediaReference(0, "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/SM1/Media/ME1", "image/jpeg")


async def test_the_store_never_sees_our_credentials() -> None:
    seen: list[tuple[str, bool]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, "Authorization" in request.headers))
        if request.url.host == "api.twilio.com":
            return httpx.Response(307, headers={"Location": "https://store.example/f"})
        return httpx.Response(200, content=b"file")

    async with answering(answer) as http:
        assert await MediaFetch(Account("AC1", "x"), http).fetch(REAL) == b"file"
    assert seen == [("api.twilio.com", True), ("store.example", False)]


async def test_a_redirect_that_gives_up_tls_is_not_followed() -> None:
    async with answering(lambda _: httpx.Response(307, headers={"Location": "http://store.example/f"})) as http:
        with pytest.raises(InvalidMessageError, match="without TLS"):
            await MediaFetch(Account("AC1", "x"), http).fetch(REAL)


async def test_redirects_without_end_are_given_up() -> None:
    async with answering(lambda request: httpx.Response(302, headers={"Location": str(request.url)})) as http:
        with pytest.raises(ProviderUnavailableError, match="from address to address"):
            await MediaFetch(Account("AC1", "x"), http).fetch(REAL)
