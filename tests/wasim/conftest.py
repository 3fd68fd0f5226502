"""A receiver of webhooks and a simulator that talks to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wasim.server import bind, url_of
from wasim.testing import Running, running

KEY = "webhook-key"
MARIA = "5511999990001"


@dataclass
class Post:
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict:
        return msgspec.json.decode(self.raw)

    @property
    def event(self) -> str:
        return self.body["event"]

    @property
    def payload(self) -> dict:
        return self.body["payload"]


@dataclass
class Receiver:
    """Collects posts; answers the queued statuses first, then 200."""

    url: str
    posts: list[Post] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition) -> None:
        """Wait for posts until they satisfy the condition; fail after ten seconds."""
        async with asyncio.timeout(10):
            while not condition(self.posts):
                self.arrived.clear()
                await self.arrived.wait()

    def payloads(self, event: str) -> list[dict]:
        return [post.payload for post in self.posts if post.event == event]


@pytest.fixture(scope="session")
async def hook_server() -> AsyncIterator[Receiver]:
    sock = bind("127.0.0.1", 0)
    receiver = Receiver(url=url_of(sock) + "/hook")

    async def hook(request: Request) -> Response:
        receiver.posts.append(Post(dict(request.headers), await request.body()))
        receiver.arrived.set()
        status = receiver.statuses.pop(0) if receiver.statuses else 200
        return Response(status_code=status, headers=receiver.headers)

    app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[sock]))
    yield receiver
    server.should_exit = True
    await serving


@pytest.fixture
def receiver(hook_server: Receiver) -> Receiver:
    hook_server.posts.clear()
    hook_server.statuses.clear()
    hook_server.headers.clear()
    return hook_server


class Wasim:
    """Starts simulators whose one session, `shop`, posts every event to the receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    @asynccontextmanager
    async def __call__(self, engine: str = "GOWS", **config: object) -> AsyncIterator[Running]:
        webhook = {
            "url": self._receiver.url,
            "events": config.pop("events", ["*"]),
            "hmac": {"key": KEY},
            "retries": config.pop("retries", {"delaySeconds": 0, "attempts": 3}),
        }
        session = {"name": "shop", "engine": engine, "webhooks": [webhook]}
        session |= config.pop("session", {})
        settings = {"pace": 0, "personas": False, "sessions": [session]} | config
        async with running(settings) as wasim:
            await wasim.post("people", phone=MARIA, name="Maria Teste")
            yield wasim


@pytest.fixture
def start(receiver: Receiver) -> Wasim:
    return Wasim(receiver)


@pytest.fixture
async def wasim(start: Wasim) -> AsyncIterator[Running]:
    async with start() as running:
        yield running
