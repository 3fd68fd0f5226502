"""The first minute: everything starts, somebody writes, it shows live, and an answer reaches them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import websockets

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running `./run`, as its demo.json tells of it."""
    data = tmp_path_factory.mktemp("a run with spaces")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VENTROS_") and name not in {"DATABASE_URL", "REDIS_URL"}
    }
    log = (data.parent / "run.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "ventros", "dev", "--port", "0", "--data", str(data)],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    told = data / "demo.json"
    try:
        for _ in range(900):
            if told.exists():
                break
            assert process.poll() is None, Path(log.name).read_text()
            asyncio.run(asyncio.sleep(0.1))
        yield json.loads(told.read_text()) | {"pid": str(process.pid), "data": str(data)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()
    assert process.returncode == 0
    assert _living_in(data) == []


def _living_in(data: Path) -> list[str]:
    """Processes that mention the data directory in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(data) in command:
            found.append(command)
    return found


@pytest.fixture
async def client(demo: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {demo['apiKey']}"}
    async with httpx2.AsyncClient(base_url=demo["url"], headers=headers, trust_env=False) as opened:
        yield opened


async def ask(client: httpx2.AsyncClient, query: str, **variables: object) -> dict[str, object]:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    body = answer.json()
    assert "errors" not in body, body
    data: dict[str, object] = body["data"]
    return data


@pytest.mark.timeout(180)
async def test_messages_arrive_live_and_an_answer_is_read(
    demo: dict[str, str], client: httpx2.AsyncClient
) -> None:
    assert set(demo) - {"pid", "data"} == {
        "url",
        "graphqlUrl",
        "apiKey",
        "otherTenantApiKey",
        "projectId",
        "channelId",
        "wahaSession",
        "webhookUrl",
        "webhookHmacKey",
        "simulatorUrl",
    }
    address = demo["graphqlUrl"].replace("http", "ws", 1)
    subscription = "subscription { messageReceived { cursor type message { id text chat { id type } } } }"
    async with websockets.connect(address, subprotocols=["graphql-transport-ws"]) as socket:
        await socket.send(
            json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {demo['apiKey']}"}})
        )
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": subscription}}))
        while True:
            told = json.loads(await asyncio.wait_for(socket.recv(), 60))
            if told["type"] == "ping":
                await socket.send('{"type": "pong"}')
                continue
            event = told["payload"]["data"]["messageReceived"]
            if event["message"]["chat"]["type"] == "INDIVIDUAL":
                break
    assert event["type"] == "message.received"

    sent = await ask(
        client,
        """mutation ($input: MessageSendInput!) {
          messageSend(input: $input) { message { id status } userErrors { message } } }""",
        input={"chatId": event["message"]["chat"]["id"], "content": {"text": {"text": "Obrigado!"}}},
    )
    assert sent["messageSend"]["userErrors"] == []  # type: ignore[index]
    message_id = sent["messageSend"]["message"]["id"]  # type: ignore[index]
    for _ in range(200):
        found = await ask(client, "query ($id: ID!) { message(id: $id) { status } }", id=message_id)
        if found["message"]["status"] in {"SENT", "DELIVERED", "READ"}:  # type: ignore[index]
            break
        await asyncio.sleep(0.1)
    assert found["message"]["status"] in {"SENT", "DELIVERED", "READ"}  # type: ignore[index]


@pytest.mark.timeout(60)
async def test_the_other_tenant_sees_nothing_of_it(demo: dict[str, str], client: httpx2.AsyncClient) -> None:
    query = (
        "{ chats { totalCount nodes { id } } contacts { totalCount } messages { totalCount } viewer { id } }"
    )
    ours = await ask(client, query)
    client.headers["authorization"] = f"Bearer {demo['otherTenantApiKey']}"

    theirs = await ask(client, query)

    assert ours["chats"]["totalCount"] > 0  # type: ignore[index]
    assert (theirs["chats"], theirs["contacts"], theirs["messages"]) == (
        {"totalCount": 0, "nodes": []},
        {"totalCount": 0},
        {"totalCount": 0},
    )
    for chat in ours["chats"]["nodes"]:  # type: ignore[index]
        answer = await ask(client, "query ($id: ID!) { node(id: $id) { id } chat(id: $id) { id } }", **chat)
        assert answer == {"node": None, "chat": None}


@pytest.mark.timeout(60)
async def test_health_and_metrics_tell_how_it_is(demo: dict[str, str], client: httpx2.AsyncClient) -> None:
    ready = await client.get("/readyz")
    metrics = await client.get("/metrics")

    assert ready.json() == {
        "status": "ready",
        "parts": {"postgresql": "ok", "redis": "ok", "intake": "ok"},
    }
    assert (await client.get("/livez")).text == "ok"
    for name in (
        "ventros_webhook_answers_total",
        "ventros_inbox_depth",
        "ventros_outbox_oldest_seconds",
        "ventros_outgoing_depth",
        "ventros_graphql_operations_total",
        "ventros_subscriptions",
    ):
        assert name in metrics.text


@pytest.mark.timeout(60)
async def test_a_fake_provider_answers_until_another_is_named(demo: dict[str, str]) -> None:
    [said] = (Path(demo["data"]) / "logs" / "ai-provider.log").read_text().splitlines()
    url = said.removeprefix("aisim listening on ")
    body = {"model": "any", "messages": [{"role": "user", "content": "Vocês entregam?"}]}
    headers = {"authorization": "Bearer demo-ai-key"}
    async with httpx2.AsyncClient(base_url=url, trust_env=False, headers=headers) as opened:
        answer = await opened.post("/v1/chat/completions", json=body)

    assert answer.json()["choices"][0]["message"]["content"].startswith("Entregamos num raio de 5 km")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("other_port", [True, False], ids=["other port", "same port"])
def test_a_second_owner_of_the_directory_is_refused(demo: dict[str, str], other_port: bool) -> None:
    port = "0" if other_port else demo["url"].rsplit(":", 1)[1]

    second = subprocess.run(
        [sys.executable, "-m", "ventros", "dev", "--port", port, "--data", demo["data"]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert demo["pid"] in second.stderr + second.stdout
    assert "--data DIR" in second.stderr + second.stdout


@pytest.mark.timeout(60)
def test_a_taken_port_is_named_with_the_flag_that_helps(demo: dict[str, str], tmp_path: Path) -> None:
    port = demo["url"].rsplit(":", 1)[1]

    second = subprocess.run(
        [sys.executable, "-m", "ventros", "dev", "--port", port, "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 2
    assert f"Port {port} is already in use" in second.stderr + second.stdout
    assert "--port" in second.stderr + second.stdout
