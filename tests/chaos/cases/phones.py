"""WhatsApp's webhooks: repeated, all at once, while the API dies."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from evals.emulators.twilio.resources import Media
from evals.emulators.twilio.server import TwilioServer
from evals.emulators.twilio.webhooks import Posted
from tests.chaos.scene import Scene, case

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@case(2)
async def the_api_dies_between_commit_and_answer_to_twilio(scene: Scene) -> None:
    """kill -9 of the API just after and before the commit of a webhook; Twilio repeats it, and it is there once."""
    for number, place in enumerate(("inbox.after", "inbox.before")):
        talk = scene.outside.phone()
        said = [await talk.say(f"@die={place}@")]
        await scene.deaths(number + 1, kind="api")
        scene.recoveries.note("kill api")
        scene.happened()
        said.append(await talk.say("and another"))
        await scene.stored(*said)


@case(3)
async def one_whatsapp_webhook_fifty_times_at_once(scene: Scene) -> None:
    """The same webhook fifty times at once is one message; from a new contact and from a known one."""
    twilio, talk = scene.outside.twilio, scene.outside.phone()
    for number in range(2):
        text = f"m{talk.number}-{number}"
        # A forgery gives it its id without storing anything: all fifty true ones come to an empty place.
        (posted,) = await asyncio.to_thread(twilio.write, talk.address, text, fault="forged")
        answers = await at_once([partial(twilio.repeat, posted)] * 50)
        scene.happened()
        scene.expect({answer.status for answer in answers} == {200}, "fifty posts were answered well")
        await scene.stored(talk.promise(posted, number, text))


@case(3)
async def ten_images_at_once_from_a_new_contact(scene: Scene) -> None:
    """An album: ten webhooks of a new contact at once are one customer, one conversation, one case, and ten files."""
    twilio = scene.outside.twilio
    for _ in range(3):
        talk = scene.outside.phone()
        texts = [f"m{talk.number}-{number}" for number in range(10)]
        posted = await at_once([partial(_send_picture, twilio, talk.address, text) for text in texts])
        scene.happened()
        scene.expect(all(one.status == 200 for one in posted), "ten posts were answered well")
        promised = [talk.promise(one, n, texts[n]) for n, one in enumerate(posted)]
        rows = await scene.stored(*promised)
        scene.expect(len({row["case_id"] for row in rows}) == 1, "ten messages are in one case")
        scene.expect(len({row["conversation_id"] for row in rows}) == 1, "ten messages are in one conversation")
        await scene.until(
            "select 1 from message_files where message_id = any(%(ids)s) and content_sealed is not null"
            " having count(*) = 10",
            ids=[row["id"] for row in rows],
        )


async def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """All of them in a thread each."""
    with ThreadPoolExecutor(len(calls)) as threads:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(threads, call) for call in calls))


def _send_picture(twilio: TwilioServer, sender: str, text: str) -> Posted:
    (posted,) = twilio.write(sender, text, media=(Media(_PIXEL, "image/png"),))
    return posted
