"""The queues of a worker: each served from Redis, or from memory where there is none, and swept."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from arq.worker import Function, Retry, func
from prometheus_client import Gauge
from redis.exceptions import RedisError

from domain.clock import Clock
from domain.operations.queue import QUEUES
from integrations.job_codec import decode_meta
from integrations.job_queue import queue_key
from integrations.redis_feed import Listening, listening
from jobs.fast_worker import FastWorker, arq_redis
from jobs.job_runner import Attempt, JobFailed, JobRunner
from jobs.registry import Job, Registry, RunAgain
from persistence.database import Database
from persistence.operations import job_runs
from persistence.outages import heed_cancellation
from services.operations.job_runs import order_of
from services.ports import JobQueue

log = structlog.get_logger()

SUCCESSES_KEPT, FAILURES_KEPT = timedelta(days=7), timedelta(days=90)
"""How long the history remembers, unless the settings say otherwise for what succeeded."""

_PAUSE_SECONDS = 1.0
_NEVER = 1_000_000
_SLACK_SECONDS = 5.0
_PLACED_WITHIN, _STOPPED_WITHIN = timedelta(seconds=10), timedelta(minutes=1)
_SILENT_RUNNING, _SILENT_WAITING = timedelta(minutes=30), timedelta(days=2)
_ROWS_AT_ONCE = 5_000

QUEUE_DEPTH = Gauge("ventros_queue_depth", "Jobs that are due and wait for a worker.", ["queue"])
QUEUE_OLDEST = Gauge("ventros_queue_oldest_seconds", "How long the oldest such job has waited.", ["queue"])


async def run_queues(
    redis_url: str, registry: Registry, runner: JobRunner, *, queues: Collection[str] = tuple(QUEUES)
) -> None:
    """Serve queues from Redis until cancelled, one worker each; one that ends by itself is started again."""
    served = [name for name in queues if registry.of(name)]
    async with (
        listening(redis_url, [queue_key(name) for name in served]) as wakes,
        asyncio.TaskGroup() as group,
    ):
        for name in served:
            group.create_task(_serve(redis_url, name, registry.of(name), runner, wakes), name=f"queue {name}")


def arq_functions(jobs: Collection[Job], runner: JobRunner) -> list[Function]:
    """Return jobs as arq's functions."""
    return [_arq_function(job, runner) for job in jobs]


async def sweep(database: Database, queue: JobQueue) -> int:
    """Place what operators asked for and no queue has, stop what they want stopped, and give up what is lost."""
    now = database.clock.now()
    runs = await job_runs.unplaced(database.system, before=now - _PLACED_WITHIN, limit=_ROWS_AT_ONCE)
    placed = await queue.enqueue_many([order_of(run) for run in runs]) if runs else 0
    for key in await job_runs.to_stop(database.system, since=now - _STOPPED_WITHIN, limit=_ROWS_AT_ONCE):
        await queue.cancel(key)
    await job_runs.give_up_lost(
        database.system, now=now, running=now - _SILENT_RUNNING, waiting=now - _SILENT_WAITING
    )
    return placed


async def prune(database: Database, *, keep: timedelta = SUCCESSES_KEPT) -> int:
    """Forget jobs that ended long ago; return how many."""
    now, pruned = database.clock.now(), 0
    while some := await job_runs.prune(
        database.system,
        successes=now - keep,
        failures=now - max(keep, FAILURES_KEPT),
        limit=_ROWS_AT_ONCE,
    ):
        pruned += some
    return pruned


async def measure(queue: JobQueue, clock: Clock) -> None:
    """Report how much waits in each queue."""
    now = clock.now()
    for name, waiting in (await queue.waiting() or {}).items():
        QUEUE_DEPTH.labels(name).set(waiting.count)
        QUEUE_OLDEST.labels(name).set(
            0.0 if waiting.oldest_at is None else max(0.0, (now - waiting.oldest_at).total_seconds())
        )


async def _serve(redis_url: str, name: str, jobs: list[Job], runner: JobRunner, wakes: Listening) -> None:
    settings = QUEUES[name]
    while True:
        worker = FastWorker(
            arq_functions(jobs, runner),
            redis=arq_redis(redis_url),
            queue_name=queue_key(name),
            wakes=wakes,
            max_jobs=settings.concurrency,
            job_timeout=settings.timeout_seconds + _SLACK_SECONDS,
            # The runner counts tries, and reports the last.
            max_tries=_NEVER,
            health_check_interval=60,
        )
        try:
            await worker.async_run()
        except (RedisError, OSError) as error:
            log.warning("queue.interrupted", queue=name, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 A queue without a worker would stand still.
            heed_cancellation()
            log.warning("queue.broken", queue=name, error=type(error).__name__)
        finally:
            with suppress(RedisError, OSError):
                await worker.close()
        await asyncio.sleep(_PAUSE_SECONDS)


def _arq_function(job: Job, runner: JobRunner) -> Function:
    # Any: what arq passes.
    async def run(ctx: dict[Any, Any], *args: Any, **meta: Any) -> None:
        key: str = ctx["job_id"]
        enqueued_at: datetime = ctx["enqueue_time"]
        try:
            run_id, project_id, retried_from = decode_meta(meta)
        except (TypeError, ValueError, AttributeError):
            raise JobFailed("The keyword arguments are not a job's.") from None
        attempt = Attempt(
            key=key,
            args=args,
            number=ctx["job_try"],
            enqueued_at=enqueued_at,
            due_at=datetime.fromtimestamp(ctx["score"] / 1000, UTC),
            run_id=run_id,
            project_id=project_id,
            retried_from=retried_from,
        )
        try:
            await runner.run(job, attempt, is_aborted=lambda: key in ctx.get("aborting", ()))
        except RunAgain as wish:
            raise Retry(defer=wish.after) from None

    return func(
        run,
        name=job.name,
        timeout=job.timeout_seconds + _SLACK_SECONDS,
        keep_result=0,
        max_tries=_NEVER,
    )
