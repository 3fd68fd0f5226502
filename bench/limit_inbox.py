"""What no inbox can beat: two statements by hand, put together by hand, over a bare server.

It reads under the same row-level security as the API, but knows the tenant beforehand and authenticates nobody.
`python -m bench.limit_inbox PORT` serves it.
"""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from bench.bare import App, Receive, Scope, Send, body_of, connect, lifespan, respond, serve
from domain.ids import type_id
from persistence.database import APP_ROLE

_CHATS = """
    SELECT h.id, h.type, h.status, h.last_message_at, c.id AS contact_id, c.name, c.phone,
      s.id AS session_id, s.status AS session_status, s.message_count, s.last_activity_at
    FROM (
      SELECT * FROM chats WHERE chats.tenant_id = $1 AND chats.project_id = $2
      ORDER BY greatest(chats.last_message_at, '-infinity') DESC, chats.id DESC LIMIT $3
    ) h
    LEFT JOIN contacts c ON c.tenant_id = h.tenant_id AND c.id = h.contact_id
    LEFT JOIN LATERAL (
      SELECT * FROM sessions
      WHERE sessions.tenant_id = h.tenant_id AND sessions.chat_id = h.id AND sessions.status = 'ACTIVE'
      ORDER BY sessions.last_activity_at DESC, sessions.id DESC LIMIT 1
    ) s ON true
    ORDER BY greatest(h.last_message_at, '-infinity') DESC, h.id DESC
"""
_MESSAGES = """
    SELECT m.chat_id, m.id, m.direction, m.status, m.text, m.sent_at
    FROM unnest($2::uuid[]) AS u (chat_id) CROSS JOIN LATERAL (
      SELECT * FROM messages WHERE messages.tenant_id = $1 AND messages.chat_id = u.chat_id
      ORDER BY messages.sent_at DESC, messages.id DESC LIMIT $3
    ) m ORDER BY m.sent_at, m.id
"""


def inbox() -> App:
    """Answer every request with the inbox."""
    pool: asyncpg.Pool[asyncpg.Record] | None = None
    tenant_id, project_id = UUID(os.environ["BENCH_TENANT"]), UUID(os.environ["BENCH_PROJECT"])
    chats, messages = int(os.environ["BENCH_CHATS"]), int(os.environ["BENCH_MESSAGES"])

    async def start() -> None:
        nonlocal pool
        settings = {"app.tenant_id": str(tenant_id), "plan_cache_mode": "force_generic_plan"}
        pool = await connect(APP_ROLE, **settings)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, start)
            return
        assert pool is not None
        await body_of(receive)
        async with pool.acquire() as connection:
            rows = await connection.fetch(_CHATS, tenant_id, project_id, chats + 1)
            shown = rows[:chats]
            found = await connection.fetch(_MESSAGES, tenant_id, [row["id"] for row in shown], messages)
        answer = _answer(shown, found, has_next_page=len(rows) > chats)
        await respond(send, 200, msgspec.json.encode(answer))

    return app


def _answer(
    chats: Sequence[asyncpg.Record], messages: Sequence[asyncpg.Record], *, has_next_page: bool
) -> dict[str, object]:
    by_chat: dict[UUID, list[dict[str, object]]] = {row["id"]: [] for row in chats}
    for row in messages:
        by_chat[row["chat_id"]].append(
            {
                "id": type_id("msg", row["id"]),
                "direction": row["direction"],
                "status": row["status"],
                "text": row["text"],
                "sentAt": _instant(row["sent_at"]),
            }
        )
    nodes = [
        {
            "id": type_id("cht", row["id"]),
            "type": row["type"],
            "status": row["status"],
            "lastMessageAt": _instant(row["last_message_at"]),
            "contact": None
            if row["contact_id"] is None
            else {"id": type_id("cnt", row["contact_id"]), "name": row["name"], "phone": row["phone"]},
            "activeSession": None
            if row["session_id"] is None
            else {
                "id": type_id("ses", row["session_id"]),
                "status": row["session_status"],
                "messageCount": row["message_count"],
                "lastActivityAt": _instant(row["last_activity_at"]),
            },
            "messages": {"nodes": by_chat[row["id"]]},
        }
        for row in chats
    ]
    return {"data": {"chats": {"nodes": nodes, "pageInfo": {"hasNextPage": has_next_page}}}}


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds").replace("+00:00", "Z")


if __name__ == "__main__":
    serve(inbox(), int(sys.argv[1]))
