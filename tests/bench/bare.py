"""The bare compiled graph with ``AsyncPostgresSaver``, nothing around it: ``python -m tests.bench.bare``.

Reads one JSON line a round (durability, how many at once, how many turns) and answers with turns per second. The saver
has a pool, as its documentation suggests; the loop is uvloop, as in our worker.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import uvloop
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from graph.build import Graph
from skills.turn import (
    CHECKPOINTED,
    CaseId,
    ChannelName,
    Customer,
    CustomerId,
    Language,
    Message,
    MessageId,
    Turn,
    TurnId,
)
from tests.trivial import trivial_graph


def a_turn() -> Turn:
    now = datetime.now(UTC)
    return Turn(
        id=TurnId(uuid4()),
        case_id=CaseId(uuid4()),
        channel=ChannelName("chat"),
        customer=Customer(CustomerId(uuid4()), "Ada", False, Language("en"), "standard", 0),
        messages=(Message(MessageId(uuid4()), 1, "customer", "How long does delivery take?", now),),
        history=(),
        earlier_polarity=(),
        started_at=now,
    )


async def measure(graph: Graph, durability: Any, at_once: int, turns: int) -> float:
    gate = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with gate:
            turn = a_turn()
            config: Any = {"configurable": {"thread_id": str(turn.case_id)}}
            await graph.ainvoke({"turn": turn}, config, durability=durability, version="v2")

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(turns)))
    return turns / (time.perf_counter() - began)


async def serve() -> None:
    pool: Any = AsyncConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=2,
        max_size=12,
        kwargs={"autocommit": True, "row_factory": dict_row},
        open=False,
    )
    await pool.open()
    graph = trivial_graph()
    graph.checkpointer = AsyncPostgresSaver(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINTED))
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(await measure(graph, asked["durability"], asked["at_once"], asked["turns"])), flush=True)
    await pool.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
