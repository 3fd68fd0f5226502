"""Group commit for webhooks: while one batch is committed the next collects, and nobody waits for a timer."""

import asyncio
from collections import deque
from typing import Self

import asyncpg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from persistence.database import Database
from persistence.messaging import intake
from persistence.messaging.intake import ReceivedWebhook
from persistence.outages import OUTAGES

log = structlog.get_logger()

BATCH_LIMIT, WRITERS = 256, 2
_FAREWELL_SECONDS = 5.0
_TROUBLE: tuple[type[Exception], ...] = (*OUTAGES, asyncpg.PostgresError)

STORED = Counter("ventros_intake_stored", "Webhooks stored, new or known.", ["known"])
WAITING = Gauge("ventros_intake_waiting", "Webhooks waiting for their commit.")
COMMIT = Histogram(
    "ventros_intake_commit_seconds",
    "One commit of webhooks.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)


class IntakeUnavailable(Exception):
    """The webhook could not be stored; WAHA must try again."""


class Intake:
    """The writers of one process. Open it with `async with`; `store` returns once the webhook is durable."""

    def __init__(self, database: Database, *, queue_limit: int) -> None:
        self._database = database
        self._limit = queue_limit
        self._queue: deque[tuple[ReceivedWebhook, asyncio.Future[None]]] = deque()
        self._some = asyncio.Semaphore(0)
        self._writers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Start the writers."""
        self._writers = [
            asyncio.create_task(self._write(), name=f"intake-{number}") for number in range(WRITERS)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop once everything accepted is stored; the server has stopped accepting before."""
        waiting = [done for _, done in self._queue]
        if waiting and self.is_alive:
            await asyncio.wait(waiting, timeout=_FAREWELL_SECONDS)
        for writer in self._writers:
            writer.cancel()
        await asyncio.gather(*self._writers, return_exceptions=True)

    @property
    def is_alive(self) -> bool:
        """Whether every writer runs."""
        return bool(self._writers) and not any(writer.done() for writer in self._writers)

    async def store(self, webhook: ReceivedWebhook) -> None:
        """Return when the webhook is committed. Raises `IntakeUnavailable` when it is not and will not be."""
        if len(self._queue) >= self._limit or not self.is_alive:
            raise IntakeUnavailable("The queue for the database is full.")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((webhook, done))
        WAITING.set(len(self._queue))
        self._some.release()
        await done

    async def _write(self) -> None:
        while True:
            await self._some.acquire()
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_LIMIT))]
            WAITING.set(len(self._queue))
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: list[tuple[ReceivedWebhook, asyncio.Future[None]]]) -> None:
        # The same webhook twice in one batch is stored once, and both senders hear that it is.
        distinct = {(one.tenant_id, one.channel_id, one.event_key): one for one, _ in batch}
        try:
            with COMMIT.time():
                new = await intake.store(self._database.system, list(distinct.values()))
        except _TROUBLE as error:
            log.warning("intake.unavailable", error=type(error).__name__, webhooks=len(batch))
            self._finish(batch, IntakeUnavailable(f"The database did not store it: {type(error).__name__}."))
            return
        except BaseException:
            self._finish(batch, IntakeUnavailable("The server is stopping."))
            raise
        STORED.labels("no").inc(new)
        STORED.labels("yes").inc(len(batch) - new)
        self._finish(batch, None)
        await self._database.wake("inbox")

    @staticmethod
    def _finish(batch: list[tuple[ReceivedWebhook, asyncio.Future[None]]], error: Exception | None) -> None:
        for _, done in batch:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
