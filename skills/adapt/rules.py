"""What each channel wants of a text, all in one place.

Lengths count UTF-16 code units, as the providers and browsers count them: an emoji is two.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from skills.turn import ChannelName


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """How a text has to be for one channel."""

    max_length: int
    """In UTF-16 code units."""
    strong: str = ""
    """What stands around bold text; empty where there is no markup."""
    letter: bool = False
    """Whether a text opens with a greeting and ends with a sign-off, as a letter does."""
    sources: bool = False
    """Whether the cited articles are named with their links below the answer."""


def _shipped() -> dict[ChannelName, ChannelRule]:
    return {
        ChannelName("chat"): ChannelRule(max_length=4_000, sources=True),
        ChannelName("form"): ChannelRule(max_length=10_000, letter=True, sources=True),
        ChannelName("email"): ChannelRule(max_length=50_000, letter=True, sources=True),
        ChannelName("whatsapp"): ChannelRule(max_length=1_600, strong="*"),
    }


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """The rules by channel.

    ``other`` serves a channel that has none of its own, and fits every channel that we know.
    """

    by_channel: dict[ChannelName, ChannelRule] = field(default_factory=_shipped)
    other: ChannelRule = ChannelRule(max_length=1_600)

    def of(self, channel: ChannelName) -> ChannelRule:
        """The rule of a channel."""
        return self.by_channel.get(channel, self.other)


def length_of(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) + sum(mark > "\uffff" for mark in text)
