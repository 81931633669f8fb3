"""The separate cases, one module a part of the product; importing this lists them all."""

from tests.chaos.cases import (
    clocks,
    crowds,
    inbox,
    models,
    network,
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
    "inbox",
    "models",
    "network",
    "postgres",
    "providers",
    "redis",
    "reviews",
    "senders",
    "workers",
]
