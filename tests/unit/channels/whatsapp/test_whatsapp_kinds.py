"""Files, codes, wishes and the pace: what goes out beside plain texts, and what does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels.envelope import (
    Accepted,
    ArrivedPartly,
    Deferred,
    Delivery,
    DeliveryKind,
    File,
    Refused,
    Unknown,
)
from channels.whatsapp.pace import Pace
from channels.whatsapp.refusals import INVITED, WINDOW_CLOSED
from channels.whatsapp.sender import Sender
from evals.emulators.twilio.faults import (
    Answer,
    Drop,
    rate_limited,
)
from evals.emulators.twilio.server import NUMBER, TwilioServer
from tests.unit.channels.whatsapp.conftest import CARRYING, INVITING, Line, Memory, delivery


def letter(*files: File, kind: DeliveryKind = "reply", text: str = "Here it is.") -> Delivery:
    return replace(delivery(text), kind=kind, files=files, author="human")


PICTURE = File("a.png", "image/png", 3, b"png")


async def test_a_file_goes_out_after_the_text_from_where_twilio_can_get_it(twilio: TwilioServer, line: Line) -> None:
    line.link = lambda _message, ordinal: f"https://support.example.com/v1/files/{ordinal}"
    result = await line.send(letter(PICTURE, PICTURE))
    assert result == Accepted(twilio.sent[0].sid)
    assert [(message.body, message.media_urls) for message in twilio.sent] == [
        ("Here it is.", ()),
        ("", ("https://support.example.com/v1/files/1",)),
        ("", ("https://support.example.com/v1/files/2",)),
    ]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (PICTURE, "files_cannot_be_sent"),
        (replace(PICTURE, size=6 * 1_048_576), "file_too_large"),
        (File("a.pdf", "application/pdf", 17 * 1_048_576, b""), "file_too_large"),
    ],
)
async def test_a_file_that_cannot_go_out_keeps_the_whole_back(
    twilio: TwilioServer, line: Line, file: File, reason: str
) -> None:
    assert await line.send(letter(file)) == Refused(reason, retry=False)
    assert twilio.calls == []


async def test_a_file_does_not_fit_into_a_template(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, template=CARRYING)
    assert await line.send(letter(PICTURE), Memory(None)) == Refused(WINDOW_CLOSED, retry=False)
    assert twilio.calls == []


async def test_files_that_were_taken_are_found_again(twilio: TwilioServer, line: Line) -> None:
    line.link = lambda _message, ordinal: f"https://support.example.com/v1/files/{ordinal}"
    began, sent = datetime.now(UTC), letter(PICTURE, PICTURE)
    twilio.script(Answer(), Answer(), Drop(taken=False))
    assert isinstance(await line.send(sent), Unknown)
    sids = tuple(message.sid for message in twilio.sent)
    assert await line.look(sent, began) == ArrivedPartly(sids, ("a.png",))


async def test_who_wrote_stop_gets_nothing_but_the_confirmation(twilio: TwilioServer, line: Line) -> None:
    assert await line.send(delivery(), Memory(stopped=True)) == Refused("opted_out", retry=False)
    assert await line.send(letter(kind="code"), Memory(stopped=True)) == Refused("opted_out", retry=False)
    assert twilio.calls == []
    assert isinstance(await line.send(letter(kind="consent"), Memory(stopped=True)), Accepted)


async def test_a_code_goes_out_in_its_own_template_or_not_at_all(twilio: TwilioServer, line: Line) -> None:
    code = letter(kind="code", text="Your code is 424242. It is good for ten minutes.")
    assert await line.send(code, Memory(None)) == Refused("no_code_template", retry=False)
    line.sender = Sender(NUMBER, code_template=CARRYING)
    assert isinstance(await line.send(code, Memory(None)), Accepted)
    assert json.loads(twilio.calls[0].form["ContentVariables"][0]) == {"1": "424242"}
    line.sender = Sender(NUMBER, code_template=INVITING)
    assert await line.send(code, Memory(None)) == Refused("no_code_template", retry=False)


async def test_a_short_rest_in_the_middle_of_a_text_is_waited_out(twilio: TwilioServer, line: Line) -> None:
    line.pace = Pace(1_000)
    twilio.script(Answer(), rate_limited())
    long = delivery("\n\n".join(letter_ * 1_000 for letter_ in "abc"))
    assert await line.send(long) == Accepted(twilio.sent[0].sid)
    assert [message.body[0] for message in twilio.sent] == ["a", "b", "c"]


async def test_a_text_too_far_back_in_the_line_is_put_off_without_an_attempt(twilio: TwilioServer, line: Line) -> None:
    line.pace = Pace(0.01, burst=1)
    assert isinstance(await line.send(delivery()), Accepted)
    result = await line.send(delivery())
    assert isinstance(result, Deferred)
    assert (result.reason, 90 < result.seconds <= 100, len(twilio.calls)) == ("paced", True, 1)


async def test_an_invitation_reports_nothing_about_the_text(twilio: TwilioServer, line: Line) -> None:
    line.sender = Sender(NUMBER, status_callback="https://support.example.com/s", template=INVITING)
    assert await line.send(delivery(), Memory(None)) == Refused(INVITED, retry=False)
    assert twilio.sent[0].status_callback is None
