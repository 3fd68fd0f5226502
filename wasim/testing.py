"""The simulator inside a test: served on a free port, with a client for its control API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import msgspec

from wasim.app import create_app
from wasim.config import SimulatorConfig
from wasim.server import Server, bind, url_of
from wasim.simulator import Simulator


@dataclass(eq=False, kw_only=True)
class Running:
    """A simulator that serves; `control` talks to it with paths relative to `url`."""

    url: str
    simulator: Simulator
    control: httpx2.AsyncClient

    async def post(self, path: str, **body: object) -> dict[str, object]:
        """POST to `/control/{path}` and read the answer. Raises `AssertionError` unless it is 2xx."""
        return _object(await self.control.post(f"/control/{path}", json=body))

    async def get(self, path: str, **query: str) -> object:
        """GET `/control/{path}` and read the answer. Raises `AssertionError` unless it is 2xx."""
        return _checked(await self.control.get(f"/control/{path}", params=query))


@asynccontextmanager
async def running(config: SimulatorConfig | Mapping[str, object]) -> AsyncIterator[Running]:
    """Serve a simulator on a free port of 127.0.0.1 for as long as the block lasts."""
    settings = msgspec.convert(config, SimulatorConfig) if isinstance(config, Mapping) else config
    app, sock = create_app(settings), bind("127.0.0.1", 0)
    server = Server(app, sock)
    url = url_of(sock)
    serving = await server.begin()
    try:
        headers = {"X-Api-Key": settings.api_key} if settings.api_key is not None else {}
        client = httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, verify=False, timeout=30)
        async with client:
            yield Running(url=url, simulator=app.state.simulator, control=client)
    finally:
        server.stop()
        await serving


def _checked(answer: httpx2.Response) -> object:
    if not answer.is_success:
        raise AssertionError(f"{answer.request.url} answered {answer.status_code}: {answer.text}")
    return msgspec.json.decode(answer.content)


def _object(answer: httpx2.Response) -> dict[str, object]:
    body = _checked(answer)
    if not isinstance(body, dict):
        raise AssertionError(  # noqa: TRY004 -- a failed expectation of a test
            f"{answer.request.url} answered no object: {answer.text}"
        )
    return body
