from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from uuid import UUID

import pytest

from infra.alerts.sending import Attempt, Never, NotYet, Told
from infra.alerts.webhook import Webhooks, address_of, judged, secret_of, shown, signed
from infra.knowledge.addresses import networks
from skills.errors import BadRequestError
from tests.emulators.webhook_receiver import receiver

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
HERE = networks(["127.0.0.0/8"])
SECRETS = [b"n" * 32, b"o" * 32]


def test_a_signature_is_the_one_that_the_standards_own_example_has() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_each_endpoint_and_each_generation_has_a_secret_of_its_own() -> None:
    made = [secret_of(b"k" * 32, UUID(int=number), generation) for number in (1, 2) for generation in (1, 2)]
    assert len(set(made)) == 4
    assert shown(made[0]).startswith("whsec_")
    assert base64.b64decode(shown(made[0]).removeprefix("whsec_")) == made[0]


async def test_what_arrives_is_signed_by_the_new_secret_and_the_old_one() -> None:
    async with receiver() as program:
        assert (
            await Webhooks(HERE, seconds=60.0, context=NO_CERTIFICATES).post(
                program.url, "m1", {"type": "test"}, SECRETS
            )
            == Told()
        )
    (request,) = program.requests
    assert request.content == {"type": "test"}
    text = f"m1.{request.headers['webhook-timestamp']}.".encode() + request.body
    for secret, given in zip(SECRETS, request.headers["webhook-signature"].split(" "), strict=True):
        expected = base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode()
        assert given == f"v1,{expected}"


@pytest.mark.parametrize(
    ("answer", "attempt"),
    [
        ("200 OK", Told()),
        ("410 Gone", Never("gone", gone=True)),
        ("302 Found\r\nLocation: http://127.0.0.1:9/", NotYet("http_302", down=False)),
        ("400 Bad Request", NotYet("http_400", down=False)),
        ("503 Busy\r\nRetry-After: 120", NotYet("http_503", 120.0)),
        ("429 Busy\r\nRetry-After: soon", NotYet("http_429")),
        ("", NotYet("unreachable")),
        (None, NotYet("timeout")),
    ],
)
async def test_whatever_a_receiver_does_has_a_result(answer: str | None, attempt: Attempt) -> None:
    async with receiver(answer) as program:
        assert (
            await Webhooks(HERE, seconds=0.5 if answer is None else 60.0, context=NO_CERTIFICATES).post(
                program.url, "m", {}, SECRETS
            )
            == attempt
        )
    assert len(program.requests) <= 1  # a redirect is not followed


async def test_an_address_in_a_network_that_nobody_named_is_not_called() -> None:
    async with receiver() as program:
        assert await Webhooks().post(program.url, "m", {}, SECRETS) == NotYet("not_a_public_address")
    assert program.requests == []


def test_a_receiver_asks_for_an_hour_at_most() -> None:
    assert judged(503, "99999999") == NotYet("http_503", 3600.0)
    assert judged(503, "Thu, 01 Jan 1970 00:00:00 GMT") == NotYet("http_503")


@pytest.mark.parametrize(
    "url", ["http://hooks.example/", "ftp://hooks.example", "https://a:b@hooks.example", "nothing"]
)
def test_what_is_no_address_to_call_is_refused(url: str) -> None:
    with pytest.raises(BadRequestError):
        address_of(url, insecure=False)
    assert address_of("http://hooks.example/x", insecure=True) == "http://hooks.example/x"
