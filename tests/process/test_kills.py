"""Real processes, killed: what was accepted is filed once, whatever happens."""

import asyncio
import random
from pathlib import Path

import pytest

from persistence.database import Database
from tests.conversation import conversation, picture
from tests.factories import end_overdue_sessions, open_shop, receive, work_off
from tests.process.programs import api, deliver, environment_for, kill, settled, start

ROOT = Path(__file__).parents[2]
SENDERS, KILLS = 8, 5


@pytest.fixture
def environment(postgres_url: str, redis_url: str) -> dict[str, str]:
    return environment_for(postgres_url, redis_url)


@pytest.mark.timeout(300)
async def test_shuffled_tripled_events_survive_killed_workers(
    database: Database, environment: dict[str, str]
) -> None:
    events = conversation(messages=420)
    assert len(events) >= 1000
    clean, messy = await open_shop(database), await open_shop(database)
    await receive(database, clean, events)
    await work_off(database)

    dice = random.Random(1)
    deliveries = events * 3
    dice.shuffle(deliveries)
    worker = start(environment, "work")
    try:
        async with api(environment) as url:
            senders = [
                asyncio.create_task(deliver(url, messy, deliveries[number::SENDERS]))
                for number in range(SENDERS)
            ]
            for _ in range(KILLS):
                await asyncio.sleep(dice.uniform(0.6, 1.8))
                kill(worker)
                worker = start(environment, "work")
            await asyncio.gather(*senders)
            await settled(database)
    finally:
        kill(worker)
    await end_overdue_sessions(database)

    assert await database.system.fetchval("SELECT count(*) FROM inbox_dead") == 0
    assert await picture(database, messy) == await picture(database, clean)
