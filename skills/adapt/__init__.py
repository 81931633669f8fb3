"""adapt: the very text that a channel sends, and the note for the customer while a person looks at it."""

from skills.adapt.check import check_text, fit
from skills.adapt.rules import ChannelRule, ChannelRules, Company
from skills.adapt.skill import Adapt, AdaptInput, AdaptUpdate
from skills.adapt.texts import failure_notice

__all__ = [
    "Adapt",
    "AdaptInput",
    "AdaptUpdate",
    "ChannelRule",
    "ChannelRules",
    "Company",
    "check_text",
    "failure_notice",
    "fit",
]
