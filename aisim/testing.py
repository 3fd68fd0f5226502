"""The provider inside a test: served on a free port, with what a test orders and asks as methods."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import msgspec

from aisim.app import create_app
from aisim.config import ProviderConfig
from aisim.faults import Endpoint, FaultName
from aisim.provider import Provider
from aisim.server import Server, bind, url_of


@dataclass(eq=False, kw_only=True)
class Running:
    """A provider that serves.

    `url` is where the API begins, as clients want it (`…/v1`); `client` talks to it with the right key.
    """

    url: str
    api_key: str | None
    provider: Provider
    client: httpx2.AsyncClient

    async def answer(self, text: str | None = None, **more: object) -> None:
        """Give this answer next; `more` are the fields of a prepared answer, such as `toolCalls`."""
        await self.post("answers", text=text, **more)

    async def fault(self, name: FaultName, **more: object) -> None:
        """Order a misfortune; `more` are its fields, such as `count` and `endpoint`."""
        await self.post("faults", fault=name, **more)

    async def clear_faults(self) -> None:
        """Back to good weather."""
        _checked(await self.client.delete("/control/faults"))

    async def requests(self, endpoint: Endpoint | None = None) -> list[dict[str, object]]:
        """What has been asked, oldest first."""
        query = {"endpoint": endpoint} if endpoint is not None else {}
        found = _checked(await self.client.get("/control/requests", params=query))
        return msgspec.convert(found["requests"], list[dict[str, object]])

    async def reset(self) -> None:
        """Forget everything that was ordered, prepared and asked."""
        await self.post("reset")

    async def post(self, path: str, **body: object) -> dict[str, object]:
        """POST to `/control/{path}` and read the answer. Raises `AssertionError` unless it is 2xx."""
        return _checked(await self.client.post(f"/control/{path}", json=body))


@asynccontextmanager
async def running(config: ProviderConfig | Mapping[str, object] | None = None) -> AsyncIterator[Running]:
    """Serve a provider on a free port of 127.0.0.1 for as long as the block lasts."""
    settings = config if isinstance(config, ProviderConfig) else msgspec.convert(config or {}, ProviderConfig)
    app, sock = create_app(settings), bind("127.0.0.1", 0)
    server = Server(app, sock)
    url = url_of(sock)
    serving = await server.begin()
    try:
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key is not None else {}
        client = httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, verify=False, timeout=30)
        async with client:
            yield Running(
                url=f"{url}/v1", api_key=settings.api_key, provider=app.state.provider, client=client
            )
    finally:
        server.stop()
        await serving


def _checked(answer: httpx2.Response) -> dict[str, object]:
    if not answer.is_success:
        raise AssertionError(f"{answer.request.url} answered {answer.status_code}: {answer.text}")
    body = msgspec.json.decode(answer.content)
    return body if isinstance(body, dict) else {"items": body}
