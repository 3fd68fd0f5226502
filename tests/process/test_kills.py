"""Real processes, killed: what was accepted is filed once, whatever happens."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from integrations.waha import signature
from jobs import housekeeping
from persistence.database import Database
from tests.conversation import conversation, picture
from tests.factories import HMAC_KEY, SECRET_KEY, Shop, open_shop, receive, work_off

ROOT = Path(__file__).parents[2]
SENDERS, KILLS = 8, 5


@pytest.fixture
def environment(postgres_url: str, redis_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "VENTROS_ENV": "dev",
        "VENTROS_SECRET_KEY": SECRET_KEY,
        "VENTROS_LOG_LEVEL": "warning",
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
    }


def start(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "ventros", *arguments], env=dict(environment), cwd=ROOT)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@asynccontextmanager
async def api(environment: Mapping[str, str]) -> AsyncIterator[str]:
    from wasim.server import bind

    with bind("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    process = start(environment, "serve", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient(trust_env=False) as client:
            for _ in range(300):
                try:
                    if (await client.get(f"{url}/readyz")).status_code == 200:
                        break
                except httpx2.TransportError:
                    assert process.poll() is None, "The API ended before it was ready."
                await asyncio.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        finally:
            kill(process)


async def deliver(url: str, shop: Shop, bodies: Sequence[bytes]) -> None:
    """Post webhooks as WAHA does: again until the answer is 2xx."""
    path = f"{url}/webhooks/waha/{shop.webhook_token}"
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        for body in bodies:
            headers = {"x-webhook-hmac": signature.sign(body, HMAC_KEY)}
            while not (await client.post(path, content=body, headers=headers)).is_success:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def settled(database: Database) -> None:
    for _ in range(600):
        if await database.system.fetchval("SELECT count(*) FROM inbox_events") == 0:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("The inbox is not empty after a minute.")


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
    await housekeeping.end_overdue_sessions(database)

    assert await database.system.fetchval("SELECT count(*) FROM inbox_dead") == 0
    assert await picture(database, messy) == await picture(database, clean)
