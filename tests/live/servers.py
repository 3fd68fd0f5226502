"""A running API with the relay behind it, and clients that speak graphql-transport-ws."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from integrations.event_feed import RedisFeed
from integrations.hub import Hub
from jobs.mover import run_mover
from persistence.database import Database
from tests.factories import Shop, receive, work_off
from tests.http.graphql_app import endpoints, served
from tests.live.events import Spawn
from ventros.graphql.access import Patience
from ventros.graphql.routes import GraphQLEndpoints

SHORT = Patience(introduction=0.5, sending=1.0, trust=0.2, silence=0.3)
PROTOCOL = "graphql-transport-ws"


@dataclass
class Server:
    """A running API, and the relay behind it."""

    address: str
    database: Database
    hub: Hub
    endpoints: GraphQLEndpoints
    uvicorn: Any  # Any: uvicorn's server.
    clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(
        self, authorization: str | None = None, **more: Any
    ) -> "Client":  # Any: as websockets takes it.
        """Return a socket on which nothing was said yet."""
        headers = {} if authorization is None else {"Authorization": authorization}
        socket = await self.clients.enter_async_context(
            connect(
                f"ws://{self.address}/graphql",
                subprotocols=[PROTOCOL],
                additional_headers=headers | more.pop("headers", {}),
                **more,
            )
        )
        return Client(socket)

    async def greeted(self, shop: Shop) -> "Client":
        """Return a socket that knows its viewer."""
        client = await self.open()
        await client.send(type="connection_init", payload={"authorization": f"Bearer {shop.api_key}"})
        assert await client.read() == {"type": "connection_ack"}
        await client.subscribe("cursor", "{ eventCursor }")
        client.cursor = (await client.read())["payload"]["data"]["eventCursor"]
        assert await client.read() == {"id": "cursor", "type": "complete"}
        return client


@dataclass
class Client:
    """The client's side of a socket."""

    socket: ClientConnection
    cursor: str | None = None
    """Where the log stood when the socket was opened: nothing says when a subscription without `after` begins."""

    async def send(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def subscribe(self, id: object, query: object, **others: object) -> None:  # noqa: A002
        if "$after" in str(query):
            others.setdefault("variables", {"after": self.cursor})
        await self.send(type="subscribe", id=id, payload={"query": query, **others})

    async def read(self) -> dict[str, Any]:
        async with asyncio.timeout(15):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def closed(self) -> int:
        """Return the code with which the server closes, whatever it says before."""
        async with asyncio.timeout(15):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as end:
                return 1006 if end.rcvd is None else end.rcvd.code

    async def is_alive(self) -> bool:
        await self.send(type="ping", payload={"still": "there"})
        return await self.read() == {"type": "pong", "payload": {"still": "there"}}


@asynccontextmanager
async def serving(database: Database, redis_url: str, spawn: Spawn, **options: Any) -> AsyncIterator[Server]:
    feed = RedisFeed(redis_url)
    spawn(run_mover(database, redis_url=redis_url, sinks=[feed]))
    async with Hub(database, redis_url) as hub:
        graphql = endpoints(database, hub, **options)
        async with served(Starlette(routes=graphql.routes())) as (address, uvicorn):
            server = Server(address, database, hub, graphql, uvicorn)
            async with server.clients:
                yield server
    await feed.close()


async def arrive(database: Database, shop: Shop, *bodies: bytes) -> None:
    await receive(database, shop, bodies)
    await work_off(database)
