"""How PostgreSQL answers lists, under row-level security: by an index, whatever the order and the place."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

import persistence.tables  # noqa: F401 Importing maps the domain classes.
from persistence.crm.chats import chat_collection
from persistence.crm.contacts import contact_collection
from persistence.crm.messages import CHAT_MESSAGES, message_collection
from persistence.crm.sessions import session_collection
from persistence.database import Database
from persistence.paging import Collection, Listing, PageRequest, Term
from tests.factories import Shop, open_shop

ROWS = 3_000
COLLECTIONS: dict[str, Collection[Any]] = {
    "contacts": contact_collection,
    "chats": chat_collection,
    "sessions": session_collection,
    "messages": message_collection,
}
ORDERS = [
    (name, key, descending)
    for name, collection in COLLECTIONS.items()
    for key in collection.sort_keys
    for descending in (False, True)
]


@pytest.fixture
async def full(database: Database, shop: Shop) -> Shop:
    """Two shops with thousands of rows each, and statistics of them."""
    for one in (shop, await open_shop(database, name="Outra")):
        async with database.tenant_transaction(one.tenant_id) as connection:
            await connection.execute(
                f"""
                INSERT INTO contacts (tenant_id, id, project_id, name, name_source, name_at, tags, custom_fields,
                    last_interaction_at, created_at, updated_at, version)
                SELECT $1, gen_random_uuid(), $2, 'Contact ' || g, 'MANUAL', now(), '[]', '[]',
                    CASE WHEN g % 3 > 0 THEN now() - g * interval '1 minute' END, now() - g * interval '1 second', now(), 1
                FROM generate_series(1, {ROWS}) g
                """,
                one.tenant_id,
                one.project_id,
            )
            await connection.execute(
                """
                INSERT INTO chats (tenant_id, id, project_id, channel_id, type, status, external_id, contact_id,
                    last_message_at, created_at, updated_at, version)
                SELECT tenant_id, gen_random_uuid(), project_id, $2, 'INDIVIDUAL', 'ACTIVE', id::text, id,
                    last_interaction_at, created_at, now(), 1
                FROM contacts WHERE tenant_id = $1
                """,
                one.tenant_id,
                one.channel_id,
            )
            await connection.execute(
                """
                INSERT INTO sessions (tenant_id, id, project_id, channel_id, chat_id, contact_id, status, started_at,
                    last_activity_at, timeout_seconds, timeout_at, message_count, contact_message_count,
                    created_at, updated_at, version)
                SELECT tenant_id, gen_random_uuid(), project_id, channel_id, id, contact_id, 'ENDED', created_at,
                    created_at, 60, created_at, 0, 0, now(), now(), 1
                FROM chats WHERE tenant_id = $1
                """,
                one.tenant_id,
            )
            await connection.execute(
                """
                INSERT INTO messages (tenant_id, id, project_id, channel_id, chat_id, contact_id, direction, origin,
                    status, content_kind, content, text, external_id, is_forwarded, mentions, reactions, edits,
                    sent_at, created_at, updated_at, version)
                SELECT tenant_id, gen_random_uuid(), project_id, channel_id, id, contact_id, 'INBOUND', 'LIVE',
                    'RECEIVED', 'TEXT', '{"kind": "TEXT", "text": "x"}', 'x', g::text, false, '[]', '[]', '[]',
                    created_at - g * interval '1 hour', now(), now(), 1
                FROM chats, generate_series(1, 3) g WHERE tenant_id = $1
                """,
                one.tenant_id,
            )
    return shop


@pytest.fixture
async def analysed(postgres_url: str, full: Shop) -> Shop:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("ANALYZE contacts, chats, sessions, messages")
    await connection.close()
    return full


async def plan_of(database: Database, reader: Any, query: Any) -> str:
    """Run a query of a repository and return the plan of its page's statement."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        seen.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await query
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    ((statement, parameters),) = [one for one in seen if "row_number" in one[0]]
    connection = await reader.session.connection()
    rows = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", parameters)
    return "\n".join(row[0] for row in rows)


async def test_every_order_is_read_from_an_index_at_any_place(database: Database, analysed: Shop) -> None:
    async with database.reading(analysed.tenant_id) as reader:
        for name, key, descending in ORDERS:
            collection = COLLECTIONS[name]
            listing = Listing((Term(key, descending=descending, nulls_first=not descending),))
            scope = collection.table.c.project_id == analysed.project_id
            page = await collection.page(reader.session, scope, listing, PageRequest(100))
            deep = PageRequest(20, cursor=page.positions[-1])

            for request in (PageRequest(20), PageRequest(20, backward=True), deep):
                plan = await plan_of(
                    database, reader, collection.page(reader.session, scope, listing, request)
                )

                assert f"Seq Scan on {name}" not in plan, (name, key, plan)
                assert "external merge" not in plan
            # lower() is not leakproof, so that a cursor by name is looked for within the index, row by row.
            if key != "NAME":
                assert "Rows Removed by Filter" not in plan, (name, key, plan)
                assert plan.count("Index Cond") == 2, (name, key, plan)


async def test_the_newest_messages_of_many_chats_are_read_from_an_index(
    database: Database, analysed: Shop
) -> None:
    async with database.reading(analysed.tenant_id) as reader:
        chats = await reader.chats.page(
            analysed.project_id, Listing(chat_collection.default_order), PageRequest(100)
        )
        query = CHAT_MESSAGES.pages(
            reader.session,
            [chat.id for chat in chats.items],
            Listing(message_collection.default_order),
            PageRequest(5, backward=True),
        )

        plan = await plan_of(database, reader, query)

    assert "ix_messages_chat" in plan
    assert "Seq Scan on messages" not in plan
