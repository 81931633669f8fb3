"""Which addresses may be connected to, and connections to exactly the address that was looked at.

An address that somebody else writes (a redirect, a sitemap, a name server's answer) could lead into the company's own
network. So the name is resolved here, once for each connection; every address that it has must be a public one; and the
connection goes to that very address, so that a second answer of the name server changes nothing. TLS still checks the
certificate against the name.

Private networks are reached only where the operator names them.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore

from skills.errors import KnowledgeFileError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""The addresses of a name, as text."""

_EMBEDDING = tuple(IPv6Network(text) for text in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
"""Networks of IPv6 whose addresses end in one of IPv4: compatible, translated, NAT64."""

_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text) for text in ("64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16", "192.88.99.0/24")
)
"""Local NAT64 (RFC 8215), site-local (RFC 3879), documentation (RFC 9637), segment routing (RFC 9602) and 6to4 relays
(RFC 7526): by the tables of the interpreter some of these are public, which differ from release to release."""


class ForbiddenAddressError(KnowledgeFileError):
    """That address is not public."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as an operator writes them: ``10.1.0.0/16``, ``127.0.0.1``.

    Raises:
        KnowledgeFileError: one is none.
    """
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise KnowledgeFileError(f"{text!r} is not a network", hint="write it as 10.1.0.0/16") from None
    return tuple(found)


def is_allowed(address: Address, named: Sequence[Network] = ()) -> bool:
    """Whether it is a public address, or one in a network that the operator named.

    An IPv6 address that stands for an IPv4 one (mapped, compatible, 6to4, Teredo, NAT64) is judged as that, too.
    """
    if any(address in network for network in named):
        return True
    if address.is_multicast or not address.is_global or any(address in network for network in _NOT_PUBLIC):
        return False
    return all(is_allowed(inner, named) for inner in _within(address))


def resolve(host: str, port: int) -> list[str]:
    """What the machine's resolver says, without zone names of interfaces.

    Raises:
        OSError: nobody knows the name.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class GuardedNetwork(httpcore.NetworkBackend):
    """Opens connections to allowed addresses only, each with a deadline for all that comes over it.

    Args:
        named: private networks that may be reached.
        resolver: asked for the addresses of a name.
    """

    def __init__(self, named: Sequence[Network] = (), resolver: Resolver = resolve) -> None:
        self._named = named
        self._resolver = resolver
        self._inner = httpcore.SyncBackend()
        self.deadline = float("inf")
        """When to give up, by ``time.monotonic``, whatever trickles in until then."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers.

        Raises:
            ForbiddenAddressError: one of its addresses is not allowed; none was connected to.
            httpcore.ConnectError: it has no address, or none answers.
        """
        try:
            addresses = [ip_address(text) for text in self._resolver(host, port)]
        except (OSError, ValueError, UnicodeError) as error:
            raise httpcore.ConnectError(f"no address is known for {host}") from error
        # One public address beside a private one is a trick or a mistake: not the first allowed one is taken.
        if forbidden := [address for address in addresses if not is_allowed(address, self._named)]:
            raise ForbiddenAddressError(
                f"{host} is at {forbidden[0]}, which is not a public address",
                hint="if it is yours and meant: --allow-network, or CSAGENT_KNOWLEDGE__PRIVATE_NETWORKS",
            )
        failed: Exception = httpcore.ConnectError(f"no address is known for {host}")
        for address in addresses:
            try:
                stream = self._inner.connect_tcp(
                    str(address), port, _sooner(timeout, self.deadline), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Timed(stream, self)
        raise failed


class _Timed(httpcore.NetworkStream):
    """A connection that gives up at its network's deadline, however little comes each time."""

    def __init__(self, stream: httpcore.NetworkStream, network: GuardedNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most so many bytes, before the deadline."""
        return self._stream.read(max_bytes, _sooner(timeout, self._network.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, before the deadline."""
        self._stream.write(buffer, _sooner(timeout, self._network.deadline))

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted; the certificate has to be the name's."""
        within = _sooner(timeout, self._network.deadline)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, within), self._network)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _sooner(timeout: float | None, deadline: float) -> float | None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("it took too long in all")
    return left if timeout is None else min(timeout, left)


def _within(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if any(address in network for network in _EMBEDDING):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found
