"""Finding out what became of a text, in Twilio's own list: certain, or honest about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from channels.envelope import (
    Absent,
    Accepted,
    Arrived,
    ArrivedPartly,
    Undecided,
    Unknown,
)
from channels.whatsapp.sender import Sender
from evals.emulators.twilio.faults import (
    Answer,
    Behaviour,
    Drop,
    Truncate,
    rate_limited,
    server_error,
)
from evals.emulators.twilio.server import NUMBER, TwilioServer
from tests.unit.channels.whatsapp.conftest import ADA, CARRYING, Line, Memory, delivery


async def test_a_part_that_fails_makes_the_whole_unknown_and_the_rest_is_found_missing(
    twilio: TwilioServer, line: Line
) -> None:
    began = datetime.now(UTC)
    long = delivery("\n\n".join(letter * 1_000 for letter in "abc"))
    twilio.script(Answer(), rate_limited(retry_after=60))
    assert await line.send(long) == Unknown("sent 1 of 3, then rate_limited (20429)")
    assert await line.look(long, began) == ArrivedPartly((twilio.sent[0].sid,), ("b" * 1_000, "c" * 1_000))


async def test_an_unknown_text_that_was_taken_is_found(twilio: TwilioServer, line: Line) -> None:
    began = datetime.now(UTC)
    twilio.script(Drop())
    assert isinstance(await line.send(delivery()), Unknown)
    found = await line.look(delivery(), began, minutes=0)
    assert found == Arrived((twilio.sent[0].sid,))


async def test_an_unknown_text_that_was_not_taken_is_absent_once_it_can_no_longer_turn_up(
    twilio: TwilioServer, line: Line
) -> None:
    began = datetime.now(UTC)
    twilio.script(Drop(taken=False))
    assert isinstance(await line.send(delivery()), Unknown)
    at_once = await line.look(delivery(), began, minutes=0)
    assert at_once == Undecided("it may still turn up", again=True)
    assert await line.look(delivery(), began) == Absent()


async def test_an_equal_text_of_another_row_or_an_earlier_day_is_not_taken_for_it(
    twilio: TwilioServer, line: Line
) -> None:
    earlier = await line.send(delivery())
    assert isinstance(earlier, Accepted)
    began = datetime.now(UTC)
    found = await line.look(delivery(), began, (earlier.provider_message_id or "",))
    assert found == Absent()
    twilio.sent[0].created -= timedelta(days=1)
    assert await line.look(delivery(), began) == Absent()


async def test_the_search_looks_far_back_up_to_its_limit(twilio: TwilioServer, line: Line) -> None:
    began = datetime.now(UTC)
    form = {"To": [f"whatsapp:{ADA}"], "From": [f"whatsapp:{NUMBER}"]}
    wanted = twilio.create({**form, "Body": ["It is on its way."]})
    for number in range(150):
        twilio.create({**form, "Body": [f"other {number}"]})
    assert await line.look(delivery(), began) == Arrived((wanted.sid,))
    for number in range(900):
        twilio.create({**form, "Body": [f"more {number}"]})
    found = await line.look(delivery(), began)
    assert found == Undecided("more than 1000 messages with this customer", again=False)


async def test_a_text_that_may_stand_in_a_template_is_a_persons_to_decide(twilio: TwilioServer, line: Line) -> None:
    line.sender, began = Sender(NUMBER, template=CARRYING), datetime.now(UTC)
    twilio.script(Drop())
    assert isinstance(await line.send(delivery(), Memory(None)), Unknown)
    found = await line.look(delivery(), began)
    assert found == Undecided("1 other messages may be it, as a template", again=False)


@pytest.mark.parametrize("behaviour", [server_error(), Drop(), Truncate()])
async def test_a_list_that_cannot_be_read_decides_nothing(
    twilio: TwilioServer, line: Line, behaviour: Behaviour
) -> None:
    twilio.script(behaviour)
    found = await line.look(delivery(), datetime.now(UTC))
    assert isinstance(found, Undecided)
    assert found.again


async def test_a_blank_text_was_never_sent(line: Line) -> None:
    assert await line.look(delivery(" "), datetime.now(UTC)) == Absent()
