"""WAHA's webhooks over HTTP: what is answered, and that an answered webhook is stored."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from domain.ids import ChannelId, TenantId, new_id
from integrations.waha import signature
from persistence.database import Database
from persistence.messaging.intake import ReceivedWebhook
from tests.factories import CLOCK, HMAC_KEY, VAULT, Shop, open_shop, work_off
from tests.waha import Script
from ventros.intake import Intake, IntakeUnavailable
from ventros.webhooks import WebhookEndpoint

LIMIT = 8 * 1024 * 1024
SAMPLES = Path(__file__).parents[3] / "shared" / "waha" / "samples"


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    async with Intake(database, queue_limit=100) as intake:
        endpoint = WebhookEndpoint(database, intake, vault=VAULT, body_limit=LIMIT)
        app = Starlette(routes=[endpoint.route()])
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
            yield opened


def signed(body: bytes, key: str = HMAC_KEY) -> dict[str, str]:
    return {"x-webhook-hmac": signature.sign(body, key), "content-type": "application/json"}


async def waiting(database: Database) -> int:
    count: int = await database.system.fetchval("SELECT count(*) FROM inbox_events")
    return count


async def test_a_signed_webhook_is_stored_before_it_is_answered(
    client: httpx2.AsyncClient, database: Database, shop: Shop
) -> None:
    body = Script().message("AAA1")

    answer = await client.post(f"/webhooks/waha/{shop.webhook_token}", content=body, headers=signed(body))

    assert (answer.status_code, answer.content) == (202, b"")
    assert await database.system.fetchval("SELECT body FROM inbox_events") == body


@pytest.mark.parametrize(
    ("token", "key", "header"),
    [
        ("the shop's", "another key", None),
        ("the shop's", HMAC_KEY, ""),
        ("the shop's", HMAC_KEY, "0" * 128),
        ("the shop's", HMAC_KEY, "é"),
        ("unknown", HMAC_KEY, None),
    ],
)
async def test_without_a_valid_signature_nothing_is_stored(
    client: httpx2.AsyncClient, database: Database, shop: Shop, token: str, key: str, header: str | None
) -> None:
    body = Script().message("AAA1")
    path = shop.webhook_token if token == "the shop's" else token
    headers = {
        "x-webhook-hmac": (header if header is not None else signature.sign(body, key)).encode("latin-1")
    }

    answer = await client.post(f"/webhooks/waha/{path}", content=body, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"
    assert await waiting(database) == 0


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"event": 7}', b"[" * 100_000],
)
async def test_a_body_that_is_no_webhook_is_refused(
    client: httpx2.AsyncClient, database: Database, shop: Shop, body: bytes
) -> None:
    answer = await client.post(f"/webhooks/waha/{shop.webhook_token}", content=body, headers=signed(body))

    assert answer.status_code == 400
    assert await waiting(database) == 0


async def test_a_webhook_of_another_waha_session_is_refused(
    client: httpx2.AsyncClient, database: Database, shop: Shop
) -> None:
    body = Script(session="somebody-else").message("AAA1")

    answer = await client.post(f"/webhooks/waha/{shop.webhook_token}", content=body, headers=signed(body))

    assert answer.status_code == 400
    assert "crm-demo" in answer.json()["error"]["message"]
    assert await waiting(database) == 0


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused(
    client: httpx2.AsyncClient, database: Database, shop: Shop, declared: bool
) -> None:
    body = b"x" * (10 * 1024 * 1024)

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1024 * 1024):
            yield body[start : start + 1024 * 1024]

    answer = await client.post(
        f"/webhooks/waha/{shop.webhook_token}",
        content=body if declared else in_pieces(),
        headers=signed(body),
    )

    assert answer.status_code == 413
    assert await waiting(database) == 0


async def test_many_at_once_are_all_stored_once(
    client: httpx2.AsyncClient, database: Database, shop: Shop
) -> None:
    script = Script()
    bodies = [script.message(f"AAA{number}") for number in range(50)]

    answers = await asyncio.gather(
        *(
            client.post(f"/webhooks/waha/{shop.webhook_token}", content=body, headers=signed(body))
            for body in bodies * 2
        )
    )

    assert {answer.status_code for answer in answers} == {202}
    assert await waiting(database) == 50


async def test_a_full_queue_asks_to_come_back(database: Database, shop: Shop) -> None:
    async with Intake(database, queue_limit=1) as intake:
        endpoint = WebhookEndpoint(database, intake, vault=VAULT, body_limit=LIMIT)
        transport = httpx2.ASGITransport(app=Starlette(routes=[endpoint.route()]))
        script = Script()
        async with (
            httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
            database.system.acquire() as connection,
            connection.transaction(),
        ):
            # Both writers wait for this lock, one webhook waits in the queue, and the next is too many.
            await connection.execute("LOCK TABLE inbox_events IN SHARE MODE")
            path = f"/webhooks/waha/{shop.webhook_token}"
            held = []
            for number in range(3):
                body = script.message(f"AAA{number}")
                held.append(asyncio.create_task(client.post(path, content=body, headers=signed(body))))
                await asyncio.sleep(0.1)
            body = script.message("BBB1")
            refused = await client.post(path, content=body, headers=signed(body))
        stored = await asyncio.gather(*held)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert [answer.status_code for answer in stored] == [202, 202, 202]
    assert await waiting(database) == 3


async def test_a_database_that_is_away_asks_to_come_back(postgres_url: str) -> None:
    async with Database(postgres_url, clock=CLOCK) as gone, Intake(gone, queue_limit=10) as intake:
        await gone.system.close()
        with pytest.raises(IntakeUnavailable):
            await intake.store(_a_webhook())


def _a_webhook() -> ReceivedWebhook:

    now = CLOCK.now()
    return ReceivedWebhook(
        tenant_id=TenantId(new_id()),
        channel_id=ChannelId(new_id()),
        event_key="k",
        kind="message",
        lane=1,
        occurred_at=now,
        received_at=now,
        body=b"{}",
    )


async def test_every_recorded_webhook_is_accepted_and_settled(
    client: httpx2.AsyncClient, database: Database, shop: Shop
) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("The recorded webhooks are not beside this checkout.")
    bodies = [
        json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")).encode()
        for path in sorted(SAMPLES.glob("*.json"))
    ]

    answers = [
        await client.post(f"/webhooks/waha/{shop.webhook_token}", content=body, headers=signed(body))
        for body in bodies
    ]
    settled = await work_off(database)

    assert {answer.status_code for answer in answers} == {202}
    assert settled == len(bodies) == 140
    async with database.tenant_transaction(shop.tenant_id) as connection:
        outcomes = dict(
            await connection.fetch("SELECT outcome, count(*) FROM inbox_archive GROUP BY 1 ORDER BY 1")
        )
        dead = await connection.fetchval("SELECT count(*) FROM inbox_dead")
    assert dead == 0
    assert sum(outcomes.values()) == 140
    assert set(outcomes) == {"FILED", "IGNORED", "REPEATED", "WAITING"}
