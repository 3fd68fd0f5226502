"""GraphQL over a WebSocket: the graphql-transport-ws protocol, and nothing of its predecessor.

The protocol is https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md; the close codes are its own.
"""

import asyncio
from contextlib import aclosing, suppress
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.types.execution import PreExecutionError

from domain.ids import new_id, type_id
from persistence.outages import is_outage
from resolvers.context import Context, Installation
from schema.errors import format_error
from services.viewer import Viewer
from ventros.auth import Authenticator, authorization_in
from ventros.graphql.access import Patience, revoked
from ventros.graphql.answer import encode, payload
from ventros.graphql.messages import (
    ClientMessage,
    Complete,
    ConnectionInit,
    MalformedMessage,
    Ping,
    Pong,
    Subscribe,
    read_message,
)

log = structlog.get_logger()

PROTOCOL = "graphql-transport-ws"

MAX_OPERATIONS = 50
_CLOSE_SECONDS = 2.0

MALFORMED, UNAUTHORIZED, FORBIDDEN, INIT_TIMEOUT = 4400, 4401, 4403, 4408
DUPLICATE_ID, TOO_MANY_INITS = 4409, 4429
TOO_SLOW, TRY_LATER = 1013, 1013


class Closed(Exception):
    """The socket is to be closed with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket:
    """One accepted socket, from its first message to its last."""

    def __init__(
        self,
        websocket: WebSocket,
        *,
        schema: strawberry.Schema,
        installation: Installation,
        authenticator: Authenticator,
        patience: Patience,
    ) -> None:
        self._websocket = websocket
        self._schema = schema
        self._installation = installation
        self._authenticator = authenticator
        self._patience = patience
        self._viewer: Viewer | None = None
        self._authorization: str | None = None
        self._has_init = False
        self._acknowledged = asyncio.Event()
        self._operations: dict[str, asyncio.Task[None]] = {}
        # Set when the socket has to end for a reason that lies outside of its messages.
        self._broken: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve the socket until either side ends it."""
        parts = [
            asyncio.create_task(self._read(), name="socket.read"),
            asyncio.create_task(self._watch(), name="socket.watch"),
        ]
        try:
            ends: list[asyncio.Future[Any]] = [*parts, self._broken]  # Any: of different results.
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            end = self._broken.result() if self._broken.done() else _outcome(parts)
        finally:
            self._broken.cancel()
            for task in (*parts, *self._operations.values()):
                task.cancel()
            await asyncio.gather(*parts, *self._operations.values(), return_exceptions=True)
        if end is not None:
            await self._close(end)

    async def _read(self) -> None:
        while True:
            try:
                text = await self._websocket.receive_text()
            except WebSocketDisconnect:
                return
            except KeyError:
                raise Closed(MALFORMED, "Messages are text.") from None
            try:
                message = read_message(text)
            except MalformedMessage as error:
                raise Closed(MALFORMED, str(error)) from None
            await self._handle(message)

    async def _watch(self) -> None:
        """End the socket that does not introduce itself, and the one whose credential is revoked or expires."""
        try:
            async with asyncio.timeout(self._patience.introduction):
                await self._acknowledged.wait()
        except TimeoutError:
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        await revoked(self._authenticator, self._authorization, patience=self._patience)
        raise Closed(FORBIDDEN, "Forbidden")

    async def _handle(self, message: ClientMessage) -> None:
        match message:
            case ConnectionInit():
                await self._initialise(message)
            case Ping():
                await self._send({"type": "pong"} | _with_payload(message.payload))
            case Pong():
                pass
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                if task := self._operations.pop(message.id, None):
                    task.cancel()

    async def _initialise(self, message: ConnectionInit) -> None:
        if self._has_init:
            raise Closed(TOO_MANY_INITS, "Too many initialisation requests")
        self._has_init = True
        given = authorization_in(message.payload)
        self._authorization = given or self._websocket.headers.get("authorization")
        try:
            self._viewer = await self._authenticator.viewer(self._authorization)
        except Exception as error:
            if not is_outage(error):
                raise
            raise Closed(TRY_LATER, "Try again shortly") from None
        if self._viewer is None:
            raise Closed(FORBIDDEN, "Forbidden")
        await self._send({"type": "connection_ack"})
        self._acknowledged.set()

    async def _subscribe(self, message: Subscribe) -> None:
        if self._viewer is None or not self._acknowledged.is_set():
            raise Closed(UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise Closed(DUPLICATE_ID, f"Subscriber for {message.id[:64]} already exists")
        correlation_id = type_id("req", new_id())
        if len(self._operations) >= MAX_OPERATIONS:
            error = GraphQLError(
                f"A socket carries at most {MAX_OPERATIONS} operations at a time; complete one first.",
                extensions={"code": "RATE_LIMITED"},
            )
            await self._send(
                {
                    "id": message.id,
                    "type": "error",
                    "payload": [format_error(error, request_id=correlation_id)],
                }
            )
            return
        context = Context(self._installation, viewer=self._viewer, correlation_id=correlation_id)
        task = asyncio.create_task(self._operate(message, context), name="socket.operation")
        self._operations[message.id] = task

    async def _operate(self, message: Subscribe, context: Context) -> None:
        try:
            await self._send_results(message, context)
        except Closed as end:
            self._break(end)
        except Exception as error:
            # One failing operation must not end the others unseen.
            log.exception("socket.operation_failed", error=type(error).__name__)
            self._break(Closed(1011, "Internal error"))

    async def _send_results(self, message: Subscribe, context: Context) -> None:
        asked = message.payload
        results = await self._schema.stream(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
        )
        async with aclosing(results):
            async for result in results:
                if isinstance(result, PreExecutionError):
                    errors = [error.formatted for error in result.errors or ()]
                    self._forget(message.id)
                    await self._send({"id": message.id, "type": "error", "payload": errors})
                    return
                await self._send({"id": message.id, "type": "next", "payload": payload(result)})
        # Before it is sent, so that the client may use the id again as soon as it hears of it.
        self._forget(message.id)
        await self._send({"id": message.id, "type": "complete"})

    def _forget(self, id_: str) -> None:
        if self._operations.get(id_) is asyncio.current_task():
            del self._operations[id_]

    async def _send(self, message: dict[str, Any]) -> None:  # Any: JSON.
        text = encode(message).decode()
        try:
            async with asyncio.timeout(self._patience.sending):
                await self._websocket.send_text(text)
        except TimeoutError:
            raise Closed(TOO_SLOW, "Too slow; subscribe again after the last cursor") from None
        except (WebSocketDisconnect, RuntimeError):
            # It is closing already; the reader hears of it.
            await asyncio.Event().wait()

    def _break(self, end: Closed) -> None:
        if not self._broken.done():
            self._broken.set_result(end)

    async def _close(self, end: Closed) -> None:
        if self._websocket.application_state is not WebSocketState.DISCONNECTED:
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._websocket.close(end.code, end.reason[:120])


def _outcome(parts: list[asyncio.Task[None]]) -> Closed | None:
    for part in parts:
        if part.done() and not part.cancelled():
            error = part.exception()
            if error is None:
                return None
            if isinstance(error, Closed):
                return error
            log.error("socket.failed", error=type(error).__name__, exc_info=error)
            return Closed(1011, "Internal error")
    return None


def _with_payload(sent: dict[str, Any] | None) -> dict[str, Any]:  # Any: JSON.
    return {} if sent is None else {"payload": sent}
