"""What tests of the event log need: events to write, a Redis to stop, and tasks that end with the test."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence.database import Database
from tests.live.events import Outbox, Spawn
from ventros.embedded.valkey import EmbeddedValkey


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Redis of this test's own, to be stopped and started at will."""
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as valkey:
        yield valkey


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    """Runs coroutines beside the test and cancels them after it."""
    tasks: list[asyncio.Task[object]] = []

    def start(work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def outbox(postgres_url: str, database: Database) -> AsyncIterator[Outbox]:
    """Writes events the way transactions do, without the aggregates behind them."""
    pool = await asyncpg.create_pool(postgres_url, min_size=1, max_size=8)
    try:
        yield Outbox(pool)
    finally:
        await pool.close()
