"""A real worker runs the jobs that its chores leave, over Redis and without it, and says so in the history."""

import asyncio

import pytest
from redis.asyncio import Redis

from domain.operations.queue import QUEUES
from integrations.job_queue import queue_key
from persistence.database import Database
from tests.factories import open_shop, receive
from tests.live.events import until
from tests.process.programs import environment_for, kill, start
from tests.waha import Script

RUNS = "SELECT name, queue, status, attempts FROM job_runs"


@pytest.fixture(params=["redis", "without redis"])
def environment(request: pytest.FixtureRequest, postgres_url: str, redis_url: str) -> dict[str, str]:
    async def clean() -> None:
        async with Redis.from_url(redis_url) as client:
            await client.delete(*(queue_key(name) for name in QUEUES))

    asyncio.run(clean())
    return environment_for(postgres_url, redis_url if request.param == "redis" else "")


async def test_the_job_of_a_due_row_is_run_and_told(database: Database, environment: dict[str, str]) -> None:
    shop = await open_shop(database)
    await receive(database, shop, [Script().message("AAA1", group="120363999999999999@g.us")])
    worker = start(environment, "work", "--queues", "default")
    try:

        async def is_told() -> bool:
            rows = [tuple(row) for row in await database.system.fetch(RUNS)]
            return ("group.name", "default", "SUCCEEDED", 1) in rows

        await until(is_told, seconds=40)
    finally:
        worker.terminate()
        code = await asyncio.to_thread(worker.wait, 20)
        kill(worker)

    assert code == 0


async def test_a_worker_leaves_the_queues_of_others_alone(
    database: Database, environment: dict[str, str]
) -> None:
    shop = await open_shop(database)
    await receive(database, shop, [Script().message("AAA1", group="120363999999999999@g.us")])
    first = start(environment, "work", "--queues", "media")
    try:

        async def is_filed() -> bool:
            return await database.system.fetchval("SELECT count(*) FROM inbox_events") == 0

        await until(is_filed, seconds=40)
        # Two turns of the chore that leaves the job.
        await asyncio.sleep(2.5)
        assert await database.system.fetch(RUNS) == []
    finally:
        first.terminate()
        await asyncio.to_thread(first.wait, 20)
        kill(first)
