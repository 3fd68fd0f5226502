"""Moves events from the outbox to the event log and on to the sinks; one process leads, the others stand by."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from integrations.redis_feed import Listening, listening
from jobs.metrics import EVENTS_MOVED, OUTBOX_DEPTH, OUTBOX_OLDEST, RELAY_LEADING
from jobs.sinks import Sink, run_sink
from persistence import event_log
from persistence.database import Database
from persistence.leadership import Leader, leading
from persistence.outages import OUTAGES, heed_cancellation

log = structlog.get_logger()

_OFFICE = 1
_BATCH = 500
_POLL_SECONDS = 0.25
_EXTEND_EVERY, _EXTEND_SECONDS = 1_000_000, 3600.0
_MEASURE_SECONDS = 5.0
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


async def run_mover(database: Database, *, redis_url: str | None, sinks: Sequence[Sink]) -> None:
    """Move events and feed the sinks until cancelled, through any outage; then let another process lead.

    Wakes on the name `outbox`, and looks every quarter of a second besides.
    """
    delay = _FIRST_DELAY
    loop = asyncio.get_running_loop()
    async with listening(redis_url, ["outbox"]) as wakes:
        while True:
            began_at = loop.time()
            try:
                async with leading(database.url, office=_OFFICE) as leader:
                    await _lead(leader, database=database, wakes=wakes, sinks=sinks)
            except Exception as error:  # noqa: BLE001 A mover that stopped would stop everything behind it.
                heed_cancellation()
                lasted = loop.time() - began_at
                delay = _FIRST_DELAY if lasted > _LONGEST_DELAY else min(delay * 2, _LONGEST_DELAY)
                log.warning("mover.interrupted", error=repr(error), retry_seconds=delay)
                await asyncio.sleep(delay)


async def _lead(leader: Leader, *, database: Database, wakes: Listening, sinks: Sequence[Sink]) -> None:
    log.info("mover.leading", sinks=[sink.name for sink in sinks])
    RELAY_LEADING.set(1)
    signals = [asyncio.Event() for _ in sinks]
    tasks = [
        asyncio.create_task(run_sink(sink, database=database, moved=moved), name=f"sink.{sink.name}")
        for sink, moved in zip(sinks, signals, strict=True)
    ]
    tasks.append(asyncio.create_task(_measure(database), name="mover.measure"))
    tasks.append(asyncio.create_task(_move(leader, wakes=wakes, signals=signals), name="mover.move"))
    # A TaskGroup of Python 3.11 and 3.12 would leave this task marked as being cancelled after a failure.
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        RELAY_LEADING.set(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _move(leader: Leader, *, wakes: Listening, signals: Sequence[asyncio.Event]) -> None:
    loop = asyncio.get_running_loop()
    since_extension, extend_at = 0, 0.0
    while True:
        if since_extension >= _EXTEND_EVERY or loop.time() >= extend_at:
            await event_log.extend(leader)
            since_extension, extend_at = 0, loop.time() + _EXTEND_SECONDS
        count = await event_log.move(leader, limit=_BATCH)
        if count:
            since_extension += count
            EVENTS_MOVED.inc(count)
            for signal in signals:
                signal.set()
        if count < _BATCH:
            await wakes.wait("outbox", timeout=_POLL_SECONDS)


async def _measure(database: Database) -> None:
    while True:
        with suppress(*OUTAGES):
            depth, oldest = await event_log.backlog(database.system)
            OUTBOX_DEPTH.set(depth)
            OUTBOX_OLDEST.set(oldest)
        heed_cancellation()
        await asyncio.sleep(_MEASURE_SECONDS)
