"""A model that is slow, overloaded, talks nonsense or nothing at all, behind the real agent."""

from __future__ import annotations

import asyncio

from tests.chaos.scene import Scene, case
from tests.emulators.openai_server import (
    EMPTY_CHOICES,
    EMPTY_CONTENT,
    GARBAGE,
    KEY,
    NOT_JSON,
    SERVER_ERROR,
    WRONG_FORM,
    Answer,
    Behaviour,
    Hang,
    LoneSurrogate,
    OpenAIServer,
    rate_limited,
)

TROUBLES: dict[str, Behaviour] = {
    "429 storm": rate_limited(retry_after=60),
    "500": SERVER_ERROR,
    "garbage": GARBAGE,
    "not JSON": NOT_JSON,
    "wrong form": WRONG_FORM,
    "empty choices": EMPTY_CHOICES,
    "empty content": EMPTY_CONTENT,
    "lone surrogate": LoneSurrogate(),
    "hangs for ever": Hang(),
}


@case(10)
async def a_model_is_away_for_mail_and_whatsapp(scene: Scene) -> None:
    """The shipped skills without a model, by mail and by WhatsApp: each message gets an answer or a person."""
    product, outside = scene.stage.product, scene.outside
    with OpenAIServer() as server:
        settings = {
            "CHAOS_AGENT": "real",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": server.url,
            "CSAGENT_MODEL__DEADLINE_SECONDS": "3",
        }
        await asyncio.gather(product.restart("worker 0", **settings), product.restart("worker 1", **settings))
        for trouble in (TROUBLES["429 storm"], TROUBLES["500"], TROUBLES["hangs for ever"]):
            server.otherwise(trouble)
            said = [await talk.say("my parcel has not arrived") for talk in (outside.mail(), outside.phone())]
            scene.happened()
            cases = [row["case_id"] for row in await scene.stored(*said)]
            told = (
                "select 1 from outbox where case_id = any(%(cases)s) and state = 'sent'"
                " having count(distinct case_id) = 2"
            )
            await scene.until(told, cases=cases, patience=60.0)
        server.otherwise(Answer())
        await asyncio.gather(product.restart("worker 0"), product.restart("worker 1"))


@case(10)
async def a_model_misbehaves(scene: Scene) -> None:
    """The shipped skills with a chat model that fails in every way: each message ends in an answer or with a person."""
    product = scene.stage.product
    with OpenAIServer() as server:
        settings = {
            "CHAOS_AGENT": "real",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": server.url,
            "CSAGENT_MODEL__DEADLINE_SECONDS": "3",
        }
        await asyncio.gather(product.restart("worker 0", **settings), product.restart("worker 1", **settings))
        for name, trouble in TROUBLES.items():
            server.otherwise(trouble)
            said = [await scene.talk().say("my parcel has not arrived") for _ in range(2)]
            scene.happened()
            ended = "select 1 from turns where case_id = any(%(cases)s) having count(*) = 2"
            try:
                await scene.until(ended, cases=[one.case_id for one in said], patience=60.0)
            except TimeoutError:
                scene.expect(held=False, sentence=f"{name}: the turns end within a minute")
        server.otherwise(Answer())
        await asyncio.gather(product.restart("worker 0"), product.restart("worker 1"))
