"""A mailbox at Gmail: what tells of it is lost, old or doubled, and who reads it dies."""

from __future__ import annotations

import asyncio
from email import message_from_bytes

from channels.gmail.inbound import named
from evals.emulators.gmail.correspondent import out_of_office
from evals.emulators.gmail.mailbox import Sent
from evals.emulators.gmail.push import Deliver, Lose, Overtake
from tests.chaos.correspondents import MailTalk, Promised
from tests.chaos.records import settled
from tests.chaos.scene import Scene, case


@case(2)
async def the_scheduler_dies_between_mail_and_cursor(scene: Scene) -> None:
    """kill -9 of the scheduler between the storing of a mail and its cursor: it is read again, and is there once."""
    talk = scene.outside.mail()
    said = [await talk.say("@die=intake.after@")]
    await scene.deaths(1, kind="scheduler")
    scene.happened()
    said.append(await talk.say("and another"))
    await scene.outbox("sent", *said)


@case(3, 15)
async def pushes_are_lost_doubled_and_overtaken(scene: Scene) -> None:
    """A push that never comes, one that comes five times, one after its successor: each mail is taken in once."""
    pubsub = scene.outside.gmail.pubsub
    for ways in ((Lose(),), (Deliver(5),), (Overtake(), Deliver()), (Deliver(seconds=3.0), Deliver())):
        pubsub.next(*ways)
        said = [await scene.outside.mail().say() for _ in ways]
        await scene.outbox("sent", *said)
        scene.happened()


@case(15)
async def a_cursor_is_stale_and_a_watch_has_run_out(scene: Scene) -> None:
    """Gmail has forgotten the cursor (404), then tells of nothing any more: mail is found all the same, and once."""
    gmail = scene.outside.gmail
    before = await scene.outside.mail().say()
    await scene.outbox("sent", before)
    await asyncio.to_thread(gmail.mailbox.forget_history)
    said = [await scene.outside.mail().say() for _ in range(3)]
    await scene.outbox("sent", *said)
    scene.happened()
    gmail.watch.end()
    said = [await scene.outside.mail().say() for _ in range(2)]
    await scene.outbox("sent", *said)
    scene.happened()
    gmail.watch.begin({"topicName": gmail.pubsub.topic})


@case(15)
async def a_machine_answers_every_mail(scene: Scene) -> None:
    """A machine that says what it is answers whatever it gets: it gets one answer, and there is no loop.

    One that hides what it is meets the rules ``loop`` and ``same_text`` of the policy, which the agent of this stage
    does not have; ``tests/acceptance`` shows them.
    """
    outside = scene.outside
    machine = outside.mail()

    def answer(sent: Sent) -> bytes | None:
        if machine.address not in sent.identity.recipients:
            return None
        raw = out_of_office(sent)
        outside.promised.append(_promised(machine, raw))
        return raw

    outside.gmail.answer_with(answer, most=1_000_000)
    await scene.outbox("sent", await machine.say())
    scene.happened()
    scene.expect(not await settled(scene.stage), "the conversation comes to rest")
    got = sum(machine.address in sent.identity.recipients for sent in outside.gmail.mailbox.sent)
    scene.figures["mails_to_machines"] = [got]
    scene.expect(got == 1, "the machine gets the one answer")


def _promised(talk: MailTalk, raw: bytes) -> Promised:
    return Promised(named(str(message_from_bytes(raw)["Message-ID"])), talk.number, 0, "", in_order=False, owed=False)
