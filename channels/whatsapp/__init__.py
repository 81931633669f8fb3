"""WhatsApp, through Twilio: signed webhooks bring messages and statuses, Twilio's REST API takes our texts."""

from skills.turn import ChannelName

WHATSAPP = ChannelName("whatsapp")

PREFIX = "whatsapp:"
"""What Twilio writes before an address of this channel; we keep addresses without it."""
