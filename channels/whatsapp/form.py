"""The form that a webhook of Twilio carries, read from its raw bytes.

Raw, because the signature covers every parameter, also those that we don't know yet, and because a web framework's own
reading may differ from Twilio's in a detail (blank values, repeated names, broken characters).
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

from skills.errors import InvalidMessageError

_MOST_FIELDS = 300


class Form:
    """Names and values in the order in which they came; a name may come more than once."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def parse(cls, body: bytes) -> Form:
        """The form in a request's body.

        Raises:
            InvalidMessageError: it is no form, not in UTF-8, or has more fields than any webhook.
        """
        try:
            return cls(
                parse_qsl(
                    body.decode("ascii"),
                    keep_blank_values=True,
                    strict_parsing=bool(body),
                    errors="strict",
                    max_num_fields=_MOST_FIELDS,
                )
            )
        except ValueError:
            raise InvalidMessageError(
                "that webhook's body is no form", hint="Twilio sends application/x-www-form-urlencoded in UTF-8"
            ) from None

    def __iter__(self) -> Iterator[str]:
        """The names, each once."""
        return iter(self._values)

    def getall(self, name: str) -> list[str]:
        """Every value of a name; Twilio's validator asks for them by this method."""
        return self._values[name]

    def get(self, name: str) -> str:
        """The first value, without NUL (which no database stores) and white space around; empty when there is none."""
        values = self._values.get(name)
        return values[0].replace("\x00", "\ufffd").strip() if values else ""

    def __bool__(self) -> bool:
        return bool(self._values)
