"""A transaction writes its changes and their events together, or nothing."""

import gc

import pytest

from domain.crm.content import TextContent
from domain.values import PhoneNumber
from persistence.database import Database
from persistence.events import Cause
from services.crm import messages
from tests.factories import open_shop


async def _events(database: Database, since: int) -> list[str]:
    rows = await database.system.fetch("SELECT event_type FROM outbox WHERE id > $1 ORDER BY id", since)
    return [row["event_type"] for row in rows]


async def _newest(database: Database) -> int:
    newest: int = await database.system.fetchval("SELECT coalesce(max(id), 0) FROM outbox")
    return newest


async def test_events_of_objects_that_nobody_holds_are_written(database: Database, cause: Cause) -> None:
    shop = await open_shop(database)
    before = await _newest(database)

    async with database.writing(shop.tenant_id, cause) as uow:
        await messages.send(
            uow,
            shop.viewer,
            chat_id=None,
            to=PhoneNumber("+5511999990001"),
            channel_id=shop.channel_id,
            content=TextContent(text="Oi"),
            reply_to_id=None,
            client_message_id=None,
        )
        gc.collect()

    assert await _events(database, before) == [
        "contact.created",
        "contact.identifier_linked",
        "chat.created",
        "chat.updated",
        "session.started",
        "session.message_recorded",
        "message.created",
    ]


async def test_a_transaction_that_fails_leaves_neither_rows_nor_events(
    database: Database, cause: Cause
) -> None:
    shop = await open_shop(database)
    before = await _newest(database)

    with pytest.raises(RuntimeError, match="midway"):
        async with database.writing(shop.tenant_id, cause) as uow:
            channel = await uow.channels.get_for_update(shop.channel_id)
            channel.touch(uow.now)
            channel.name = "Outro"
            await uow.flush()
            raise RuntimeError("midway")

    assert await _events(database, before) == []
    async with database.reading(shop.tenant_id) as reader:
        kept = await reader.channels.find(shop.channel_id)
    assert kept is not None
    assert kept.name == "WhatsApp"


async def test_waking_follows_the_commit(postgres_url: str, cause: Cause, database: Database) -> None:
    shop = await open_shop(database)
    woken: list[str] = []

    async def wake(name: str) -> None:
        async with database.reading(shop.tenant_id) as reader:
            found = await reader.channels.find(shop.channel_id)
            woken.append(f"{name}: {found.name if found else None}")

    async with Database(postgres_url, clock=database.clock, wake=wake) as other:
        async with other.writing(shop.tenant_id, cause) as uow:
            channel = await uow.channels.get_for_update(shop.channel_id)
            channel.configure(at=uow.now, name="Novo")
            assert woken == []

    assert woken == ["outbox: Novo"]
