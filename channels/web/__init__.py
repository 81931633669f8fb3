"""The web: a chat for any site, a form, and their JSON API. The browser reads replies itself, by polling or events."""

from skills.turn import ChannelName

CHAT = ChannelName("chat")
FORM = ChannelName("form")
