"""`ventros work`: files webhooks, fetches files, moves events, sends messages and keeps house."""

import asyncio
import signal
from collections.abc import Collection
from contextlib import AsyncExitStack
from functools import partial

import structlog
from prometheus_client import start_http_server

from domain.operations.queue import QUEUES
from integrations.event_feed import RedisFeed
from integrations.redis_feed import listening
from integrations.timers import Timers
from integrations.waha.translate import to_domain
from jobs import housekeeping, message_groups, scheduled_messages
from jobs.enrichers import abilities_of
from jobs.enrichments import run_enrichments
from jobs.job_history import JobHistory, keeping
from jobs.job_queues import run_queues
from jobs.job_runner import JobRunner
from jobs.lanes import run_lanes
from jobs.local_queue import FallbackQueue, LocalQueue
from jobs.media import run_media
from jobs.mover import run_mover
from jobs.outbound import run_outbound
from jobs.timer import run_sweep, run_timer
from persistence.ai.runs import RUNS_DUE
from persistence.ai.session_summaries import SUMMARIES_DUE
from persistence.crm.message_groups import GROUPS_DUE
from persistence.crm.scheduled_messages import SCHEDULED_DUE
from persistence.crm.sessions import SESSIONS_DUE
from ventros.answering import ending_of, summary_of
from ventros.chores import keep_house
from ventros.enriching import enrichers_of
from ventros.job_list import registry
from ventros.settings import Settings
from ventros.wiring import Parts, connected

log = structlog.get_logger()

_PAUSE_SECONDS = 1.0
_AGENT_SECONDS = 5.0
_FAREWELL_SECONDS = 10.0


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
        wakes = await stack.enter_async_context(
            listening(
                redis_url,
                ["inbox", "outgoing", "media", "enrichments", GROUPS_DUE.name, SCHEDULED_DUE.name],
            )
        )
        sinks = []
        if redis_url is not None:
            feed = RedisFeed(redis_url)
            stack.push_async_callback(feed.close)
            sinks.append(feed)
        timers = None
        if redis_url is not None:
            timers = Timers(redis_url)
            stack.push_async_callback(timers.close)
        enrichers = enrichers_of(parts)
        abilities = abilities_of(enrichers)
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
                    abilities=abilities,
                ),
                name="lanes",
            )
            group.create_task(run_mover(parts.database, redis_url=redis_url, sinks=sinks), name="mover")
            group.create_task(run_outbound(parts.database, wakes, dial=parts.dial), name="outbound")
            group.create_task(
                run_media(parts.database, wakes, dial=parts.dial, storage=parts.storage, abilities=abilities),
                name="media",
            )
            group.create_task(
                run_enrichments(
                    parts.database,
                    wakes,
                    enrichers=enrichers,
                    storage=parts.storage,
                    default_budget=parts.settings.ai_daily_budget_microusd,
                ),
                name="enrichments",
            )
            group.create_task(
                run_sweep(
                    parts.database,
                    SESSIONS_DUE,
                    act=partial(housekeeping.watch_silence, parts.database),
                    every=_PAUSE_SECONDS,
                ),
                name="sessions",
            )
            group.create_task(
                run_sweep(parts.database, RUNS_DUE, act=ending_of(parts), every=_AGENT_SECONDS),
                name="ai_runs",
            )
            if (summarize := summary_of(parts)) is not None:
                group.create_task(
                    run_sweep(parts.database, SUMMARIES_DUE, act=summarize, every=_AGENT_SECONDS),
                    name="summaries",
                )
            group.create_task(
                run_timer(
                    parts.database,
                    GROUPS_DUE,
                    act=partial(message_groups.claim, parts.database, queue=queue),
                    timers=timers,
                    wakes=wakes,
                ),
                name="message_groups",
            )
            group.create_task(
                run_timer(
                    parts.database,
                    SCHEDULED_DUE,
                    act=partial(scheduled_messages.send_due, parts.database),
                    timers=timers,
                    wakes=wakes,
                ),
                name="scheduled_messages",
            )
            group.create_task(local.run(), name="local jobs")
            if redis_url is not None:
                group.create_task(run_queues(redis_url, jobs, runner, queues=queues), name="queues")
            group.create_task(keep_house(parts, queue, redis_url), name="housekeeping")
