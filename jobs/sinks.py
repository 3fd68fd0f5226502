"""Where events go once they are in the log: each sink follows the log on its own and delays no other."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from domain.clock import Clock
from jobs.metrics import SINK_FAILURES, SINK_LAG, SINK_POSITION
from persistence import event_log, offsets
from persistence.database import Database
from persistence.event_log import LoggedEvent
from persistence.outages import OUTAGES, heed_cancellation

log = structlog.get_logger()

_BATCH = 200
_IDLE_SECONDS = 1.0
_FLUSH_SECONDS = 0.25
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0


class Sink(Protocol):
    """A place that events are passed on to, in order, each at least once. `name` is its row in sink_offsets."""

    name: str

    async def deliver(self, events: Sequence[LoggedEvent]) -> None:
        """Pass the events on. Raise anything to be given the same events again after a while."""


async def run_sink(sink: Sink, *, database: Database, moved: asyncio.Event) -> None:
    """Follow the log with one sink until cancelled, through outages of PostgreSQL and of the sink.

    `moved` is set whenever there is more in the log.
    """
    delay = _FIRST_DELAY
    loop = asyncio.get_running_loop()
    while True:
        began_at = loop.time()
        try:
            await _follow(sink, database=database, moved=moved)
        except Exception as error:  # noqa: BLE001 Whatever a sink runs into, the events stay in the log.
            heed_cancellation()
            SINK_FAILURES.labels(sink.name).inc()
            delay = (
                _FIRST_DELAY if loop.time() - began_at > _LONGEST_DELAY else min(delay * 2, _LONGEST_DELAY)
            )
            log.warning("sink.failed", sink=sink.name, error=repr(error), retry_seconds=delay)
            await asyncio.sleep(delay)


async def _follow(sink: Sink, *, database: Database, moved: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    stored = position = await offsets.load(database.system, sink.name)
    flush_at = loop.time() + _FLUSH_SECONDS
    try:
        while True:
            moved.clear()
            events = await event_log.following(database.system, after=position, limit=_BATCH)
            if events:
                await sink.deliver(events)
                position = events[-1].position
                _report(sink.name, events[-1], database.clock)
            if position != stored and loop.time() >= flush_at:
                await offsets.store(database.system, sink.name, position)
                stored, flush_at = position, loop.time() + _FLUSH_SECONDS
            if len(events) < _BATCH:
                await _wait(moved, _IDLE_SECONDS if position == stored else _FLUSH_SECONDS)
    finally:
        if position != stored:
            # Without it the next start repeats a quarter of a second of events, which every sink can bear.
            with suppress(*OUTAGES):
                await offsets.store(database.system, sink.name, position)


async def _wait(moved: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await moved.wait()
    except TimeoutError:
        return


def _report(name: str, event: LoggedEvent, clock: Clock) -> None:
    SINK_POSITION.labels(name).set(event.position)
    SINK_LAG.labels(name).set((clock.now() - event.at).total_seconds())
