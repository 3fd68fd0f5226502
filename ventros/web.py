"""The ASGI application: its routes on one page, and what lives as long as it does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from integrations.hub import Hub
from ventros.health import Health
from ventros.intake import Intake
from ventros.settings import Settings
from ventros.webhooks import WebhookEndpoint
from ventros.wiring import connected


def create_app(settings: Settings) -> Starlette:
    """Return the application; it connects when the server starts it, and has no routes before."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        redis_url = settings.redis_url or None
        async with AsyncExitStack() as stack:
            parts = await stack.enter_async_context(connected(settings))
            intake = await stack.enter_async_context(
                Intake(parts.database, queue_limit=settings.intake_queue_limit)
            )
            hub = await stack.enter_async_context(Hub(parts.database, redis_url))
            health = Health(parts.database, redis_url=redis_url, is_alive=lambda: intake.is_alive)
            webhooks = WebhookEndpoint(
                parts.database, intake, vault=parts.vault, body_limit=settings.webhook_body_limit
            )
            routes: list[BaseRoute] = [
                webhooks.route(),
                *health.routes(),
            ]
            app.router.routes.extend(routes)
            yield
            health.drain()
            app.router.routes.clear()

    return Starlette(lifespan=lifespan, middleware=[])


