"""Lanes that meet each other, other writers, and webhooks that cannot be filed."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from domain.clock import SystemClock
from domain.crm.contact import identities_of
from domain.ids import ChannelId
from domain.values import PhoneNumber, WhatsAppAddress
from persistence.crm.conversations import Conversations
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import lanes as queue
from services.crm.inbound import Report
from services.crm.inbound_batch import process
from tests.factories import CLOCK, Shop, open_shop, read_webhook, receive, work_off
from tests.waha import JOAO, Person, Script

CAUSE = Cause(correlation_id="test", actor="test")


async def rows(database: Database, shop: Shop, query: str) -> list[tuple[object, ...]]:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def until_blocked(database: Database) -> None:
    """Wait until some transaction waits for a lock of another."""
    async with asyncio.timeout(10):
        while await database.system.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0:  # noqa: ASYNC110 In another process.
            await asyncio.sleep(0.01)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


def report(channel_id: ChannelId, body: bytes) -> Report:
    return Report(number=1, channel_id=channel_id, event=read_webhook(body, CLOCK.now()))


async def test_a_fact_put_aside_while_its_message_is_being_filed_is_not_forgotten(
    database: Database, shop: Shop, postgres_url: str
) -> None:
    script = Script()
    await receive(database, shop, [script.message("AAA0", tell_both=True)])
    await work_off(database)
    await receive(database, shop, [script.message("AAA1", text="Bom dia", address="lid", at=5)])

    async with (
        Database(postgres_url, clock=SystemClock()) as other,
        other.tenant_transaction(shop.tenant_id) as connection,
    ):
        edit = report(shop.channel_id, script.edit("AAA1", "Boa tarde", at=9))
        await process(connection, shop.tenant_id, [edit], now=CLOCK.now(), cause=CAUSE)
        filing = asyncio.create_task(work_off(database))
        await until_blocked(other)
    await filing

    assert await rows(database, shop, "SELECT text FROM messages WHERE external_id = 'AAA1'") == [
        ("Boa tarde",)
    ]
    assert await rows(database, shop, "SELECT count(*) FROM early_facts") == [(0,)]


async def break_chats(database: Database, shop: Shop, postgres_url: str, error: str) -> None:
    """Let the database refuse a chat with João, as a fault of ours would make it."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.external_id LIKE '{JOAO.phone}%' THEN {error}; END IF;
          RETURN NEW;
        END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON chats DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION refuse()
        """
    )
    await connection.close()


@pytest.mark.parametrize(
    "error",
    [
        pytest.param("RAISE foreign_key_violation", id="an error at the commit"),
        pytest.param("RAISE unique_violation", id="a collision that never ends"),
        pytest.param("RAISE deadlock_detected", id="a deadlock that never ends"),
        pytest.param("RAISE query_canceled", id="a statement that takes too long"),
    ],
)
async def test_a_webhook_that_never_can_be_filed_delays_no_other(
    database: Database, shop: Shop, postgres_url: str, error: str
) -> None:
    script = Script()
    await break_chats(database, shop, postgres_url, error)
    try:
        await receive(database, shop, [script.message("AAA1", by=JOAO), script.message("AAA2", at=5)])
        for _ in range(queue.ATTEMPTS):
            await work_off(database)
            await database.system.execute("UPDATE inbox_events SET available_at = now()")

        assert await rows(database, shop, "SELECT external_id FROM messages") == [("AAA2",)]
        assert await rows(database, shop, "SELECT count(*) FROM inbox_events") == [(0,)]
        assert await rows(database, shop, "SELECT kind FROM inbox_dead") == [("message.any",)]
    finally:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("DROP FUNCTION refuse CASCADE")
        await connection.close()


@pytest.mark.parametrize("many", [1, 40])
async def test_filing_new_people_takes_as_many_statements_for_one_as_for_forty(
    database: Database, shop: Shop, many: int
) -> None:
    script = Script()
    statements: list[str] = []
    people = [Person(phone=f"55119{number:08}", lid=f"7{number:014}") for number in range(many)]
    # The driver asks about types once per connection.
    await receive(database, shop, [script.message("AAA0", tell_both=True)])
    await work_off(database)
    reports = [
        Report(
            number=number,
            channel_id=shop.channel_id,
            event=read_webhook(script.message(f"N{number}", by=person, tell_both=True), CLOCK.now()),
        )
        for number, person in enumerate(people)
    ]
    async with database.tenant_transaction(shop.tenant_id) as connection:
        with connection.query_logger(lambda one: statements.append(one.query)):
            await process(connection, shop.tenant_id, reports, now=CLOCK.now(), cause=CAUSE)

    assert len(statements) == 17
    assert await rows(database, shop, "SELECT count(*) FROM contacts") == [(many + 1,)]


async def test_a_hand_and_a_lane_lock_the_same_names_for_a_number(database: Database, shop: Shop) -> None:
    number = PhoneNumber("+5511987654321")
    held = "SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' ORDER BY objid"
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await uow.contacts.claim(shop.project_id, identities_of(WhatsAppAddress.of_phone(number)))
        by_hand = (await uow.session.execute(text(held))).all()
    async with database.tenant_transaction(shop.tenant_id) as connection:
        conversations = Conversations(connection=connection, now=CLOCK.now())
        await conversations.load_identities([(shop.project_id, WhatsAppAddress.of_phone(number))])
        by_lane = [tuple(row) for row in await connection.fetch(held)]

    assert len(by_lane) == 2
    assert [tuple(row) for row in by_hand] == by_lane
