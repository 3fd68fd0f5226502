"""The timer of a queue of rows: looks at each when its time has come, by Redis where it can, by PostgreSQL where not.

`act` is given rows that may be due, and settles them or moves their time in transactions of its own; a row
that is not due any more it leaves alone. So it does no harm when two timers go off for one row, when Redis
forgets timers or dies, or when a worker is killed between any two steps.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
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
from persistence.outages import heed_cancellation

log = structlog.get_logger()

AT_ONCE = 200
CONCURRENT = 4
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

Act = Callable[[TenantId, Sequence[UUID]], Awaitable[object]]
"""Looks at some rows of a tenant."""


async def run_timer(
    database: Database, queue: DueQueue, *, act: Act, timers: Timers | None, wakes: Listening
) -> None:
    """Look at every row in time until cancelled, within milliseconds, through outages of Redis and PostgreSQL."""
    timer = _Timer(database, queue, act)
    async with asyncio.TaskGroup() as group:
        group.create_task(timer.sweep(), name=f"{queue.name}.sweep")
        while True:
            claimed = await timer.round(timers)
            if claimed >= AT_ONCE:
                continue
            await wakes.wait(queue.name, timeout=timer.pause)


async def run_sweep(database: Database, queue: DueQueue, *, act: Act, every: float) -> None:
    """Look at every row in time until cancelled, within `every` seconds: for what is in no hurry."""
    timer = _Timer(database, queue, act)
    while True:
        try:
            if await timer.by_database(timedelta()) >= AT_ONCE:
                continue
        except Exception as error:  # noqa: BLE001 The loop outlives any outage; the rows stay due.
            heed_cancellation()
            log.warning("timer.paused", queue=queue.name, error=type(error).__name__)
        await asyncio.sleep(every)


@dataclass(kw_only=False)
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
                return await self.by_redis(timers)
        except (RedisError, OSError) as error:
            log.debug("timer.blind", queue=self.queue.name, error=type(error).__name__)
        try:
            count = await self.by_database(timedelta())
            self.pause = await self._until_next()
        except Exception as error:  # noqa: BLE001 As above.
            heed_cancellation()
            log.warning("timer.paused", queue=self.queue.name, error=type(error).__name__)
            self.pause, count = _PAUSE_SECONDS, 0
        return count

    async def by_redis(self, timers: Timers) -> int:
        """Take from the timers. Raises redis errors."""
        now = self.database.clock.now()
        claimed = await timers.claim(self.queue.name, now=now, limit=AT_ONCE)
        if claimed is None:
            await self._rebuild(timers)
            self.pause = _SHORTEST_WAIT
            return 0
        for tenant_id, ids in claimed.rows.items():
            ROUNDS.labels(self.queue.name, "timer").inc(len(ids))
            await self._hand_out(tenant_id, ids, timers)
        self.pause = _LONGEST_WAIT
        if claimed.next_at is not None:
            self.pause = min(
                max(claimed.next_at - self.database.clock.now().timestamp(), _SHORTEST_WAIT), _LONGEST_WAIT
            )
        return claimed.count

    async def by_database(self, late_by: timedelta) -> int:
        """Take what has been due for that long."""
        due = await self.queue.due(
            self.database.system, now=self.database.clock.now() - late_by, limit=AT_ONCE
        )
        for tenant_id, ids in due.items():
            ROUNDS.labels(self.queue.name, "sweep").inc(len(ids))
            await self._act(tenant_id, ids)
        return sum(len(ids) for ids in due.values())

    async def sweep(self) -> None:
        """Find what the timers missed, now and then, for ever."""
        while True:
            # Workers that started together are not to look together.
            await asyncio.sleep(random.uniform(*_SWEEP_SECONDS))  # noqa: S311 No secret.
            try:
                await self.by_database(OVERDUE)
            except Exception as error:  # noqa: BLE001 As above.
                heed_cancellation()
                log.warning("timer.sweep_failed", queue=self.queue.name, error=type(error).__name__)

    async def _hand_out(self, tenant_id: TenantId, ids: Sequence[UUID], timers: Timers) -> None:
        try:
            await self._act(tenant_id, ids)
            # What was put off since its timer was set needs a new one.
            later = await self.queue.times(self.database.system, ids, after=self.database.clock.now())
        except Exception as error:  # noqa: BLE001 The sweep finds these rows again.
            heed_cancellation()
            log.warning("timer.failed", queue=self.queue.name, rows=len(ids), error=repr(error))
            await asyncio.sleep(_BLIND_WAIT)
            return
        with suppress(RedisError, OSError):
            await timers.set(later)

    async def _act(self, tenant_id: TenantId, ids: Sequence[UUID]) -> None:
        async with self.slots:
            await self.act(tenant_id, ids)

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
