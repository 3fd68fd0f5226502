"""Bare ASGI applications: what the limits have in common, and how they are served."""

import gc
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncpg
import uvicorn

from persistence.database import connect_arguments

Scope = MutableMapping[str, Any]  # Any: ASGI's own dictionaries.
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_POOL = 10


def serve(app: App, port: int) -> None:
    """Serve until SIGTERM, with the server settings of `ventros serve`."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, backlog=1024, log_config=None, access_log=False, server_header=False
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    uvicorn.Server(config).run()


async def connect(role: str, **settings: str) -> "asyncpg.Pool[asyncpg.Record]":
    """Return a pool that does nothing when a connection comes back; `settings` are PostgreSQL's."""
    arguments = connect_arguments(role)
    return await asyncpg.create_pool(
        dsn=os.environ["DATABASE_URL"],
        min_size=_POOL,
        max_size=_POOL,
        max_inactive_connection_lifetime=0,
        reset=nothing,
        timeout=arguments["timeout"],
        server_settings=arguments["server_settings"] | settings,
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


async def nothing(_: object = None) -> None:
    """Do nothing."""
