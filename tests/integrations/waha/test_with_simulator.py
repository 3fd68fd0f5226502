"""The client and the translation against the simulator, whose forms follow WAHA's contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.clock import SystemClock
from domain.crm.channel import Engine
from domain.crm.content import ImageContent, LocationContent, Media, PollContent, TextContent
from domain.crm.inbound import (
    Ignored,
    ReceivedAck,
    ReceivedEdit,
    ReceivedMessage,
    ReceivedReaction,
    ReceivedRevoke,
    SessionState,
)
from domain.crm.message import Ack
from domain.values import PhoneNumber
from integrations.errors import Ambiguous, Rejected, Unavailable
from integrations.waha import signature, translate
from integrations.waha.client import Waha
from integrations.waha.message_id import address
from integrations.waha.sessions import Webhook
from wasim.jpeg import mosaic
from wasim.server import bind, url_of
from wasim.testing import Running, running

MARIA = address("5511999990001@c.us")
ENGINES = [Engine.GOWS, Engine.NOWEB, Engine.WEBJS]
KEY = "a-webhook-key"


@asynccontextmanager
async def simulated(engine: Engine = Engine.GOWS, **config: object) -> AsyncIterator[tuple[Running, Waha]]:
    session = {"name": "shop", "engine": engine.value}
    settings = {"pace": 0, "personas": False, "apiKey": "simulator-key", "sessions": [session]} | config
    async with running(settings) as wasim, httpx2.AsyncClient(trust_env=False) as http:
        await wasim.post("people", phone="5511999990001", name="Maria")
        yield wasim, Waha(wasim.url, "simulator-key", http=http)


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, list[tuple[bytes, str | None]]]]:
    posts: list[tuple[bytes, str | None]] = []

    async def take(request: Request) -> Response:
        posts.append((await request.body(), request.headers.get(signature.HEADER)))
        return Response()

    sock = bind("127.0.0.1", 0)
    app = Starlette(routes=[Route("/webhooks/waha/t0", take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[sock]))
    try:
        yield url_of(sock) + "/webhooks/waha/t0", posts
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize("engine", ENGINES)
async def test_every_kind_is_sent_found_again_and_means_what_was_sent(engine):
    contents = [
        TextContent(text="Bom dia"),
        LocationContent(latitude=-23.5, longitude=-46.6, name="Loja"),
        PollContent(name="Q", options=("A", "B"), selectable_count=1),
    ]
    async with simulated(engine) as (_, waha):
        for content in contents:
            message_id = await waha.new_message_id("shop") if engine.takes_message_ids else None
            sent = await waha.send("shop", MARIA, content, message_id=message_id)
            assert sent.external_id is not None
            assert message_id in {None, sent.external_id}
            found = await waha.find_message("shop", MARIA, sent.external_id, engine=engine)
            message = translate.listed(found, own=None, received_at=sent.timestamp or _now())
            assert isinstance(message, ReceivedMessage)
            assert (message.content, message.key.from_me, message.key.chat) == (content, True, MARIA)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_picture_is_sent_and_downloaded_again(engine):
    picture = mosaic("demo")
    async with simulated(engine) as (_, waha):
        content = ImageContent(media=Media(mime_type="image/jpeg"), text="Foto")
        sent = await waha.send("shop", MARIA, content, data=picture)
        media = await waha.find_media("shop", MARIA, sent.external_id, from_me=True, engine=engine)
        downloaded = await waha.download(media.url, limit=1_000_000)
        assert (downloaded.data, downloaded.mime_type) == (picture, "image/jpeg")


@pytest.mark.parametrize("engine", ENGINES)
async def test_webhooks_arrive_signed_and_tell_of_messages_and_receipts(engine):
    async with receiver() as (url, posts), simulated(engine) as (wasim, waha):
        configured = await waha.create_or_update_session("shop", webhook=Webhook(url=url, hmac_key=KEY))
        assert configured.state in {SessionState.WORKING, SessionState.STARTING}
        await wasim.post("settle")
        sent = await waha.send("shop", MARIA, TextContent(text="Bom dia"))
        await wasim.post(
            "sessions/shop/incoming", person="5511999990001", content={"kind": "text", "text": "Olá"}
        )
        await wasim.post("settle")
        assert all(signature.verify(raw, header, KEY) for raw, header in posts)
        facts = [translate.to_domain(raw, received_at=_now()) for raw, _ in posts]
        messages = [fact for fact in facts if isinstance(fact, ReceivedMessage)]
        acks = [fact for fact in facts if isinstance(fact, ReceivedAck)]
        assert {message.content for message in messages} == {
            TextContent(text="Bom dia"),
            TextContent(text="Olá"),
        }
        assert {message.key.peer.addresses[0] for message in messages} == {MARIA}
        assert {ack.key.external_id for ack in acks} == {sent.external_id}
        assert Ack.DEVICE in {ack.ack for ack in acks}


SENT_KINDS = {
    "text": {"text": "Olá"},
    "image": {"caption": "Foto", "viewOnce": True},
    "video": {"caption": "Filme", "gif": True},
    "voice": {},
    "audio": {},
    "document": {"caption": "Contrato", "filename": "contrato.pdf"},
    "sticker": {},
    "location": {"latitude": -23.5, "longitude": -46.6, "name": "Loja"},
    "contact_card": {"contacts": [{"fullName": "João", "phoneNumber": "+55 11 99999-0002"}]},
    "poll": {"name": "Q", "options": ["A", "B"]},
    "list": {"title": "A", "rowId": "a", "description": "Primeira"},
    "buttons": {"text": "Sim", "buttonId": "y"},
    "order": {},
    "event": {"name": "Consulta", "startTime": 1784086400},
    "unsupported": {},
}
SIMULATED = {"contact_card": "contacts", "list": "list_reply", "buttons": "button_reply"}


@pytest.mark.parametrize("form", ["cus", "lid"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_what_a_person_does_means_the_same_on_every_engine(engine, form):
    async with receiver() as (url, posts), simulated(engine) as (wasim, waha):
        await waha.create_or_update_session("shop", webhook=Webhook(url=url, hmac_key=KEY))
        await wasim.post("settle")
        posts.clear()
        for kind, fields in SENT_KINDS.items():
            content = {"kind": SIMULATED.get(kind, kind), **fields}
            await wasim.post("sessions/shop/incoming", person="5511999990001", content=content, form=form)
        written = await wasim.post(
            "sessions/shop/incoming",
            person="5511999990001",
            content={"kind": "text", "text": "Erado"},
            form=form,
        )
        await wasim.post("sessions/shop/edit", message=written["waId"], text="Errado")
        await wasim.post("sessions/shop/react", message=written["waId"], emoji="👍", person="5511999990001")
        await wasim.post("sessions/shop/revoke", message=written["waId"])
        await wasim.post("settle")

    facts = [translate.to_domain(raw, received_at=_now()) for raw, _ in posts]
    messages = [fact for fact in facts if isinstance(fact, ReceivedMessage)]
    kinds = [message.content.kind.value.lower() for message in messages]
    # What WEBJS cannot decrypt yet it reports as `ciphertext`, and again once it can: no message until then.
    unseen = {"unsupported"} if engine is Engine.WEBJS else set()
    assert sorted(kinds) == sorted([*(SENT_KINDS.keys() - unseen), "text"])
    assert {message.key.from_me for message in messages} == {False}
    if engine is not Engine.WEBJS:
        assert {frozenset(message.key.peer.addresses) for message in messages} == {
            frozenset(messages[0].key.peer.addresses)
        }
        assert MARIA in messages[0].key.peer.addresses
    about = [fact for fact in facts if not isinstance(fact, ReceivedMessage | Ignored)]
    assert {type(fact) for fact in about} == {ReceivedEdit, ReceivedReaction, ReceivedRevoke}
    assert {fact.key.external_id for fact in about} == {written["waId"]}
    assert {fact.key.from_me for fact in about} == {False}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("error-463", Rejected),
        ("error-404", Rejected),
        ("error-503", Unavailable),
        ("error-500", Ambiguous),
        ("error-500-after-send", Ambiguous),
        ("drop-after-send", Ambiguous),
        ("broken-json", Ambiguous),
    ],
)
async def test_a_fault_of_the_server_tells_whether_to_look_first(fault, kind):
    async with simulated() as (wasim, waha):
        await wasim.post("faults/rest", fault=fault)
        message_id = await waha.new_message_id("shop")
        with pytest.raises(kind):
            await waha.send("shop", MARIA, TextContent(text="Bom dia"), message_id=message_id)
        found = await waha.find_message("shop", MARIA, message_id, engine=Engine.GOWS)
        assert (found is not None) is (fault.endswith("-after-send"))


async def test_numbers_sessions_and_the_server_are_asked():
    async with simulated() as (_, waha):
        assert await waha.check_exists("shop", PhoneNumber("+5511999990001")) == MARIA
        assert await waha.check_exists("shop", PhoneNumber("+5511000000000")) is None
        assert (await waha.version()).engine is Engine.GOWS
        assert (await waha.session("shop")).state is SessionState.WORKING
        assert await waha.session("nothing") is None
        assert await waha.recent_messages("shop", MARIA, limit=5) == []


async def test_a_new_session_shows_a_qr_code():
    async with receiver() as (url, _), simulated() as (wasim, waha):
        await waha.create_or_update_session("new", webhook=Webhook(url=url, hmac_key=KEY))
        await wasim.post("settle")
        assert (await waha.qr("new")).startswith("2@")
        await waha.stop("new")
        assert (await waha.session("new")).state is SessionState.STOPPED


async def test_a_wrong_key_is_rejected():
    async with simulated() as (wasim, _), httpx2.AsyncClient(trust_env=False) as http:
        with pytest.raises(Rejected) as problem:
            await Waha(wasim.url, "wrong", http=http).session("shop")
        assert problem.value.code == "UNAUTHORIZED"


def _now() -> datetime:

    return SystemClock().now()
