"""Real workers, killed in the middle of bursts while Redis forgets and stops: each burst is worked on once."""

import asyncio
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from redis.asyncio import Redis

from domain.crm.grouping import GroupingRules
from persistence.database import Database
from tests.bursts import CAUSE
from tests.factories import Shop, open_shop, receive
from tests.live.events import until
from tests.process.programs import environment_for, kill, start
from tests.waha import Person, Script
from ventros.embedded.valkey import EmbeddedValkey

PEOPLE, ROUNDS, KILLS = 25, 8, 5


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Redis of this test's own, to be stopped at will."""
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as server:
        yield server


@pytest.mark.timeout(180)
async def test_every_burst_is_completed_once_though_workers_and_redis_die(
    database: Database, postgres_url: str, valkey: EmbeddedValkey
) -> None:
    dice = random.Random(5)
    shop = await open_shop(database)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        channel = await uow.channels.get_for_update(shop.channel_id)
        rules = GroupingRules(max_messages=4, max_duration_ms=2_000)
        channel.configure(at=uow.now, debounce_timeout_ms=400, grouping=rules)
    environment = environment_for(postgres_url, valkey.url())
    workers = [start(environment, "work") for _ in range(2)]
    try:
        writing = asyncio.create_task(_write(database, shop, dice))
        for number in range(KILLS):
            await asyncio.sleep(dice.uniform(0.5, 1.0))
            if number == 1:
                async with Redis.from_url(valkey.url()) as redis:
                    await redis.flushall()
            if number == 2:
                valkey.stop()
            if number == 4:
                valkey.start()
            victim = number % 2
            kill(workers[victim])
            workers[victim] = start(environment, "work")
        await writing
        await until(lambda: _is_quiet(database), seconds=60)
    finally:
        _end(workers)

    async with database.tenant_transaction(shop.tenant_id) as connection:
        groups = await connection.fetch(
            "SELECT id, status, chat_id, message_ids, flushed_at, settled_at FROM message_groups ORDER BY chat_id, opened_at, id"
        )
        strays = await connection.fetchval(
            """
            SELECT count(*) FROM messages m WHERE (
              SELECT array_agg(g.id) FROM message_groups g WHERE g.message_ids @> jsonb_build_array(m.id::text)
            ) IS DISTINCT FROM ARRAY[m.group_id]
            """
        )
        messages = await connection.fetchval("SELECT count(*) FROM messages")
        completed = Counter(
            row["aggregate_id"]
            for row in await connection.fetch(
                "SELECT aggregate_id FROM event_log WHERE event_type = 'message_group.completed'"
            )
        )
    assert messages == PEOPLE * ROUNDS
    assert strays == 0
    assert {group["status"] for group in groups} == {"COMPLETED"}
    assert completed == {group["id"]: 1 for group in groups}
    for earlier, later in pairwise(groups):
        if earlier["chat_id"] == later["chat_id"]:
            assert earlier["settled_at"] <= later["flushed_at"]


async def _write(database: Database, shop: Shop, dice: random.Random) -> None:
    """Let everybody write in bursts, for some seconds."""
    people = [
        Person(phone=f"5511988880{number:03}", lid=f"50000000000{number:04}", name=f"Pessoa {number}")
        for number in range(PEOPLE)
    ]
    script = Script()
    for turn in range(ROUNDS):
        dice.shuffle(people)
        for start_at in range(0, PEOPLE, 5):
            some = people[start_at : start_at + 5]
            await receive(
                database,
                shop,
                [script.message(f"{one.phone}-{turn}", text=str(turn), by=one, at=turn) for one in some],
            )
            await asyncio.sleep(dice.uniform(0.02, 0.12))


async def _is_quiet(database: Database) -> bool:
    """Whether nothing waits anywhere, not even events to be moved."""
    waiting: int = await database.system.fetchval(
        "SELECT (SELECT count(*) FROM inbox_events) + (SELECT count(*) FROM message_groups WHERE due_at IS NOT NULL)"
        " + (SELECT count(*) FROM outbox)"
    )
    return waiting == 0


def _end(workers: list["subprocess.Popen[bytes]"]) -> None:
    for worker in workers:
        kill(worker)
