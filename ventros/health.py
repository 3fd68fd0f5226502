"""`/livez`, `/readyz` and `/metrics`: whether the process runs, whether it can serve, and what it counts."""

from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import asyncpg
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from jobs import housekeeping
from persistence.database import Database
from persistence.outages import OUTAGES

_ANSWER_SECONDS = 2.0
_REMEMBER_SECONDS = 1.0

OK, ABSENT = "ok", "not configured"


class Health:
    """What a process needs to serve: PostgreSQL and its own intake; Redis only makes it faster.

    `is_alive` tells whether the process's own tasks run.
    """

    def __init__(self, database: Database, *, redis_url: str | None, is_alive: Callable[[], bool]) -> None:
        self._database = database
        self._redis_url = redis_url
        self._is_alive = is_alive
        self._is_draining = False
        self._seen: tuple[float, dict[str, str]] = (0.0, {})

    def drain(self) -> None:
        """Stop being ready, so that no new work arrives while the process ends."""
        self._is_draining = True

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/livez", self.live, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def live(self, _: Request) -> Response:
        """Answer 200 while the process's own tasks run, else 503: it should be restarted."""
        if self._is_alive():
            return PlainTextResponse("ok")
        return PlainTextResponse("A task of this process has died; restart it.", status_code=503)

    async def ready(self, _: Request) -> Response:
        """Answer 200 if requests can be served, else 503; either way say how each part is."""
        parts = await self._parts()
        is_ready = parts["postgresql"] == OK and parts["intake"] == OK and not self._is_draining
        body = {"status": "ready" if is_ready else "not ready", "parts": parts}
        if self._is_draining:
            body["status"] = "stopping"
        return JSONResponse(body, status_code=200 if is_ready else 503)

    async def metrics(self, _: Request) -> Response:
        """Answer in the text format of Prometheus; what waits in PostgreSQL is counted while it is asked."""
        with suppress(*OUTAGES):
            await housekeeping.measure(self._database)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _parts(self) -> dict[str, str]:
        # Whoever asks often, asks the memory.
        asked_at, known = self._seen
        if known and monotonic() - asked_at < _REMEMBER_SECONDS:
            return known
        parts = {
            "postgresql": await self._postgresql(),
            "redis": await self._redis(),
            "intake": OK if self._is_alive() else "a writer has died",
        }
        self._seen = (monotonic(), parts)
        return parts

    async def _postgresql(self) -> str:
        try:
            current: str | None = await self._database.system.fetchval(
                "SELECT to_regclass('event_log')::text", timeout=_ANSWER_SECONDS
            )
        except OUTAGES as error:
            return f"unreachable ({type(error).__name__})"
        except asyncpg.PostgresError as error:
            return f"refuses ({error})"
        return OK if current else "not migrated; run: ventros migrate up"

    async def _redis(self) -> str:
        if self._redis_url is None:
            return ABSENT
        client: Redis = Redis.from_url(self._redis_url, socket_timeout=_ANSWER_SECONDS)
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            return f"unreachable ({type(error).__name__}); live updates and jobs are slower"
        else:
            return OK
        finally:
            await client.aclose()
