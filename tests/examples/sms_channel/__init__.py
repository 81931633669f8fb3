"""A channel of its own, whole: text messages by an invented gateway. It touches no file of the product.

inbound.py     from the gateway's webhook to an envelope
signature.py   whether a webhook is the gateway's
outbound.py    a text to the gateway, and what came of it
channel.py     what the product has to know: routes in, sending half out

The gateway is invented (``gateway.py`` plays it over real HTTP), what it may do is not: it forges, repeats, cuts off,
answers late, wrongly or not at all.
"""

from skills.turn import ChannelName

SMS = ChannelName("sms")
