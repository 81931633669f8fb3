"""What each channel wants of a text, all in one place. ``docs/channels/README.md`` shows it as a table.

Three things are the same everywhere and stand in no rule: the language is the customer's, whatever the draft was
written in; the tone is that of ``texts``, polite and plain; the first text of a case says that an assistant writes.

Lengths count UTF-16 code units, as the providers and browsers count them: an emoji is two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from skills.turn import ChannelName

Links = Literal["address", "label: address", "label (address)", "[label](address)"]
"""How a link of a draft is written. Its address is always to be seen."""
Emoji = Literal["kept", "one", "none"]
"""Which of a draft's emoji stay: all of them, the first one, or none."""
Signature = Literal["none", "below", "the channel's"]
"""Where the company's signature goes: nowhere, below the sign-off, or where the channel itself puts it."""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """How a text has to be for one channel. What nothing is said about is what every provider takes."""

    max_length: int = 1_600
    """Of a whole text, in UTF-16 code units."""
    one_message: int | None = None
    """What fits into one message, where the channel sends a longer text as several; the channel splits, not we."""
    letter: bool = False
    """Whether a text opens with a greeting and ends with a sign-off, as a letter does."""
    signature: Signature = "none"
    bold: str = ""
    """What stands around bold text and headings; empty where there is no markup."""
    item: str = "- "
    """What begins a line of a list; numbers stay as they are."""
    links: Links = "address"
    emoji: Emoji = "none"
    sources: bool = False
    """Whether the cited articles are named with their links below the answer."""


def _shipped() -> dict[ChannelName, ChannelRule]:
    return {
        ChannelName("chat"): ChannelRule(
            max_length=4_000,
            links="label (address)",
            emoji="kept",
            sources=True,
        ),
        ChannelName("form"): ChannelRule(
            max_length=10_000,
            letter=True,
            signature="below",
            links="label (address)",
            emoji="one",
            sources=True,
        ),
        ChannelName("email"): ChannelRule(
            max_length=50_000,
            letter=True,
            signature="the channel's",
            links="label (address)",
            emoji="one",
            sources=True,
        ),
        ChannelName("whatsapp"): ChannelRule(
            max_length=4_800,
            one_message=1_600,
            bold="*",
            links="label: address",
            emoji="kept",
        ),
    }


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """The rules by channel.

    ``other`` serves a channel that has none of its own: plain, short, with nothing that a device may fail to show.
    """

    by_channel: dict[ChannelName, ChannelRule] = field(default_factory=_shipped)
    other: ChannelRule = ChannelRule()

    def of(self, channel: ChannelName) -> ChannelRule:
        """The rule of a channel."""
        return self.by_channel.get(channel, self.other)


@dataclass(frozen=True, slots=True)
class Company:
    """For whom we write."""

    name: str = ""
    """In the sign-off; without one it names nobody."""
    signature: str = ""
    """Below letters, in lines: who the company is, and what the law of its country asks for."""


def length_of(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) + sum(mark > "\uffff" for mark in text)
