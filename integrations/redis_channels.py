"""One pub/sub connection to Redis that comes back whenever it is lost."""

import asyncio
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

log = structlog.get_logger()

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 2.0
_QUIET_SECONDS, _DEAD_SECONDS = 5.0, 10.0


class Listener(Protocol):
    """What wants to hear of channels. The calls are made from one task and must not block."""

    def subscribed(self, channel: str) -> None:
        """Redis confirmed the subscription: what is published from now on arrives, what was before did not."""

    def received(self, channel: str, body: bytes) -> None:
        """Something was published."""

    def lost(self) -> None:
        """The connection is gone; `subscribed` follows for each channel once it is back."""


class RedisChannels:
    """The channels a process listens to. `run` keeps the connection; channels can change at any time."""

    def __init__(self, url: str, listener: Listener) -> None:
        self._url = url
        self._listener = listener
        self._wanted: set[str] = set()
        self._asked: set[str] = set()
        self._changed = asyncio.Event()

    def subscribe(self, channel: str) -> None:
        """Listen to a channel; `subscribed` tells when that has begun."""
        self._wanted.add(channel)
        self._asked.add(channel)
        self._changed.set()

    def unsubscribe(self, channel: str) -> None:
        """Listen no longer."""
        self._wanted.discard(channel)
        self._changed.set()

    async def run(self) -> None:
        """Listen until cancelled, through any outage of Redis."""
        delay = _FIRST_DELAY
        while True:
            connected_at = asyncio.get_running_loop().time()
            try:
                async with connect(self._url) as client, client.pubsub() as pubsub:
                    await self._follow(pubsub)
            except (RedisError, OSError) as error:
                log.warning("redis.lost", error=type(error).__name__)
            finally:
                self._listener.lost()
            lasted = asyncio.get_running_loop().time() - connected_at
            delay = _FIRST_DELAY if lasted > _LONGEST_DELAY else min(delay * 2, _LONGEST_DELAY)
            await asyncio.sleep(delay)

    async def _follow(self, pubsub: PubSub) -> None:
        await pubsub.ping()
        held: set[str] = set()
        self._changed.set()
        reading: asyncio.Task[dict[str, object] | None] | None = None
        changing = asyncio.create_task(self._changed.wait())
        silent_for = 0.0
        try:
            while True:
                reading = reading or asyncio.create_task(pubsub.get_message(timeout=None))
                done, _ = await asyncio.wait(
                    (reading, changing), timeout=_QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if reading in done:
                    message, reading, silent_for = reading.result(), None, 0.0
                    self._deliver(message, held)
                if changing in done:
                    self._changed.clear()
                    changing = asyncio.create_task(self._changed.wait())
                    held = await self._apply(pubsub, held)
                if not done:
                    silent_for += _QUIET_SECONDS
                    if silent_for >= _DEAD_SECONDS:
                        raise TimeoutError("Redis answered no ping.")
                    await pubsub.ping()
        finally:
            waiting = [task for task in (reading, changing) if task is not None]
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _apply(self, pubsub: PubSub, held: set[str]) -> set[str]:
        wanted, asked = set(self._wanted), self._asked
        self._asked = set()
        if new := wanted - held:
            await pubsub.subscribe(*new)
        if old := held - wanted:
            await pubsub.unsubscribe(*old)
        for channel in asked & wanted & held:
            # Given up and asked for again before Redis was told: it never stopped.
            self._listener.subscribed(channel)
        return wanted

    def _deliver(self, message: dict[str, object] | None, held: set[str]) -> None:
        if message is None:
            return
        channel, body = message["channel"], message["data"]
        if not isinstance(channel, bytes) or (name := channel.decode()) not in held:
            return
        if message["type"] == "message" and isinstance(body, bytes):
            self._listener.received(name, body)
        elif message["type"] == "subscribe":
            self._listener.subscribed(name)


def connect(url: str, *, timeout: float | None = None) -> Redis:
    """Return a client that connects within a second; `timeout` in seconds limits each answer, None does not."""
    client: Redis = Redis.from_url(
        url, socket_connect_timeout=1.0, socket_timeout=timeout, decode_responses=False
    )
    return client
