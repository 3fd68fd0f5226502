"""The timer of a queue of rows: looks at each when its time has come, by Redis where it can, by PostgreSQL where not.

`act` is given rows that may be due, and settles them or moves their time in transactions of its own; a row
that is not due any more it leaves alone. So it does no harm when two timers go off for one row, when Redis
forgets timers or dies, or when a worker is killed between any two steps.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from domain.ids import TenantId
from integrations.redis_feed import Listening
from integrations.timers import Timers
from persistence.database import Database
from persistence.due import DueQueue
from persistence.outages import heed_cancellation, is_outage

log = structlog.get_logger()

AT_ONCE = 200
CONCURRENT = 3
"""For how many tenants a process looks at rows at once; each takes a connection of the system's pool."""

OVERDUE = timedelta(milliseconds=250)
"""What is due for this long was missed by the timers, and is the sweep's."""

_LONGEST_WAIT, _BLIND_WAIT, _SHORTEST_WAIT = 0.25, 0.05, 0.001
_SWEEP_SECONDS = (0.5, 1.0)
_PAUSE_SECONDS = 0.5
_REBUILD_PAGE = 1_000

ROUNDS = Counter(
    "ventros_timer_rounds",
    "Rows handed out by a timer, by queue and by how they were found.",
    ["queue", "by"],
)

Act = Callable[[TenantId, Sequence[UUID]], Awaitable[Collection[UUID]]]
"""Looks at some rows of a tenant and returns those it dealt with, which need no timer but what it set itself."""


async def run_timer(
    database: Database, queue: DueQueue, *, act: Act, timers: Timers | None, wakes: Listening
) -> None:
    """Look at every row in time until cancelled, within milliseconds, through outages of Redis and PostgreSQL."""
    timer = _Timer(database, queue, act)
    async with asyncio.TaskGroup() as group:
        group.create_task(timer.sweep(OVERDUE, between=_SWEEP_SECONDS), name=f"{queue.name}.sweep")
        while True:
            if await timer.round(timers) < AT_ONCE:
                await wakes.wait(queue.name, timeout=timer.pause)


async def run_sweep(database: Database, queue: DueQueue, *, act: Act, every: float) -> None:
    """Look at every row in time until cancelled, within `every` seconds: for what is in no hurry."""
    await _Timer(database, queue, act).sweep(timedelta(), between=(every, every))


@dataclass
class _Timer:
    database: Database
    queue: DueQueue
    act: Act
    pause: float = _LONGEST_WAIT
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT))

    async def round(self, timers: Timers | None) -> int:
        """Hand out what is due and set `pause` to how long nothing else is; return how many rows that were."""
        try:
            if timers is not None:
                try:
                    return await self._by_redis(timers)
                except (RedisError, TimeoutError) as error:
                    log.debug("timer.blind", queue=self.queue.name, error=type(error).__name__)
            count = await self._by_database(timedelta())
            self.pause = await self._until_next()
        except Exception as error:  # noqa: BLE001 The loop outlives any outage; the rows stay due.
            heed_cancellation()
            log.warning("timer.paused", queue=self.queue.name, error=type(error).__name__)
            self.pause, count = _PAUSE_SECONDS, 0
        return count

    async def sweep(self, late_by: timedelta, *, between: tuple[float, float]) -> None:
        """Find what has been due for that long, now and then, for ever."""
        while True:
            try:
                while await self._by_database(late_by) >= AT_ONCE:  # noqa: ASYNC110 Not for something to happen.
                    # Among so many may be some that nobody can help at this moment.
                    await asyncio.sleep(_SHORTEST_WAIT)
            except Exception as error:  # noqa: BLE001 As above.
                heed_cancellation()
                log.warning("timer.sweep_failed", queue=self.queue.name, error=type(error).__name__)
            # Workers that started together are not to look together.
            await asyncio.sleep(random.uniform(*between))  # noqa: S311 No secret.

    async def _by_redis(self, timers: Timers) -> int:
        """Take from the timers. Raises redis errors."""
        claimed = await timers.claim(self.queue.name, now=self.database.clock.now(), limit=AT_ONCE)
        if claimed is None:
            await self._rebuild(timers)
            self.pause = _SHORTEST_WAIT
            return 0
        if claimed.rows:
            ROUNDS.labels(self.queue.name, "timer").inc(claimed.count)
            if left := await self._look(claimed.rows):
                # What was put off since its timer was set needs a new one.
                await timers.set(
                    await self.queue.times(self.database.system, left, after=self.database.clock.now())
                )
        self.pause = _LONGEST_WAIT
        if claimed.next_at is not None:
            self.pause = min(
                max(claimed.next_at - self.database.clock.now().timestamp(), _SHORTEST_WAIT), _LONGEST_WAIT
            )
        return claimed.count

    async def _by_database(self, late_by: timedelta) -> int:
        """Take what has been due for that long."""
        due = await self.queue.due(
            self.database.system, now=self.database.clock.now() - late_by, limit=AT_ONCE
        )
        count = sum(len(ids) for ids in due.values())
        ROUNDS.labels(self.queue.name, "sweep").inc(count)
        await self._look(due)
        return count

    async def _look(self, rows: Mapping[TenantId, Sequence[UUID]]) -> dict[TenantId, list[UUID]]:
        """Look at rows, several tenants at a time; return those that were not dealt with."""
        left = await asyncio.gather(*(self._act(tenant_id, ids) for tenant_id, ids in rows.items()))
        return {tenant_id: ids for tenant_id, ids in zip(rows, left, strict=True) if ids}

    async def _act(self, tenant_id: TenantId, ids: Sequence[UUID]) -> list[UUID]:
        """Look at a tenant's rows; when that fails, one by one, so that a bad row holds up nobody but itself."""
        try:
            async with self.slots:
                dealt = await self.act(tenant_id, ids)
        except Exception as error:  # noqa: BLE001 The sweep finds these rows again.
            heed_cancellation()
            log.warning("timer.failed", queue=self.queue.name, rows=len(ids), error=type(error).__name__)
            if len(ids) == 1 or is_outage(error):
                return []
            return [left for id_ in ids for left in await self._act(tenant_id, [id_])]
        done = set(dealt)
        return [id_ for id_ in ids if id_ not in done]

    async def _rebuild(self, timers: Timers) -> None:
        """Set all timers anew, because Redis has lost them; one worker does, the others look again soon."""
        if not await timers.begin_rebuild(self.queue.name):
            await asyncio.sleep(_BLIND_WAIT)
            return
        count, last = 0, None
        while page := await self.queue.upcoming(self.database.system, after=last, limit=_REBUILD_PAGE):
            await timers.set(page)
            count, last = count + len(page), page[-1]
        await timers.end_rebuild(self.queue.name)
        log.info("timer.rebuilt", queue=self.queue.name, rows=count)

    async def _until_next(self) -> float:
        """Return how long nothing is due; what is added meanwhile without a wake is seen within 50 ms."""
        at = await self.queue.next_at(self.database.system)
        if at is None:
            return _BLIND_WAIT
        seconds = (at - self.database.clock.now()).total_seconds()
        return min(max(seconds, _SHORTEST_WAIT), _BLIND_WAIT)
