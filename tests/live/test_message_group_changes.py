"""`messageGroupChanged`: every turn a burst takes, live, for one chat, and again from any cursor on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from persistence.database import Database
from tests.bursts import Counter, Moment
from tests.factories import Shop, open_shop
from tests.live.events import Spawn
from tests.live.servers import Client, Server, serving
from tests.waha import JOAO

CHANGED = """
subscription ($after: EventCursor, $chatId: ID) {
  messageGroupChanged(after: $after, chatId: $chatId) { cursor type messageGroup { id messageCount text } }
}
"""
TURNS = [
    "message_group.created",
    "message_group.extended",
    "message_group.processing",
    "message_group.completed",
]


@pytest.fixture
async def server(database: Database, redis_url: str, spawn: Spawn) -> AsyncIterator[Server]:
    async with serving(database, redis_url, spawn) as running:
        yield running


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def burst(server: Server, shop: Shop) -> Counter:
    """Maria writes twice, pauses, and is worked on; João writes once."""
    clock = Moment()
    other = Database(server.database.url, clock=clock)
    await other.__aenter__()
    counter = Counter(other, shop, clock)
    await counter.say("Oi", at=0)
    await counter.say("tudo bem?", at=5)
    await counter.say("Preço?", at=6, by=JOAO)
    assert await counter.work(at=20) == ["Oi tudo bem?"]
    await server.database.wake("outbox")
    return counter


async def read(client: Client, count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        message = await client.read()
        assert message["type"] == "next", message
        found.append(message["payload"]["data"]["messageGroupChanged"])
    return found


async def test_every_turn_of_a_burst_arrives_live_and_again_behind_any_cursor(
    server: Server, shop: Shop
) -> None:
    client = await server.greeted(shop)
    await client.subscribe("1", CHANGED)
    assert await client.is_alive()
    counter = await burst(server, shop)
    try:
        events = await read(client, 5)
        maria = events[0]["messageGroup"]["id"]
        turns = [one for one in events if one["messageGroup"]["id"] == maria]
        assert [one["type"] for one in turns] == TURNS
        assert turns[-1]["messageGroup"] == {"id": maria, "messageCount": 2, "text": "Oi tudo bem?"}

        again = await server.greeted(shop)
        await again.subscribe("2", CHANGED, variables={"after": turns[1]["cursor"]})
        position = events.index(turns[1])
        resumed = await read(again, len(events) - position - 1)
        assert [one["cursor"] for one in resumed] == [one["cursor"] for one in events[position + 1 :]]
    finally:
        await counter.database.__aexit__(None, None, None)


async def test_a_subscription_to_one_chat_hears_of_no_other(server: Server, shop: Shop) -> None:
    start = await server.greeted(shop)
    counter = await burst(server, shop)
    try:
        query = "{ messageGroups(where: {status: {eq: PENDING}}) { nodes { chat { id } } } }"
        await start.subscribe("q", query)
        node = (await start.read())["payload"]["data"]["messageGroups"]["nodes"][0]
        assert await start.read() == {"id": "q", "type": "complete"}
        await start.subscribe("1", CHANGED, variables={"after": start.cursor, "chatId": node["chat"]["id"]})
        assert [one["type"] for one in await read(start, 1)] == ["message_group.created"]
        await counter.say("Alô?", at=21, by=JOAO)
        await server.database.wake("outbox")
        assert [one["type"] for one in await read(start, 1)] == ["message_group.extended"]
    finally:
        await counter.database.__aexit__(None, None, None)
