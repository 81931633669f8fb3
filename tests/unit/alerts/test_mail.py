from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.alerts.mail import Mail, Mailer, server_of
from infra.alerts.sending import Attempt, Never, NotYet, Told
from tests.emulators.smtp_server import Fault, SmtpServer, smtp_server

MAIL = Mail("0198", "kim@shop.example", "[P1] A case is late", "A case is late.\n")


def plain(server: SmtpServer, seconds: float = 60.0) -> Mailer:
    return Mailer(
        server_of(f"smtp+plain://127.0.0.1:{server.port}"), "csagent@shop.example", step=60.0, seconds=seconds
    )


async def test_a_mail_says_that_a_machine_wrote_it_and_who() -> None:
    async with smtp_server() as server:
        assert await plain(server).send(MAIL) == Told()
    (mail,) = server.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == ("kim@shop.example", "csagent@shop.example", MAIL.subject)
    assert mail["Message-ID"] == "<0198@shop.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == MAIL.text


@pytest.mark.parametrize(
    ("fault", "attempt"),
    [
        ("refuse_rcpt", Never("smtp_550")),
        ("busy_rcpt", NotYet("smtp_450", down=False)),
        ("busy_data", NotYet("smtp_451", down=False)),
        ("drop_after_data", NotYet("unreachable")),
        ("hang", NotYet("timeout")),
    ],
)
async def test_whatever_the_server_does_has_a_result(fault: Fault, attempt: Attempt) -> None:
    async with smtp_server(fault) as server:
        assert await plain(server, 0.3 if fault == "hang" else 60.0).send(MAIL) == attempt
        assert await plain(server).send(MAIL) == Told()
    assert {mail["Message-ID"] for mail in server.mails} == {
        "<0198@shop.example>"
    }  # twice after DATA, told apart by it


async def test_nobody_at_the_address_is_no_answer() -> None:
    async with smtp_server() as server:
        pass
    assert await plain(server).send(MAIL) == NotYet("unreachable")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "here.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_a_password_is_given_after_starttls_only_and_a_server_without_it_gets_nothing(certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with smtp_server("no_starttls", "bad_password", tls=tls) as server:
        told = server_of(f"smtp://kim:pass%40word@127.0.0.1:{server.port}")
        trusting = Mailer(told, "csagent@shop.example", context=ssl.create_default_context(cafile=str(certificate)))
        assert await trusting.send(MAIL) == NotYet("no_starttls")
        assert await trusting.send(MAIL) == NotYet("smtp_535")
        assert await trusting.send(MAIL) == Told()
        assert await Mailer(told, "csagent@shop.example").send(MAIL) == NotYet("tls")  # a certificate that nobody knows
    assert server.protected == [True]
    assert server.logins[-1] == ":kim:pass@word"


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp+plain://kim:word@mail.example"]
)
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"write it like|smtps"):
        server_of(url)


def test_a_server_has_the_usual_port_of_its_protection() -> None:
    assert server_of("smtps://mail.example").port == 465
    assert server_of("smtp://kim:pass%40word@mail.example").password == "pass@word"
