"""Senders that die around a call to a provider."""

from __future__ import annotations

from evals.emulators.gmail.faults import Hang as GmailHang
from evals.emulators.twilio.faults import LOST
from evals.emulators.twilio.faults import Hang as TwilioHang
from tests.chaos.correspondents import PhoneTalk
from tests.chaos.relay import RELAY
from tests.chaos.scene import Scene, case
from tests.emulators.provider import Take


@case(12)
async def a_sender_dies_around_its_call(scene: Scene) -> None:
    """kill -9 before, in and after a call: none is made twice, and what nobody can know is declared unknown."""
    said = []
    for number, place in enumerate(("send.before", "send.in", "send.after")):
        if place == "send.in":
            scene.stage.provider.behave(Take(3.0), times=1)
        said.append(await scene.talk(RELAY).say(f"@die={place}@"))
        await scene.deaths(number + 1, kind="sender")
        scene.happened()
    states = await scene.until(
        "select count(*) as n from outbox where case_id = any(%(cases)s) and state = 'unknown' having count(*) = 3",
        cases=[one.case_id for one in said],
        patience=90.0,
    )
    scene.expect(states[0]["n"] == 3, "three texts are declared unknown")


@case(12)
async def a_sender_is_killed_under_load(scene: Scene) -> None:
    """kill -9 from outside at any moment; on the web what it had claimed is delivered by the next one."""
    async with scene.load(talks=20, pause=0.2):
        for _ in range(4):
            await scene.recoveries.kill(scene.stage, "sender")
            scene.happened()


@case(12)
async def a_sender_dies_around_its_call_to_gmail_or_twilio(scene: Scene) -> None:
    """kill -9 before, in and after a call: unknown, then settled by asking the provider; none goes out twice."""
    outside, said = scene.outside, []
    outside.twilio.lives(*[LOST] * 3)  # no status settles it: the list has to be read
    for place in ("send.in", "send.before", "send.after"):
        for talk in (outside.mail(), outside.phone()):
            if place == "send.in":
                outside.gmail.faults.on(GmailHang(taken=True), "gmail.users.messages.send", times=1)
                if isinstance(talk, PhoneTalk):
                    outside.twilio.script(TwilioHang())
            said.append(await talk.say(f"@die={place}@"))
            await scene.deaths(len(said), kind="sender", patience=60.0)
            outside.gmail.faults.mend()
            scene.happened()
    cases = [row["case_id"] for row in await scene.stored(*said)]
    declared = (
        "select 1 from events where kind = 'message.reconciled' and case_id = any(%(cases)s) having count(*) >= 6"
    )
    await scene.until(declared, cases=cases, patience=150.0)
    await scene.outbox("sent", *said, patience=60.0)
