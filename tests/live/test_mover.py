"""What the event log promises: one order that is never filled in later, one mover, sinks that lose nothing."""

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from domain.ids import new_id
from jobs.mover import run_mover
from persistence import event_log, offsets
from persistence.database import SYSTEM_ROLE, Database, connect_arguments
from persistence.event_log import LoggedEvent
from persistence.leadership import leading
from tests.live.events import Outbox, Spawn, until

OURS, THEIRS = new_id(), new_id()


class Collector:
    """A sink that keeps what it gets, and fails as often as it is told to."""

    def __init__(self, name: str, *, failures: int = 0) -> None:
        self.name = name
        self.failures = failures
        self.got: list[LoggedEvent] = []

    async def deliver(self, events: Sequence[LoggedEvent]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not now")
        self.got += events

    def positions(self, tenant_id: UUID) -> list[int]:
        return [event.position for event in self.got if event.tenant_id == tenant_id]


async def test_a_follower_of_positions_misses_nothing_of_slow_and_fast_writers(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    seen: list[int] = []
    chance = random.Random(7)

    async def write() -> None:
        for _ in range(40):
            await outbox.add(OURS, count=3, hold_seconds=chance.random() * 0.02)

    async def follow() -> None:
        while True:
            events = await event_log.following(database.system, after=seen[-1] if seen else 0, limit=50)
            seen.extend(event.position for event in events)

    spawn(run_mover(database, redis_url=None, sinks=[]))
    spawn(follow())
    await asyncio.gather(*(write() for _ in range(8)))

    async def all_seen() -> bool:
        return len(seen) == 8 * 40 * 3

    await until(all_seen)
    assert seen == await outbox.positions(OURS)
    assert await outbox.depth() == 0


async def test_each_event_names_the_position_before_it_of_its_tenant(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    spawn(run_mover(database, redis_url=None, sinks=[]))
    for _ in range(5):
        await outbox.add(OURS, count=2)
        await outbox.add(THEIRS)

    async def moved() -> bool:
        return await outbox.depth() == 0

    await until(moved)
    for tenant in (OURS, THEIRS):
        async with database.reading(tenant) as reader:
            events = await event_log.page(reader, after=0, limit=100)
        assert {event.tenant_id for event in events} == {tenant}
        assert [event.prev for event in events] == [0, *(event.position for event in events[:-1])]


async def test_a_standby_takes_over_when_the_leader_loses_its_connection(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    sink = Collector("standby")
    async with leading(database.url, office=1) as leader:
        spawn(run_mover(database, redis_url=None, sinks=[sink]))
        await outbox.add(OURS, count=5)

        async def standing_by() -> bool:
            return await outbox.pool.fetchval(_CANDIDATES) == 2

        await until(standing_by)
        assert await outbox.depth() == 5
        await outbox.pool.execute("SELECT pg_terminate_backend($1)", leader.get_server_pid())

        async def delivered() -> bool:
            return len(sink.got) == 5

        await until(delivered)
    assert sink.positions(OURS) == await outbox.positions(OURS)


async def test_a_leader_whose_connections_are_cut_loses_and_repeats_nothing_in_the_log(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    sink = Collector("cut")
    spawn(run_mover(database, redis_url=None, sinks=[sink]))
    for _ in range(3):
        for _ in range(20):
            await outbox.add(OURS, count=2)
        await outbox.pool.fetch(_CUT)

    async def delivered() -> bool:
        return len(set(sink.positions(OURS))) == 120

    await until(delivered)
    positions = await outbox.positions(OURS)
    assert len(positions) == 120
    # At least once: a batch may come again, but never out of order within itself.
    assert sorted(set(sink.positions(OURS))) == positions


async def test_a_cancelled_leader_gives_its_lock_back(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    sink = Collector("only")
    mover = spawn(run_mover(database, redis_url=None, sinks=[sink]))
    await outbox.add(OURS)

    async def delivered() -> bool:
        return len(sink.got) == 1

    await until(delivered)
    mover.cancel()
    await asyncio.wait([mover])

    async with asyncio.timeout(10), leading(database.url, office=1) as leader:
        assert await event_log.move(leader, limit=10) == 0
    assert await offsets.load(database.system, "only") == sink.got[-1].position


async def test_a_failing_sink_delays_no_other_and_loses_nothing(
    database: Database, outbox: Outbox, spawn: Spawn
) -> None:
    sound, troubled = Collector("sound"), Collector("troubled", failures=3)
    spawn(run_mover(database, redis_url=None, sinks=[sound, troubled]))
    for _ in range(10):
        await outbox.add(OURS, count=30)

    async def delivered() -> bool:
        return len(sound.got) == 300 and len(troubled.got) == 300

    await until(delivered)
    positions = await outbox.positions(OURS)
    assert sound.positions(OURS) == troubled.positions(OURS) == positions


async def test_a_sink_goes_on_where_it_stopped(database: Database, outbox: Outbox, spawn: Spawn) -> None:
    before, after = Collector("same"), Collector("same")
    mover = spawn(run_mover(database, redis_url=None, sinks=[before]))
    await outbox.add(OURS, count=4)

    async def delivered() -> bool:
        return len(before.got) == 4

    await until(delivered)
    mover.cancel()
    await asyncio.wait([mover])
    await outbox.add(OURS, count=4)
    spawn(run_mover(database, redis_url=None, sinks=[after]))

    async def delivered_again() -> bool:
        return len(after.got) == 4

    await until(delivered_again)
    assert before.positions(OURS) + after.positions(OURS) == await outbox.positions(OURS)


async def test_the_mover_makes_room_when_positions_run_past_the_last_partition(
    database: Database, outbox: Outbox, postgres_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        started_at = await connection.fetchval("SELECT nextval('event_position')")
        beyond = (started_at // 10_000_000 + 3) * 10_000_000
        await connection.execute("SELECT setval('event_position', $1)", beyond)
        await outbox.add(OURS, count=2)

        arguments = connect_arguments(SYSTEM_ROLE)
        leader = await asyncpg.connect(postgres_url, **arguments)
        try:
            assert await event_log.move(leader, limit=10) == 2
        finally:
            await leader.close()

        assert await outbox.positions(OURS) == [beyond + 2 + 1, beyond + 2 + 2]
    finally:
        await connection.close()


_CANDIDATES = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = 'ventros:leader' AND datname = current_database()"
)
_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name LIKE 'ventros:%' AND datname = current_database()"
)
