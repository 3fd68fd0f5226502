"""The fast worker against a real Redis: arq's own producers and workers, crashes, outages and aborts."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss, in_progress_key_prefix, job_key_prefix
from arq.jobs import Job, JobStatus, ResultNotFound
from arq.worker import JobExecutionFailed, Retry, Worker, func

from domain.clock import SystemClock
from domain.operations.queue import JobOrder
from integrations.job_codec import decode, encode
from integrations.job_queue import RedisJobQueue
from integrations.redis_feed import listening
from jobs.cancelling import end
from jobs.fast_worker import FastWorker, arq_redis
from tests.live.events import until
from ventros.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).parents[2]
QUEUE = "ventros:fast"
CLOCK = SystemClock()
TENANT = "0190a0a0-0000-7000-8000-000000000001"

Body = Callable[..., Awaitable[object]]
Start = Callable[..., FastWorker]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as server:
        yield server


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[ArqRedis]:
    """A stock arq client; jobs are written as ours."""
    client = arq_redis(valkey.url())
    client.default_queue_name = QUEUE
    yield client
    await client.aclose(close_connection_pool=True)


@pytest.fixture
async def queue(valkey: EmbeddedValkey) -> AsyncIterator[RedisJobQueue]:
    async with RedisJobQueue(valkey.url(), clock=CLOCK) as opened:
        yield opened


@pytest.fixture
async def start(valkey: EmbeddedValkey) -> AsyncIterator[Start]:
    """Starts workers that end with the test."""
    running: list[tuple[FastWorker, asyncio.Task[None]]] = []

    def begin(body: Body, **options: Any) -> FastWorker:
        worker = FastWorker(
            [func(body, name="job")],
            redis=arq_redis(valkey.url()),
            queue_name=QUEUE,
            **{"grace_seconds": 0.2, "poll_delay": 0.05} | options,
        )
        running.append((worker, asyncio.create_task(worker.async_run())))
        return worker

    yield begin
    for worker, task in running:
        await end([task])
        await worker.close()


class Bodies:
    """Counts the runs of jobs by their first argument, and holds them while told to."""

    def __init__(self) -> None:
        self.runs: Counter[object] = Counter()
        self.ended: Counter[object] = Counter()
        self.free = asyncio.Event()
        self.free.set()

    async def count(self, ctx: dict[Any, Any], what: object = None, *_: object, **__: object) -> object:
        self.runs[what] += 1
        await self.free.wait()
        self.ended[what] += 1
        return what

    def all_ended(self, number: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return self.ended.total() >= number

        return check

    def all_begun(self, number: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return self.runs.total() >= number

        return check


@pytest.fixture
def bodies() -> Bodies:
    return Bodies()


async def emptied(redis: ArqRedis) -> None:
    async def check() -> bool:
        return await redis.zcard(QUEUE) == 0

    await until(check)


async def test_a_job_of_a_stock_producer_is_run_and_its_result_read(
    redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    start(bodies.count, keep_result=60)

    job = await redis.enqueue_job("job", "it")

    assert job is not None
    assert await job.result(timeout=10, poll_delay=0.02) == "it"
    assert await job.status() is JobStatus.complete
    info = await job.result_info()
    assert info is not None
    assert (info.function, list(info.args), info.success, info.job_try) == ("job", ["it"], True, 1)


async def test_a_stock_worker_runs_what_our_queue_places(
    valkey: EmbeddedValkey, queue: RedisJobQueue, redis: ArqRedis, bodies: Bodies
) -> None:
    placed = await queue.enqueue("job", [TENANT, "cht_1"], id="one", queue="fast")

    worker = Worker(
        [func(bodies.count, name="job")],
        queue_name=QUEUE,
        redis_pool=redis,
        burst=True,
        poll_delay=0.01,
        handle_signals=False,
        job_serializer=encode,
        job_deserializer=decode,
        keep_result=0,
    )
    await worker.async_run()

    assert placed == 1
    assert bodies.runs == {TENANT: 1}


async def test_fast_and_stock_workers_share_a_queue_and_run_each_job_once(
    redis: ArqRedis, valkey: EmbeddedValkey, start: Start, bodies: Bodies
) -> None:
    start(bodies.count, max_jobs=5)
    start(bodies.count, max_jobs=5)
    stock = Worker(
        [func(bodies.count, name="job")],
        queue_name=QUEUE,
        redis_pool=arq_redis(valkey.url()),
        poll_delay=0.01,
        max_jobs=5,
        handle_signals=False,
        job_serializer=encode,
        job_deserializer=decode,
        keep_result=0,
    )
    stocked = asyncio.create_task(stock.async_run())
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(300):
                group.create_task(redis.enqueue_job("job", number))
        await until(bodies.all_ended(300))
        await emptied(redis)
    finally:
        await end([stocked])
        await stock.pool.aclose(close_connection_pool=True)

    assert bodies.runs == dict.fromkeys(range(300), 1)


async def test_two_workers_never_run_one_job_twice(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    first, second = start(bodies.count, max_jobs=20), start(bodies.count, max_jobs=20)

    orders = [JobOrder(name="job", args=[str(n)], id=f"j{n}", queue="fast") for n in range(2_000)]
    assert await queue.enqueue_many(orders) == 2_000
    await until(bodies.all_ended(2_000))
    await emptied(redis)

    assert bodies.runs == {str(number): 1 for number in range(2_000)}
    assert first.jobs_complete + second.jobs_complete == 2_000


async def test_a_worker_runs_no_more_than_it_has_places_for_and_passes_over_what_runs_elsewhere(
    queue: RedisJobQueue, start: Start, bodies: Bodies
) -> None:
    bodies.free.clear()
    start(bodies.count, max_jobs=150)
    orders = [JobOrder(name="job", args=[f"a{n}"], id=f"a{n}", queue="fast") for n in range(150)]
    await queue.enqueue_many(orders)
    await until(bodies.all_begun(150))

    other = Bodies()
    start(other.count, max_jobs=1)
    late = [JobOrder(name="job", args=[f"b{n}"], id=f"b{n}", queue="fast") for n in range(3)]
    await queue.enqueue_many(late)
    await until(other.all_ended(3))

    assert other.runs.keys() == {"b0", "b1", "b2"}
    assert bodies.runs.total() == 150
    bodies.free.set()


async def test_a_wake_is_enough_without_any_poll(
    valkey: EmbeddedValkey, queue: RedisJobQueue, start: Start, bodies: Bodies
) -> None:
    async with listening(valkey.url(), [QUEUE]) as wakes:
        start(bodies.count, poll_delay=3600, wakes=wakes)
        # The worker's first look and the first subscription have passed once this one is done.
        await asyncio.sleep(0.3)
        await queue.enqueue("job", ["woken"], id="woken", queue="fast")
        await until(bodies.all_ended(1))

    assert bodies.runs == {"woken": 1}


async def test_a_deferred_job_starts_by_its_score_not_by_the_poll(
    queue: RedisJobQueue, start: Start, valkey: EmbeddedValkey, bodies: Bodies
) -> None:
    async with listening(valkey.url(), [QUEUE]) as wakes:
        start(bodies.count, poll_delay=3600, wakes=wakes)
        at = CLOCK.now() + timedelta(seconds=0.6)
        await queue.enqueue("job", ["later"], id="later", queue="fast", at=at)
        await until(bodies.all_ended(1))

    assert CLOCK.now() >= at


async def test_a_job_that_waits_is_not_doubled_but_brought_forward(
    queue: RedisJobQueue, redis: ArqRedis
) -> None:
    soon, later = (CLOCK.now() + timedelta(hours=hours) for hours in (1, 5))
    await queue.enqueue("job", ["x"], id="one", queue="fast", at=later)

    assert await queue.enqueue("job", ["x"], id="one", queue="fast", at=soon) == 1
    assert await queue.enqueue("job", ["x"], id="one", queue="fast", at=later) == 1

    assert await redis.zscore(QUEUE, "one") == int(soon.timestamp() * 1000)
    assert await redis.zcard(QUEUE) == 1


async def test_the_pause_before_a_repetition_is_not_cut_short(redis: ArqRedis, queue: RedisJobQueue) -> None:
    later = CLOCK.now() + timedelta(hours=1)
    await queue.enqueue("x", [TENANT], id="one", queue="fast", at=later)
    await redis.set("arq:retry:one", 1)

    again = await queue.enqueue("x", [TENANT], id="one", queue="fast")

    assert again == 1
    assert await redis.zscore("ventros:fast", "one") == int(later.timestamp() * 1000)
    await redis.delete("arq:retry:one")


async def test_a_deferred_job_outlives_a_day_of_waiting(queue: RedisJobQueue, redis: ArqRedis) -> None:
    at = CLOCK.now() + timedelta(days=40)
    await queue.enqueue("job", ["x"], id="one", queue="fast", at=at)

    left = timedelta(milliseconds=await redis.pttl(job_key_prefix + "one"))

    assert left > timedelta(days=46)


async def test_a_job_whose_body_expired_leaves_the_queue(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    await queue.enqueue("job", ["x"], id="one", queue="fast")
    await redis.delete(job_key_prefix + "one")

    worker = start(bodies.count)
    await emptied(redis)

    assert (bodies.runs.total(), worker.jobs_failed) == (0, 1)
    assert await queue.enqueue("job", ["x"], id="one", queue="fast") == 1
    await until(bodies.all_ended(1))


async def test_an_id_can_be_used_again_once_its_job_is_done(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    start(bodies.count)

    for number in range(1, 4):
        assert await queue.enqueue("job", ["x"], id="one", queue="fast") == 1
        await until(bodies.all_ended(number))
        await emptied(redis)

    assert bodies.runs == {"x": 3}
    assert await redis.keys("arq:*") == []


async def test_what_asks_for_a_retry_runs_again_until_its_tries_are_used(
    redis: ArqRedis, start: Start
) -> None:
    tries: list[int] = []

    async def stubborn(ctx: dict[Any, Any]) -> None:
        tries.append(ctx["job_try"])
        raise Retry(defer=0.01)

    start(stubborn, max_tries=3, keep_result=60)
    job = await redis.enqueue_job("job")

    assert job is not None
    with pytest.raises(JobExecutionFailed, match="max 3 retries exceeded"):
        await job.result(timeout=10, poll_delay=0.02)
    assert tries == [1, 2, 3]


async def test_an_error_of_a_library_is_kept_as_its_class_alone(redis: ArqRedis, start: Start) -> None:
    async def quotes(_ctx: dict[Any, Any]) -> None:
        raise ValueError("what a customer wrote")

    start(quotes, keep_result=60)
    job = await redis.enqueue_job("job")

    assert job is not None
    with pytest.raises(JobExecutionFailed, match=r"^ValueError$"):
        await job.result(timeout=10, poll_delay=0.02)
    body = await redis.get("arq:result:" + job.job_id)
    assert b"customer" not in body


async def test_nothing_pickled_is_ever_loaded(redis: ArqRedis, start: Start, bodies: Bodies) -> None:
    worker = start(bodies.count)
    await redis.set(job_key_prefix + "bad", b"cos\nsystem\n(S'true'\ntR.")
    await redis.zadd(QUEUE, {"bad": 1})

    await emptied(redis)

    assert (bodies.runs.total(), worker.jobs_failed) == (0, 1)


async def test_a_running_job_is_aborted_by_stock_arq(redis: ArqRedis, start: Start, bodies: Bodies) -> None:
    bodies.free.clear()
    start(bodies.count, keep_result=60)
    job = await redis.enqueue_job("job", "it")
    await until(bodies.all_begun(1))

    assert job is not None
    assert await job.abort(timeout=10, poll_delay=0.02) is True

    assert (bodies.runs.total(), bodies.ended.total()) == (1, 0)
    assert await redis.zcard(QUEUE) == 0
    assert await redis.zcard(abort_jobs_ss) == 0


async def test_a_deferred_job_is_aborted_by_stock_arq(redis: ArqRedis, start: Start, bodies: Bodies) -> None:
    start(bodies.count, keep_result=60)
    job = await redis.enqueue_job("job", "it", _defer_by=3600)

    assert job is not None
    assert await job.abort(timeout=10, poll_delay=0.02) is True
    assert bodies.runs.total() == 0


async def test_cancelling_takes_a_waiting_job_out_and_stops_a_running_one(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    await queue.enqueue("job", ["waits"], id="waits", queue="fast")
    assert await queue.cancel("waits") is True
    assert await queue.cancel("waits") is False

    bodies.free.clear()
    start(bodies.count)
    await queue.enqueue("job", ["runs"], id="runs", queue="fast")
    await until(bodies.all_begun(1))
    assert await queue.cancel("runs") is True
    await emptied(redis)

    assert (dict(bodies.runs), bodies.ended.total()) == ({"runs": 1}, 0)
    assert await redis.keys("arq:*") == []


async def test_a_wish_to_abort_that_nobody_heard_does_not_fall_upon_the_next_job_of_that_id(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    await redis.zadd(abort_jobs_ss, {"one": int(CLOCK.now().timestamp() * 1000)})

    await queue.enqueue("job", ["x"], id="one", queue="fast")
    start(bodies.count)
    await until(bodies.all_ended(1))

    assert bodies.runs == {"x": 1}


async def test_the_job_of_a_killed_worker_runs_again(
    valkey: EmbeddedValkey, queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "tests/jobs/worker_process.py", valkey.url(), "1"),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await queue.enqueue("job", ["it"], id="one", queue="fast")
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"begun\n"
    process.kill()
    await process.wait()
    assert await redis.exists(in_progress_key_prefix + "one") == 1

    start(bodies.count)
    await until(bodies.all_ended(1))
    await emptied(redis)

    assert bodies.runs == {"it": 1}


async def test_a_job_that_outlasts_its_lease_stays_with_its_worker(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    bodies.free.clear()
    start(bodies.count, lease_seconds=0.4)
    await queue.enqueue("job", ["long"], id="one", queue="fast")
    await until(bodies.all_begun(1))

    other = Bodies()
    start(other.count, lease_seconds=0.4)
    await asyncio.sleep(1.5)
    bodies.free.set()
    await emptied(redis)

    assert (dict(bodies.runs), other.runs.total()) == ({"long": 1}, 0)


async def test_a_worker_told_to_stop_waits_for_what_runs_and_claims_nothing_more(
    valkey: EmbeddedValkey, queue: RedisJobQueue, redis: ArqRedis, bodies: Bodies
) -> None:
    bodies.free.clear()
    worker = FastWorker(
        [func(bodies.count, name="job")],
        redis=arq_redis(valkey.url()),
        queue_name=QUEUE,
        poll_delay=0.02,
        grace_seconds=10,
    )
    task = asyncio.create_task(worker.async_run())
    await queue.enqueue("job", ["first"], id="first", queue="fast")
    await until(bodies.all_begun(1))

    task.cancel()
    await asyncio.sleep(0)
    await queue.enqueue("job", ["second"], id="second", queue="fast")
    bodies.free.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.close()

    assert bodies.ended == {"first": 1}
    assert await redis.zrange(QUEUE, 0, -1) == [b"second"]


async def test_what_does_not_end_in_time_is_handed_back_at_once(
    queue: RedisJobQueue, redis: ArqRedis, valkey: EmbeddedValkey, start: Start, bodies: Bodies
) -> None:
    bodies.free.clear()
    worker = FastWorker(
        [func(bodies.count, name="job")],
        redis=arq_redis(valkey.url()),
        queue_name=QUEUE,
        poll_delay=0.02,
        grace_seconds=0.1,
    )
    task = asyncio.create_task(worker.async_run())
    await queue.enqueue("job", ["it"], id="one", queue="fast")
    await until(bodies.all_begun(1))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await worker.close()

    assert await redis.exists(in_progress_key_prefix + "one") == 0
    other = Bodies()
    start(other.count)
    await until(other.all_ended(1))


async def test_after_flushall_a_running_job_ends_and_new_ones_run(
    queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    bodies.free.clear()
    start(bodies.count)
    await queue.enqueue("job", ["before"], id="one", queue="fast")
    await until(bodies.all_begun(1))

    await redis.flushall()
    # A sweeper finds its row and places it again, while it still runs here.
    assert await queue.enqueue("job", ["before"], id="one", queue="fast") == 1
    await queue.enqueue("job", ["after"], id="two", queue="fast")
    await until(bodies.all_begun(2))
    bodies.free.set()
    await emptied(redis)

    assert bodies.runs == {"before": 1, "after": 1}


async def test_workers_and_queue_come_back_after_redis_was_away(
    valkey: EmbeddedValkey, queue: RedisJobQueue, redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    bodies.free.clear()
    async with listening(valkey.url(), [QUEUE]) as wakes:
        worker = start(bodies.count, wakes=wakes)
        await queue.enqueue("job", ["before"], id="before", queue="fast")
        await until(bodies.all_begun(1))

        valkey.stop()
        assert await queue.enqueue("job", ["lost"], id="lost", queue="fast") == 0
        assert await queue.cancel("before") is False
        assert await queue.waiting() is None
        bodies.free.set()
        await until(bodies.all_ended(1))
        valkey.start()

        async def placed() -> bool:
            return await queue.enqueue("job", ["after"], id="after", queue="fast") == 1

        await until(placed)
        await until(bodies.all_ended(2))
        await emptied(redis)

    assert bodies.runs == {"before": 1, "after": 1}
    assert worker.jobs_complete == 2


async def test_what_waits_is_counted_by_tenant_without_what_runs(
    queue: RedisJobQueue, start: Start, bodies: Bodies
) -> None:
    bodies.free.clear()
    start(bodies.count, max_jobs=1)
    ours, theirs = f"job:{TENANT}", "job:0190a0a0-0000-7000-8000-000000000002"
    await queue.enqueue("job", [TENANT], id=f"{ours}:running", queue="fast")
    await until(bodies.all_begun(1))
    await queue.enqueue("job", [TENANT], id=f"{ours}:1", queue="fast")
    await queue.enqueue("job", [TENANT], id=f"{ours}:2", queue="fast")
    await queue.enqueue("job", [TENANT], id=f"{theirs}:1", queue="fast")
    later = CLOCK.now() + timedelta(hours=1)
    await queue.enqueue("job", [TENANT], id=f"{ours}:later", queue="fast", at=later)

    everybody = await queue.waiting()
    mine = await queue.waiting(TENANT)  # type: ignore[arg-type] # The text of the id.

    assert everybody is not None
    assert mine is not None
    assert (everybody["fast"].count, mine["fast"].count, mine["bulk"].count) == (3, 2, 0)
    assert mine["fast"].oldest_at is not None
    bodies.free.set()


async def test_an_unknown_queue_is_refused_by_name(queue: RedisJobQueue) -> None:
    with pytest.raises(ValueError, match="There is no queue 'slow'; there are fast, default"):
        await queue.enqueue("job", [TENANT], id="one", queue="slow")


async def test_a_stock_job_without_a_result_is_not_waited_for(
    redis: ArqRedis, start: Start, bodies: Bodies
) -> None:
    start(bodies.count)
    await redis.enqueue_job("job", "it", _job_id="one")
    await until(bodies.all_ended(1))
    await emptied(redis)

    job = Job("one", redis, _queue_name=QUEUE, _deserializer=decode)
    with pytest.raises(ResultNotFound):
        await job.result(timeout=1)
    assert await job.status() is JobStatus.not_found
