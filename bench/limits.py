"""What nothing can beat: bare applications that do only what a part of Ventros cannot avoid.

`python -m bench.limits NAME PORT` serves one of them with the server settings of `ventros serve`.
"""

import gc
import hmac
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn

from persistence.database import SYSTEM_ROLE, connect_arguments
from tests.factories import HMAC_KEY

Scope = MutableMapping[str, Any]  # Any: ASGI's own dictionaries.
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[bytes], Awaitable[None]]

_KEY = HMAC_KEY.encode()
_POOL = 10
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
        pool = await connect()

    async def answer(body: bytes) -> None:
        assert pool is not None
        await pool.execute(_INSERT, tenant_id, channel_id, secrets.token_hex(10), datetime.now(UTC), body)  # noqa: TID251 A limit takes the shortest way.

    return _webhooks(answer, start=start)


async def connect(role: str = SYSTEM_ROLE) -> "asyncpg.Pool[asyncpg.Record]":
    """Return a pool that does nothing when a connection comes back."""
    return await asyncpg.create_pool(
        dsn=os.environ["DATABASE_URL"],
        min_size=_POOL,
        max_size=_POOL,
        max_inactive_connection_lifetime=0,
        reset=_nothing,
        **connect_arguments(role),
    )


async def lifespan(receive: Receive, send: Send, start: Callable[[], Awaitable[None]]) -> None:
    """Answer the server's questions about the application's life."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await start()
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


async def body_of(receive: Receive) -> bytes:
    """Return the body of a request."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


async def respond(send: Send, status: int, body: bytes = b"") -> None:
    """Answer a request."""
    length = str(len(body)).encode()
    headers = [(b"content-length", length), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _nothing(_: object = None) -> None:
    return None


def _webhooks(answer: Answer, *, start: Callable[[], Awaitable[None]] = _nothing) -> App:
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


def main(name: str, port: int) -> None:
    """Serve until SIGTERM."""
    app = {"verify_only": verify_only, "single_insert": single_insert}[name]()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, backlog=1024, log_config=None, access_log=False, server_header=False
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
