"""The product's own programs as processes, and a sender that repeats like WAHA."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from integrations.waha import signature
from persistence.database import Database
from tests.factories import HMAC_KEY, SECRET_KEY, Shop
from wasim.server import bind

ROOT = Path(__file__).parents[2]


def environment_for(postgres_url: str, redis_url: str) -> dict[str, str]:
    """What a program is started with."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "VENTROS_ENV": "dev",
        "VENTROS_SECRET_KEY": SECRET_KEY,
        "VENTROS_LOG_LEVEL": "error",
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
