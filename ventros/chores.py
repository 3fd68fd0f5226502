"""The jobs of the clock: what every installation does each second, each five, each hour."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog
from arq.cron import cron
from arq.typing import WorkerCoroutine
from prometheus_client import Counter, Histogram
from redis.exceptions import RedisError

from jobs import channels, groups, housekeeping, job_queues
from jobs.cancelling import end
from jobs.fast_worker import FastWorker, arq_redis
from persistence.outages import heed_cancellation
from services.ports import JobQueue
from ventros.wiring import Parts

log = structlog.get_logger()

_QUEUE = "ventros:housekeeping"
_PAUSE_SECONDS = 1.0
_EVERY_SECOND = set(range(60))
_EVERY_FIVE_SECONDS = set(range(0, 60, 5))

CHORE_SECONDS = Histogram("ventros_job_seconds", "One run of a job of the clock.", ["job"])
CHORE_FAILURES = Counter(
    "ventros_job_failures", "Jobs of the clock that failed; the next turn tries again.", ["job"]
)

# Any: arq hands every job a dictionary of its own.
Job = Callable[[dict[Any, Any]], Coroutine[Any, Any, None]]


async def keep_house(parts: Parts, queue: JobQueue, redis_url: str | None) -> None:
    """Run the jobs of the clock: by arq where there is Redis, so that one of all workers does each; else by us."""
    chores = _chores(parts, queue)
    while True:
        try:
            if redis_url is not None:
                await _arq(chores, redis_url)
            else:
                await _clockwork(chores)
        except (RedisError, OSError) as error:
            # arq gives up when Redis goes away. What it would have done is due when Redis is back.
            log.warning("arq.interrupted", error=type(error).__name__)
        await asyncio.sleep(_PAUSE_SECONDS)


def _chores(parts: Parts, queue: JobQueue) -> list[tuple[Job, set[int], int | None]]:
    """Return each job with the seconds, and for hourly ones the minute, at which it is due."""
    database = parts.database
    archive = timedelta(days=parts.settings.archive_days)

    async def connect_channels(_: object) -> None:
        await channels.connect_waiting(database, dial=parts.dial, subscribe=parts.subscribe)

    async def follow_pairing(_: object) -> None:
        await channels.follow_pairing(database, dial=parts.dial)

    async def name_groups(_: object) -> None:
        await groups.place_unnamed(database, queue)

    async def measure(_: object) -> None:
        await housekeeping.measure(database)
        await job_queues.measure(queue, parts.clock)

    async def sweep_jobs(_: object) -> None:
        await job_queues.sweep(database, queue)

    async def prune_jobs(_: object) -> None:
        await job_queues.prune(database, keep=timedelta(days=parts.settings.job_history_days))

    async def expire_early_facts(_: object) -> None:
        await housekeeping.expire_early_facts(database)

    async def prune_archive(_: object) -> None:
        await housekeeping.prune_archive(database, keep=archive)

    async def sweep_storage(_: object) -> None:
        await asyncio.to_thread(parts.storage.sweep)

    return [
        (connect_channels, _EVERY_SECOND, None),
        (follow_pairing, _EVERY_FIVE_SECONDS, None),
        (name_groups, _EVERY_SECOND, None),
        (measure, _EVERY_FIVE_SECONDS, None),
        (sweep_jobs, _EVERY_FIVE_SECONDS, None),
        (expire_early_facts, {0}, 17),
        (prune_jobs, {0}, 27),
        (prune_archive, {0}, 37),
        (sweep_storage, {0}, 47),
    ]


async def _arq(chores: list[tuple[Job, set[int], int | None]], redis_url: str) -> None:
    jobs = [
        cron(_guarded(job), name=job.__name__, second=seconds, minute=minute, timeout=60, keep_result=0)
        for job, seconds, minute in chores
    ]
    worker = FastWorker(
        cron_jobs=jobs,
        redis=arq_redis(redis_url),
        queue_name=_QUEUE,
        poll_delay=0.25,
        max_jobs=len(jobs),
    )
    # While Redis is away nobody can tell who does a chore, so all do; they bear it.
    clock = asyncio.create_task(_clockwork(chores, is_wanted=lambda: worker.is_away), name="clock")
    try:
        await worker.async_run()
    finally:
        await end([clock])
        await worker.close()


async def _clockwork(
    chores: list[tuple[Job, set[int], int | None]], *, is_wanted: Callable[[], bool] = lambda: True
) -> None:
    elapsed = 0
    while True:
        for job, seconds, minute in chores:
            if is_wanted() and elapsed % (3600 if minute is not None else 60 // len(seconds)) == 0:
                await _guarded(job)({})
        await asyncio.sleep(1)
        elapsed += 1


def _guarded(job: Job) -> WorkerCoroutine:
    # Any: what arq passes.
    async def run_job(ctx: dict[Any, Any], *_args: Any, **_kwargs: Any) -> None:
        try:
            with CHORE_SECONDS.labels(job.__name__).time():
                await job(ctx)
        except Exception as error:  # noqa: BLE001 The next turn of the clock tries again.
            heed_cancellation()
            CHORE_FAILURES.labels(job.__name__).inc()
            log.warning("chore.failed", job=job.__name__, error=repr(error))

    return run_job
