"""Subscriptions as server-sent events, in the distinct-connections mode of graphql-sse.

Each event has the cursor of what happened as its id, so that a client which comes back with `Last-Event-ID`
goes on right behind it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress

import strawberry
import structlog
from graphql import GraphQLError
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from resolvers.context import Context
from schema.errors import format_error
from ventros.auth import Authenticator
from ventros.graphql.access import Patience, revoked
from ventros.graphql.answer import EVENT_STREAM, encode, payload
from ventros.graphql.request import Operation

log = structlog.get_logger()

Frames = asyncio.Queue[bytes | None]
"""What is to be sent; None ends the stream."""

_HEARTBEAT = b": ping\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"


class EventStreams:
    """The open streams of a process."""

    def __init__(
        self, schema: strawberry.Schema, *, authenticator: Authenticator, patience: Patience
    ) -> None:
        self._schema = schema
        self._authenticator = authenticator
        self._patience = patience
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Complete every stream, because the server is about to stop; clients come back with their cursor."""
        self._draining.set()

    def respond(
        self, operation: Operation, context: Context, *, authorization: str | None, headers: Mapping[str, str]
    ) -> Response:
        """Return the stream of an operation's results."""
        return _Stream(
            self._frames(operation, context, authorization=authorization),
            headers={
                **headers,
                "content-type": f"{EVENT_STREAM}; charset=utf-8",
                "cache-control": "no-cache, no-transform",
                # Proxies of nginx would otherwise hold events back.
                "x-accel-buffering": "no",
            },
            patience=self._patience.sending,
        )

    async def _frames(
        self, operation: Operation, context: Context, *, authorization: str | None
    ) -> AsyncGenerator[bytes, None]:
        """Yield frames until the operation, the credential or the server comes to its end."""
        # One place: a client that takes nothing lets the operation wait, and nothing piles up.
        waiting: Frames = asyncio.Queue(maxsize=1)
        tasks = [
            asyncio.create_task(self._operate(operation, context, waiting)),
            asyncio.create_task(self._watch(authorization, context, waiting)),
            asyncio.create_task(self._await_drain(waiting)),
        ]
        try:
            while True:
                try:
                    async with asyncio.timeout(self._patience.silence):
                        frame = await waiting.get()
                except TimeoutError:
                    yield _HEARTBEAT
                    continue
                if frame is None:
                    break
                yield frame
            yield _COMPLETE
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _operate(self, operation: Operation, context: Context, waiting: Frames) -> None:
        try:
            results = await self._schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
            )
            async with aclosing(results):
                async for result in results:
                    await waiting.put(_next(encode(payload(result)), context))
        except Exception as error:
            # The stream has begun; all that is left is to end it.
            log.exception("stream.failed", error=type(error).__name__)
        await waiting.put(None)

    async def _watch(self, authorization: str | None, context: Context, waiting: Frames) -> None:
        await revoked(self._authenticator, authorization, patience=self._patience)
        await waiting.put(_next(encode({"errors": [_expired(context.correlation_id)]}), None))
        await waiting.put(None)

    async def _await_drain(self, waiting: Frames) -> None:
        await self._draining.wait()
        await waiting.put(None)


class _Stream(StreamingResponse):
    """A stream that gives up on a client which takes nothing for `patience` seconds."""

    def __init__(
        self, frames: AsyncGenerator[bytes, None], *, headers: Mapping[str, str], patience: float
    ) -> None:
        super().__init__(frames, headers=headers)
        self._frames = frames
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side ends the stream."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._patience):
                await send(message)

        async with aclosing(self._frames):
            with suppress(TimeoutError):
                await super().__call__(scope, receive, send_in_time)


def _next(data: bytes, context: Context | None) -> bytes:
    position = context.progress.latest if context and context.progress else None
    id_ = f"id: {position}\n".encode() if position else b""
    return b"event: next\n" + id_ + b"data: " + data + b"\n\n"


def _expired(request_id: str) -> object:
    error = GraphQLError("The credential is no longer valid.", extensions={"code": "UNAUTHENTICATED"})
    return format_error(error, request_id=request_id)
