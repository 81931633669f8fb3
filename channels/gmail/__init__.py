"""Mail through a Gmail mailbox."""

from skills.turn import ChannelName

EMAIL = ChannelName("email")
"""The channel's name: what a mail address is an address on, whoever carries the mail."""
