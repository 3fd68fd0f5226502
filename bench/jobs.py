"""From leaving a job to its start, and how fast a queue is emptied: our worker beside arq's own."""

import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from arq.connections import ArqRedis

from bench import processor
from bench.job_worker import FAST
from bench.measure import compare, quantiles, rotated
from bench.programs import ROOT
from bench.report import Result, Scalar
from bench.run_settings import Bench
from domain.clock import SystemClock
from domain.operations.queue import JobOrder
from integrations.job_queue import RedisJobQueue, queue_key
from jobs.fast_worker import arq_redis

RATE = 50
_QUEUE = "fast"
_WAIT_SECONDS = 60.0


@dataclass(kw_only=True)
class _Variant:
    """A kind of worker, how many processes of it there are, and what they did."""

    name: str
    kind: str
    processes: int
    latencies: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    drained: list[float] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0


async def run(bench: Bench) -> Result:
    """Measure."""
    waiting = bench.size(2_000, small=100)
    fast, fast_two = (_Variant(name=f"FastWorker x{n}", kind=FAST, processes=n) for n in (1, 2))
    default, default_two = (_Variant(name=f"arq 500 ms x{n}", kind="0.5", processes=n) for n in (1, 2))
    quick, quick_two = (_Variant(name=f"arq 10 ms x{n}", kind="0.01", processes=n) for n in (1, 2))
    variants = [fast, default, quick, fast_two, default_two, quick_two]
    foreign_cores = []
    async with AsyncExitStack() as stack:
        queue = await stack.enter_async_context(RedisJobQueue(bench.servers.redis_url, clock=SystemClock()))
        redis = arq_redis(bench.servers.redis_url)
        stack.push_async_callback(redis.aclose, close_connection_pool=True)
        producer = _Producer(queue=queue, redis=redis)
        for number, variant in rotated(variants, bench.rounds + 1):
            await redis.delete(queue_key(_QUEUE))
            async with _working(bench.servers.redis_url, variant) as workers:
                foreign = processor.Foreign()
                pids = [*bench.servers.pids, *(one.pid for one in workers)]
                foreign.begin(pids)
                jobs = max(int(RATE * bench.seconds), 5)
                await producer.leave_steadily(variant, jobs)
                steady = await _told(workers)
                seconds = await producer.drain(waiting)
                drained = await _told(workers)
                others = foreign.end(pids)
            for ran, wanted in ((steady, jobs), (drained, waiting)):
                times = Counter(number for number, _ in ran)
                variant.lost += wanted - len(times)
                variant.doubled += times.total() - len(times)
            if number:
                variant.latencies += [latency for _, latency in steady]
                variant.medians.append(statistics.median(latency for _, latency in steady))
                variant.drained.append(waiting / seconds)
                foreign_cores.append(others)
    samples = {one.name: one.drained for one in variants}
    samples |= {_swiftness(one): [1 / median for median in one.medians] for one in variants}
    pairs = [("arq 10 ms", fast, quick), ("arq 500 ms", fast, default)]
    pairs += [("arq 10 ms", fast_two, quick_two), ("arq 500 ms", fast_two, default_two)]
    ratios = [
        compare(f"drain, {mine.name} / {name}", samples, of=mine.name, over=other.name, target=1.5)
        for name, mine, other in pairs
    ]
    ratios += [
        compare(
            f"1/p50 to start, {mine.name} / {name}",
            samples,
            of=_swiftness(mine),
            over=_swiftness(other),
            target=2.0,
        )
        for name, mine, other in pairs
    ]
    return Result(
        name="jobs",
        unit="jobs/s drained",
        rounds=bench.rounds,
        round_seconds=bench.seconds,
        samples=samples,
        ratios=ratios,
        facts={one.name: _facts(one, waiting) for one in variants},
        notes=[
            f"{RATE} jobs/s for the latencies, from before the job is left until its function begins; then "
            f"{waiting:,} at once. Jobs that do nothing, 100 places per process, msgpack everywhere.",
            "x2 are two processes on one queue. Nothing is written to the history here.",
        ],
        foreign_cores=foreign_cores,
    )


def _swiftness(variant: _Variant) -> str:
    return f"{variant.name}, 1/p50"


def _facts(variant: _Variant, waiting: int) -> dict[str, Scalar]:
    found = quantiles(variant.latencies)
    return {
        "jobs": found.count,
        "p50_ms": found.p50_ms,
        "p99_ms": found.p99_ms,
        "max_ms": found.max_ms,
        "drained_per_second": statistics.median(variant.drained),
        "drained": waiting,
        "lost": variant.lost,
        "doubled": variant.doubled,
    }


@dataclass(kw_only=True)
class _Producer:
    queue: RedisJobQueue
    redis: ArqRedis

    async def leave_steadily(self, variant: _Variant, jobs: int) -> None:
        """Leave jobs one by one, each variant in its own way, and wait until all ran."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(jobs):
                # Beside the beat, so that no poll falls in step.
                await asyncio.sleep(max(began + number * 1.013 / RATE - time.monotonic(), 0))
                group.create_task(self._leave(variant, number))
        await self._emptied()

    async def drain(self, jobs: int) -> float:
        """Leave all jobs at once; return the seconds until the last was done."""
        now = time.monotonic()
        orders = [
            JobOrder(name="note", args=[number, now], id=f"drain:{number}", queue=_QUEUE)  # type: ignore[list-item] # A time.
            for number in range(jobs)
        ]
        began = time.monotonic()
        if await self.queue.enqueue_many(orders) != jobs:
            raise RuntimeError("Redis did not take the jobs.")
        await self._emptied()
        return time.monotonic() - began

    async def _leave(self, variant: _Variant, number: int) -> None:
        if variant.kind == FAST:
            at: Sequence[object] = [number, time.monotonic()]
            await self.queue.enqueue("note", at, id=f"steady:{number}", queue=_QUEUE)  # type: ignore[arg-type] # As above.
        else:
            await self.redis.enqueue_job(
                "note", number, time.monotonic(), _job_id=f"steady:{number}", _queue_name=queue_key(_QUEUE)
            )

    async def _emptied(self) -> None:
        async with asyncio.timeout(_WAIT_SECONDS):
            while await self.redis.zcard(queue_key(_QUEUE)):  # noqa: ASYNC110 In another process.
                await asyncio.sleep(0.005)


@asynccontextmanager
async def _working(redis_url: str, variant: _Variant) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.job_worker", redis_url, queue_key(_QUEUE), variant.kind),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        for _ in range(variant.processes)
    ]
    try:
        for worker in workers:
            await _line(worker)
        yield workers
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


async def _told(workers: Sequence[asyncio.subprocess.Process]) -> list[tuple[int, float]]:
    ran: list[tuple[int, float]] = []
    for worker in workers:
        if worker.stdin is not None:
            worker.stdin.write(b"\n")
        ran += [(number, latency) for number, latency in json.loads(await _line(worker))]
    return ran


async def _line(worker: asyncio.subprocess.Process) -> bytes:
    if worker.stdout is None:
        raise RuntimeError("The worker has no output.")
    async with asyncio.timeout(_WAIT_SECONDS):
        if line := await worker.stdout.readline():
            return line
    raise RuntimeError("The worker ended before it was told to.")
