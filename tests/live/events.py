"""Events written the way transactions write them, without the aggregates behind them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from uuid import UUID

import asyncpg

from domain.ids import new_id

Spawn = Callable[[Coroutine[object, object, object]], asyncio.Task[object]]


class Outbox:
    """The outbox and the log, seen by the superuser."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.pool = pool

    async def add(
        self,
        tenant_id: UUID,
        *,
        count: int = 1,
        type: str = "test.happened",  # noqa: A002
        hold_seconds: float = 0.0,
    ) -> None:
        """Commit one transaction with that many events; `hold_seconds` keeps it open after it drew its ids."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.executemany(
                """
                INSERT INTO outbox (event_id, tenant_id, aggregate_type, aggregate_id, aggregate_version,
                                    event_type, schema_version, payload, headers)
                VALUES ($1, $2, 'test', $3, 1, $4, 1, '{}', '{}')
                """,
                [(new_id(), tenant_id, new_id(), type) for _ in range(count)],
            )
            await asyncio.sleep(hold_seconds)

    async def positions(self, tenant_id: UUID) -> list[int]:
        """Return the tenant's positions in the log, in order."""
        rows = await self.pool.fetch(
            "SELECT position FROM event_log WHERE tenant_id = $1 ORDER BY position", tenant_id
        )
        return [row["position"] for row in rows]

    async def depth(self) -> int:
        """Return how many events wait to be moved."""
        depth: int = await self.pool.fetchval("SELECT count(*) FROM outbox")
        return depth


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 20.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 The condition lies in another process.
            await asyncio.sleep(0.02)
