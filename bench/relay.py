"""From the commit of an event to its publication on Redis, at steady rates and when many wait."""

import asyncio
import json
import statistics
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from bench import processor
from bench.feed import hearing
from bench.measure import compare, quantiles, rotated
from bench.programs import working
from bench.report import Result, Scalar
from bench.run_settings import Bench
from domain.ids import new_id
from integrations.event_feed import event_channel
from integrations.redis_feed import Wakes
from tests.factories import Shop, open_shop

RATES = (100, 500, 1000)
DRAIN, BARE = "ventros work", "bare publisher"
_WRITERS = 16
_WAIT_SECONDS = 30.0

_COLUMNS = """
    (event_id, tenant_id, project_id, aggregate_type, aggregate_id, aggregate_version, event_type,
     schema_version, payload, headers)
"""
_ONE = f"""
    INSERT INTO outbox {_COLUMNS}
    VALUES ($1, $2, $3, 'message', $1, 1, 'message.received', 1, jsonb_build_object('number', $4::bigint), '{{}}')
"""
_MANY = f"""
    INSERT INTO %s {_COLUMNS}
    SELECT gen_random_uuid(), $1, $2, 'message', gen_random_uuid(), 1, 'message.received', 1,
      jsonb_build_object('number', n, 'chat_id', gen_random_uuid(), 'text', repeat('x', 100)), '{{}}'
    FROM generate_series(1, $3::int) n
"""


async def run(bench: Bench) -> Result:
    """Measure."""
    rates = [bench.size(rate, small=rate // 5) for rate in RATES]
    waiting = bench.size(20_000, small=500)
    heard = _Heard()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        shop = await open_shop(database)
        url = bench.servers.database_url
        pool = await stack.enter_async_context(
            asyncpg.create_pool(url, min_size=_WRITERS, max_size=_WRITERS, max_inactive_connection_lifetime=0)
        )
        await pool.execute("CREATE TABLE bench_outbox (LIKE outbox INCLUDING ALL)")
        channel = event_channel(shop.tenant_id)
        wakes = await stack.enter_async_context(Wakes(bench.servers.redis_url))
        worker = await stack.enter_async_context(working(bench.servers))
        bare = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.bare_relay", url, bench.servers.redis_url, channel),
            stdin=asyncio.subprocess.PIPE,
        )
        stack.push_async_callback(_end, bare)
        writer = _Writer(pool=pool, wakes=wakes, shop=shop, heard=heard)
        await _quiet(pool)
        await stack.enter_async_context(hearing(bench.servers.redis_url, channel, heard))
        pids = [*bench.servers.pids, worker.pid, bare.pid]
        latencies: dict[int, list[float]] = {rate: [] for rate in rates}
        achieved: dict[int, list[float]] = {rate: [] for rate in rates}
        drained: dict[str, list[float]] = {DRAIN: [], BARE: []}
        foreign_cores = []
        variants: list[int | str] = [*rates, DRAIN, BARE]
        for number, variant in rotated(variants, bench.rounds + 1):
            foreign = processor.Foreign()
            foreign.begin(pids)
            if isinstance(variant, int):
                took, per_second = await writer.write_steadily(variant, seconds=bench.seconds)
                if number:
                    latencies[variant] += took
                    achieved[variant].append(per_second)
            else:
                seconds = await writer.write_many(
                    "outbox" if variant == DRAIN else "bench_outbox",
                    waiting,
                    publisher=bare if variant == BARE else None,
                )
                if number:
                    drained[variant].append(waiting / seconds)
            others = foreign.end(pids)
            if number:
                foreign_cores.append(others)
            await pool.execute("VACUUM outbox, bench_outbox")
    facts: dict[str, dict[str, Scalar]] = {}
    for rate in rates:
        found = quantiles(latencies[rate])
        facts[f"{rate}/s"] = {
            "events": found.count,
            "achieved_per_second": statistics.median(achieved[rate]),
            "p50_ms": found.p50_ms,
            "p99_ms": found.p99_ms,
            "max_ms": found.max_ms,
        }
    for name, values in drained.items():
        facts[f"drain, {name}"] = {"events_per_second": statistics.median(values), "events": waiting}
    facts["all rates and drains"] = {"lost": heard.lost, "doubled": heard.doubled}
    return Result(
        name="relay",
        unit="events/s drained",
        rounds=bench.rounds,
        round_seconds=bench.seconds,
        samples=drained,
        ratios=[compare("drain / bare publisher", drained, of=DRAIN, over=BARE)],
        facts=facts,
        notes=[
            "One event per transaction; the clock runs from the sending of COMMIT to the arrival of the "
            "published event.",
        ],
        foreign_cores=foreign_cores,
    )


@dataclass(kw_only=True)
class _Heard:
    """What was published since `expect`, and what was lost or doubled in all."""

    at: dict[int, float] = field(default_factory=dict)
    count: int = 0
    wanted: int = 0
    last_at: float = 0.0
    lost: int = 0
    doubled: int = 0
    keeps_numbers: bool = False
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, body: bytes, at: float) -> None:
        self.count += 1
        self.last_at = at
        if self.keeps_numbers:
            self.at.setdefault(json.loads(body)["payload"]["number"], at)
        if self.count >= self.wanted:
            self.enough.set()

    def expect(self, count: int, *, numbers: str = "ignored") -> None:
        """Begin anew and wait for so many; with `numbers` kept, note when each came."""
        self.at, self.count, self.wanted = {}, 0, count
        self.keeps_numbers = numbers == "kept"
        self.enough.clear()

    async def all(self) -> None:
        """Wait for them, and a moment longer for one too many; add up what was lost or came twice."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_SECONDS):
                await self.enough.wait()
        last_at = self.last_at
        await asyncio.sleep(0.05)
        distinct = len(self.at) if self.keeps_numbers else min(self.count, self.wanted)
        self.lost += self.wanted - distinct
        self.doubled += self.count - distinct
        self.last_at = last_at


@dataclass(kw_only=True)
class _Writer:
    pool: "asyncpg.Pool[asyncpg.Record]"
    wakes: Wakes
    shop: Shop
    heard: _Heard

    async def write_steadily(self, rate: int, *, seconds: float) -> tuple[list[float], float]:
        """Commit events one by one at a rate; return the latencies and how many a second it really was."""
        many = max(int(rate * seconds), 1)
        self.heard.expect(many, numbers="kept")
        committed: dict[int, float] = {}
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(many):
                await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
                group.create_task(self._write(number, committed))
        elapsed = time.monotonic() - began
        await self.heard.all()
        took = [self.heard.at[number] - at for number, at in committed.items() if number in self.heard.at]
        return took, many / elapsed

    async def write_many(
        self, table: str, many: int, *, publisher: asyncio.subprocess.Process | None = None
    ) -> float:
        """Commit events all at once; return the seconds until the last was published."""
        self.heard.expect(many)
        project: UUID = self.shop.project_id
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(_MANY % table, self.shop.tenant_id, project, many)
            began = time.monotonic()
            await transaction.commit()
        if publisher is None:
            await self.wakes.wake("outbox")
        elif publisher.stdin is not None:
            publisher.stdin.write(b"go\n")
        await self.heard.all()
        return self.heard.last_at - began

    async def _write(self, number: int, committed: dict[int, float]) -> None:
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(_ONE, new_id(), self.shop.tenant_id, self.shop.project_id, number)
            committed[number] = time.monotonic()
            await transaction.commit()
        await self.wakes.wake("outbox")


async def _quiet(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """Wait until the worker has published what making the shop recorded."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while await pool.fetchval("SELECT EXISTS (SELECT FROM outbox)"):  # noqa: ASYNC110 In another process.
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
