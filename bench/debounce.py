"""How late bursts are closed: from the end of a group's window to its claim, steadily and all at once."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta

import asyncpg
from redis.asyncio import Redis

from bench import arq_bursts, processor
from bench.measure import Quantiles, compare, quantiles, rotated
from bench.programs import Program, program, working
from bench.report import Result, Scalar
from bench.run_settings import Bench
from domain.crm.message_group import MessageGroup
from integrations.timers import Timers
from persistence.crm.message_groups import GROUPS_DUE
from persistence.database import Database
from persistence.due import Alarm
from tests.bursts import add_groups
from tests.factories import Shop, open_shop

WITH, DOWN, ARQ = "ventros work", "ventros work, Redis down", "arq, deferred jobs"
RATE = 200
_WAIT_SECONDS = 120.0
_REFUSING = "redis://127.0.0.1:9/0"


async def run(bench: Bench) -> Result:
    """Measure."""
    steady, at_once = bench.size(1_000, small=40), bench.size(10_000, small=200)
    kinds = {f"{RATE}/s": steady, f"{at_once:,} at once": at_once}
    samples: dict[str, list[float]] = {f"{kind}, {name}": [] for kind in kinds for name in (WITH, DOWN, ARQ)}
    lateness: dict[str, list[float]] = {name: [] for name in samples}
    missing = dict.fromkeys(samples, 0)
    doubled = 0
    foreign_cores = []
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        admin = await asyncpg.connect(bench.servers.database_url)
        stack.push_async_callback(admin.close)
        shop = await open_shop(database)
        for _, name in rotated((WITH, DOWN, ARQ), bench.rounds):
            turn = _Turn(bench, database, admin, shop)
            foreign = processor.Foreign()
            async with turn.running(name) as worker:
                # The first group warms up.
                await turn.measure(name, 1, stagger=timedelta())
                pids = [*bench.servers.pids, worker.pid]
                foreign.begin(pids)
                for kind, count in kinds.items():
                    is_steady = kind.endswith("/s")
                    stagger = timedelta(seconds=1 / RATE) if is_steady else timedelta()
                    took = await turn.measure(name, count, stagger=stagger)
                    found = quantiles(took)
                    # What is steady is judged by its 99th percentile; of many at once, when the last was closed.
                    samples[f"{kind}, {name}"].append(found.p99_ms if is_steady else found.max_ms)
                    lateness[f"{kind}, {name}"] += took
                    missing[f"{kind}, {name}"] += count - len(took)
                foreign_cores.append(foreign.end(pids))
            doubled += await turn.doubled()
            await turn.clear()
    lost = sum(count for name, count in missing.items() if not name.endswith(ARQ))
    return Result(
        name="debounce",
        unit="ms late: 99th percentile when steady, the last one when all at once",
        rounds=bench.rounds,
        round_seconds=steady / RATE,
        samples=samples,
        ratios=[
            compare(f"{kind}: {ARQ} / {name}", samples, of=f"{kind}, {ARQ}", over=f"{kind}, {name}")
            for kind in kinds
            for name in (WITH, DOWN)
        ],
        facts={name: _facts(quantiles(values), missing[name]) for name, values in lateness.items()}
        | {"all by ventros work": {"lost": lost, "doubled": doubled}},
        notes=[
            "One process each. arq runs with its defaults: ten jobs at a time, a look every half second.",
            "What ventros work closes it also works on meanwhile; the jobs of arq only close.",
        ],
        foreign_cores=foreign_cores,
    )


class _Turn:
    """One variant in one round, on an empty table."""

    def __init__(
        self, bench: Bench, database: Database, admin: "asyncpg.Connection[asyncpg.Record]", shop: Shop
    ) -> None:
        self._bench, self._database, self._admin, self._shop = bench, database, admin, shop
        self._redis_url = bench.servers.redis_url

    def running(self, name: str) -> AbstractAsyncContextManager[Program]:
        """Run what closes the groups."""
        servers = self._bench.servers
        if name == ARQ:
            return program(servers, "arq_bursts", servers.database_url, servers.redis_url)
        return working(servers, **({"REDIS_URL": _REFUSING} if name == DOWN else {}))

    async def measure(self, name: str, count: int, *, stagger: timedelta) -> list[float]:
        """Let groups end, and return in seconds how late each was closed."""
        # The groups are all filed before the first of them ends.
        window = timedelta(seconds=0.3 + count / 1_000)
        return await self._closed(await self._add(name, count, window=window, stagger=stagger))

    async def doubled(self) -> int:
        """Return how often a group was closed again."""
        found: int = await self._admin.fetchval(
            """
            SELECT coalesce(sum(n - 1), 0)::integer FROM (
              SELECT count(*) AS n FROM (
                SELECT aggregate_id FROM outbox WHERE event_type = 'message_group.processing'
                UNION ALL SELECT aggregate_id FROM event_log WHERE event_type = 'message_group.processing') e
              GROUP BY aggregate_id) c
            """
        )
        return found

    async def clear(self) -> None:
        """Forget everything but the shop."""
        await self._admin.execute("TRUNCATE outbox, event_log")
        await self._admin.execute("DELETE FROM messages; DELETE FROM message_groups")
        await self._admin.execute("DELETE FROM chats")
        await self._admin.execute("VACUUM ANALYZE message_groups, chats")
        async with Redis.from_url(self._redis_url) as redis:
            await redis.delete("due:{message_groups}", arq_bursts.QUEUE)

    async def _add(
        self, name: str, count: int, *, window: timedelta, stagger: timedelta
    ) -> list[MessageGroup]:
        groups = await add_groups(self._database, self._shop, count, window=window, stagger=stagger)
        if name == ARQ:
            await arq_bursts.defer(self._redis_url, groups)
        elif name == WITH:
            timers = Timers(self._redis_url)
            await timers.set(
                [Alarm(GROUPS_DUE.name, one.tenant_id, one.id, one.expires_at) for one in groups]
            )
            await timers.close()
        return groups

    async def _closed(self, groups: list[MessageGroup]) -> list[float]:
        ids = [group.id for group in groups]
        latest = max(group.expires_at for group in groups) - self._database.clock.now()
        await asyncio.sleep(max(latest.total_seconds(), 0))
        deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            open_ = await self._admin.fetchval("SELECT count(*) FROM message_groups WHERE status = 'PENDING'")
            if not open_:
                break
            await asyncio.sleep(0.2)
        rows = await self._admin.fetch(
            """
            SELECT extract(epoch FROM flushed_at - expires_at)::float8 FROM message_groups
            WHERE id = ANY($1::uuid[]) AND flushed_at IS NOT NULL
            """,
            ids,
        )
        return [row[0] for row in rows]


def _facts(found: Quantiles, missing: int) -> dict[str, Scalar]:
    return {
        "groups": found.count,
        "not_in_time": missing,
        "p50_ms": found.p50_ms,
        "p99_ms": found.p99_ms,
        "max_ms": found.max_ms,
    }
