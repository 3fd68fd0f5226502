"""How processes tell one another that work waits, and when: on Redis, best effort, beside a poll."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from integrations.redis_channels import RedisChannels, connect
from integrations.timers import Timers
from persistence.due import Alarm

log = structlog.get_logger()

_BREAK_SECONDS = 0.25
_ANSWER_SECONDS = 1.0
_MOST_ALARMS = 20_000


class Wakes:
    """Says that work waits, and when. However often it is asked, one message per name is under way at a time.

    Use it with `async with`. Without a URL it does nothing, and everybody polls.
    """

    def __init__(self, redis_url: str | None) -> None:
        self._url = redis_url
        self._asked: set[str] = set()
        self._alarms: list[Alarm] = []
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to publish."""
        if self._url:
            self._task = asyncio.create_task(self._publish(self._url), name="wakes")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what was asked in the last moments is left to the poll."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def wake(self, name: str) -> None:
        """Wake whoever waits for `name`. Returns at once and never raises; pass it to `Database`."""
        self._asked.add(name)
        self._some.set()

    async def set_alarms(self, alarms: Sequence[Alarm]) -> None:
        """Time rows. Returns at once and never raises; pass it to `Database`. What is lost, the sweep finds."""
        if self._url and len(self._alarms) < _MOST_ALARMS:
            self._alarms += alarms
            self._some.set()

    async def _publish(self, url: str) -> None:
        timers = Timers(url)
        try:
            async with connect(url, timeout=_ANSWER_SECONDS) as client:
                await self._publish_with(client, timers)
        finally:
            await timers.close()

    async def _publish_with(self, client: Redis, timers: Timers) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            names, self._asked = self._asked, set()
            alarms, self._alarms = self._alarms, []
            try:
                await timers.set(alarms)
                async with client.pipeline(transaction=False) as pipeline:
                    for name in names:
                        pipeline.publish(_channel(name), b"")
                    await pipeline.execute()
            except (RedisError, OSError) as error:
                log.debug("wake.failed", error=type(error).__name__)
                self._asked |= names
                # Old ones are the sweep's by now, and would only hold up those that follow.
                self._some.set()
                await asyncio.sleep(_BREAK_SECONDS)


class Listening:
    """The wakes a process hears. Made by `listening`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._events = {name: asyncio.Event() for name in names}

    async def wait(self, name: str, *, timeout: float) -> bool:  # noqa: ASYNC109 The poll's rhythm.
        """Return when `name` was woken, or after `timeout` seconds; say which.

        A wake that came since the last call counts, so none is missed between two waits.
        """
        event = self._events[name]
        try:
            async with asyncio.timeout(timeout):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    def subscribed(self, channel: str) -> None:
        """Count as a wake, because some may have been missed."""
        self.received(channel, b"")

    def received(self, channel: str, body: bytes) -> None:
        """Let whoever waits go on."""
        self._events[channel.removesuffix(":wake")].set()

    def lost(self) -> None:
        """Leave it to the poll."""


@asynccontextmanager
async def listening(redis_url: str | None, names: Collection[str]) -> AsyncIterator[Listening]:
    """Hear the wakes of those names. Without a URL every wait lasts its full time."""
    heard = Listening(names)
    if not redis_url:
        yield heard
        return
    channels = RedisChannels(redis_url, heard)
    for name in names:
        channels.subscribe(_channel(name))
    task = asyncio.create_task(channels.run(), name="wakes.listening")
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _channel(name: str) -> str:
    return f"{name}:wake"
