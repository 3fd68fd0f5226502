"""A stand-in for a provider: answers what a test tells it, and notes what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.ai.breaker import Breaker
from integrations.ai.limits import Places
from integrations.ai.transport import Provider
from wasim.server import bind, url_of

KEY = "sk-a-very-secret-key"
NOW = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOW


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict:
        return msgspec.json.decode(self.raw)


@dataclass
class StandIn:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Response = field(default_factory=Response)
    holding: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.answer = Response(content, status, headers, media_type="application/json")

    async def take(self, request: Request) -> Response:
        self.asked.append(Asked(request.url.path, dict(request.headers), await request.body()))
        self.arrived.set()
        if self.holding is not None:
            await self.holding.wait()
        return self.answer


@asynccontextmanager
async def standing_in() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    sock = bind("127.0.0.1", 0)
    app = Starlette(routes=[Route("/{path:path}", stand_in.take, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[sock]))
    stand_in.url = url_of(sock) + "/v1"
    try:
        yield stand_in
    finally:
        if stand_in.holding is not None:
            stand_in.holding.set()
        server.should_exit = True
        await serving


@asynccontextmanager
async def calling(
    url: str, *, places: int = 8, wait: float = 10.0, failures: int = 1000, key: str | None = KEY
) -> AsyncIterator[Provider]:
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield Provider(
            base_url=url,
            key=key,
            http=http,
            breaker=Breaker(failures=failures),
            places=Places(places, wait=wait),
            clock=Noon(),
        )


@asynccontextmanager
async def raw_server(talk: Callable[[asyncio.StreamWriter], None]) -> AsyncIterator[str]:
    """A server that reads a request's beginning, writes what it likes, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        talk(writer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
