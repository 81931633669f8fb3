"""A provider that misbehaves."""

from __future__ import annotations

import asyncio

from evals.emulators.gmail import faults as gmail
from evals.emulators.twilio import faults as twilio
from evals.emulators.twilio.faults import DOUBLED, LOST, OUT_OF_ORDER, failing
from tests.chaos.relay import RELAY
from tests.chaos.scene import Scene, case
from tests.emulators.provider import Drop, Hang, Refuse, Stumble, Take


@case(11)
async def a_provider_takes_a_text_and_drops_the_connection(scene: Scene) -> None:
    """Taken without an answer, taken with a 500, taken and never answered: unknown each time, and never sent again."""
    for manner in (Drop(), Stumble(), Hang()):
        scene.stage.provider.behave(manner, times=3)
        said = await asyncio.gather(*(scene.talk(RELAY).say() for _ in range(3)))
        scene.happened()
        await scene.until(
            "select 1 from outbox where case_id = any(%(cases)s) and state = 'unknown' having count(*) = 3",
            cases=[one.case_id for one in said],
        )


@case(11)
async def a_provider_refuses_for_a_while(scene: Scene) -> None:
    """429, then 503, then slow answers. Twenty seconds stand for half an hour; what waits is sent when it is over."""
    provider = scene.stage.provider
    async with scene.load(talks=10, pause=1.0):
        for status in (429, 503):
            provider.behave(Refuse(status))
            await asyncio.sleep(10)
            scene.happened()
        provider.behave(Take(1.0))
        await asyncio.sleep(4)
        scene.happened()
    provider.mend()


@case(11)
async def statuses_come_out_of_order(scene: Scene) -> None:
    """Delivery statuses backwards, doubled, never, and a failure: what was read stays so, what failed is shown."""
    outside = scene.outside
    outside.twilio.lives(OUT_OF_ORDER, DOUBLED, LOST, failing(63024))
    said = await asyncio.gather(*(outside.phone().say() for _ in range(4)))
    scene.happened(4)
    cases = [row["case_id"] for row in await scene.stored(*said)]
    await scene.until(
        "select 1 from outbox where case_id = any(%(cases)s) and kind = 'reply'"
        " having count(*) filter (where state = 'sent') = 3 and count(*) filter (where state = 'failed') = 1",
        cases=cases,
    )
    await asyncio.to_thread(outside.twilio.settle)
    read = await scene.stage.rows(
        "select 1 from delivery_reports r join outbox o on o.id = r.outbox_id"
        " where o.case_id = any(%(cases)s) and r.status = 'read'",
        cases=cases,
    )
    scene.expect(len(read) == 2, "what was read stays read")


@case(11)
async def gmail_and_twilio_take_a_text_and_drop_the_connection(scene: Scene) -> None:
    """Taken or not, without a word, with a 500, never answered: they are asked, and each text goes out once."""
    outside = scene.outside
    for manner in (
        gmail.Drop(taken=True),
        gmail.Drop(),
        gmail.Fail(500, "backendError", taken=True),
        gmail.Hang(taken=True),
    ):
        outside.gmail.faults.on(manner, "gmail.users.messages.send", times=1)
    outside.twilio.script(
        twilio.Drop(), twilio.Drop(taken=False), twilio.server_error(taken=True), twilio.Hang(), twilio.Truncate()
    )
    outside.twilio.lives(*[LOST] * 5)
    said = await asyncio.gather(*(outside.mail().say() for _ in range(4)), *(outside.phone().say() for _ in range(5)))
    scene.happened(9)
    await scene.outbox("sent", *said, patience=150.0)


@case(11)
async def gmail_and_twilio_refuse_for_a_while(scene: Scene) -> None:
    """429, then 503, at both. Twenty-four seconds stand for half an hour; what waits is sent when it is over, once."""
    outside, said = scene.outside, []
    for at_gmail, at_twilio in ((gmail.TOO_MANY, twilio.rate_limited(1)), (gmail.UNAVAILABLE, twilio.unavailable())):
        outside.gmail.faults.on(at_gmail)
        outside.twilio.otherwise(at_twilio)
        said += [*[await outside.mail().say() for _ in range(3)], *[await outside.phone().say() for _ in range(3)]]
        await asyncio.sleep(12)
        scene.happened(2)
        outside.gmail.faults.mend()
    outside.twilio.mend()
    await scene.outbox("sent", *said, patience=150.0)
