"""What becomes of jobs: retried, given up, timed out, kept in the history, and run without Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest
from arq.connections import ArqRedis

from domain.clock import SystemClock
from domain.errors import Conflict, Invalid
from domain.ids import JobRunId, TenantId, new_id
from domain.operations.job_run import JobStatus
from domain.operations.queue import QUEUES, JobOrder, job_key
from integrations.errors import Rejected, Unavailable
from integrations.job_queue import RedisJobQueue, queue_key
from jobs import job_queues
from jobs.cancelling import end
from jobs.fast_worker import arq_redis
from jobs.job_history import JobHistory, keeping
from jobs.job_runner import Attempt, JobFailed, JobRunner
from jobs.local_queue import FallbackQueue, LocalQueue
from jobs.registry import GiveUp, JobContext, Registry, RunAgain, job
from persistence.database import Database
from persistence.events import Cause
from persistence.operations import job_runs
from services.operations import job_runs as service
from tests.factories import CLOCK, Shop, open_shop
from tests.live.events import until

Run = Callable[..., Awaitable[object]]
ROWS = "SELECT name, status, attempts, error_class, error_message FROM job_runs ORDER BY name, id"


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[ArqRedis]:
    client = arq_redis(redis_url)
    await client.delete(*(queue_key(name) for name in QUEUES))
    yield client
    await client.delete(*(queue_key(name) for name in QUEUES))
    await client.aclose(close_connection_pool=True)


async def rows(database: Database) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await database.system.fetch(ROWS)]


async def attempted(
    database: Database, run: Run, *, tenant_id: UUID, number: int = 1, tries: int = 2, seconds: float = 5.0
) -> Exception | None:
    """Run one attempt and write its report; return what it raised."""
    history = JobHistory(database)
    runner = JobRunner(history, clock=CLOCK, queue=LocalQueue(Registry([]), history, clock=CLOCK))
    now = CLOCK.now()
    attempt = Attempt(key="k", args=[str(tenant_id)], number=number, enqueued_at=now, due_at=now)
    raised: Exception | None = None
    try:
        await runner.run(
            job("x", run, tries=tries, timeout_seconds=seconds), attempt, is_aborted=lambda: False
        )
    except (RunAgain, JobFailed) as error:
        raised = error
    await history.write()
    return raised


def raising(error: Exception) -> Run:
    async def run(_context: JobContext) -> None:
        raise error

    return run


async def hanging(_context: JobContext) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("error", "kind", "message", "again"),
    [
        (ValueError("what a customer wrote"), "ValueError", None, True),
        (Conflict("somebody else"), "Conflict", None, True),
        (RunAgain("Not yet.", after=7), "RunAgain", "Not yet.", True),
        (Unavailable("chat 55119", code="503"), "Unavailable", "The other service said 503.", True),
        (Rejected("chat 55119", code="404"), "Rejected", "The other service said 404.", False),
        (GiveUp("There is no such file."), "GiveUp", "There is no such file.", False),
        (Invalid("'Maria' is no number"), "Invalid", None, False),
    ],
)
async def test_an_error_is_kept_without_data_and_repeated_where_that_may_help(
    database: Database, shop: Shop, error: Exception, kind: str, message: str | None, again: bool
) -> None:
    raised = await attempted(database, raising(error), tenant_id=shop.tenant_id)

    assert isinstance(raised, RunAgain if again else JobFailed)
    assert await rows(database) == [("x", "RETRYING" if again else "FAILED", 1, kind, message)]


async def test_a_service_says_when_to_come_again(database: Database, shop: Shop) -> None:
    wait = await attempted(
        database, raising(Unavailable("busy", code="429", retry_after=17.0)), tenant_id=shop.tenant_id
    )
    wish = await attempted(database, raising(RunAgain("Not yet.", after=7)), tenant_id=shop.tenant_id)

    assert isinstance(wait, RunAgain)
    assert isinstance(wish, RunAgain)
    assert (wait.after, wish.after) == (17.0, 7)


async def test_the_last_try_fails_for_good(database: Database, shop: Shop) -> None:
    raised = await attempted(database, raising(ValueError("x")), tenant_id=shop.tenant_id, number=2)

    assert isinstance(raised, JobFailed)
    assert str(raised) == "ValueError"
    assert await rows(database) == [("x", "FAILED", 2, "ValueError", None)]


async def test_what_takes_too_long_is_stopped_and_repeated(database: Database, shop: Shop) -> None:
    raised = await attempted(database, hanging, tenant_id=shop.tenant_id, seconds=0.01)

    assert isinstance(raised, RunAgain)
    assert await rows(database) == [("x", "RETRYING", 1, "TimeoutError", "It took longer than it may.")]


async def test_what_kills_its_workers_is_not_run_for_ever(database: Database, shop: Shop) -> None:
    raised = await attempted(database, hanging, tenant_id=shop.tenant_id, number=7, tries=2)

    assert isinstance(raised, JobFailed)
    assert await rows(database) == [
        ("x", "FAILED", 7, "WorkersDied", "Its worker ended each time it was run.")
    ]


@asynccontextmanager
async def serving(
    database: Database, redis_url: str, *jobs: tuple[str, Run], share: float = 1.0
) -> AsyncIterator[RedisJobQueue]:
    """Workers of every queue with those jobs, and the queue to leave some."""
    registry = Registry([job(name, run, tries=3) for name, run in jobs])
    async with (
        keeping(JobHistory(database, share=share)) as history,
        RedisJobQueue(redis_url, clock=CLOCK) as queue,
    ):
        runner = JobRunner(history, clock=CLOCK, queue=queue)
        task = asyncio.create_task(job_queues.run_queues(redis_url, registry, runner))
        yield queue
        await end([task])


async def test_all_attempts_of_a_job_are_one_row(
    database: Database, shop: Shop, redis: ArqRedis, redis_url: str
) -> None:
    attempts: list[int] = []

    async def second_time_lucky(context: JobContext) -> None:
        attempts.append(context.attempt)
        if context.attempt == 1:
            raise RunAgain("Not yet.", after=0.01)

    async with serving(database, redis_url, ("x", second_time_lucky)) as queue:
        await queue.enqueue("x", [str(shop.tenant_id)], id=job_key("x", shop.tenant_id), queue="default")
        # arq's own producers know nothing of runs.
        await redis.enqueue_job("x", str(shop.tenant_id), _job_id="stock", _queue_name="ventros:default")

        async def done() -> bool:
            return attempts.count(2) == 2

        await until(done)

    assert await rows(database) == [("x", "SUCCEEDED", 2, None, None)] * 2


async def test_many_jobs_are_written_in_few_statements(
    database: Database, shop: Shop, redis: ArqRedis, redis_url: str, postgres_url: str
) -> None:
    async def quick(_context: JobContext, _number: int) -> None:
        return None

    orders = [
        JobOrder(name="x", args=[str(shop.tenant_id), n], id=job_key("x", shop.tenant_id, n), queue="default")
        for n in range(400)
    ]
    async with serving(database, redis_url, ("x", quick)) as queue:
        assert await queue.enqueue_many(orders) == 400

        async def emptied() -> bool:
            return await redis.zcard("ventros:default") == 0

        await until(emptied)

    # Rows of one statement carry the number of its transaction.
    connection = await asyncpg.connect(postgres_url)
    transactions = await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM job_runs")
    await connection.close()
    assert len(await rows(database)) == 400
    assert transactions <= 40


async def test_a_share_of_the_successes_is_kept_and_every_failure(
    database: Database, shop: Shop, redis: ArqRedis, redis_url: str
) -> None:
    async def fine(_context: JobContext) -> None:
        return None

    async with serving(
        database, redis_url, ("fine", fine), ("bad", raising(GiveUp("No."))), share=0.0
    ) as queue:
        for name in ("fine", "bad"):
            await queue.enqueue(name, [str(shop.tenant_id)], id=name, queue="default")

        async def emptied() -> bool:
            return await redis.zcard("ventros:default") == 0

        await until(emptied)

    assert await rows(database) == [("bad", "FAILED", 1, "GiveUp", "No.")]


async def test_reports_wait_for_postgresql(postgres_url: str, database: Database, shop: Shop) -> None:
    away = Database(postgres_url, clock=SystemClock())
    history = JobHistory(away)
    runner = JobRunner(history, clock=CLOCK, queue=LocalQueue(Registry([]), history, clock=CLOCK))
    now = CLOCK.now()
    attempt = Attempt(key="k", args=[str(shop.tenant_id)], number=1, enqueued_at=now, due_at=now)
    with pytest.raises(JobFailed):
        await runner.run(job("x", raising(GiveUp("No."))), attempt, is_aborted=lambda: False)

    with pytest.raises(RuntimeError, match="not open"):
        await history.write()
    async with away:
        await history.write()

    assert await rows(database) == [("x", "FAILED", 1, "GiveUp", "No.")]


async def test_a_late_report_overwrites_nothing_newer(database: Database, shop: Shop) -> None:
    await attempted(database, raising(GiveUp("No.")), tenant_id=shop.tenant_id, number=2)
    stored = await database.system.fetchrow("SELECT * FROM job_runs")
    assert stored is not None
    newest = job_runs.JobReport(**{**stored, "status": JobStatus.FAILED, "arguments": ()})

    for late in (
        replace(newest, attempts=1, status=JobStatus.RETRYING),
        replace(newest, attempts=2, status=JobStatus.RUNNING, error_class=None),
    ):
        await job_runs.write(database.system, [late])

    assert await rows(database) == [("x", "FAILED", 2, "GiveUp", "No.")]


async def test_a_report_of_a_tenant_that_is_gone_or_that_fits_no_row_spoils_no_batch(
    database: Database, shop: Shop, somebody: UUID
) -> None:
    await attempted(database, raising(GiveUp("No.")), tenant_id=shop.tenant_id)
    row = await database.system.fetchrow("SELECT * FROM job_runs")
    assert row is not None
    known = job_runs.JobReport(**{**row, "id": new_id(), "status": JobStatus.FAILED, "arguments": ()})

    await job_runs.write(database.system, [replace(known, tenant_id=TenantId(somebody)), known])
    assert len(await rows(database)) == 2

    third = replace(known, id=JobRunId(new_id()))
    await job_runs.write(database.system, [replace(known, id=JobRunId(new_id()), key="\x00"), third])
    assert len(await rows(database)) == 3

    # A foreign producer's: msgpack knows more than JSON.
    unheard_of = replace(known, id=JobRunId(new_id()), arguments=(msgspec.msgpack.Ext(5, b"x"),))
    await job_runs.write(database.system, [unheard_of, replace(known, id=JobRunId(new_id()))])
    assert len(await rows(database)) == 4


async def test_what_nobody_speaks_of_any_more_is_given_up_and_old_runs_go(
    database: Database, shop: Shop, redis_url: str
) -> None:
    for number in range(9):
        await attempted(database, raising(GiveUp("No.")), tenant_id=shop.tenant_id, number=1)
        await database.system.execute(
            "UPDATE job_runs SET name = $1 WHERE name = 'x'",
            f"{number}",
        )
    for number, change in enumerate(
        (
            "status = 'RUNNING', finished_at = NULL, updated_at = now() - interval '31 minutes'",
            "status = 'RUNNING', finished_at = NULL, updated_at = now() - interval '20 minutes'",
            "status = 'SUCCEEDED', finished_at = now() - interval '8 days'",
            "status = 'SUCCEEDED', finished_at = now() - interval '6 days'",
            "finished_at = now() - interval '80 days'",
            "finished_at = now() - interval '91 days'",
            # Another service may ask for a pause of a day.
            "status = 'RETRYING', finished_at = NULL, updated_at = now() - interval '25 hours'",
            "status = 'RETRYING', finished_at = NULL, updated_at = now() - interval '49 hours'",
            # No worker knows such a job any more.
            "status = 'QUEUED', attempts = 0, finished_at = NULL, updated_at = now() - interval '49 hours'",
        )
    ):
        await database.system.execute(f"UPDATE job_runs SET {change} WHERE name = '{number}'")

    async with RedisJobQueue(redis_url, clock=CLOCK) as queue:
        await job_queues.sweep(database, queue)
    pruned = await job_queues.prune(database, keep=timedelta(days=7))

    assert pruned == 2
    assert [(name, status, error) for name, status, _, error, _ in await rows(database)] == [
        ("0", "FAILED", "Lost"),
        ("1", "RUNNING", "GiveUp"),
        ("3", "SUCCEEDED", "GiveUp"),
        ("4", "FAILED", "GiveUp"),
        ("6", "RETRYING", "GiveUp"),
        ("7", "FAILED", "Lost"),
        ("8", "FAILED", "Lost"),
    ]


@asynccontextmanager
async def local(database: Database, *jobs: tuple[str, Run]) -> AsyncIterator[LocalQueue]:
    registry = Registry([job(name, run, queue="bulk", tries=3) for name, run in jobs])
    async with keeping(JobHistory(database)) as history:
        queue = LocalQueue(registry, history, clock=CLOCK)
        task = asyncio.create_task(queue.run())
        yield queue
        await end([task])


async def test_without_redis_jobs_run_in_this_process_so_many_at_once(database: Database, shop: Shop) -> None:
    free, running, most, done = asyncio.Event(), 0, 0, 0

    async def busy(_context: JobContext, _number: int) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await free.wait()
        running -= 1
        done += 1

    async with local(database, ("x", busy)) as queue:
        for number in (*range(10), *range(10)):
            await queue.enqueue("x", [str(shop.tenant_id), number], id=f"{number}", queue="bulk")
        assert await queue.enqueue("unknown", [str(shop.tenant_id)], id="u", queue="bulk") == 0

        async def full() -> bool:
            return running == QUEUES["bulk"].concurrency

        await until(full)
        waiting = await queue.waiting(shop.tenant_id)
        assert waiting is not None
        assert waiting["bulk"].count == 6
        free.set()

        async def all_done() -> bool:
            return done == 10

        await until(all_done)

    assert most == QUEUES["bulk"].concurrency
    assert len(await rows(database)) == 10


async def test_without_redis_jobs_are_repeated_and_cancelled(database: Database, shop: Shop) -> None:
    begun = asyncio.Event()

    async def second_time_lucky(context: JobContext) -> None:
        if context.attempt == 1:
            raise RunAgain("Not yet.", after=0.01)

    async def endless(_context: JobContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with local(database, ("again", second_time_lucky), ("endless", endless)) as queue:
        await queue.enqueue("again", [str(shop.tenant_id)], id="again", queue="bulk")
        await queue.enqueue("endless", [str(shop.tenant_id)], id="endless", queue="bulk")
        later = CLOCK.now() + timedelta(hours=1)
        await queue.enqueue("endless", [str(shop.tenant_id)], id="later", queue="bulk", at=later)
        async with asyncio.timeout(10):
            await begun.wait()

        assert await queue.cancel("endless") is True
        assert await queue.cancel("later") is True
        assert await queue.cancel("nothing") is False

        async def settled() -> bool:
            return [row[:3] for row in await rows(database)] == [
                ("again", "SUCCEEDED", 2),
                ("endless", "CANCELLED", 1),
            ]

        await until(settled)


async def test_a_job_that_is_stopped_as_its_connection_breaks_counts_as_stopped(
    database: Database, shop: Shop
) -> None:
    begun = asyncio.Event()

    async def torn(_context: JobContext) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("The connection is lost.") from None

    async with local(database, ("torn", torn)) as queue:
        await queue.enqueue("torn", [str(shop.tenant_id)], id="torn", queue="bulk")
        async with asyncio.timeout(10):
            await begun.wait()
        await queue.cancel("torn")

        async def stopped() -> bool:
            return await queue.cancel("torn") is False

        await until(stopped)

    assert await rows(database) == [("torn", "CANCELLED", 1, None, None)]


async def test_a_sweeper_does_not_cut_the_pause_before_a_repetition_short(
    database: Database, shop: Shop
) -> None:
    attempts = 0

    async def busy(_context: JobContext) -> None:
        nonlocal attempts
        attempts += 1
        raise Unavailable("busy", code="429", retry_after=600.0)

    async def other(_context: JobContext) -> None:
        pass

    async with local(database, ("busy", busy), ("other", other)) as queue:
        for name in ("busy", "busy", "other"):
            await queue.enqueue(name, [str(shop.tenant_id)], id=name, queue="bulk")

            async def kept(known: str = name) -> bool:
                return known in [row[0] for row in await rows(database)]

            await until(kept)

    assert attempts == 1


async def test_a_sweeper_takes_out_what_was_cancelled_while_its_queue_was_away(
    database: Database, shop: Shop, cause: Cause
) -> None:
    async def not_yet(_context: JobContext) -> None:
        raise RunAgain("Not yet.", after=3600)

    async with local(database, ("x", not_yet)) as queue:
        await queue.enqueue("x", [str(shop.tenant_id)], id="one", queue="bulk")

        async def pauses() -> bool:
            return [row[1] for row in await rows(database)] == ["RETRYING"]

        await until(pauses)
        id_ = JobRunId(await database.system.fetchval("SELECT id FROM job_runs"))

        async with database.writing(shop.tenant_id, cause) as uow:
            await service.cancel(uow, shop.viewer, job_run_id=id_)
        await job_queues.sweep(database, queue)
        assert await queue.cancel("one") is False

        async with database.writing(shop.tenant_id, cause) as uow:
            again = await service.retry(uow, shop.viewer, job_run_id=id_)
        order = replace(service.order_of(again), at=CLOCK.now() + timedelta(hours=1))
        await queue.enqueue_many([order])
        await job_queues.sweep(database, queue)
        assert await queue.cancel("one") is True


async def test_while_redis_is_away_jobs_run_here(database: Database, shop: Shop) -> None:
    ran = asyncio.Event()

    async def run(_context: JobContext) -> None:
        ran.set()

    async with local(database, ("x", run)) as here:
        async with RedisJobQueue("redis://127.0.0.1:9/0", clock=CLOCK) as away:
            queue = FallbackQueue(away, here)
            placed = await queue.enqueue("x", [str(shop.tenant_id)], id="one", queue="bulk")
            async with asyncio.timeout(10):
                await ran.wait()

    assert placed == 1


async def test_what_runs_from_redis_is_not_run_here_as_well(
    database: Database, shop: Shop, redis: ArqRedis, redis_url: str
) -> None:
    ran: list[str] = []

    async def run(_context: JobContext, name: str) -> None:
        ran.append(name)

    def order(name: str) -> JobOrder:
        return JobOrder(name="x", args=[str(shop.tenant_id), name], id=name, queue="bulk")

    async with local(database, ("x", run)) as here, RedisJobQueue(redis_url, clock=CLOCK) as there:
        await there.enqueue_many([order("running")])
        await redis.set("arq:in-progress:running", "1")
        placed = await FallbackQueue(there, here).enqueue_many([order("running")])
        await here.enqueue_many([order("local")])

        async def done() -> bool:
            return "local" in ran

        await until(done)
    await redis.delete("arq:in-progress:running", "arq:job:running")

    assert placed == 0
    assert ran == ["local"]


def test_names_and_queues_of_jobs_are_checked_when_they_are_declared() -> None:
    with pytest.raises(ValueError, match="There are two jobs called x"):
        Registry([job("x", hanging), job("x", hanging)])
    with pytest.raises(ValueError, match="wants the queue 'slow'; there are fast, default, media, bulk"):
        job("x", hanging, queue="slow")
