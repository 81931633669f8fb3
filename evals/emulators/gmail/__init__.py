"""Gmail with its token endpoint and its Pub/Sub pushes, on one machine, and as bad as a test wants it.

emulator.py       the server, and the handles that a test or the sample holds
discovery.py      Google's own description of the API, which every answer is held against
server.py         uvicorn in a thread of its own, whose connections can be cut
routes.py         from a request to a method: faults, token, scopes, parameters, answer
methods.py        what each method does
mailbox.py        mails, threads, labels, history
labels.py         Gmail's labels and people's
history.py        changes and cursors
message.py        a mail as the API shows it
reception.py      what Gmail writes on top of a mail that comes in
identity.py       what a mail says of itself: Message-ID, references, subject, recipients
search.py         the part of Gmail's query language that is understood
oauth.py          grants, access tokens and who may have them
signing.py        keys, and tokens signed with them
watch.py          what Pub/Sub is told of, and until when
push.py           Pub/Sub: deliveries, retries, forgeries
correspondent.py  customers' machines that answer by themselves
faults.py         what goes wrong, when
refusals.py       Google's error answers
calls.py          what was asked, when, and how it ended
"""
