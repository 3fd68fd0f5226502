"""Thousands of chats with their messages, made in the database from one that was filed for real."""

import asyncpg

from persistence.database import Database
from tests.factories import Shop, receive, work_off
from tests.waha import Script

_IDS = """
    CREATE TEMPORARY TABLE seeded AS
    SELECT n, gen_random_uuid() AS contact, gen_random_uuid() AS chat, gen_random_uuid() AS session,
      now() - interval '1 hour' - n * interval '1 second' AS newest
    FROM generate_series(1, $1::int) n
"""

# Each row is the filed one with other values in some columns, so that new columns need no change here.
_COPIES = (
    """
    INSERT INTO contacts SELECT made.* FROM contacts one CROSS JOIN seeded s
    CROSS JOIN LATERAL jsonb_populate_record(one, jsonb_build_object(
      'id', s.contact, 'name', 'Pessoa ' || s.n, 'phone', '+5531' || lpad(s.n::text, 9, '9'))) made
    """,
    """
    INSERT INTO chats SELECT made.* FROM chats one CROSS JOIN seeded s
    CROSS JOIN LATERAL jsonb_populate_record(one, jsonb_build_object(
      'id', s.chat, 'contact_id', s.contact, 'external_id', s.n || '@c.us', 'last_message_at', s.newest)) made
    """,
    # Every fifth conversation has no session at present.
    """
    INSERT INTO sessions SELECT made.* FROM sessions one CROSS JOIN seeded s
    CROSS JOIN LATERAL jsonb_populate_record(one, jsonb_build_object(
      'id', s.session, 'chat_id', s.chat, 'contact_id', s.contact, 'message_count', $1::int,
      'last_activity_at', s.newest, 'timeout_at', now() + interval '1 day')) made
    WHERE s.n % 5 <> 0
    """,
    """
    INSERT INTO messages SELECT made.* FROM messages one CROSS JOIN seeded s CROSS JOIN generate_series(1, $1::int) k
    CROSS JOIN LATERAL jsonb_populate_record(one, jsonb_build_object(
      'id', gen_random_uuid(), 'chat_id', s.chat, 'contact_id', s.contact,
      'session_id', CASE WHEN s.n % 5 <> 0 THEN s.session END,
      'external_id', s.n || '-' || k, 'text', 'mensagem ' || k || ' de ' || s.n,
      'direction', CASE WHEN k % 2 = 0 THEN 'OUTBOUND' ELSE 'INBOUND' END,
      'status', CASE WHEN k % 2 = 0 THEN 'READ' ELSE one.status END,
      'sent_at', s.newest - ($1::int - k) * interval '1 minute')) made
    """,
)


async def seed(database: Database, shop: Shop, *, chats: int, messages_per_chat: int) -> None:
    """Fill a shop that nobody has written to yet."""
    await receive(database, shop, [Script().message("S1", text="uma mensagem", tell_both=True)])
    await work_off(database)
    connection = await asyncpg.connect(database.url)
    try:
        async with connection.transaction():
            # Hundreds of thousands of references need not be looked up one by one.
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(_IDS, chats)
            for statement in _COPIES:
                await connection.execute(statement, *([messages_per_chat] if "$1" in statement else []))
        await connection.execute("VACUUM (ANALYZE)")
        made = await connection.fetchval("SELECT count(*) FROM messages")
    finally:
        await connection.close()
    if made != chats * messages_per_chat + 1:
        raise RuntimeError(f"{made} messages were made instead of {chats * messages_per_chat + 1}.")
