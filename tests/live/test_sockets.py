"""graphql-transport-ws: the protocol's rules, and that subscriptions carry what happens to those who may see it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from domain.crm.enrichment import EnrichmentKind
from domain.crm.enrichment_routing import Abilities
from persistence.database import Database
from persistence.events import Cause
from services.crm.enrichment_files import file_lost
from tests.factories import Shop, open_shop, receive, work_off
from tests.live.events import Spawn, until
from tests.live.servers import SHORT, Client, Server, arrive, serving
from tests.waha import JOAO, Script

SCHEMA = (
    "{ __schema { types { name description fields { name description args { name description } } "
    "inputFields { name description } } } }"
)
RECEIVED = (
    "subscription ($after: EventCursor) "
    "{ messageReceived(after: $after) { cursor type message { text contact { name } } } }"
)


@pytest.fixture
async def server(database: Database, redis_url: str, spawn: Spawn) -> AsyncIterator[Server]:
    async with serving(database, redis_url, spawn) as running:
        yield running


@pytest.fixture
async def hasty(database: Database, redis_url: str, spawn: Spawn) -> AsyncIterator[Server]:
    """A server with little patience."""
    async with serving(database, redis_url, spawn, patience=SHORT) as running:
        yield running


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def test_a_message_reaches_who_subscribed_for_it(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    await client.subscribe("1", RECEIVED)
    await client.subscribe(
        "2", "subscription ($after: EventCursor) { chatUpdated(after: $after) { type chat { id } } }"
    )
    await client.subscribe(
        "3",
        "subscription ($after: EventCursor) { sessionUpdated(after: $after) { type session { messageCount } } }",
    )
    await client.subscribe(
        "4", "subscription ($after: EventCursor) { messageUpdated(after: $after) { type message { text } } }"
    )
    assert await client.is_alive()
    script = Script()

    await arrive(server.database, shop, script.message("A1", text="Bom dia"))
    await arrive(server.database, shop, script.message("A2", text="Olá", from_me=True, at=5))

    got: dict[str, list[dict[str, Any]]] = {"1": [], "2": [], "3": [], "4": []}
    while not (got["1"] and got["2"] and got["3"] and got["4"]):
        message = await client.read()
        assert message["type"] == "next", message
        got[message["id"]].append(message["payload"]["data"])
    received = got["1"][0]["messageReceived"]
    assert received["message"] == {"text": "Bom dia", "contact": {"name": "Maria Teste"}}
    assert received["type"] == "message.received"
    assert got["4"][0]["messageUpdated"]["message"] == {"text": "Olá"}
    assert {one["chatUpdated"]["type"].partition(".")[0] for one in got["2"]} == {"chat"}
    assert {one["sessionUpdated"]["type"].partition(".")[0] for one in got["3"]} == {"session"}


async def test_a_message_is_told_again_when_it_is_known_what_its_file_says(
    server: Server, shop: Shop
) -> None:
    client = await server.greeted(shop)
    voice = {"audioMessage": {"PTT": True, "mimetype": "audio/ogg"}}
    await receive(server.database, shop, [Script().message("A1", body=voice)])
    everything = Abilities(kinds=frozenset(EnrichmentKind))
    await work_off(server.database, abilities=everything)
    query = (
        "subscription ($after: EventCursor) { messageUpdated(after: $after) "
        "{ type message { externalId enrichments { status } } } }"
    )
    await client.subscribe("1", query)
    cause = Cause(correlation_id="test", actor="test")
    async with server.database.writing(shop.tenant_id, cause) as uow:
        ((message_id, media_id),) = (
            await uow.session.execute(text("SELECT message_id, media_id FROM enrichments"))
        ).all()
        message = await uow.messages.get_for_update(message_id)
        await file_lost(uow, message, media_id=media_id, reason="There is no file.")

    assert (await client.read())["payload"]["data"]["messageUpdated"] == {
        "type": "enrichment.failed",
        "message": {"externalId": "A1", "enrichments": [{"status": "FAILED"}]},
    }


async def test_a_cursor_resumes_exactly_behind_its_event(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    await client.subscribe("1", RECEIVED)
    assert await client.is_alive()
    script = Script()
    await arrive(server.database, shop, script.message("A1", text="one"))
    cursor = (await client.read())["payload"]["data"]["messageReceived"]["cursor"]
    await client.send(type="complete", id="1")
    await client.socket.close()
    await arrive(server.database, shop, script.message("A2", text="two", at=1))

    again = await server.greeted(shop)
    query = "subscription ($after: EventCursor) { messageReceived(after: $after) { message { text } } }"
    await again.subscribe("1", query, variables={"after": cursor})
    assert (await again.read())["payload"]["data"] == {"messageReceived": {"message": {"text": "two"}}}
    await arrive(server.database, shop, script.message("A3", text="three", at=2))

    assert (await again.read())["payload"]["data"] == {"messageReceived": {"message": {"text": "three"}}}


async def test_a_query_and_the_subscription_behind_its_cursor_leave_no_gap(
    server: Server, shop: Shop
) -> None:
    client = await server.greeted(shop)
    script = Script()
    await arrive(server.database, shop, script.message("A1", text="before"))
    await client.subscribe("q", "{ eventCursor messages { nodes { text } } }")
    data = (await client.read())["payload"]["data"]
    assert await client.read() == {"id": "q", "type": "complete"}
    seen = [node["text"] for node in data["messages"]["nodes"]]
    query = "subscription ($after: EventCursor) { messageReceived(after: $after) { message { text } } }"
    await client.subscribe("s", query, variables={"after": data["eventCursor"]})
    await arrive(server.database, shop, script.message("A2", text="after", at=1))

    while "after" not in seen:
        seen.append((await client.read())["payload"]["data"]["messageReceived"]["message"]["text"])
    # The cursor stands where the snapshot of the data stood: what the mover had not moved yet may come again.
    assert seen in (["before", "after"], ["before", "before", "after"])


async def test_tenants_and_chats_are_kept_apart(server: Server, shop: Shop, database: Database) -> None:
    theirs = await open_shop(database, name="Oficina")
    ours, other = await server.greeted(shop), await server.greeted(theirs)
    for client in (ours, other):
        await client.subscribe("1", RECEIVED)
        assert await client.is_alive()
    script = Script()
    await arrive(database, shop, script.message("A1", text="from Maria"))
    maria = (await ours.read())["payload"]["data"]["messageReceived"]
    assert maria["message"]["text"] == "from Maria"
    await ours.subscribe("q", "{ chats { nodes { id } } }")
    chat = (await ours.read())["payload"]["data"]["chats"]["nodes"][0]["id"]
    await ours.read()
    query = "subscription ($chat: ID, $after: EventCursor) { events(chatId: $chat, after: $after) { type payload } }"
    await ours.subscribe("c", query, variables={"chat": chat, "after": maria["cursor"]})

    await arrive(database, theirs, Script().message("B1", text="for the workshop"))
    await arrive(database, shop, script.message("A2", text="from João", by=JOAO, at=1))
    await arrive(database, shop, script.message("A3", text="again Maria", at=2))

    assert (await other.read())["payload"]["data"]["messageReceived"]["message"]["text"] == "for the workshop"
    texts, chats = [], set()
    while len(texts) < 2 or not chats:
        message = await ours.read()
        data = message["payload"]["data"]
        if message["id"] == "1":
            texts.append(data["messageReceived"]["message"]["text"])
        else:
            chats.add(data["events"]["payload"]["chat_id"])
    assert (texts, chats) == (["from João", "again Maria"], {chat})


async def test_bad_cursors_types_and_ids_are_errors_of_that_subscription(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    for query, code in (
        ('subscription { events(after: "nonsense") { id } }', "INVALID_CURSOR"),
        ('subscription { events(types: ["message.invented"]) { id } }', "BAD_USER_INPUT"),
        ('subscription { messageReceived(chatId: "cnt_01jd0000000000000000000000") { id } }', "INVALID_ID"),
    ):
        await client.subscribe("1", query)
        message = await client.read()
        errors = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
        assert [error["extensions"]["code"] for error in errors] == [code]
        if message["type"] == "next":
            assert await client.read() == {"id": "1", "type": "complete"}
    assert await client.is_alive()


async def test_an_error_in_a_document_ends_that_operation_only(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    await client.subscribe("live", RECEIVED)

    for query, code in (("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")):
        await client.subscribe("bad", query)
        message = await client.read()
        assert (message["id"], message["type"]) == ("bad", "error")
        assert message["payload"][0]["extensions"]["code"] == code
    await client.subscribe("bad", "query A { viewer { name } } query B { viewer { name } }")
    assert (await client.read())["type"] == "error"
    await arrive(server.database, shop, Script().message("A1"))

    assert (await client.read())["id"] == "live"


async def test_a_completed_operation_says_nothing_more_and_frees_its_id(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    await client.subscribe("1", RECEIVED)
    await client.send(type="complete", id="1")
    await client.send(type="complete", id="unknown")
    await arrive(server.database, shop, Script().message("A1"))

    await client.subscribe("1", "{ viewer { name } }")

    assert (await client.read())["payload"]["data"] == {"viewer": {"name": "tests"}}
    assert await client.read() == {"id": "1", "type": "complete"}
    assert await client.is_alive()


async def test_mutations_and_queries_run_on_a_socket(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    mutation = 'mutation { contactCreate(input: {name: "Zé"}) { contact { name } userErrors { code } } }'

    await client.subscribe("1", mutation)

    data = (await client.read())["payload"]["data"]
    assert data == {"contactCreate": {"contact": {"name": "Zé"}, "userErrors": []}}


@pytest.mark.parametrize(
    "sent",
    [
        "null",
        "1",
        '"text"',
        "[]",
        "{}",
        "not JSON",
        "",
        '{"type": "unknown"}',
        '{"type": null}',
        '{"type": "connection_init", "payload": "text"}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "ping", "payload": "text"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": ["1"], "payload": {"query": "{ viewer { name } }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": "x"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": "x"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}',
        '{"type": "complete"}',
        '{"type": "complete", "id": null}',
        '{"type": "connection_init", "payload": {"a": NaN}}',
        '{"type": "connection_init", "payload": {"a": "\\ud800"}}',
        "[" * 20_000,
        b"{}",
    ],
)
async def test_a_malformed_message_closes_with_4400(server: Server, sent: str | bytes) -> None:
    client = await server.open()

    await client.socket.send(sent)

    assert await client.closed() == 4400


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": 1},
        {"token": "x"},
        {"authorization": ""},
    ],
)
async def test_bad_credentials_close_with_4403(server: Server, payload: object) -> None:
    client = await server.open()

    await client.send(type="connection_init", payload=payload)

    assert await client.closed() == 4403


async def test_a_credential_in_the_handshake_suffices(server: Server, shop: Shop) -> None:
    client = await server.open(f"Bearer {shop.api_key}")

    await client.send(type="connection_init", payload=None)

    assert await client.read() == {"type": "connection_ack"}


async def test_an_operation_before_the_introduction_closes_with_4401(server: Server, shop: Shop) -> None:
    client = await server.open(f"Bearer {shop.api_key}")

    await client.subscribe("1", "{ viewer { name } }")

    assert await client.closed() == 4401


async def test_a_second_introduction_closes_with_4429(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)

    await client.send(type="connection_init", payload={"authorization": f"Bearer {shop.api_key}"})

    assert await client.closed() == 4429


async def test_an_id_in_use_closes_with_4409(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    await client.subscribe("1", RECEIVED)

    await client.subscribe("1", "{ viewer { name } }")

    assert await client.closed() == 4409


async def test_silence_closes_with_4408(hasty: Server) -> None:
    client = await hasty.open()

    assert await client.closed() == 4408


async def test_a_revoked_key_closes_with_4403(
    hasty: Server, shop: Shop, database: Database, cause: Cause
) -> None:
    client = await hasty.greeted(shop)
    await client.subscribe("1", RECEIVED)
    async with database.writing(shop.tenant_id, cause) as uow:
        (await uow.api_keys.get_for_update(shop.viewer.id)).revoke(at=uow.now)

    assert await client.closed() == 4403


async def test_the_predecessor_of_the_protocol_is_not_spoken(server: Server) -> None:
    async with connect(f"ws://{server.address}/graphql", subprotocols=["graphql-ws"]) as socket:
        assert await Client(socket).closed() == 4406


async def test_pages_of_other_origins_open_no_socket(server: Server, shop: Shop) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.open(headers={"Origin": "https://evil.example"})
    assert refused.value.response.status_code == 403

    ours = await server.open(headers={"Origin": f"http://{server.address}"})
    await ours.send(type="connection_init", payload={"authorization": f"Bearer {shop.api_key}"})
    assert await ours.read() == {"type": "connection_ack"}


async def test_a_socket_carries_fifty_operations(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    for number in range(50):
        await client.subscribe(str(number), RECEIVED)

    await client.subscribe("one too many", RECEIVED)

    message = await client.read()
    assert (message["id"], message["type"]) == ("one too many", "error")
    assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert await client.is_alive()


async def test_a_hundred_subscribers_get_every_message_once(server: Server, shop: Shop) -> None:
    clients = [await server.greeted(shop) for _ in range(4)]
    for client in clients:
        for number in range(25):
            await client.subscribe(str(number), RECEIVED)
        assert await client.is_alive()
    script = Script()
    for number in range(6):
        await arrive(server.database, shop, script.message(f"A{number}", text=str(number), at=number))

    for client in clients:
        got: dict[str, list[str]] = {}
        for _ in range(25 * 6):
            message = await client.read()
            got.setdefault(message["id"], []).append(
                message["payload"]["data"]["messageReceived"]["message"]["text"]
            )
        assert got == {str(number): ["0", "1", "2", "3", "4", "5"] for number in range(25)}


async def test_a_client_that_takes_nothing_is_let_go_and_holds_nobody_up(hasty: Server, shop: Shop) -> None:
    stuck = await hasty.open(max_queue=1)
    await stuck.send(type="connection_init", payload={"authorization": f"Bearer {shop.api_key}"})
    assert await stuck.read() == {"type": "connection_ack"}
    await stuck.subscribe("live", RECEIVED)
    assert await stuck.is_alive()
    stuck.socket.transport.pause_reading()
    for number in range(49):
        # Several megabytes of answers, more than all buffers on the way can take.
        await stuck.subscribe(str(number), SCHEMA)
    lively = await hasty.greeted(shop)
    await lively.subscribe("1", RECEIVED)
    assert await lively.is_alive()

    await arrive(hasty.database, shop, Script().message("A1", text="on time"))

    assert (await lively.read())["payload"]["data"]["messageReceived"]["message"]["text"] == "on time"

    async def let_go() -> bool:
        return hasty.hub.followers == 1

    await until(let_go)
    stuck.socket.transport.resume_reading()
    assert await stuck.closed() in {1006, 1013}


async def test_a_stopping_server_closes_sockets_with_1012(server: Server, shop: Shop) -> None:
    client = await server.greeted(shop)
    await client.subscribe("1", RECEIVED)
    assert await client.is_alive()

    server.uvicorn.should_exit = True

    assert await client.closed() == 1012
