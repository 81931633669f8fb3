"""Messages that come in twice, at once, or while the API dies."""

from __future__ import annotations

import asyncio

from channels.web import CHAT
from tests.chaos.relay import RELAY
from tests.chaos.scene import Scene, case


@case(2)
async def the_api_dies_between_commit_and_answer(scene: Scene) -> None:
    """kill -9 of the API just before and after the commit of a message; it is sent again, and is there once."""
    for number, (kind, place) in enumerate(
        ((CHAT, "inbox.after"), (RELAY, "inbox.after"), (CHAT, "inbox.before"), (RELAY, "inbox.before"))
    ):
        talk = scene.talk(kind)
        await talk.say(f"@die={place}@")
        await scene.deaths(number + 1, kind="api")
        scene.recoveries.note("kill api")
        scene.happened()
        await talk.say("and another")


@case(3)
async def one_webhook_fifty_times_at_once(scene: Scene) -> None:
    """The same message fifty times at once is one message; from a new contact and from a known one."""
    talk, known = scene.talk(RELAY), None
    for _ in range(2):
        number = talk.written
        talk.written += 1
        taken = await asyncio.gather(*(talk.say_as(number, key=f"{talk.thread}/{number}") for _ in range(50)))
        scene.happened()
        scene.expect(len({one.message_id for one in taken}) == 1, "fifty posts got one receipt")
        known = taken[0].case_id
    rows = await scene.stage.rows("select 1 from messages where case_id = %(case)s and direction = 'in'", case=known)
    scene.expect(len(rows) == 2, "two messages are stored")


@case(3)
async def ten_pictures_at_once_from_a_new_contact(scene: Scene) -> None:
    """Ten first messages of a new contact at once are one customer, one conversation, one case."""
    for _ in range(5):
        talk = scene.talk(RELAY)
        talk.written = 10
        taken = await asyncio.gather(*(talk.say_as(number) for number in range(10)))
        scene.happened()
        scene.expect(len({one.case_id for one in taken}) == 1, "ten messages are in one case")


@case(4)
async def two_messages_within_a_millisecond(scene: Scene) -> None:
    """Two messages of a known customer at the same time, and two workers: both are answered, in one order."""

    async def pair() -> None:
        talk = scene.talk()
        await talk.say()
        for number in (1, 3):
            await asyncio.gather(talk.say_as(number), talk.say_as(number + 1))
            await asyncio.sleep(scene.dice.uniform(0.0, 0.4))

    await asyncio.gather(*(pair() for _ in range(20)))
    scene.happened(2)
