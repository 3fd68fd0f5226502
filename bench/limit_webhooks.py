"""What no intake can beat: to check the signature only, and to store each webhook with a commit of its own.

`python -m bench.limit_webhooks NAME PORT` serves one of the two.
"""

import hmac
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from bench.bare import App, Receive, Scope, Send, body_of, connect, lifespan, nothing, respond, serve
from persistence.database import SYSTEM_ROLE
from tests.factories import HMAC_KEY

Answer = Callable[[bytes], Awaitable[None]]

_KEY = HMAC_KEY.encode()
_INSERT = """
    INSERT INTO inbox_events (tenant_id, channel_id, event_key, kind, lane, occurred_at, received_at, body)
    VALUES ($1, $2, $3, 'message.any', 7, $4, $4, $5) ON CONFLICT (tenant_id, channel_id, event_key) DO NOTHING
"""


def verify_only() -> App:
    """Check the signature of a webhook and answer; nothing is stored."""

    async def answer(_: bytes) -> None:
        return None

    return _webhooks(answer)


def single_insert() -> App:
    """Store each webhook with an insert and a commit of its own, then answer."""
    pool: asyncpg.Pool[asyncpg.Record] | None = None
    tenant_id, channel_id = UUID(os.environ["BENCH_TENANT"]), UUID(os.environ["BENCH_CHANNEL"])

    async def start() -> None:
        nonlocal pool
        pool = await connect(SYSTEM_ROLE)

    async def answer(body: bytes) -> None:
        assert pool is not None
        await pool.execute(_INSERT, tenant_id, channel_id, secrets.token_hex(10), datetime.now(UTC), body)  # noqa: TID251 A limit takes the shortest way.

    return _webhooks(answer, start=start)


def _webhooks(answer: Answer, *, start: Callable[[], Awaitable[None]] = nothing) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, start)
            return
        if scope["method"] == "GET":
            await respond(send, 200)
            return
        body = await body_of(receive)
        given = next((value for name, value in scope["headers"] if name == b"x-webhook-hmac"), b"")
        if not hmac.compare_digest(hmac.digest(_KEY, body, "sha512").hex().encode(), given):
            await respond(send, 401)
            return
        await answer(body)
        await respond(send, 202)

    return app


if __name__ == "__main__":
    serve({"verify_only": verify_only, "single_insert": single_insert}[sys.argv[1]](), int(sys.argv[2]))
