"""The ASGI application: its routes on one page, and what lives as long as it does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.hub import Hub
from resolvers.context import Installation
from schema.root import schema
from ventros.auth import Authenticator
from ventros.graphql.routes import GraphQLEndpoints
from ventros.health import Health
from ventros.intake import Intake
from ventros.media import MediaEndpoint
from ventros.settings import Settings
from ventros.webhooks import WebhookEndpoint
from ventros.wiring import connected, cursor_key, media_links

FOLLOWERS = Gauge("ventros_subscriptions", "Subscriptions that are being followed in this process.")


def create_app(settings: Settings) -> Starlette:
    """Return the application; it connects when the server starts it, and has no routes before.

    `app.state.drain`, once it serves, makes it unready and ends what would otherwise never end; call it when the
    server is told to stop.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        redis_url = settings.redis_url or None
        async with AsyncExitStack() as stack:
            parts = await stack.enter_async_context(connected(settings))
            intake = await stack.enter_async_context(
                Intake(parts.database, queue_limit=settings.intake_queue_limit)
            )
            hub = await stack.enter_async_context(Hub(parts.database, redis_url))
            FOLLOWERS.set_function(lambda: hub.followers)
            health = Health(parts.database, redis_url=redis_url, is_alive=lambda: intake.is_alive)
            webhooks = WebhookEndpoint(
                parts.database, intake, vault=parts.vault, body_limit=settings.webhook_body_limit
            )
            links, authenticator = media_links(settings), Authenticator(parts.database, parts.clock)
            files = MediaEndpoint(parts.database, parts.storage, authenticator=authenticator, links=links)
            graphql = GraphQLEndpoints(
                schema,
                Installation(
                    database=parts.database,
                    vault=parts.vault,
                    base_url=settings.base_url,
                    cursor_key=cursor_key(settings),
                    media_links=links,
                    hub=hub,
                    jobs=parts.jobs,
                ),
                authenticator=authenticator,
                allowed_origins=settings.allowed_origins,
            )
            routes: list[BaseRoute] = [
                webhooks.route(),
                *graphql.routes(),
                files.route(),
                *health.routes(),
                Route("/", _front_door, methods=["GET"]),
            ]
            app.router.routes.extend(routes)

            def drain() -> None:
                health.drain()
                graphql.drain()

            app.state.drain = drain
            yield
            app.router.routes.clear()

    return Starlette(lifespan=lifespan)


async def _front_door(_: Request) -> Response:
    """Show a newcomer GraphiQL; there is no console yet."""
    return RedirectResponse("/graphql")
