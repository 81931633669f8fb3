"""Twilio's messaging API for WhatsApp, on a free port of this machine, with webhooks to us and faults on demand.

    with TwilioServer(messages_url="http://127.0.0.1:8000/webhooks/whatsapp/messages") as twilio:
        twilio.write("+491701234567", "Where is my order?")     # a customer writes: a signed webhook comes
        ...                                                     # our reply goes to twilio.url
        twilio.settle()                                         # until every status webhook has gone out
        assert twilio.sent[0].body == "It is on its way."
        twilio.script(Drop(), rate_limited())                   # one behaviour a request, in order
        twilio.lives(OUT_OF_ORDER)                              # what the next message's statuses do

It enforces what hurts: the 24-hour window (a 201, then ``failed`` with 63016, as the real one), opt-outs (21610), the
length of a text, senders that are not ours. It is stricter where a mistake would go unseen: unknown parameters are
refused.

    server      what a test or `make run` holds
    exchange    one HTTP connection
    ledger      which messages there are, and what may be created
    resources   the JSON of Twilio's API
    webhooks    signed requests to us
    faults      what can go wrong
"""
