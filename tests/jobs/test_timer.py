"""The timer of due rows: on Redis, without it, when it forgets, and when many rows are due at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis

from domain.ids import MessageGroupId, TenantId
from integrations.redis_feed import Wakes, listening
from integrations.timers import Timers
from jobs import message_groups
from jobs.timer import run_sweep, run_timer
from persistence.crm.message_groups import GROUPS_DUE
from persistence.database import Database
from persistence.due import Alarm, alarms_of
from services.crm import message_groups as service
from tests.bursts import CAUSE, Orders, add_groups
from tests.factories import Shop, open_shop
from tests.live.events import until

NOWHERE = "redis://127.0.0.1:9/0"
"""A Redis that refuses."""


@dataclass
class Claims:
    """What a timer handed out."""

    database: Database
    orders: Orders = field(default_factory=Orders)

    @property
    def ids(self) -> list[UUID]:
        return self.orders.group_ids

    async def act(self, tenant_id: TenantId, ids: Sequence[UUID]) -> list[MessageGroupId]:
        return await message_groups.claim(self.database, tenant_id, ids, queue=self.orders)

    async def are(self, count: int) -> None:
        """Wait until that many were handed out."""

        async def is_so() -> bool:
            return len(self.ids) >= count

        await until(is_so, seconds=60)


@asynccontextmanager
async def timing(claims: Claims, redis_url: str | None, *, workers: int = 1) -> AsyncIterator[None]:
    """Run timers as workers do."""
    timers = Timers(redis_url) if redis_url else None
    async with listening(redis_url, [GROUPS_DUE.name]) as wakes:
        tasks = [
            asyncio.create_task(
                run_timer(claims.database, GROUPS_DUE, act=claims.act, timers=timers, wakes=wakes)
            )
            for _ in range(workers)
        ]
        try:
            yield
        finally:
            for task in tasks:
                assert not task.done(), task
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if timers is not None:
                await timers.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The Redis of the tests, without timers of earlier ones."""
    client: Redis = Redis.from_url(redis_url)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


SOON = timedelta(seconds=1)


async def set_timers(redis_url: str, *alarms: Alarm) -> None:
    timers = Timers(redis_url)
    await timers.set(alarms)
    await timers.close()


@pytest.mark.parametrize("where", ["redis", "refusing", "absent"])
async def test_groups_are_claimed_when_they_are_due_and_not_before(
    database: Database, shop: Shop, redis: Redis, redis_url: str, where: str
) -> None:
    claims = Claims(database)
    async with timing(claims, {"redis": redis_url, "refusing": NOWHERE, "absent": None}[where]):
        groups = await add_groups(database, shop, 30, window=SOON, stagger=timedelta(milliseconds=10))
        await claims.are(30)

    assert sorted(claims.ids) == sorted(group.id for group in groups)
    async with database.reading(shop.tenant_id) as reader:
        found = await reader.message_groups.find_many(claims.ids)
    assert all(one.flushed_at is not None and one.flushed_at >= one.expires_at for one in found.values())


async def test_many_workers_claim_each_of_three_thousand_groups_once(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    groups = await add_groups(database, shop, 3_000, window=SOON / 100)
    claims = Claims(database)
    async with timing(claims, redis_url, workers=3):
        await claims.are(3_000)

    assert sorted(claims.ids) == sorted(group.id for group in groups)


async def test_many_tenants_are_served_side_by_side(database: Database, redis: Redis, redis_url: str) -> None:
    expected = []
    for number in range(12):
        shop = await open_shop(database, name=f"Loja {number}")
        expected += [one.id for one in await add_groups(database, shop, 3, window=SOON / 10)]
    claims = Claims(database)
    async with timing(claims, redis_url):
        await claims.are(36)

    assert sorted(claims.ids) == sorted(expected)


async def test_timers_that_go_off_early_late_or_twice_change_nothing(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    (group,) = await add_groups(database, shop, 1, window=SOON)
    claims = Claims(database)
    async with timing(claims, redis_url, workers=2):
        for shift in (-5, 0, 0.1, 3):
            at = group.expires_at + timedelta(seconds=shift)
            await set_timers(redis_url, Alarm(GROUPS_DUE.name, shop.tenant_id, group.id, at))
            await asyncio.sleep(0.1)
        await claims.are(1)
        await set_timers(redis_url, Alarm(GROUPS_DUE.name, shop.tenant_id, group.id, group.expires_at))
        await asyncio.sleep(0.2)

    assert claims.ids == [group.id]


async def test_a_timer_that_goes_off_early_is_set_anew(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    (group,) = await add_groups(database, shop, 1, window=timedelta(seconds=30))
    async with timing(Claims(database), redis_url):
        now = database.clock.now()
        await set_timers(redis_url, Alarm(GROUPS_DUE.name, shop.tenant_id, group.id, now))

        async def is_set_anew() -> bool:
            score = await redis.zscore("due:{message_groups}", shop.tenant_id.hex + group.id.hex)
            return score is not None and score > group.expires_at.timestamp() * 1000 - 1

        await until(is_set_anew)


async def test_what_redis_forgets_is_set_anew_at_once(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    claims = Claims(database)
    async with timing(claims, redis_url):
        groups = await add_groups(database, shop, 1_500, window=timedelta(minutes=4))
        await redis.flushdb()

        async def is_rebuilt() -> bool:
            known = (
                await redis.zcard("due:{message_groups}"),
                await redis.exists("due:{message_groups}:epoch"),
            )
            return known == (len(groups), 1)

        await until(is_rebuilt)


async def test_the_end_of_a_lease_is_left_to_the_sweep(database: Database, shop: Shop) -> None:
    (group,) = await add_groups(database, shop, 1, window=SOON)
    group.is_changed = True
    assert [alarm.at for alarm in alarms_of([group])] == [group.expires_at]
    group.begin(at=group.expires_at)
    assert alarms_of([group]) == []
    group.wait_for_files(group.expires_at + SOON, at=group.expires_at)
    assert [alarm.at for alarm in alarms_of([group])] == [group.expires_at + SOON]


async def test_a_row_that_cannot_be_looked_at_holds_up_no_other(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    bad, *good = await add_groups(database, shop, 20, window=SOON / 10)
    other = await open_shop(database, name="Oficina")
    good += await add_groups(database, other, 1, window=SOON)

    @dataclass
    class Choosy(Claims):
        async def act(self, tenant_id: TenantId, ids: Sequence[UUID]) -> list[MessageGroupId]:
            if bad.id in ids:
                raise ValueError("a row nobody can read")
            return await super().act(tenant_id, ids)

    for url in (redis_url, None):
        claims = Choosy(database)
        async with timing(claims, url):
            await claims.are(len(good))
        assert sorted(claims.ids) == sorted(one.id for one in good)
        good = await add_groups(database, shop, 5, window=SOON / 10)


async def test_the_timer_outlives_a_redis_and_a_database_that_are_away_together(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    claims = Claims(database)
    async with timing(claims, redis_url):
        whole, database._system = database.system, Broken()  # type: ignore[assignment] # It refuses everything.
        await redis.flushdb()
        await asyncio.sleep(0.3)
        database._system = whole
        (group,) = await add_groups(database, shop, 1, window=SOON / 10)
        await claims.are(1)

    assert claims.ids == [group.id]


class Broken:
    """A pool whose connections are torn."""

    def __getattr__(self, _: str) -> object:
        raise ConnectionResetError("torn")


async def test_commits_set_timers_and_wake_whoever_waits(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    claims = Claims(database)
    async with timing(claims, redis_url), Wakes(redis_url) as wakes:
        database.set_alarms = wakes.set_alarms
        (group,) = await add_groups(database, shop, 1, window=timedelta(seconds=60))
        await asyncio.sleep(0.3)
        assert claims.ids == []
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await service.flush(uow, shop.viewer, group_id=group.id, expected_version=None)
        await claims.are(1)


async def test_a_sweep_alone_looks_at_more_than_one_page(database: Database, shop: Shop) -> None:
    groups = await add_groups(database, shop, 450, window=SOON / 100)
    claims = Claims(database)
    sweep = asyncio.create_task(run_sweep(database, GROUPS_DUE, act=claims.act, every=60))
    try:
        await claims.are(450)
    finally:
        sweep.cancel()
    assert sorted(claims.ids) == sorted(group.id for group in groups)
