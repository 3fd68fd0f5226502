"""`ventros work`: files webhooks, fetches files, moves events, sends messages and keeps house."""

import asyncio
import signal
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import structlog
from arq.cron import cron
from arq.typing import WorkerCoroutine
from prometheus_client import Counter, Histogram, start_http_server
from redis.exceptions import RedisError

from domain.operations.queue import QUEUES
from integrations.event_feed import RedisFeed
from integrations.redis_feed import listening
from integrations.waha.translate import to_domain
from jobs import channels, groups, housekeeping, job_queues
from jobs.cancelling import end
from jobs.fast_worker import FastWorker, arq_redis
from jobs.job_history import JobHistory, keeping
from jobs.job_queues import run_queues
from jobs.job_runner import JobRunner
from jobs.lanes import run_lanes
from jobs.local_queue import FallbackQueue, LocalQueue
from jobs.media import run_media
from jobs.mover import run_mover
from jobs.outbound import run_outbound
from persistence.outages import heed_cancellation
from services.ports import JobQueue
from ventros.job_list import registry
from ventros.settings import Settings
from ventros.wiring import Parts, connected

log = structlog.get_logger()

_QUEUE = "ventros:housekeeping"
_PAUSE_SECONDS = 1.0
_FAREWELL_SECONDS = 10.0
_EVERY_SECOND = set(range(60))
_EVERY_FIVE_SECONDS = set(range(0, 60, 5))

CHORE_SECONDS = Histogram("ventros_job_seconds", "One run of a job of the clock.", ["job"])
CHORE_FAILURES = Counter(
    "ventros_job_failures", "Jobs of the clock that failed; the next turn tries again.", ["job"]
)

# Any: arq hands every job a dictionary of its own.
Job = Callable[[dict[Any, Any]], Coroutine[Any, Any, None]]


async def work(settings: Settings, *, queues: Collection[str] = tuple(QUEUES)) -> None:
    """Work until SIGTERM or SIGINT; what is under way is finished or left to the next worker.

    Of the jobs it runs those of `queues`; everything else every worker does.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port, addr=settings.host)
    async with connected(settings) as parts:
        running = asyncio.create_task(run(parts, queues=queues), name="worker")
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        running.cancel()
        log.info("worker.stopping")
        done, _ = await asyncio.wait((running,), timeout=_FAREWELL_SECONDS)
        for task in done:
            if not task.cancelled():
                task.result()


async def run(parts: Parts, *, queues: Collection[str] = tuple(QUEUES)) -> None:
    """Run every part of a worker until cancelled. Each part outlives outages of PostgreSQL, Redis and WAHA."""
    redis_url = parts.settings.redis_url or None
    async with AsyncExitStack() as stack:
        wakes = await stack.enter_async_context(listening(redis_url, ["inbox", "outgoing", "media"]))
        sinks = []
        if redis_url is not None:
            feed = RedisFeed(redis_url)
            stack.push_async_callback(feed.close)
            sinks.append(feed)
        jobs = registry(parts)
        history = JobHistory(parts.database, share=parts.settings.job_success_share)
        await stack.enter_async_context(keeping(history))
        local = LocalQueue(jobs, history, clock=parts.clock, queues=queues)
        queue = local if parts.jobs is None else FallbackQueue(parts.jobs, local)
        parts.database.place = queue.enqueue_many
        runner = JobRunner(history, clock=parts.clock, queue=queue)
        log.info("worker.started", redis=redis_url is not None, queues=list(queues))
        async with asyncio.TaskGroup() as group:
            group.create_task(
                run_lanes(
                    parts.database,
                    wakes,
                    translate=lambda body, at: to_domain(body, received_at=at),
                    workers=parts.settings.lane_workers,
                ),
                name="lanes",
            )
            group.create_task(run_mover(parts.database, redis_url=redis_url, sinks=sinks), name="mover")
            group.create_task(run_outbound(parts.database, wakes, dial=parts.dial), name="outbound")
            group.create_task(
                run_media(parts.database, wakes, dial=parts.dial, storage=parts.storage), name="media"
            )
            group.create_task(local.run(), name="local jobs")
            if redis_url is not None:
                group.create_task(run_queues(redis_url, jobs, runner, queues=queues), name="queues")
            group.create_task(_keep_house(parts, queue, redis_url), name="housekeeping")


async def _keep_house(parts: Parts, queue: JobQueue, redis_url: str | None) -> None:
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

    async def end_overdue_sessions(_: object) -> None:
        await housekeeping.end_overdue_sessions(database)

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
        (end_overdue_sessions, _EVERY_FIVE_SECONDS, None),
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
