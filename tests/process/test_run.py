"""The first minute: everything starts, somebody writes, it shows live, and an answer reaches them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

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


async def say(demo: dict[str, str], person: str, *contents: dict[str, object]) -> None:
    """Let somebody write on WhatsApp."""
    people = f"{demo['simulatorUrl']}/control/people"
    incoming = f"{demo['simulatorUrl']}/control/sessions/{demo['wahaSession']}/incoming"
    async with httpx2.AsyncClient(trust_env=False) as phone:
        await phone.post(people, json={"phone": person, "name": "Bruna"})
        for content in contents:
            # WhatsApp tells whole seconds; nobody reads and writes, or writes twice, in one.
            await asyncio.sleep(1.1)
            answer = await phone.post(incoming, json={"person": person, "content": content})
            assert answer.is_success, answer.text


async def burst_of(client: httpx2.AsyncClient, phone: str, *, number: int) -> dict[str, Any]:
    """The `number`-th burst of somebody, once it is settled."""
    query = """query ($phone: PhoneNumber!, $channel: ID!) {
      contactByAddress(channelId: $channel, phone: $phone) { chats(first: 1) { nodes {
        id
        messageGroups(first: 10) { nodes { id status text parts { kind text } messages { id } } }
        messages(last: 10) { nodes { direction origin status text author { __typename } } } } } } }"""
    channel = (await ask(client, "{ channels { nodes { id } } }"))["channels"]["nodes"][0]["id"]  # type: ignore[index]
    for _ in range(600):
        found: Any = await ask(client, query, phone=phone, channel=channel)
        if found["contactByAddress"] is not None:
            chat: dict[str, Any] = found["contactByAddress"]["chats"]["nodes"][0]
            groups = chat["messageGroups"]["nodes"]
            if len(groups) == number and groups[0]["status"] not in {"PENDING", "PROCESSING"}:
                return chat
        await asyncio.sleep(0.1)
    raise AssertionError(f"The burst was not settled: {found}")


@pytest.mark.timeout(120)
async def test_an_agent_answers_what_a_burst_says_in_words_sound_and_picture_until_a_person_does(
    demo: dict[str, str], client: httpx2.AsyncClient
) -> None:
    person, phone = "5511970005000", "+5511970005000"
    await say(
        demo,
        person,
        {"kind": "text", "text": "Oi, sobre o bolo"},
        {"kind": "voice", "seconds": 4, "words": "Quanto custa um bolo de cenoura?"},
        {"kind": "image", "description": "Um bolo de cenoura com cobertura de chocolate"},
    )

    chat = await burst_of(client, phone, number=1)

    (group,) = chat["messageGroups"]["nodes"]
    assert group["status"] == "COMPLETED"
    assert [part["kind"] for part in group["parts"]] == ["TEXT", "VOICE", "IMAGE"]
    assert group["text"] == (
        "Oi, sobre o bolo Quanto custa um bolo de cenoura? Um bolo de cenoura com cobertura de chocolate."
    )
    answers = [one for one in chat["messages"]["nodes"] if one["direction"] == "OUTBOUND"]
    assert [(one["origin"], one["author"]["__typename"]) for one in answers] == [("AUTOMATION", "BotAgent")]
    assert answers[0]["text"]
    outcomes: Any = await ask(
        client,
        "query ($id: ID!) { aiRuns(where: {groupId: {eq: $id}}) { nodes { outcome } } }",
        id=group["id"],
    )
    assert outcomes["aiRuns"]["nodes"] == [{"outcome": "REPLIED"}]

    sent = await ask(
        client,
        "mutation ($input: MessageSendInput!) { messageSend(input: $input) { userErrors { message } } }",
        input={"chatId": chat["id"], "content": {"text": {"text": "Aqui é a Ana, já te respondo."}}},
    )
    assert sent["messageSend"]["userErrors"] == []  # type: ignore[index]
    await say(demo, person, {"kind": "text", "text": "Certo, quanto custa o de chocolate?"})

    chat = await burst_of(client, phone, number=2)

    assert chat["messageGroups"]["nodes"][0]["text"] == "Certo, quanto custa o de chocolate?"
    assert [(one["direction"], one["origin"]) for one in chat["messages"]["nodes"]] == [
        *[("INBOUND", "LIVE")] * 3,
        ("OUTBOUND", "AUTOMATION"),
        ("OUTBOUND", "API"),
        ("INBOUND", "LIVE"),
    ]
