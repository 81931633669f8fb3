"""The web: a chat page and a JSON API. The browser reads replies itself, by polling or server-sent events."""

from skills.turn import ChannelName

WEB = ChannelName("web")
