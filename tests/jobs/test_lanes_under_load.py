"""Three workers file the shuffled webhooks of three tenants, while messages are sent to the same chats."""

import asyncio
import json
import random
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest

from domain.clock import SystemClock
from domain.crm.content import TextContent
from domain.values import PhoneNumber
from jobs import lanes
from persistence.database import Database
from persistence.events import Cause
from services.crm import messages
from tests.conversation import conversation, picture
from tests.factories import Shop, end_overdue_sessions, open_shop, read_webhook, receive, work_off
from tests.waha import JOAO, MARIA

CAUSE = Cause(correlation_id="test", actor="test")
WORKERS, TENANTS, SENDS = 3, 3, 20


async def send(database: Database, shop: Shop, dice: random.Random) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await messages.send(
            uow,
            shop.viewer,
            chat_id=None,
            to=PhoneNumber(f"+{dice.choice((MARIA, JOAO)).phone}"),
            channel_id=shop.channel_id,
            content=TextContent(text="Pronto"),
            reply_to_id=None,
            client_message_id=None,
        )


async def work(database: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if await lanes.work_once(database, translate=read_webhook) == 0:
            await asyncio.sleep(0.01)


async def deliver(database: Database, shop: Shop, events: list[bytes], dice: random.Random) -> None:
    deliveries = events * 2
    dice.shuffle(deliveries)
    every = len(deliveries) // SENDS
    for number in range(0, len(deliveries), every):
        await receive(database, shop, deliveries[number : number + every])
        await send(database, shop, dice)
        await asyncio.sleep(0)


def without_what_was_sent(told: str, since: datetime) -> Any:
    """What the webhooks alone left: sent messages have no WhatsApp id and are of today."""
    found = json.loads(told)
    began = since.isoformat()
    found["contacts"] = [[*rest, None] for *rest, _ in found["contacts"]]
    found["chats"] = [[*rest, None] for *rest, _ in found["chats"]]
    found["sessions"] = [one for one in found["sessions"] if one[3] < began]
    found["messages"] = [one for one in found["messages"] if one[1] is not None]
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_workers_and_senders_that_meet_leave_the_clean_picture(
    database: Database, postgres_url: str, seed: int
) -> None:
    events = conversation()
    clean = await open_shop(database)
    await receive(database, clean, events)
    await work_off(database)
    await end_overdue_sessions(database)
    dice = random.Random(seed)
    began_at = database.clock.now()
    shops = [await open_shop(database, name=f"Loja {number}") for number in range(TENANTS)]

    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        # Closed in reverse: the workers end before their connections do.
        own = [
            await stack.enter_async_context(Database(postgres_url, clock=SystemClock()))
            for _ in range(WORKERS)
        ]
        workers = await stack.enter_async_context(asyncio.TaskGroup())
        for one in own:
            workers.create_task(work(one, stop))
        stack.callback(stop.set)
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(deliver(database, shop, events, random.Random(dice.random())) for shop in shops)
            )
            while await database.system.fetchval("SELECT count(*) FROM inbox_events"):  # noqa: ASYNC110 In PostgreSQL.
                await asyncio.sleep(0.05)
    await end_overdue_sessions(database)

    expected = without_what_was_sent(await picture(database, clean), began_at)
    for shop in shops:
        assert without_what_was_sent(await picture(database, shop), began_at) == expected
    assert await database.system.fetchval("SELECT count(*) FROM inbox_dead") == 0
    assert await database.system.fetchval("SELECT count(*) FROM outgoing") == TENANTS * len(
        range(0, 2 * len(events), 2 * len(events) // SENDS)
    )
