"""PostgreSQL and Redis go away and come back: what was accepted is filed, what was not is said so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from domain.clock import SystemClock
from integrations.waha import signature
from persistence.database import Database
from tests.factories import HMAC_KEY, Shop, open_shop
from tests.process.programs import api, deliver, environment_for, kill, settled, start
from tests.waha import Script
from ventros import migrate
from ventros.embedded.postgres import EmbeddedPostgres
from ventros.embedded.valkey import EmbeddedValkey


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, to be stopped at will."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


@pytest.mark.timeout(180)
async def test_nothing_accepted_is_lost_when_the_database_stops(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey
) -> None:
    url = postgres.url("postgres")
    await asyncio.to_thread(migrate.upgrade, url)
    async with Database(url, clock=SystemClock()) as database:
        shop = await open_shop(database)
    script = Script()
    bodies = [script.message(f"AAA{number}", at=number) for number in range(60)]
    environment = environment_for(url, valkey.url())
    worker = start(environment, "work")
    try:
        async with api(environment) as address:
            await deliver(address, shop, bodies[:20])

            postgres.stop()
            refused = await _post(address, shop, bodies[20])
            # Readiness is remembered for a second.
            await asyncio.sleep(1.2)
            ready = await _get(address, "/readyz")
            alive = await _get(address, "/livez")
            postgres.start()

            await deliver(address, shop, bodies[20:40])
            valkey.stop()
            await deliver(address, shop, bodies[40:])
            async with Database(url, clock=SystemClock()) as database:
                await settled(database)
                filed = await _filed(database, shop)
    finally:
        kill(worker)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert ready.status_code == 503
    assert ready.json()["parts"]["postgresql"].startswith("unreachable")
    assert alive.status_code == 200
    assert filed == [f"AAA{number}" for number in range(60)]


async def _post(address: str, shop: Shop, body: bytes) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        headers = {"x-webhook-hmac": signature.sign(body, HMAC_KEY)}
        return await client.post(
            f"{address}/webhooks/waha/{shop.webhook_token}", content=body, headers=headers
        )


async def _get(address: str, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.get(address + path)


async def _filed(database: Database, shop: Shop) -> list[str]:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        rows: list[asyncpg.Record] = await connection.fetch(
            "SELECT external_id FROM messages ORDER BY sent_at"
        )
    return [row["external_id"] for row in rows]
