"""The GraphQL endpoints on a real server, for tests that need its sockets and its buffers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from integrations.hub import Hub
from persistence.database import Database
from resolvers.context import Installation
from schema.root import schema
from services.media_links import MediaLinks
from tests.factories import CLOCK, VAULT
from ventros.auth import Authenticator
from ventros.graphql.access import PATIENCE, Patience
from ventros.graphql.routes import GraphQLEndpoints


def endpoints(
    database: Database, hub: Hub | None, *, origins: tuple[str, ...] = (), patience: Patience = PATIENCE
) -> GraphQLEndpoints:
    """Return the endpoints of a process with that hub."""
    installation = Installation(
        database=database,
        vault=VAULT,
        base_url="http://test",
        cursor_key=b"a key for the cursors of tests only",
        media_links=MediaLinks(key=b"a key for the links of tests only", base_url="http://test"),
        hub=hub,
    )
    return GraphQLEndpoints(
        schema,
        installation,
        authenticator=Authenticator(database, CLOCK),
        allowed_origins=origins,
        patience=patience,
    )


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """Yield the address, `host:port`, of a server that runs until the end of the block."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_config=None, lifespan="off", ws_max_size=1_000_000, ws_per_message_deflate=False
        )
        server = uvicorn.Server(config)
        # The signals belong to the test run.
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(10):
                while not server.started:  # noqa: ASYNC110 uvicorn says it this way only.
                    await asyncio.sleep(0.01)
            host, port = listening.getsockname()
            yield f"{host}:{port}", server
        finally:
            server.should_exit = True
            await task
