"""The rows of the table of inbound edge cases that need a word of their own."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from domain.clock import SystemClock
from domain.ids import ContactId
from jobs import housekeeping
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import facts
from services.crm import contacts
from tests.conversation import GROUP
from tests.factories import CLOCK, Shop, open_shop, receive, work_off
from tests.waha import START, Person, Script

CAUSE = Cause(correlation_id="test", actor="test")


async def rows(database: Database, shop: Shop, query: str) -> list[tuple[object, ...]]:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def file(database: Database, shop: Shop, bodies: Iterable[bytes]) -> None:
    await receive(database, shop, bodies)
    await work_off(database)


def changed(webhook: bytes, /, **payload: object) -> bytes:
    """Return a webhook with other values in its payload."""
    told = msgspec.json.decode(webhook)
    told["payload"] |= payload
    return msgspec.json.encode(told)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def test_first_messages_under_both_addresses_at_once_make_one_contact(
    database: Database, shop: Shop, postgres_url: str
) -> None:
    script = Script()
    await receive(
        database,
        shop,
        [
            script.message("AAA1", tell_both=True),
            script.message("AAA2", address="lid", tell_both=True, at=5),
            changed(script.message("AAA3", address="lid", tell_both=True, at=9), _data={}),
        ],
    )

    async with Database(postgres_url, clock=SystemClock()) as other:
        await asyncio.gather(work_off(database), work_off(other))
    await file(database, shop, [script.message("AAA4", tell_both=True, at=12)])

    counts = (
        "SELECT (SELECT count(*) FROM contacts WHERE merged_into_id IS NULL), (SELECT count(*) FROM chats), "
    )
    counts += "(SELECT array_agg(message_count) FROM sessions)"
    assert await rows(database, shop, counts) == [(1, 1, [4])]


async def test_a_read_tick_alone_tells_of_the_delivery_too(database: Database, shop: Shop) -> None:
    script = Script()

    await file(database, shop, [script.message("BBB1", from_me=True), script.ack("BBB1", 3, at=30)])

    moment = datetime.fromtimestamp(START + 30, UTC).replace(microsecond=412_000)
    assert await rows(database, shop, "SELECT status, delivered_at, read_at FROM messages") == [
        ("READ", moment, moment)
    ]


async def test_a_late_message_is_counted_where_it_belongs_and_moves_nothing(
    database: Database, shop: Shop
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1", at=0), script.message("AAA3", at=1200)])

    await file(database, shop, [script.message("AAA2", at=600)])

    seconds = f"extract(epoch FROM {{}})::int - {START}"
    assert await rows(
        database,
        shop,
        f"SELECT status, message_count, {seconds.format('started_at')}, {seconds.format('last_activity_at')}, "
        f"{seconds.format('timeout_at')} FROM sessions",
    ) == [("ACTIVE", 3, 0, 1200, 3000)]
    assert await rows(database, shop, f"SELECT {seconds.format('last_message_at')} FROM chats") == [(1200,)]


async def test_the_end_of_a_session_and_the_start_of_the_next_are_told_together(
    database: Database, shop: Shop
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1")])
    await database.system.execute("DELETE FROM outbox")

    await file(database, shop, [script.message("AAA2", at=1801)])

    told = await database.system.fetch(
        "SELECT event_type FROM outbox WHERE event_type LIKE 'session.%' ORDER BY id"
    )
    assert [row["event_type"] for row in told] == [
        "session.ended",
        "session.started",
        "session.message_recorded",
    ]


async def test_a_caption_is_the_text_of_its_message(database: Database, shop: Shop) -> None:
    image = {"imageMessage": {"caption": "O bolo", "mimetype": "image/jpeg"}}
    body = changed(Script().message("AAA1", text="O bolo", body=image), hasMedia=True)

    await file(database, shop, [body])

    assert await rows(database, shop, "SELECT content_kind, text FROM messages") == [("IMAGE", "O bolo")]


async def test_facts_whose_message_never_comes_are_forgotten(database: Database, shop: Shop) -> None:
    script = Script()
    await file(
        database, shop, [script.edit("AAA1", "Boa tarde"), script.reaction("AAA2", "👍", to_ours=False)]
    )
    assert await housekeeping.expire_early_facts(database) == 0

    async with database.tenant_transaction(shop.tenant_id) as connection:
        waiting = await connection.fetchval("SELECT count(*) FROM early_facts")
    assert (waiting, await facts.expire(database.system, before=CLOCK.now())) == (2, 2)


async def test_a_reply_to_something_unknown_keeps_its_id(database: Database, shop: Shop) -> None:
    body = changed(Script().message("AAA1"), replyTo={"id": "OLD1"})

    await file(database, shop, [body])

    assert await rows(database, shop, "SELECT reply_to_external_id FROM messages") == [("OLD1",)]


async def test_facts_of_groups_are_parked_where_groups_are_not_allowed(database: Database) -> None:
    shop = await open_shop(database, allow_groups=False)
    edit = changed(Script().edit("AAA1", "Forjado"), **{"id": f"false_{GROUP}_E1", "from": GROUP})

    await file(database, shop, [edit])

    assert await rows(database, shop, "SELECT outcome FROM inbox_archive") == [("PARKED",)]
    assert await rows(database, shop, "SELECT count(*) FROM early_facts") == [(0,)]


async def test_a_group_message_without_its_author_is_kept(database: Database, shop: Shop) -> None:
    told = {"id": f"false_{GROUP}_AAA1", "participant": None, "_data": {}}
    body = changed(Script().message("AAA1", text="Quem?", group=GROUP), **told)

    await file(database, shop, [body])

    assert await rows(database, shop, "SELECT text, contact_id, direction FROM messages") == [
        ("Quem?", None, "INBOUND")
    ]
    assert await rows(database, shop, "SELECT count(*) FROM contacts") == [(0,)]


async def test_stories_that_waha_tells_of_are_a_chat_without_sessions(database: Database, shop: Shop) -> None:
    await file(database, shop, [Script().message("AAA1", group="status@broadcast")])

    assert await rows(database, shop, "SELECT type, external_id FROM chats") == [
        ("CHANNEL", "status@broadcast")
    ]
    assert await rows(database, shop, "SELECT count(*) FROM sessions") == [(0,)]


async def test_what_cannot_be_shown_yet_has_its_place(database: Database, shop: Shop) -> None:
    body = changed(Script().message("AAA1", body={"somethingNewMessage": {"x": 1}}), body=None)

    await file(database, shop, [body])

    assert await rows(database, shop, "SELECT content_kind, text FROM messages") == [("UNSUPPORTED", None)]


async def test_what_says_nothing_stays_in_the_archive(database: Database, shop: Shop) -> None:
    protocol = {"protocolMessage": {"type": "EPHEMERAL_SETTING"}}
    body = changed(Script().message("AAA1", body=protocol), body=None)

    await file(database, shop, [body])

    assert await rows(database, shop, "SELECT count(*) FROM messages") == [(0,)]
    assert await rows(database, shop, "SELECT outcome FROM inbox_archive") == [("IGNORED",)]


async def test_a_name_given_by_hand_outlives_push_names(database: Database, shop: Shop) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1")])
    async with database.tenant_transaction(shop.tenant_id) as connection:
        maria = ContactId(await connection.fetchval("SELECT id FROM contacts"))
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await contacts.update(uow, shop.viewer, contact_id=maria, expected_version=None, name="Dona Maria")

    await file(database, shop, [script.message("AAA2", by=Person(name="Maria Nova"), at=60)])

    assert await rows(database, shop, "SELECT name, name_source FROM contacts") == [("Dona Maria", "MANUAL")]


async def test_a_short_code_is_a_contact_without_a_phone(database: Database, shop: Shop) -> None:
    await file(database, shop, [Script().message("AAA1", by=Person(phone="2990", name="Banco"))])

    assert await rows(database, shop, "SELECT name, phone FROM contacts") == [("Banco", None)]
    assert await rows(database, shop, "SELECT kind, value FROM contact_identities") == [("JID", "2990@c.us")]
    assert await rows(database, shop, "SELECT external_id FROM chats") == [("2990@c.us",)]


@pytest.mark.parametrize("told", [None, int(CLOCK.now().timestamp()) + 86_400 * 30, 0, "soon"])
async def test_a_time_that_cannot_be_is_replaced_by_that_of_the_reception(
    database: Database, shop: Shop, told: object
) -> None:
    body = msgspec.json.decode(changed(Script().message("AAA1"), timestamp=told))
    body["timestamp"] = told

    await file(database, shop, [msgspec.json.encode(body)])

    assert await rows(
        database,
        shop,
        "SELECT m.sent_at = a.received_at, s.last_activity_at = a.received_at "
        "FROM messages m, sessions s, inbox_archive a",
    ) == [(True, True)]


async def test_a_webhook_that_comes_again_after_its_archive_was_pruned_changes_nothing(
    database: Database, shop: Shop
) -> None:
    script = Script()
    bodies = [
        script.message("AAA1"),
        script.message("BBB1", from_me=True, at=5),
        script.ack("BBB1", 3, at=9),
        script.edit("AAA1", "Boa tarde", at=9),
        script.reaction("BBB1", "👍", at=9),
        script.revoke("AAA1", at=20),
        script.status("WORKING", at=30),
    ]
    await file(database, shop, bodies)
    await housekeeping.prune_archive(database, keep=timedelta(0))
    assert await rows(database, shop, "SELECT count(*) FROM inbox_archive") == [(0,)]
    everything = (
        "SELECT (SELECT json_agg(m ORDER BY id)::text FROM messages m), (SELECT json_agg(s)::text FROM sessions s), "
        "(SELECT json_agg(c)::text FROM chats c), (SELECT json_agg(p)::text FROM contacts p)"
    )
    before = await rows(database, shop, everything)
    await database.system.execute("DELETE FROM outbox")

    assert await receive(database, shop, bodies) == 7
    await work_off(database)

    assert await rows(database, shop, everything) == before
    assert await database.system.fetchval("SELECT count(*) FROM outbox") == 0
