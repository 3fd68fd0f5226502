"""Hands the events of the log to every subscriber in this process, live, each exactly once and in order."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Self, TypeVar
from uuid import UUID

import msgspec
import structlog

from integrations.event_feed import event_channel
from integrations.redis_channels import RedisChannels
from persistence import event_log
from persistence.database import Database
from persistence.event_log import LoggedEvent
from persistence.outages import heed_cancellation, is_outage
from persistence.unit_of_work import Reader

log = structlog.get_logger()

_RING = 512
_PAGE = 200
_READERS = 4
_POLL_SECONDS, _LIVE_POLL_SECONDS = 0.2, 5.0
_RETRY_SECONDS = 0.5

T = TypeVar("T")

_decoder = msgspec.json.Decoder(LoggedEvent)


class Hub:
    """The live side of one process. Open it with `async with`.

    A follower is only a position in the log: it takes what Redis publishes from a short ring per tenant, and
    reads the log itself after a start, a gap, an outage of Redis, or when it was too slow for the ring.
    Nothing is ever queued for a follower. Without Redis the log is looked at five times a second.
    """

    def __init__(self, database: Database, redis_url: str | None) -> None:
        self._database = database
        self._channels = RedisChannels(redis_url, self) if redis_url else None
        self._feeds: dict[UUID, _Feed] = {}
        self._by_channel: dict[str, _Feed] = {}
        self._readers = asyncio.Semaphore(_READERS)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        if self._channels is not None:
            self._tasks.append(asyncio.create_task(self._channels.run(), name="hub.listen"))
        self._tasks.append(asyncio.create_task(self._watch(), name="hub.watch"))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening. Followers wait for ever from now on; cancel them first."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    @property
    def followers(self) -> int:
        """How many follow at present."""
        return sum(len(feed.followers) for feed in self._feeds.values())

    async def follow(self, tenant_id: UUID, *, after: int | None) -> AsyncGenerator[LoggedEvent, None]:
        """Yield a tenant's events behind a position, then every new one. None begins with the next event.

        Raises `CursorExpired` when the log no longer holds what comes after the position. Close the iterator
        when done with it.
        """
        async with aclosing(self.follow_in_batches(tenant_id, after=after)) as batches:
            async for events in batches:
                for event in events:
                    yield event

    async def follow_in_batches(
        self, tenant_id: UUID, *, after: int | None
    ) -> AsyncGenerator[Sequence[LoggedEvent], None]:
        """Yield the same as `follow`, as much at a time as is in hand; never an empty batch."""
        changed = asyncio.Event()
        feed = self._join(tenant_id, changed)
        try:
            known = -1
            if after is not None:
                cursor = after
            elif feed.is_live and feed.ring:
                cursor, known = feed.ring[-1].position, feed.generation
            else:
                # Only after joining: what happens between the two reads is then in the ring, or leaves a gap there.
                cursor = await self._head(tenant_id)
            while True:
                changed.clear()
                if known == feed.generation and (events := feed.behind(cursor)) is not None:
                    if events:
                        cursor = events[-1].position
                        yield events
                    else:
                        await changed.wait()
                    continue
                known = feed.generation
                while events := await self._page(tenant_id, cursor):
                    cursor = events[-1].position
                    yield events
                    if len(events) < _PAGE:
                        break
                feed.seen = max(feed.seen, cursor)
        finally:
            self._leave(feed, changed)

    def subscribed(self, channel: str) -> None:
        """Let the tenant's followers read the log once; from now on Redis misses nothing."""
        if feed := self._by_channel.get(channel):
            feed.is_live = True
            feed.reset()

    def received(self, channel: str, body: bytes) -> None:
        """Keep what was published and wake the tenant's followers."""
        feed = self._by_channel.get(channel)
        if feed is None:
            return
        try:
            feed.add(_decoder.decode(body))
        except msgspec.MsgspecError:
            # Perhaps a newer release publishes; the log tells what it was.
            log.warning("hub.undecodable", bytes=len(body))
            feed.reset()

    def lost(self) -> None:
        """Look at the log until Redis is back."""
        for feed in self._feeds.values():
            feed.is_live = False

    def _join(self, tenant_id: UUID, changed: asyncio.Event) -> "_Feed":
        feed = self._feeds.get(tenant_id)
        if feed is None:
            channel = event_channel(tenant_id)
            feed = self._feeds[tenant_id] = self._by_channel[channel] = _Feed(tenant_id)
            if self._channels is not None:
                self._channels.subscribe(channel)
        feed.followers.add(changed)
        return feed

    def _leave(self, feed: "_Feed", changed: asyncio.Event) -> None:
        feed.followers.discard(changed)
        if not feed.followers:
            channel = event_channel(feed.tenant_id)
            del self._feeds[feed.tenant_id], self._by_channel[channel]
            if self._channels is not None:
                self._channels.unsubscribe(channel)

    async def _head(self, tenant_id: UUID) -> int:
        return await self._read(tenant_id, event_log.head)

    async def _page(self, tenant_id: UUID, after: int) -> Sequence[LoggedEvent]:
        return await self._read(tenant_id, partial(event_log.page, after=after, limit=_PAGE))

    async def _read(self, tenant_id: UUID, query: Callable[[Reader], Awaitable[T]]) -> T:
        while True:
            try:
                async with self._readers, self._database.reading(tenant_id) as reader:
                    return await query(reader)
            except Exception as error:
                heed_cancellation()
                if not is_outage(error):
                    raise
                log.warning("hub.waiting", error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _watch(self) -> None:
        """Look for events that Redis did not bring: often while it is away, now and then otherwise."""
        loop = asyncio.get_running_loop()
        all_at = loop.time() + _LIVE_POLL_SECONDS
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            is_turn = loop.time() >= all_at
            feeds = [feed for feed in self._feeds.values() if is_turn or not feed.is_live]
            if is_turn:
                all_at = loop.time() + _LIVE_POLL_SECONDS
            if feeds:
                try:
                    await self._look(feeds)
                except Exception as error:  # noqa: BLE001 Without the watch a lost message would stay lost.
                    heed_cancellation()
                    log.warning("hub.waiting", error=repr(error))

    async def _look(self, feeds: Iterable["_Feed"]) -> None:
        heads = await event_log.heads(self._database.system, [feed.tenant_id for feed in feeds])
        for feed in feeds:
            head = heads.get(feed.tenant_id, 0)
            if head > feed.seen:
                feed.seen = head
                feed.reset()


class _Feed:
    """One tenant's latest events, and who waits for more."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.ring: deque[LoggedEvent] = deque(maxlen=_RING)
        self.followers: set[asyncio.Event] = set()
        self.is_live = False
        # Grows whenever the ring may have missed something; a follower that knows an older one reads the log.
        self.generation = 0
        # The latest position known to exist, so that looking at the log finds news only.
        self.seen = 0

    def add(self, event: LoggedEvent) -> None:
        """Keep an event. One that was published again, after a restart of the mover, is dropped."""
        if self.ring and event.position <= self.ring[-1].position:
            return
        self.ring.append(event)
        self.seen = max(self.seen, event.position)
        self._wake()

    def reset(self) -> None:
        """Send every follower to the log once."""
        self.ring.clear()
        self.generation += 1
        self._wake()

    def behind(self, cursor: int) -> Sequence[LoggedEvent] | None:
        """Return the ring's events behind a position, oldest first; None when some before them are missing."""
        found: list[LoggedEvent] = []
        for event in reversed(self.ring):
            if event.position <= cursor:
                break
            found.append(event)
        found.reverse()
        expected = cursor
        for event in found:
            if event.prev > expected:
                return None
            expected = event.position
        return found

    def _wake(self) -> None:
        for follower in self.followers:
            follower.set()
