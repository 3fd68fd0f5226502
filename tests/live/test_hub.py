"""What a follower of the hub may rely on: every event of its tenant, once, in order, whatever happens to Redis."""

import asyncio
from contextlib import aclosing
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from domain.ids import new_id
from integrations.event_feed import RedisFeed
from integrations.hub import Hub
from jobs.mover import run_mover
from persistence.database import Database
from persistence.event_log import CursorExpired
from tests.live.events import Outbox, Spawn, until
from ventros.embedded.valkey import EmbeddedValkey

OURS, THEIRS = new_id(), new_id()


class Follower:
    """Collects what it follows; `pause` makes it slow, `rest` makes it drop and resume now and then."""

    def __init__(self, hub: Hub, tenant_id: UUID, *, after: int | None = 0) -> None:
        self.hub = hub
        self.tenant_id = tenant_id
        self.after = after
        self.got: list[int] = []

    async def run(self, *, pause: float = 0.0, leave_every: int = 0) -> None:
        while True:
            after = self.got[-1] if self.got else self.after
            async with aclosing(self.hub.follow(self.tenant_id, after=after)) as events:
                async for event in events:
                    assert event.tenant_id == self.tenant_id
                    self.got.append(event.position)
                    await asyncio.sleep(pause)
                    if leave_every and len(self.got) % leave_every == 0:
                        break


def followed_by(followers: list[Follower], outbox: Outbox, *, tenants: dict[UUID, int]):
    async def complete() -> bool:
        return all(len(one.got) >= tenants[one.tenant_id] for one in followers) and not await outbox.depth()

    return complete


async def relay(database: Database, url: str) -> None:
    feed = RedisFeed(url)
    try:
        await run_mover(database, redis_url=url, sinks=[feed])
    finally:
        await feed.close()


async def test_followers_lose_and_repeat_nothing_while_redis_is_flushed_killed_and_restarted(
    database: Database, outbox: Outbox, spawn: Spawn, redis: EmbeddedValkey
) -> None:
    spawn(relay(database, redis.url()))
    async with Hub(database, redis.url()) as hub, Hub(database, redis.url()) as other:
        steady = [Follower(hub, tenant) for tenant in (OURS, THEIRS)]
        slow = [Follower(hub, OURS)]
        jumpy = [Follower(one, OURS) for one in (hub, other)]
        for one in steady:
            spawn(one.run())
        spawn(slow[0].run(pause=0.003))
        for one in jumpy:
            spawn(one.run(leave_every=7))

        for step in range(400):
            await outbox.add(OURS)
            await outbox.add(THEIRS)
            if step == 100:
                client = Redis.from_url(redis.url())
                await client.flushall()
                await client.aclose()
            if step == 180:
                await asyncio.to_thread(redis.stop)
            if step == 300:
                redis.start()

        followers = steady + slow + jumpy
        await until(followed_by(followers, outbox, tenants={OURS: 400, THEIRS: 400}))
        for one in followers:
            assert one.got == await outbox.positions(one.tenant_id)


async def test_without_redis_events_arrive_all_the_same(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    spawn(run_mover(database, redis_url=None, sinks=[]))
    async with Hub(database, None) as hub:
        follower = Follower(hub, OURS)
        spawn(follower.run())
        for _ in range(5):
            await outbox.add(OURS, count=3)

        await until(followed_by([follower], outbox, tenants={OURS: 15}))
        assert follower.got == await outbox.positions(OURS)


async def test_a_position_resumes_exactly_behind_it_over_many_pages(
    database: Database, outbox: Outbox, spawn: Spawn, redis: EmbeddedValkey
) -> None:
    mover = spawn(relay(database, redis.url()))
    await outbox.add(OURS, count=900)

    async def moved() -> bool:
        return await outbox.depth() == 0

    await until(moved)
    positions = await outbox.positions(OURS)
    async with Hub(database, redis.url()) as hub:
        follower = Follower(hub, OURS, after=positions[99])
        spawn(follower.run())
        await until(followed_by([follower], outbox, tenants={OURS: 800}))
        assert follower.got == positions[100:]
        assert not mover.done()


async def test_without_a_position_only_what_comes_next_arrives(
    database: Database, outbox: Outbox, spawn: Spawn, redis: EmbeddedValkey
) -> None:
    spawn(relay(database, redis.url()))
    await outbox.add(OURS, count=3)

    async def moved() -> bool:
        return await outbox.depth() == 0

    await until(moved)
    async with Hub(database, redis.url()) as hub, aclosing(hub.follow(OURS, after=None)) as events:
        nothing = asyncio.ensure_future(anext(events))
        _, waiting = await asyncio.wait([nothing], timeout=0.5)
        assert waiting
        await outbox.add(OURS)
        async with asyncio.timeout(10):
            event = await nothing
    assert event.position == (await outbox.positions(OURS))[-1]


async def test_a_follower_that_left_is_forgotten(database: Database, redis: EmbeddedValkey) -> None:
    async with Hub(database, redis.url()) as hub:
        async with aclosing(hub.follow(OURS, after=0)) as events:
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            assert hub.followers == 1
            waiting.cancel()
            await asyncio.wait([waiting])
        assert hub.followers == 0


async def test_the_log_outlasts_a_restart_of_postgresqls_connections(
    database: Database, outbox: Outbox, spawn: Spawn, redis: EmbeddedValkey
) -> None:
    spawn(relay(database, redis.url()))
    async with Hub(database, redis.url()) as hub:
        follower = Follower(hub, OURS)
        spawn(follower.run())
        for _ in range(3):
            await outbox.add(OURS, count=5)
            await outbox.pool.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'ventros:%' AND datname = current_database()"
            )
        await until(followed_by([follower], outbox, tenants={OURS: 15}))
        assert follower.got == await outbox.positions(OURS)


async def test_a_position_that_the_log_no_longer_holds_has_expired(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    spawn(run_mover(database, redis_url=None, sinks=[]))
    await outbox.add(OURS, count=4)

    async def moved() -> bool:
        return await outbox.depth() == 0

    await until(moved)
    positions = await outbox.positions(OURS)
    await outbox.pool.execute("DELETE FROM event_log WHERE position <= $1", positions[1])

    async with Hub(database, None) as hub:
        async with aclosing(hub.follow(OURS, after=positions[0])) as events:
            with pytest.raises(CursorExpired):
                await anext(events)
        async with aclosing(hub.follow(OURS, after=positions[1])) as events:
            assert (await anext(events)).position == positions[2]
        async with aclosing(hub.follow(OURS, after=positions[-1] + 100)) as events:
            with pytest.raises(CursorExpired):
                await anext(events)


async def test_a_position_before_dropped_partitions_has_expired_even_when_nothing_is_left(
    database: Database, outbox: Outbox, spawn: Spawn, postgres_url: str
) -> None:
    spawn(run_mover(database, redis_url=None, sinks=[]))
    await outbox.add(OURS)

    async def moved() -> bool:
        return await outbox.depth() == 0

    await until(moved)
    (position,) = await outbox.positions(OURS)
    connection = await asyncpg.connect(postgres_url)
    try:
        parts = await connection.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits "
            "WHERE inhparent = 'event_log'::regclass ORDER BY 1"
        )
        await connection.execute(
            "SELECT setval('event_position', $1)", (position // 10_000_000 + 2) * 10_000_000
        )
        await connection.execute("SELECT extend_event_log()")
        for part in parts:
            await connection.execute(f"DROP TABLE {part['name']}")
    finally:
        await connection.close()

    async with Hub(database, None) as hub, aclosing(hub.follow(OURS, after=position)) as events:
        with pytest.raises(CursorExpired):
            await anext(events)
