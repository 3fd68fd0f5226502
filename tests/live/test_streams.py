"""Subscriptions as server-sent events: the stream's shape, resuming by Last-Event-ID, and its end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from persistence.database import Database
from persistence.events import Cause
from tests.factories import Shop, open_shop
from tests.live.events import Spawn, until
from tests.live.servers import SHORT, Server, arrive, serving
from tests.waha import Script

RECEIVED = "subscription ($after: EventCursor) { messageReceived(after: $after) { cursor message { text } } }"


@pytest.fixture
async def server(database: Database, redis_url: str, spawn: Spawn) -> AsyncIterator[Server]:
    async with serving(database, redis_url, spawn, patience=SHORT) as running:
        yield running


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


@asynccontextmanager
async def stream(
    server: Server, shop: Shop, query: str, *, variables: dict[str, object] | None = None, **headers: str
) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[dict[str, str]]]]:
    given = {"authorization": f"Bearer {shop.api_key}", "accept": "text/event-stream"}
    async with (
        httpx2.AsyncClient(base_url=f"http://{server.address}", timeout=15) as client,
        client.stream(
            "POST",
            "/graphql",
            json={"query": query, "variables": variables},
            headers=given | {name.replace("_", "-"): value for name, value in headers.items()},
        ) as response,
    ):
        yield response, frames(response)


async def frames(response: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """Yield each event of the stream; a comment is an event of its own."""
    frame: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line:
            yield frame
            frame = {}
        else:
            name, _, value = line.partition(":")
            frame[name or "comment"] = value.removeprefix(" ")


async def result(events: AsyncIterator[dict[str, str]]) -> tuple[str, Any]:
    """Return id and data of the next result."""
    async for frame in events:
        if frame.get("event") == "next":
            return frame.get("id", ""), json.loads(frame["data"])
    raise AssertionError("The stream is over.")


async def test_a_stream_brings_results_and_signs_of_life_until_it_is_left(server: Server, shop: Shop) -> None:
    async with stream(server, shop, RECEIVED) as (response, events):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert await anext(events) == {"comment": "ping"}
        await arrive(server.database, shop, Script().message("A1", text="Bom dia"))

        id_, data = await result(events)

        received = data["data"]["messageReceived"]
        assert (id_, received["message"]) == (received["cursor"], {"text": "Bom dia"})
        assert server.hub.followers == 1

    async def left() -> bool:
        return server.hub.followers == 0

    await until(left)


async def test_last_event_id_resumes_right_behind_that_event(server: Server, shop: Shop) -> None:
    script = Script()
    async with stream(server, shop, RECEIVED) as (_, events):
        assert await anext(events) == {"comment": "ping"}
        await arrive(server.database, shop, script.message("A1", text="one"))
        id_, _ = await result(events)
    await arrive(server.database, shop, script.message("A2", text="two", at=1))
    await arrive(server.database, shop, script.message("A3", text="three", at=2))

    async with stream(server, shop, RECEIVED, last_event_id=id_) as (_, events):
        texts = [(await result(events))[1]["data"]["messageReceived"]["message"]["text"] for _ in range(2)]

    assert texts == ["two", "three"]


async def test_a_query_and_a_refused_document_are_streams_that_complete(server: Server, shop: Shop) -> None:
    for query, code in (("{ viewer { name } }", None), ("{", "GRAPHQL_PARSE_FAILED")):
        async with stream(server, shop, query) as (response, events):
            assert response.status_code == 200
            _, data = await result(events)
            assert await anext(events) == {"event": "complete", "data": ""}
            assert data.get("errors", [{"extensions": {"code": None}}])[0]["extensions"]["code"] == code


async def test_a_stream_without_a_credential_is_no_stream(server: Server, shop: Shop) -> None:
    async with stream(server, shop, RECEIVED, authorization="Bearer wrong") as (response, _):
        assert response.status_code == 401
        assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_client_that_takes_json_too_gets_a_stream_for_subscriptions_only(
    server: Server, shop: Shop
) -> None:
    accept = "application/graphql-response+json, application/json, text/event-stream"
    async with stream(server, shop, RECEIVED, accept=accept) as (response, _):
        assert response.headers["content-type"].startswith("text/event-stream")
    async with stream(server, shop, "{ viewer { name } }", accept=accept) as (response, _):
        assert response.headers["content-type"].startswith("application/graphql-response+json")


async def test_a_revoked_key_ends_the_stream(
    server: Server, shop: Shop, database: Database, cause: Cause
) -> None:
    async with stream(server, shop, RECEIVED) as (_, events):
        assert await anext(events) == {"comment": "ping"}
        async with database.writing(shop.tenant_id, cause) as uow:
            (await uow.api_keys.get_for_update(shop.viewer.id)).revoke(at=uow.now)

        _, data = await result(events)

        assert data["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert await anext(events) == {"event": "complete", "data": ""}


async def test_a_draining_server_completes_its_streams(server: Server, shop: Shop) -> None:
    async with stream(server, shop, RECEIVED) as (_, events):
        assert await anext(events) == {"comment": "ping"}

        server.endpoints.drain()

        async with asyncio.timeout(5):
            assert [frame async for frame in events if "event" in frame] == [
                {"event": "complete", "data": ""}
            ]
