"""Free ports of 127.0.0.1."""

from __future__ import annotations

import random
import socket

from skills.errors import ConfigurationError

HOST = "127.0.0.1"

_CHOICE = range(20_000, 30_000)
"""Below the ports that systems give to outgoing connections, one of which could sit on a remembered port."""
_TRIES = 50


def is_free(port: int) -> bool:
    """Whether a server could listen there now. What lingers of closed connections doesn't count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(server: str, *, asked: int | None, remembered: int | None) -> int:
    """Choose where a server listens: where it was asked to, else where it listened last time, else anywhere free.

    Raises:
        ConfigurationError: The port that was asked for is taken, or no port is free.
    """
    if asked is not None:
        if not is_free(asked):
            raise ConfigurationError(
                f"Port {asked} of {HOST}, asked for {server}, is taken or not allowed.",
                hint="Ask for another port or for none, or stop the program that listens there.",
            )
        return asked
    if remembered is not None and is_free(remembered):
        return remembered
    for port in random.SystemRandom().sample(_CHOICE, k=_TRIES):
        if is_free(port):
            return port
    raise ConfigurationError(
        f"No free port for {server} was found on {HOST}.", hint="Can this program open network sockets at all?"
    )
