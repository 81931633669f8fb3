"""What holds of every channel, whatever its provider: tried on each over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args
from uuid import uuid4

from api.channels import CHANNELS
from channels.envelope import Accepted, Delivery, Refused, SendResult, Unknown
from channels.protocol import OutboundChannel
from infra.settings import SettleSettings
from skills.adapt import ChannelRules
from skills.turn import ConversationId, MessageId
from tests.examples.sms_channel import SMS
from tests.integration.channels.benches import BENCHES, WAITING
from tests.integration.channels.conftest import Scene

ANSWERED = range(200, 300)
TURNED_AWAY = range(400, 500)


@asynccontextmanager
async def sending(scene: Scene) -> AsyncIterator[OutboundChannel]:
    """The channel's own sending half, without the product's care around it."""
    async with scene.bench.channel.outbound(scene.stage.services) as opened:
        yield next(outbound for outbound in opened if outbound.name == scene.bench.name)


async def heard(scene: Scene, customer: str, text: str) -> list[str]:
    """What the customer has got, once this is part of it."""
    async with asyncio.timeout(20):
        while True:
            texts = await scene.bench.heard(scene.stage, customer)
            if text in texts:
                return texts
            await asyncio.sleep(0.02)  # a customer looks at a telephone, which nothing tells us about


async def delivery_for(scene: Scene, customer: str, text: str = "A text.") -> Delivery:
    """A text for somebody who wrote before."""
    key = str(uuid4())
    assert await scene.bench.write(scene.stage, customer, "hello", key) in ANSWERED
    await heard(scene, customer, "echo: hello")
    rows = await scene.stage.rows(
        "select conversation_id from messages where author = 'customer' order by received_at desc limit 1"
    )
    return Delivery(
        id=uuid4(),
        message_id=MessageId(uuid4()),
        conversation_id=ConversationId(rows[0]["conversation_id"]),
        channel=scene.bench.name,
        text=text,
        address=scene.bench.address(customer),
        attempt=1,
    )


async def test_every_channel_has_a_name_of_its_own_that_the_rules_and_the_settings_know(scene: Scene) -> None:
    names: list[str] = []
    for channel in CHANNELS:
        async with channel.outbound(scene.stage.services) as opened:
            names += [outbound.name for outbound in opened]
    assert len(names) == len(set(names))
    assert set(names) <= set(ChannelRules().by_channel)
    assert set(ChannelRules().by_channel) == set(SettleSettings.model_fields)
    assert {*BENCHES, *WAITING} >= set(ChannelRules().by_channel)
    assert not set(BENCHES) & set(WAITING)


async def test_a_question_is_answered_and_a_request_for_a_person_is_confirmed(scene: Scene, customer: str) -> None:
    assert await scene.bench.write(scene.stage, customer, "a question", str(uuid4())) in ANSWERED
    assert await heard(scene, customer, "echo: a question") == ["echo: a question"]
    assert await scene.bench.write(scene.stage, customer, "a person, please", str(uuid4())) in ANSWERED
    await heard(scene, customer, "A colleague will look at this.")


async def test_the_same_message_twice_at_once_and_later_is_one_message(scene: Scene, customer: str) -> None:
    key, before = str(uuid4()), await scene.stage.stored()
    once = [scene.bench.write(scene.stage, customer, "twice", key) for _ in range(3)]
    assert all(status in ANSWERED for status in await asyncio.gather(*once))
    assert await scene.bench.write(scene.stage, customer, "twice", key) in ANSWERED
    assert await heard(scene, customer, "echo: twice") == ["echo: twice"]
    assert await scene.stage.stored() == before + 1


async def test_who_forges_is_turned_away_and_nothing_is_stored(scene: Scene, customer: str) -> None:
    assert await scene.bench.write(scene.stage, customer, "genuine", str(uuid4())) in ANSWERED
    before = await scene.stage.stored()
    assert all(status in TURNED_AWAY for status in await scene.bench.forge(scene.stage, customer))
    assert await scene.stage.stored() == before


async def test_what_can_not_be_read_is_dropped_nowhere(scene: Scene) -> None:
    before = await scene.stage.stored()
    status = await scene.bench.garble(scene.stage)
    if scene.bench.unreadable == "told at once":
        assert status in TURNED_AWAY
        assert await scene.stage.stored() == before
        return
    assert status in ANSWERED
    newest = await scene.stage.rows(
        "select for_person, exists (select from message_files f where f.message_id = m.id and ordinal = 0) as kept"
        " from messages m where author = 'customer' order by received_at desc limit 1"
    )
    assert await scene.stage.stored() == before + 1
    assert newest == [{"for_person": "unreadable", "kept": True}]


async def test_a_delivery_is_repeatable_only_if_the_channel_says_so(scene: Scene, customer: str) -> None:
    delivery = await delivery_for(scene, customer)
    async with sending(scene) as outbound:
        assert isinstance(await outbound.send(delivery), Accepted)
        if outbound.repeatable:
            assert isinstance(await outbound.send(delivery), Accepted)
    assert (await scene.bench.heard(scene.stage, customer)).count("A text.") <= 1


async def test_whatever_a_provider_does_is_a_result_that_says_what_is_certain(scene: Scene) -> None:
    async with sending(scene) as outbound:
        for number, (trouble, taken) in enumerate(scene.bench.troubles.items()):
            customer = uuid4().hex
            delivery = await delivery_for(scene, customer, f"Text {number}.")
            scene.bench.trouble(trouble)
            result = await outbound.send(delivery)
            assert isinstance(result, get_args(SendResult)), trouble
            got = (await scene.bench.heard(scene.stage, customer)).count(delivery.text)
            match taken:
                case "certainly":
                    assert (type(result), got) == (Accepted, 1), trouble
                case "certainly not":
                    assert (type(result), got) == (Refused, 0), trouble
                case "perhaps":
                    assert type(result) is Unknown, trouble
            again = outbound.repeatable if isinstance(result, Unknown) else isinstance(result, Refused) and result.retry
            if again:
                assert isinstance(await outbound.send(delivery), Accepted), trouble
                assert (await scene.bench.heard(scene.stage, customer)).count(delivery.text) == 1, trouble
            assert customer not in repr(result), "a result is logged, so it names nobody"


def test_a_channel_without_a_rule_of_its_own_gets_the_safest_one() -> None:
    rules = ChannelRules()
    assert rules.of(SMS) is rules.other
