"""What can go wrong, in our own words. The docstring of an error is its message.

    SupportError
    ├── BadRequestError            what was asked makes no sense; ``hint`` says what would
    │   ├── PolicyError            policy.toml says something impossible
    │   ├── KnowledgeFileError     a file of articles can't be read
    │   ├── InvalidMessageError    a message can't be accepted as it is
    │   └── WrongCodeError         a one-time code is not the right one, or too old
    ├── NotFoundError              no such thing, or not yours
    ├── NotProvenError             nobody may see this who has not proven who they are
    ├── TooManyError               it was asked for too often; later it works again
    ├── ConflictError              somebody was quicker, or what was seen has changed
    ├── LeaseLostError             another worker holds the case now
    ├── TurnNotResumableError      this graph lacks the node that a paused turn waits in
    ├── ConfigurationError         a setting or a server is not as it has to be; ``hint`` says what to do
    └── UnavailableError           something outside did not answer in time
        ├── ModelUnavailableError
        ├── KnowledgeUnavailableError
        ├── ProviderUnavailableError
        └── DatabaseUnavailableError
            └── DatabaseBusyError  every connection is in use, and as many wait as may

Domain errors know no HTTP: ``api.problems`` gives each a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal


class SupportError(Exception):
    """Something went wrong in the support system."""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])
        self.hint = hint


class BadRequestError(SupportError):
    """That request makes no sense."""


class PolicyError(BadRequestError):
    """The escalation policy can't be used."""


class KnowledgeFileError(BadRequestError):
    """That file of articles can't be read."""


class InvalidMessageError(BadRequestError):
    """That message can't be accepted."""


class WrongCodeError(BadRequestError):
    """That is not the code, or it counts no more."""


class NotFoundError(SupportError):
    """There is no such thing here."""


class NotProvenError(SupportError):
    """Only who has proven an address may see this."""


class TooManyError(SupportError):
    """That was asked for too often."""


class ConflictError(SupportError):
    """Somebody was quicker, or it has changed since it was read."""

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, changes: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.changes = dict(changes or {})
        """What is different now, as JSON values, for whoever has to look again."""


class LeaseLostError(SupportError):
    """Another worker holds this case now."""


class TurnNotResumableError(SupportError):
    """This version of the graph can't resume that paused turn."""


class ConfigurationError(SupportError):
    """A setting or a server is not as it has to be."""


class UnavailableError(SupportError):
    """Something outside did not answer in time."""


class ModelUnavailableError(UnavailableError):
    """The language model did not answer."""


class KnowledgeUnavailableError(UnavailableError):
    """The knowledge base did not answer."""


class ProviderUnavailableError(UnavailableError):
    """The channel's provider did not answer."""


class DatabaseUnavailableError(UnavailableError):
    """The database did not answer."""


Crowd = Literal["pool_full", "pool_timeout", "lane_full", "lane_timeout"]
"""Where there was no room, in the pool of connections or a lane of it: at once, as too many waited, or after a wait."""


class DatabaseBusyError(DatabaseUnavailableError):
    """Too much is going on at once."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(hint="try again in a moment; nothing was stored")
        self.crowd: Crowd = crowd
