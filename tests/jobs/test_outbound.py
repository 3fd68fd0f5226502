"""Sending: through the simulator, with its echoes and ticks, on every engine and through every kind of fault."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.crm.channel import Channel
from domain.crm.content import (
    DocumentContent,
    ImageContent,
    LocationContent,
    Media,
    MessageContent,
    TextContent,
    media_of,
    with_media,
)
from domain.crm.message import Message
from domain.crm.scheduled_message import Lateness
from domain.errors import AlreadyExists, ChannelOffline, InvalidState, NotFound, Required, TooLong
from domain.ids import ChatId
from domain.values import PhoneNumber
from integrations import redis_feed
from integrations.waha.client import Waha
from jobs import groups, outbound
from jobs.cancelling import end
from jobs.job_history import JobHistory
from jobs.local_queue import LocalQueue
from jobs.registry import Registry
from jobs.scheduled_messages import send_due
from persistence.database import Database
from persistence.events import Cause
from services.crm import chats, deliveries, messages, scheduled_messages
from tests.factories import CLOCK, HMAC_KEY, VAULT, Shop, open_shop, receive, work_off
from tests.waha import Script
from ventros.intake import Intake
from ventros.webhooks import WebhookEndpoint
from wasim.server import bind, url_of
from wasim.testing import Running, running

CAUSE = Cause(correlation_id="test", actor="test")
MARIA = PhoneNumber("+5511999990001")
ENGINES = ["GOWS", "NOWEB", "WEBJS"]


class World:
    """A shop, its simulated WhatsApp, and the endpoint that takes its webhooks."""

    def __init__(
        self, database: Database, shop: Shop, waha: Running, http: httpx2.AsyncClient, files: str
    ) -> None:
        self.files = files
        self.database = database
        self.shop = shop
        self.waha = waha
        self.http = http

    def dial(self, channel: Channel) -> Waha:
        return Waha(channel.waha_url, None, http=self.http)

    async def send(self, content: MessageContent | str, **more: object) -> Message:
        if isinstance(content, str):
            content = TextContent(text=content)
        where = {"chat_id": None, "to": MARIA, "channel_id": self.shop.channel_id}
        rest = {"reply_to_id": None, "client_message_id": None}
        async with self.database.writing(self.shop.tenant_id, CAUSE) as uow:
            return await messages.send(uow, self.shop.viewer, content=content, **(where | rest | more))

    async def deliver(self, chat_id: ChatId) -> int:
        """Do everything that is due in a chat, as a worker does."""
        done = 0
        while await outbound.deliver_next(self.database, self.shop.tenant_id, chat_id, dial=self.dial):
            done += 1
        return done

    async def look_now(self) -> None:
        """Let time pass until the next look at unclear attempts."""
        async with self.database.tenant_transaction(self.shop.tenant_id) as connection:
            await connection.execute("UPDATE outgoing SET available_at = now(), lease_until = NULL")

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        async with self.database.tenant_transaction(self.shop.tenant_id) as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    async def until(self, query: str, expected: list[tuple[object, ...]]) -> None:
        """File what arrives until the database says what is expected."""
        for _ in range(200):
            await work_off(self.database)
            found = await self.rows(query)
            if found == expected:
                return
            await asyncio.sleep(0.02)
        assert found == expected

    async def got(self, text: str) -> int:
        """How often WhatsApp really got a text."""
        counts = await self.waha.get("received", text=text)
        assert isinstance(counts, dict)
        return int(counts["count"])


async def _file(_: Request) -> Response:
    return Response(b"%PDF-1.4 a small file", media_type="application/pdf")


@asynccontextmanager
async def listening(app: Starlette) -> AsyncIterator[str]:
    sock = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:  # noqa: ASYNC110 uvicorn has no event for it.
        await asyncio.sleep(0.01)
    try:
        yield url_of(sock)
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def world_of(database: Database) -> AsyncIterator[Callable[[str], Awaitable[World]]]:
    async with AsyncExitStack() as stack:

        async def make(engine: str) -> World:
            intake = await stack.enter_async_context(Intake(database, queue_limit=100))
            endpoint = WebhookEndpoint(database, intake, vault=VAULT, body_limit=1 << 20)
            app = Starlette(routes=[endpoint.route(), Route("/files/{name}", _file)])
            url = await stack.enter_async_context(listening(app))
            shop = await open_shop(database)
            webhook = {
                "url": f"{url}/webhooks/waha/{shop.webhook_token}",
                "events": ["message.any", "message.ack", "message.reaction"],
                "hmac": {"key": HMAC_KEY},
                "retries": {"policy": "constant", "delaySeconds": 0, "attempts": 3},
            }
            waha = await stack.enter_async_context(
                running(
                    {
                        "engine": engine,
                        "sessions": [{"name": "crm-demo", "engine": engine, "webhooks": [webhook]}],
                        "personas": False,
                        "pace": 0,
                    }
                )
            )
            await waha.post("people", phone="5511999990001", name="Maria")
            async with database.writing(shop.tenant_id, CAUSE) as uow:
                channel = await uow.channels.get_for_update(shop.channel_id)
                channel.waha_url = waha.url
                channel.touch(uow.now)
            http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
            return World(database, shop, waha, http, files=f"{url}/files")

        yield make


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (TextContent(text="Olá!"), "TEXT"),
        (ImageContent(media=Media(url="{files}/a.jpg"), text="Foto"), "IMAGE"),
        (DocumentContent(media=Media(url="{files}/a.pdf", filename="a.pdf")), "DOCUMENT"),
        (LocationContent(latitude=-23.5, longitude=-46.6, name="Loja"), "LOCATION"),
    ],
)
async def test_a_message_is_sent_echoed_and_acknowledged(
    world_of: Callable[[str], Awaitable[World]], engine: str, content: MessageContent, kind: str
) -> None:
    world = await world_of(engine)

    media = media_of(content)
    if media is not None and media.url is not None:
        content = with_media(content, replace(media, url=media.url.format(files=world.files)))
    message = await world.send(content)
    assert await world.rows("SELECT status, origin FROM messages") == [("QUEUED", "API")]
    assert await world.deliver(message.chat_id) == 1

    await world.until(
        "SELECT content_kind, status, origin, external_id IS NULL FROM messages",
        [(kind, "READ", "API", False)],
    )
    assert await world.rows("SELECT count(*) FROM outgoing") == [(0,)]
    assert await world.rows("SELECT message_count, contact_message_count FROM sessions") == [(1, 0)]


class Later:
    """A clock that is an hour ahead."""

    def now(self) -> datetime:
        return CLOCK.now() + timedelta(hours=1)


async def test_a_scheduled_message_reaches_whatsapp_once_though_its_timer_goes_off_twice(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world = await world_of("GOWS")
    async with world.database.writing(world.shop.tenant_id, CAUSE) as uow:
        schedule = await scheduled_messages.schedule(
            uow,
            world.shop.viewer,
            chat_id=None,
            to=MARIA,
            channel_id=world.shop.channel_id,
            content=TextContent(text="Bom dia, abrimos!"),
            reply_to_id=None,
            client_message_id=None,
            send_at=CLOCK.now() + timedelta(minutes=30),
            lateness=Lateness(),
        )
    assert await send_due(world.database, world.shop.tenant_id, [schedule.id]) == []

    world.database.clock = Later()
    for _ in range(2):
        await send_due(world.database, world.shop.tenant_id, [schedule.id])
    ((chat_id,),) = await world.rows("SELECT id FROM chats")
    await world.deliver(ChatId(chat_id))

    assert await world.got("Bom dia, abrimos!") == 1
    assert await world.rows("SELECT status FROM scheduled_messages") == [("SENT",)]
    await world.until("SELECT count(*) FROM messages WHERE status <> 'QUEUED'", [(1,)])


async def test_the_messages_of_a_chat_are_sent_in_order(world_of: Callable[[str], Awaitable[World]]) -> None:
    world = await world_of("GOWS")
    for number in range(5):
        message = await world.send(f"número {number}")

    await asyncio.gather(*(world.deliver(message.chat_id) for _ in range(3)))
    while await world.rows("SELECT 1 FROM outgoing"):
        await world.deliver(message.chat_id)

    assert await world.rows("SELECT text FROM messages ORDER BY sent_at, id") == [
        (f"número {number}",) for number in range(5)
    ]
    assert [await world.got(f"número {number}") for number in range(5)] == [1] * 5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", ["error-500-after-send", "drop-after-send", "wrong-json"])
async def test_an_attempt_without_an_answer_is_settled_without_a_second_message(
    world_of: Callable[[str], Awaitable[World]], engine: str, fault: str
) -> None:
    world = await world_of(engine)
    await world.waha.post("faults/rest", fault=fault, count=1)

    message = await world.send("Só uma vez")
    await world.deliver(message.chat_id)
    await world.until("SELECT status FROM messages", [("READ",)])
    await world.look_now()
    await world.deliver(message.chat_id)

    assert await world.got("Só uma vez") == 1
    assert await world.rows("SELECT origin, status FROM messages") == [("API", "READ")]
    assert await world.rows("SELECT count(*) FROM outgoing") == [(0,)]


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_unclear_attempt_without_an_echo_is_looked_up(
    world_of: Callable[[str], Awaitable[World]], engine: str
) -> None:
    world = await world_of(engine)
    await world.waha.post("faults/webhooks", fault="drop", count=100)
    await world.waha.post("faults/rest", fault="drop-after-send", count=1)

    message = await world.send("Só uma vez")
    await world.deliver(message.chat_id)
    assert await world.rows("SELECT status FROM messages") == [("UNCONFIRMED",)]
    await world.look_now()
    await world.deliver(message.chat_id)

    assert await world.got("Só uma vez") == 1
    assert await world.rows("SELECT status, external_id IS NULL FROM messages") == [("SENT", False)]


async def test_an_attempt_that_never_left_is_made_again_under_the_same_id(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world = await world_of("GOWS")
    await world.waha.post("faults/rest", fault="error-500", count=1)

    message = await world.send("Agora sim")
    await world.deliver(message.chat_id)
    assert await world.rows("SELECT status FROM messages") == [("UNCONFIRMED",)]
    first = await world.rows("SELECT external_id FROM messages")
    await world.look_now()
    await world.deliver(message.chat_id)
    await world.look_now()
    await world.deliver(message.chat_id)

    assert await world.got("Agora sim") == 1
    assert await world.rows("SELECT external_id FROM messages") == first
    await world.until("SELECT status FROM messages", [("READ",)])


async def test_a_worker_that_dies_while_sending_leaves_no_second_message(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world = await world_of("NOWEB")
    message = await world.send("Só uma vez")
    async with world.database.writing(world.shop.tenant_id, CAUSE) as uow:
        errand = await deliveries.claim(uow, world.shop.viewer, chat_id=message.chat_id)
    assert errand is not None
    waha = world.dial(errand.channel)
    external_id = await waha.new_message_id("crm-demo")
    async with world.database.writing(world.shop.tenant_id, CAUSE) as uow:
        await deliveries.begin(uow, world.shop.viewer, errand=errand, external_id=external_id)
    await waha.send("crm-demo", errand.address, errand.content, message_id=external_id)
    # The process is gone; its lease passes.
    async with world.database.tenant_transaction(world.shop.tenant_id) as connection:
        await connection.execute("UPDATE outgoing SET lease_until = now() - interval '1 second'")

    await world.deliver(message.chat_id)
    await world.until("SELECT status FROM messages", [("READ",)])

    assert await world.got("Só uma vez") == 1


class Gate:
    """Holds calls that send until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, request: httpx2.Request) -> None:
        if request.url.path.startswith("/api/send"):
            self.reached.set()
            await self.opened.wait()


@asynccontextmanager
async def sending_through(gate: Gate, world: World, *, farewell: float) -> AsyncIterator[asyncio.Task[None]]:
    """Run the sender until it is in the middle of a call."""
    async with (
        httpx2.AsyncClient(trust_env=False, event_hooks={"request": [gate]}) as http,
        redis_feed.listening(None, ["outgoing"]) as wakes,
    ):
        world.http, open_http = http, world.http
        sender = asyncio.create_task(
            outbound.run_outbound(world.database, wakes, dial=world.dial, farewell=farewell)
        )
        await gate.reached.wait()
        yield sender
        with pytest.raises(asyncio.CancelledError):
            await sender
        world.http = open_http


async def test_a_sender_that_is_told_to_stop_finishes_the_call_under_way(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world, gate = await world_of("GOWS"), Gate()
    await world.send("Primeira")
    await world.send("Segunda")

    async with sending_through(gate, world, farewell=20) as sender:
        sender.cancel()
        await asyncio.sleep(0.1)
        assert not sender.done()
        gate.opened.set()

    assert await world.rows("SELECT count(*) FROM outgoing WHERE lease_until IS NOT NULL") == [(0,)]
    await world.until("SELECT status FROM messages ORDER BY id", [("READ",), ("QUEUED",)])
    assert (await world.got("Primeira"), await world.got("Segunda")) == (1, 0)


async def test_a_call_that_outlasts_the_farewell_is_looked_for_by_the_next_worker(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world = await world_of("GOWS")
    message = await world.send("Ainda hoje")

    async with sending_through(Gate(), world, farewell=0) as sender:
        sender.cancel()

    assert await world.rows("SELECT status FROM messages") == [("UNCONFIRMED",)]
    assert await world.rows("SELECT count(*) FROM outgoing WHERE lease_until IS NOT NULL") == [(0,)]
    await world.look_now()
    await world.deliver(message.chat_id)
    await world.until("SELECT status FROM messages", [("READ",)])
    assert await world.got("Ainda hoje") == 1


async def test_a_refused_number_fails_with_its_reason(world_of: Callable[[str], Awaitable[World]]) -> None:
    world = await world_of("GOWS")

    message = await world.send("Alô?", to=PhoneNumber("+5511900000000"))
    await world.deliver(message.chat_id)

    assert await world.rows("SELECT status, failure_reason FROM messages") == [
        ("FAILED", "The number has no WhatsApp account.")
    ]
    assert await world.rows("SELECT count(*) FROM outgoing") == [(0,)]


async def test_a_rejected_message_fails_and_does_not_hold_up_the_next(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world = await world_of("GOWS")
    await world.waha.post("faults/rest", fault="error-463", count=1)

    message = await world.send("primeira")
    await world.send("segunda")
    await world.deliver(message.chat_id)

    assert await world.rows("SELECT text, status FROM messages ORDER BY sent_at") == [
        ("primeira", "FAILED"),
        ("segunda", "SENT"),
    ]


async def test_messages_wait_while_waha_is_away(world_of: Callable[[str], Awaitable[World]]) -> None:
    world = await world_of("GOWS")
    async with world.database.writing(world.shop.tenant_id, CAUSE) as uow:
        channel = await uow.channels.get_for_update(world.shop.channel_id)
        address, channel.waha_url = channel.waha_url, "http://127.0.0.1:1"
        channel.touch(uow.now)
    message = await world.send("espera")
    await world.deliver(message.chat_id)
    assert (await world.rows("SELECT attempts, lease_until FROM outgoing")) == [(1, None)]

    async with world.database.writing(world.shop.tenant_id, CAUSE) as uow:
        channel = await uow.channels.get_for_update(world.shop.channel_id)
        channel.waha_url = address
        channel.touch(uow.now)
    await world.look_now()
    await world.deliver(message.chat_id)

    await world.until("SELECT status FROM messages", [("READ",)])


async def test_a_reply_quotes_the_message_it_answers(world_of: Callable[[str], Awaitable[World]]) -> None:
    world = await world_of("WEBJS")
    await world.waha.post(
        "sessions/crm-demo/incoming", person="5511999990001", content={"kind": "text", "text": "Tem pão?"}
    )
    await world.until("SELECT text FROM messages", [("Tem pão?",)])
    ((question_id, chat_id, external_id),) = await world.rows("SELECT id, chat_id, external_id FROM messages")

    await world.send("Tem sim", chat_id=chat_id, to=None, channel_id=None, reply_to_id=question_id)
    await world.deliver(chat_id)

    assert await world.rows("SELECT reply_to_external_id, status FROM messages WHERE text = 'Tem sim'") == [
        (external_id, "SENT")
    ]


async def test_a_client_message_id_makes_one_message(world_of: Callable[[str], Awaitable[World]]) -> None:
    world = await world_of("GOWS")

    first, *others = await asyncio.gather(
        *(world.send("Pedido 7", client_message_id="order-7") for _ in range(8))
    )

    assert {message.id for message in others} == {first.id}
    assert await world.rows("SELECT count(*) FROM messages") == [(1,)]
    with pytest.raises(AlreadyExists):
        await world.send("Pedido 8", client_message_id="order-7")


@pytest.mark.parametrize(
    ("content", "more", "error"),
    [
        (TextContent(text="  "), {}, Required),
        (TextContent(text="x" * 4097), {}, TooLong),
        (TextContent(text="x"), {"to": None}, Required),
        (TextContent(text="x"), {"chat_id": "somebody"}, NotFound),
        (ImageContent(media=Media(url=None)), {}, Required),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused(
    database: Database,
    somebody: ChatId,
    content: MessageContent,
    more: dict[str, object],
    error: type[Exception],
) -> None:
    shop = await open_shop(database)
    where = {"chat_id": None, "to": MARIA, "channel_id": shop.channel_id} | more
    if where["chat_id"]:
        where = {"chat_id": somebody, "to": None, "channel_id": None}

    with pytest.raises(error):
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await messages.send(
                uow, shop.viewer, content=content, reply_to_id=None, client_message_id=None, **where
            )

    async with database.tenant_transaction(shop.tenant_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM messages") == 0


async def test_a_closed_chat_refuses_messages(database: Database) -> None:
    shop = await open_shop(database)
    await receive(database, shop, [Script().message("AAA1")])
    await work_off(database)
    async with database.tenant_transaction(shop.tenant_id) as connection:
        chat_id = await connection.fetchval("SELECT id FROM chats")
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await chats.close(uow, shop.viewer, chat_id=chat_id, expected_version=None)

    with pytest.raises(InvalidState):
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await messages.send(
                uow,
                shop.viewer,
                chat_id=chat_id,
                to=None,
                channel_id=None,
                content=TextContent(text="x"),
                reply_to_id=None,
                client_message_id=None,
            )


async def test_a_channel_that_is_not_connected_refuses_messages(database: Database) -> None:
    shop = await open_shop(database)
    async with database.tenant_transaction(shop.tenant_id) as connection:
        await connection.execute("UPDATE channels SET status = 'INACTIVE'")

    with pytest.raises(ChannelOffline):
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await messages.send(
                uow,
                shop.viewer,
                chat_id=None,
                to=MARIA,
                channel_id=shop.channel_id,
                content=TextContent(text="x"),
                reply_to_id=None,
                client_message_id=None,
            )


@asynccontextmanager
async def local_jobs(world: World) -> AsyncIterator[LocalQueue]:
    """The jobs of groups, run by this process, without Redis."""
    database = world.database
    registry = Registry([groups.naming(database, dial=world.dial)])
    queue = LocalQueue(registry, JobHistory(database), clock=database.clock)
    running = asyncio.create_task(queue.run())
    yield queue
    await end([running])


async def test_a_new_group_learns_its_name(world_of: Callable[[str], Awaitable[World]]) -> None:
    world = await world_of("GOWS")
    group = await world.waha.post(
        "sessions/crm-demo/groups", subject="Feira de Sábado", members=[{"person": "5511999990001"}]
    )
    await world.waha.post(
        "sessions/crm-demo/incoming",
        person="5511999990001",
        chat=group["id"],
        content={"kind": "text", "text": "Oi, grupo"},
    )
    await world.until("SELECT type, subject FROM chats", [("GROUP", None)])

    async with local_jobs(world) as queue:
        assert await groups.place_unnamed(world.database, queue) == 1
        await world.until("SELECT subject, subject_due_at FROM chats", [("Feira de Sábado", None)])
        assert await groups.place_unnamed(world.database, queue) == 0


async def test_a_group_that_waha_does_not_know_is_asked_for_again_later(
    world_of: Callable[[str], Awaitable[World]],
) -> None:
    world = await world_of("GOWS")
    await receive(world.database, world.shop, [Script().message("AAA1", group="120363999999999999@g.us")])
    await work_off(world.database)

    async with local_jobs(world) as queue:
        assert await groups.place_unnamed(world.database, queue) == 1
        await world.until("SELECT subject, subject_due_at > now() FROM chats", [(None, True)])
