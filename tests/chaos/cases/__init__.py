"""The separate cases, one module a part of the product; importing this lists them all."""

from tests.chaos.cases import (
    clocks,
    crowds,
    forgers,
    inbox,
    mail,
    models,
    network,
    phones,
    postgres,
    providers,
    redis,
    reviews,
    senders,
    workers,
)

__all__ = [
    "clocks",
    "crowds",
    "forgers",
    "inbox",
    "mail",
    "models",
    "network",
    "phones",
    "postgres",
    "providers",
    "redis",
    "reviews",
    "senders",
    "workers",
]
