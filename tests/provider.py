"""An OpenAI-compatible provider of a test's own, which answers as told and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.http.graphql_app import served

Reply = Callable[[], Response]
"""Makes one answer."""


@dataclass
class Provider:
    """What is answered next, `usually` when nothing is left of it, and every call that came."""

    url: str = ""
    next: list[Reply] = field(default_factory=list)
    said: str = "Quero dois pães"
    seen: str = "A cake with two candles."
    seconds: float = 61.0
    calls: list[dict[str, Any]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    busy: int = 0
    busiest: int = 0

    async def transcribe(self, request: Request) -> Response:
        self.calls.append({"path": "transcriptions", "raw": await request.body()})
        return await self._answer(
            lambda: JSONResponse({"text": self.said, "language": "portuguese", "duration": self.seconds})
        )

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        self.calls.append({"path": "chat", **body})
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": self.seen},
        }
        usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
        return await self._answer(
            lambda: JSONResponse({"model": body["model"], "choices": [choice], "usage": usage})
        )

    async def _answer(self, usual: Reply) -> Response:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if self.hold is not None:
                await self.hold.wait()
            return (self.next.pop(0) if self.next else usual)()
        finally:
            self.busy -= 1


def status(code: int, *, headers: dict[str, str] | None = None) -> Reply:
    """Answer with a failure, whose explanation quotes what nobody may see."""
    error = {"error": {"message": "Quero dois pães sk-secret", "type": "server_error", "code": None}}
    return lambda: JSONResponse(error, status_code=code, headers=headers)


def text(body: str) -> Reply:
    """Answer 200 with anything."""
    return lambda: Response(body, media_type="application/json")


def cut() -> Reply:
    """Announce more than is sent."""

    async def half() -> AsyncIterator[bytes]:
        yield json.dumps({"text": "Quero"}).encode()[:8]

    return lambda: StreamingResponse(half(), media_type="application/json", headers={"Content-Length": "400"})


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Run a provider until the end of the block."""
    made = Provider()
    app = Starlette(
        routes=[
            Route("/v1/audio/transcriptions", made.transcribe, methods=["POST"]),
            Route("/v1/chat/completions", made.complete, methods=["POST"]),
        ]
    )
    async with served(app) as (address, _):
        made.url = f"http://{address}/v1"
        yield made
