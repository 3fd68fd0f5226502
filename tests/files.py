"""A shop whose simulated WhatsApp has files, a storage for them, and the endpoint that serves them."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.crm.channel import Channel
from domain.crm.enrichment_routing import NOTHING
from integrations.storage import LocalStorage
from integrations.waha.client import Waha
from jobs import media
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import media as rows
from services.media_links import MediaLinks
from services.ports import Storage
from tests.factories import CLOCK, HMAC_KEY, VAULT, Shop, open_shop, work_off
from tests.graphql.asking import MEDIA_KEY, Api
from tests.http.graphql_app import served
from ventros.auth import Authenticator
from ventros.intake import Intake
from ventros.media import MediaEndpoint
from ventros.webhooks import WebhookEndpoint
from wasim.testing import Running, running

CAUSE = Cause(correlation_id="test", actor="test")
MARIA = "5511999990001"
LINKS = MediaLinks(key=MEDIA_KEY, base_url="http://crm.test")


class Files:
    """Everything between a photo on WhatsApp and a browser that shows it."""

    def __init__(
        self,
        database: Database,
        shop: Shop,
        waha: Running,
        storage: LocalStorage,
        *,
        http: httpx2.AsyncClient,
        browser: httpx2.AsyncClient,
        url: str,
    ) -> None:
        self.database = database
        self.shop = shop
        self.waha = waha
        self.storage = storage
        self.http = http
        self.browser = browser
        self.url = url
        self.api = Api(database, shop.viewer)
        self.abilities = NOTHING

    def dial(self, channel: Channel) -> Waha:
        async def at_once(_: float) -> None:
            return None

        return Waha(channel.waha_url, None, http=self.http, sleep=at_once)

    async def receive(self, kind: str, *, by: str = MARIA, data: bytes | None = None, **more: Any) -> None:
        """Let somebody send a file, and file the message."""
        content = {"kind": kind, **more.pop("content", {})}
        if data is not None:
            content["data"] = base64.b64encode(data).decode()
        before = (await self.rows("SELECT count(*) FROM messages"))[0][0]
        await self.waha.post("sessions/crm-demo/incoming", person=by, content=content, **more)
        await self.until("SELECT count(*) FROM messages", [(before + 1,)])

    async def until(self, query: str, expected: list[tuple[object, ...]]) -> None:
        """File what arrives until the database says what is expected."""
        for _ in range(300):
            await work_off(self.database, abilities=self.abilities)
            if (found := await self.rows(query)) == expected:
                return
            await asyncio.sleep(0.02)
        assert found == expected

    async def fetch(self, storage: Storage | None = None, **more: float) -> int:
        """Make one attempt at everything that is due, as a worker does; return how many there were."""
        due = await rows.due(self.database.system, limit=100)
        for one in due:
            await media.fetch_file(
                self.database,
                one.tenant_id,
                one.media_id,
                dial=self.dial,
                storage=storage or self.storage,
                abilities=self.abilities,
                **more,
            )
        return len(due)

    async def wait_over(self) -> None:
        """Let the time pass until the next attempt, and until leases of dead workers end."""
        await self.execute(
            "UPDATE media SET available_at = now(), lease_until = CASE WHEN lease_until IS NULL THEN NULL "
            "ELSE now() - interval '1 second' END"
        )

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.tenant_transaction(self.shop.tenant_id) as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    async def execute(self, statement: str) -> None:
        async with self.database.tenant_transaction(self.shop.tenant_id) as connection:
            await connection.execute(statement)

    async def shown(self) -> dict[str, Any]:
        """The newest message's file as the API shows it."""
        fields = "media { status url error mimeType filename sizeBytes }"
        kinds = ["Image", "Video", "Audio", "Voice", "Document", "Sticker"]
        parts = " ".join(f"... on {kind}Content {{ {fields} }}" for kind in kinds)
        found = await self.api.get(
            f"{{ messages(first: 1) {{ nodes {{ content {{ __typename {parts} }} }} }} }}"
        )
        shown: dict[str, Any] = found["messages"]["nodes"][0]["content"]["media"]
        return shown

    def kept(self) -> list[Path]:
        """Every file in the storage, finished or not."""
        return sorted(path for path in self.storage.directory.rglob("*") if path.is_file())


@asynccontextmanager
async def open_files(database: Database, directory: Path, *, engine: str = "GOWS") -> AsyncIterator[Files]:
    """Open a shop whose messages arrive as soon as they are written."""
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(Intake(database, queue_limit=100))
        webhooks = WebhookEndpoint(database, intake, vault=VAULT, body_limit=1 << 20)
        storage = LocalStorage(directory / "media")
        endpoint = MediaEndpoint(database, storage, authenticator=Authenticator(database, CLOCK), links=LINKS)
        app = Starlette(routes=[webhooks.route(), endpoint.route(), Route("/invoice.pdf", _invoice)])
        address, _ = await stack.enter_async_context(served(app))
        shop = await open_shop(database)
        webhook = {
            "url": f"http://{address}/webhooks/waha/{shop.webhook_token}",
            "events": ["message.any"],
            "hmac": {"key": HMAC_KEY},
        }
        waha = await stack.enter_async_context(
            running(
                {
                    "engine": engine,
                    "sessions": [{"name": "crm-demo", "engine": engine, "webhooks": [webhook]}],
                    "personas": False,
                    "pace": 0,
                }
            )
        )
        await waha.post("people", phone=MARIA, name="Maria")
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            channel = await uow.channels.get_for_update(shop.channel_id)
            channel.waha_url = waha.url
            channel.touch(uow.now)
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        browser = await stack.enter_async_context(
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://crm.test")
        )
        yield Files(database, shop, waha, storage, http=http, browser=browser, url=f"http://{address}")


async def _invoice(_: Request) -> Response:
    return Response(b"%PDF-1.4 an invoice", media_type="application/pdf")
