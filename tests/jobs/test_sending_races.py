"""Sending while other things happen to the same chats."""

import asyncio
from collections.abc import Iterable

import pytest

from domain.clock import SystemClock
from domain.crm.content import TextContent
from domain.crm.message import Message
from domain.ids import ChatId
from domain.values import PhoneNumber, WhatsAppAddress
from persistence.bulk import Connection
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import outgoing
from services.crm import deliveries, messages
from services.crm.inbound_batch import process
from services.viewer import system_viewer
from tests.factories import CLOCK, Shop, open_shop, receive, work_off
from tests.jobs.test_lane_races import report, until_blocked
from tests.waha import JOAO, MARIA, Person, Script

CAUSE = Cause(correlation_id="test", actor="test")
NUMBER = PhoneNumber(f"+{MARIA.phone}")
HANS = Person(phone="4915112345678", lid="200000000000003", name="Hans Muster")
"""Somebody whose number has one spelling only."""

SENT = "SELECT messages_sent FROM channel_counters"


async def rows(database: Database, shop: Shop, query: str) -> list[tuple[object, ...]]:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def file(database: Database, shop: Shop, bodies: Iterable[bytes]) -> None:
    await receive(database, shop, bodies)
    await work_off(database)


async def send(
    database: Database,
    shop: Shop,
    text: str = "Pronto",
    *,
    to: PhoneNumber | None = NUMBER,
    chat_id: ChatId | None = None,
) -> Message:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        return await messages.send(
            uow,
            shop.viewer,
            chat_id=chat_id,
            to=None if chat_id else to,
            channel_id=None if chat_id else shop.channel_id,
            content=TextContent(text=text),
            reply_to_id=None,
            client_message_id=None,
        )


async def begin(database: Database, shop: Shop, message: Message) -> deliveries.Errand:
    """Do what a worker does before it calls WAHA, with an engine that takes no ids."""
    viewer = system_viewer(tenant_id=shop.tenant_id)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        errand = await deliveries.claim(uow, viewer, chat_id=message.chat_id)
    assert errand is not None
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await deliveries.begin(uow, viewer, errand=errand, external_id=None)
    return errand


async def confirm(database: Database, shop: Shop, errand: deliveries.Errand, external_id: str) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        viewer = system_viewer(tenant_id=shop.tenant_id)
        await deliveries.confirm(uow, viewer, errand=errand, external_id=external_id, sent_at=None)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def test_somebody_elses_echo_is_not_taken_for_a_message_that_still_waits(
    database: Database, shop: Shop
) -> None:
    waiting = await send(database, shop, "Bom dia")

    await file(database, shop, [Script().message("CCC1", text="Bom dia", from_me=True, source="api")])

    assert await rows(database, shop, "SELECT status, external_id FROM messages ORDER BY 1") == [
        ("QUEUED", None),
        ("SENT", "CCC1"),
    ]
    assert await rows(database, shop, "SELECT id FROM outgoing") == [(waiting.id,)]


async def test_an_echo_that_is_filed_before_the_answer_is_our_message(database: Database, shop: Shop) -> None:
    message = await send(database, shop, "Bom dia")
    errand = await begin(database, shop, message)

    await file(database, shop, [Script().message("CCC1", text="Bom dia", from_me=True, source="api")])
    assert await rows(database, shop, SENT) == [(1,)]
    await confirm(database, shop, errand, "CCC1")

    assert await rows(database, shop, "SELECT id, status, external_id, origin, agent_id FROM messages") == [
        (message.id, "SENT", "CCC1", "API", shop.agent.id)
    ]
    assert await rows(database, shop, SENT) == [(1,)]
    assert await rows(database, shop, "SELECT message_count FROM sessions") == [(1,)]


async def test_an_echo_that_was_filed_apart_counts_once(database: Database, shop: Shop) -> None:
    message = await send(database, shop, "Bom dia")
    errand = await begin(database, shop, message)

    await file(database, shop, [Script().message("CCC1", text="*Bom dia*", from_me=True, source="api")])
    assert await rows(database, shop, "SELECT count(*) FROM messages") == [(2,)]
    await confirm(database, shop, errand, "CCC1")

    assert await rows(database, shop, "SELECT id, status, external_id FROM messages") == [
        (message.id, "SENT", "CCC1")
    ]
    assert await rows(database, shop, SENT) == [(1,)]
    assert await rows(database, shop, "SELECT sum(message_count) FROM sessions WHERE message_count <> 0") == [
        (1,)
    ]


async def test_a_tick_alone_counts_the_message_as_sent(database: Database, shop: Shop) -> None:
    message = await send(database, shop)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        (await uow.messages.get_for_update(message.id)).begin_sending("CCC1", at=uow.now)

    await file(database, shop, [Script().ack("CCC1", 2, at=5), Script().ack("CCC1", 3, at=9)])

    assert await rows(database, shop, "SELECT status FROM messages") == [("READ",)]
    assert await rows(database, shop, SENT) == [(1,)]


async def test_chats_whose_next_message_has_to_wait_hide_no_others(database: Database, shop: Shop) -> None:
    first = await send(database, shop)
    await send(database, shop)
    async with database.tenant_transaction(shop.tenant_id) as connection:
        await connection.execute(
            "UPDATE outgoing SET available_at = now() + interval '5 minutes' WHERE id = $1", first.id
        )
    other = await send(database, shop, to=PhoneNumber(f"+{JOAO.phone}"))

    due = await outgoing.due_chats(database.system, limit=1)

    assert [one.chat_id for one in due] == [other.chat_id]


async def test_a_message_can_be_sent_while_another_is_filed_in_the_chat(
    database: Database, shop: Shop, postgres_url: str
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1")])
    async with database.tenant_transaction(shop.tenant_id) as connection:
        chat_id = ChatId(await connection.fetchval("SELECT id FROM chats"))

    async with Database(postgres_url, clock=SystemClock()) as other:
        async with other.tenant_transaction(shop.tenant_id) as connection:
            await report_in(connection, shop, script.message("AAA2", at=5))
            sending = asyncio.create_task(send(database, shop, chat_id=chat_id))
            await until_blocked(other)
        sent = await sending

    assert sent.chat_id == chat_id
    assert await rows(database, shop, "SELECT count(*) FROM messages") == [(3,)]


async def test_a_message_to_a_number_finds_its_contact_while_it_is_merged(
    database: Database, shop: Shop, postgres_url: str
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1", by=HANS, address="lid")])
    await file(database, shop, [script.message("AAA2", by=HANS, at=5)])

    async with Database(postgres_url, clock=SystemClock()) as other:
        async with other.tenant_transaction(shop.tenant_id) as connection:
            await report_in(connection, shop, script.message("AAA3", by=HANS, tell_both=True, at=9))
            sending = asyncio.create_task(send(database, shop, to=PhoneNumber(f"+{HANS.phone}")))
            await until_blocked(other)
        sent = await sending

    assert await rows(
        database, shop, "SELECT c.id, p.merged_into_id FROM chats c JOIN contacts p ON p.id = c.contact_id"
    ) == [(sent.chat_id, None)]


async def test_an_address_that_another_chat_has_already_does_not_stop_a_message(
    database: Database, shop: Shop
) -> None:
    await file(database, shop, [Script().message("AAA1", address="lid")])
    message = await send(database, shop)
    viewer = system_viewer(tenant_id=shop.tenant_id)
    lid = WhatsAppAddress.parse(f"{MARIA.lid}@lid")
    assert lid is not None

    async with database.writing(shop.tenant_id, CAUSE) as uow:
        errand = await deliveries.claim(uow, viewer, chat_id=message.chat_id)
    assert errand is not None
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await deliveries.readdress(uow, viewer, errand=errand, address=lid)

    assert await rows(database, shop, "SELECT external_id FROM chats ORDER BY 1") == [
        (f"{MARIA.lid}@lid",),
        (f"{MARIA.phone}@c.us",),
    ]


async def report_in(connection: Connection, shop: Shop, body: bytes) -> None:
    """File a webhook inside a transaction that stays open."""
    await process(connection, shop.tenant_id, [report(shop.channel_id, body)], now=CLOCK.now(), cause=CAUSE)


async def test_two_writers_that_wait_for_each_other_end_in_a_conflict_for_one(
    database: Database, shop: Shop
) -> None:
    both_hold = asyncio.Barrier(2)

    async def write(first: str, second: str) -> None:
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await uow.lock(first)
            await both_hold.wait()
            await uow.lock(second)

    ended = await asyncio.gather(write("a", "b"), write("b", "a"), return_exceptions=True)

    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "NoneType"]
