"""The routes of the GraphQL API."""

import strawberry
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from resolvers.context import Installation
from ventros.auth import Authenticator
from ventros.graphql.access import PATIENCE, Origins, Patience
from ventros.graphql.http import HttpEndpoint
from ventros.graphql.page import asset
from ventros.graphql.socket import PROTOCOL, Socket
from ventros.graphql.stream import EventStreams

_NOT_ACCEPTABLE = 4406


class GraphQLEndpoints:
    """Everything under `/graphql`."""

    def __init__(
        self,
        schema: strawberry.Schema,
        installation: Installation,
        *,
        authenticator: Authenticator,
        allowed_origins: tuple[str, ...] = (),
        patience: Patience = PATIENCE,
    ) -> None:
        self._schema = schema
        self._installation = installation
        self._authenticator = authenticator
        self._origins = Origins.of(allowed_origins)
        self._patience = patience
        self._streams = EventStreams(schema, authenticator=authenticator, patience=patience)

    def routes(self) -> list[Route | WebSocketRoute]:
        """Return the routes, for an application whose lifespan is that of the installation."""
        endpoint = HttpEndpoint(
            self._schema, self._installation, authenticator=self._authenticator, streams=self._streams
        )
        return [
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", self._serve_socket),
            Route("/graphql/assets/{name}", asset, methods=["GET"]),
        ]

    def drain(self) -> None:
        """Complete event streams, because the server is about to stop. The server closes sockets itself (1012)."""
        self._streams.drain()

    async def _serve_socket(self, websocket: WebSocket) -> None:
        if not self._origins.permit(websocket.headers):
            # Before it is accepted, a socket is refused with 403.
            await websocket.close()
            return
        if PROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(_NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        await websocket.accept(subprotocol=PROTOCOL)
        await Socket(
            websocket,
            schema=self._schema,
            installation=self._installation,
            authenticator=self._authenticator,
            patience=self._patience,
        ).run()
