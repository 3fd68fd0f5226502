"""Everything the simulator emits fits WAHA's own OpenAPI description."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

CONTRACT = Path(__file__).parents[2] / "../shared/waha/openapi.json"
MARIA = "5511999990001"
JOAO = "5511999990002"
GROUP = "120363000000000001@g.us"
ENGINES = ("GOWS", "NOWEB", "WEBJS")

CONTENTS = [
    {"kind": "text", "text": "Oi"},
    {
        "kind": "text",
        "text": "Veja https://example.com",
        "preview": {"url": "https://example.com", "title": "Loja"},
    },
    {"kind": "text", "text": "Vim pelo anúncio", "referral": {}},
    {"kind": "text", "text": "@5511999990000 olha", "mentions": ["5511999990000@c.us"], "forwarded": True},
    {"kind": "image", "caption": "Foto do produto"},
    {"kind": "image", "viewOnce": True},
    {"kind": "video", "caption": "Vídeo"},
    {"kind": "video", "note": True},
    {"kind": "voice"},
    {"kind": "audio"},
    {"kind": "document", "filename": "contrato.pdf"},
    {"kind": "document", "filename": "contrato.pdf", "caption": "Segue contrato"},
    {"kind": "sticker"},
    {"kind": "location", "latitude": -23.561414, "longitude": -46.655881, "name": "Loja"},
    {"kind": "location", "latitude": -23.5, "longitude": -46.6, "live": True, "description": "A caminho"},
    {"kind": "contacts", "contacts": [{"fullName": "João", "phoneNumber": "+55 11 99999-0002"}]},
    {
        "kind": "contacts",
        "contacts": [
            {"fullName": "João", "phoneNumber": "5511999990002"},
            {"fullName": "Ana", "phoneNumber": "5511999990003", "organization": "Exemplo"},
        ],
    },
    {"kind": "poll", "name": "Qual horário?", "options": ["Manhã", "Tarde"]},
    {"kind": "list_reply", "title": "Opção 2", "rowId": "option2", "description": "Segunda opção"},
    {"kind": "button_reply", "text": "Sim", "buttonId": "btn-yes"},
    {"kind": "order"},
    {"kind": "event", "name": "Consulta", "startTime": 1784086400},
    {"kind": "unsupported"},
]


@pytest.fixture(scope="session")
def contract() -> dict:
    if not CONTRACT.exists():
        pytest.skip(f"WAHA's OpenAPI description is not at {CONTRACT.resolve()}")
    return json.loads(CONTRACT.read_text())


def validator(contract: dict, schema: dict) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": contract["components"]})


class Checks:
    def __init__(self, contract: dict) -> None:
        self.contract = contract
        self.webhooks = {
            name: validator(contract, hook["post"]["requestBody"]["content"]["application/json"]["schema"])
            for name, hook in contract["webhooks"].items()
        }
        self.answers: dict[tuple[str, str, str], Draft202012Validator | None] = {}

    def webhook(self, body: dict) -> None:
        self.webhooks[body["event"]].validate(body)

    def answer(self, method: str, path: str, status: int, body: object) -> None:
        operation = self.contract["paths"][path][method.lower()]
        response = operation["responses"].get(str(status), operation["responses"].get("default"))
        assert response is not None, f"{method} {path} never answers {status}"
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        validator(self.contract, schema).validate(body)


@pytest.fixture(scope="session")
def checks(contract) -> Checks:
    return Checks(contract)


async def populate(wasim):
    await wasim.post("people", phone=JOAO, name="João Exemplo", form="lid")
    await wasim.post(
        "sessions/shop/groups", id=GROUP, subject="Grupo", members=[{"person": MARIA}, {"person": JOAO}]
    )


@pytest.mark.parametrize("engine", ENGINES)
async def test_every_kind_of_message_fits_the_contract(start, receiver, checks, engine):
    async with start(engine) as wasim:
        await populate(wasim)
        for content in CONTENTS:
            await wasim.post("sessions/shop/incoming", person=MARIA, content=content)
            await wasim.post("sessions/shop/incoming", person=JOAO, content=content)
            await wasim.post("sessions/shop/incoming", person=JOAO, chat=GROUP, content=content)
            await wasim.post("sessions/shop/typed", chat=f"{MARIA}@c.us", content=content)
        await wasim.post("settle")
        listed = await wasim.control.get(f"/api/shop/chats/{MARIA}%40c.us/messages?limit=500")

    assert {post.event for post in receiver.posts} == {"message", "message.any", "message.ack"}
    assert len(receiver.payloads("message")) == 3 * len(CONTENTS)
    assert len(receiver.payloads("message.any")) == 4 * len(CONTENTS)
    for post in receiver.posts:
        checks.webhook(post.body)
    assert len(listed.json()) == 2 * len(CONTENTS)
    checks.answer("GET", "/api/{session}/chats/{chatId}/messages", 200, listed.json())


@pytest.mark.parametrize("engine", ENGINES)
async def test_actions_receipts_presence_and_status_fit_the_contract(start, receiver, checks, engine):
    async with start(engine) as wasim:
        await populate(wasim)
        text = {"kind": "text", "text": "Oi"}
        mine = await wasim.post("sessions/shop/typed", chat=f"{MARIA}@c.us", content=text)
        theirs = await wasim.post("sessions/shop/incoming", person=MARIA, content={"kind": "image"})
        quoting = await wasim.post(
            "sessions/shop/incoming", person=JOAO, chat=GROUP, content=text, replyTo=theirs["waId"]
        )
        await wasim.post("sessions/shop/typed", chat=GROUP, content=text, replyTo=quoting["waId"])
        await wasim.post("sessions/shop/edit", message=theirs["id"], text="Nova legenda")
        await wasim.post("sessions/shop/edit", message=mine["id"], text="Corrigido")
        await wasim.post("sessions/shop/react", message=mine["id"], emoji="👍", person=MARIA)
        await wasim.post("sessions/shop/react", message=quoting["id"], emoji="❤️")
        await wasim.post("sessions/shop/revoke", message=quoting["id"], person=MARIA)
        await wasim.post("sessions/shop/revoke", message=mine["id"])
        await wasim.post("sessions/shop/ack", message=mine["id"], ack=-1)
        await wasim.post("sessions/shop/presence", person=MARIA, state="typing")
        await wasim.post("sessions/shop/presence", person=JOAO, chat=GROUP, state="offline", form="lid")
        await wasim.post("sessions/shop/status", status="FAILED")
        await wasim.post("settle")

    assert {post.event for post in receiver.posts} == {
        "message",
        "message.any",
        "message.ack",
        "message.ack.group",
        "message.edited",
        "message.reaction",
        "message.revoked",
        "presence.update",
        "session.status",
    }
    for post in receiver.posts:
        checks.webhook(post.body)


def calls(engine: str) -> list[tuple[str, str, dict | None, int]]:
    """Every REST call there is: method, path, body, status."""
    chat = {"session": "shop", "chatId": f"{MARIA}@c.us"}
    file = {"file": {"data": "AAAA", "mimetype": "image/jpeg", "filename": "a.jpg"}}
    own = engine != "WEBJS"
    return [
        ("GET", "/ping", None, 200),
        ("GET", "/health", None, 200),
        ("GET", "/api/version", None, 200),
        ("GET", "/api/server/version", None, 200),
        ("GET", "/api/server/status", None, 200),
        ("GET", "/api/server/environment", None, 200),
        ("GET", "/api/sessions", None, 200),
        ("GET", "/api/sessions/{session=shop}", None, 200),
        ("GET", "/api/sessions/{session=shop}/me", None, 200),
        ("GET", "/api/sessions/{session=none}", None, 404),
        ("GET", "/api/{session=shop}/auth/qr", None, 422),
        ("POST", "/api/sendText", {**chat, "text": "Oi"}, 201),
        ("POST", "/api/sendText", {**chat, "chatId": GROUP, "text": "Oi"}, 201),
        ("POST", "/api/sendText", {**chat, "session": "none", "text": "Oi"}, 404),
        ("POST", "/api/sendText", chat, 400),
        ("POST", "/api/sendImage", {**chat, **file, "caption": "a"}, 201),
        ("POST", "/api/sendFile", {**chat, **file}, 201),
        ("POST", "/api/sendVoice", {**chat, **file, "convert": False}, 201),
        ("POST", "/api/sendVideo", {**chat, **file, "convert": False, "caption": ""}, 201),
        ("POST", "/api/sendLocation", {**chat, "latitude": 1.5, "longitude": 2.5, "title": "Loja"}, 201),
        (
            "POST",
            "/api/sendContactVcard",
            {**chat, "contacts": [{"fullName": "A", "phoneNumber": "1"}]},
            201,
        ),
        (
            "POST",
            "/api/sendPoll",
            {**chat, "poll": {"name": "?", "options": ["a", "b"], "multipleAnswers": False}},
            201,
        ),
        (
            "POST",
            "/api/send/link-custom-preview",
            {**chat, "text": "https://a.example", "preview": {"url": "https://a.example", "title": "A"}},
            201 if own else 501,
        ),
        ("PUT", "/api/reaction", {"session": "shop", "messageId": "M1", "reaction": "👍"}, 200),
        ("POST", "/api/sendSeen", chat, 201),
        ("POST", "/api/startTyping", chat, 201),
        ("POST", "/api/stopTyping", chat, 201),
        ("GET", "/api/{session=shop}/new-message-id", None, 200 if own else 501),
        ("GET", "/api/{session=shop}/chats", None, 200),
        ("GET", "/api/{session=shop}/chats/overview", None, 200),
        ("POST", "/api/{session=shop}/chats/overview", {"pagination": {"limit": 5}}, 201),
        (
            "GET",
            "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/messages",
            None,
            200,
        ),
        ("GET", "/api/{session=shop}/chats/{chatId=all}/messages", None, 200 if own else 501),
        ("GET", "/api/{session=shop}/chats/{chatId=all}/messages/{messageId=M1}", None, 200),
        ("GET", "/api/{session=shop}/chats/{chatId=all}/messages/{messageId=none}", None, 404),
        ("GET", "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/picture", None, 200),
        ("POST", "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/messages/read", {}, 201),
        ("POST", "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/unread", {}, 201),
        (
            "PUT",
            "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/messages/{messageId=M2}",
            {"text": "Novo"},
            200,
        ),
        (
            "PUT",
            "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/messages/{messageId=M1}",
            {"text": "Novo"},
            500,
        ),
        (
            "DELETE",
            "/api/{session=shop}/chats/{chatId=5511999990001@c.us}/messages/{messageId=M2}",
            None,
            200,
        ),
        ("GET", "/api/contacts/all?session=shop", None, 200),
        ("GET", "/api/contacts?session=shop&contactId=5511999990001", None, 200),
        ("GET", "/api/contacts?session=shop&contactId=1", None, 200),
        ("GET", "/api/contacts/check-exists?session=shop&phone=5511999990001", None, 200),
        ("GET", "/api/contacts/check-exists?session=shop&phone=1", None, 200),
        ("GET", "/api/contacts/about?session=shop&contactId=1", None, 200),
        ("GET", "/api/contacts/profile-picture?session=shop&contactId=1", None, 200),
        ("GET", "/api/{session=shop}/contacts/{id=5511999990001@c.us}", None, 200),
        ("GET", "/api/{session=shop}/lids", None, 200),
        ("GET", "/api/{session=shop}/lids/count", None, 200),
        ("GET", "/api/{session=shop}/lids/{lid=1@lid}", None, 200),
        ("GET", "/api/{session=shop}/lids/pn/{phoneNumber=5511999990001}", None, 200),
        ("GET", "/api/{session=shop}/presence/{chatId=5511999990001@c.us}", None, 200),
        ("POST", "/api/{session=shop}/presence", {"presence": "online"}, 201),
        ("POST", "/api/{session=shop}/presence/{chatId=5511999990001@c.us}/subscribe", {}, 201),
        ("GET", "/api/{session=shop}/groups", None, 200),
        ("GET", "/api/{session=shop}/groups/count", None, 200),
        ("GET", f"/api/{{session=shop}}/groups/{{id={GROUP}}}", None, 200),
        ("GET", f"/api/{{session=shop}}/groups/{{id={GROUP}}}/participants", None, 200),
        ("GET", f"/api/{{session=shop}}/groups/{{id={GROUP}}}/participants/v2", None, 200),
        ("POST", "/api/{session=shop}/groups", {"name": "Novo", "participants": [{"id": MARIA}]}, 201),
        ("GET", "/api/files/{session=shop}/{filename=none.jpeg}", None, 404),
        ("POST", "/api/sessions", {"name": "shop"}, 422),
        ("POST", "/api/sessions", {"name": "second", "config": {"metadata": {"a": "b"}}}, 201),
        ("PUT", "/api/sessions/{session=second}", {"config": {}}, 200),
        ("POST", "/api/sessions/{session=second}/stop", None, 201),
        ("POST", "/api/sessions/{session=second}/start", None, 201),
        ("POST", "/api/sessions/{session=second}/restart", None, 201),
        ("POST", "/api/sessions/{session=second}/logout", None, 201),
        ("DELETE", "/api/sessions/{session=second}", None, 200),
    ]


def split(path: str) -> tuple[str, str]:
    """`/a/{session=shop}?x=1` as the path of the contract and the URL to ask."""
    pattern, url = "", ""
    for part in path.partition("?")[0].split("/")[1:]:
        name, _, value = part.strip("{}").partition("=")
        pattern += f"/{{{name}}}" if value else f"/{part}"
        url += f"/{quote(value)}" if value else f"/{part}"
    return pattern, url + path[len(path.partition("?")[0]) :]


@pytest.mark.parametrize("engine", ENGINES)
async def test_every_rest_answer_fits_the_contract(start, checks, engine):
    async with start(engine) as wasim:
        await populate(wasim)
        text = {"kind": "text", "text": "Oi"}
        await wasim.post("sessions/shop/incoming", person=MARIA, content=text, waId="M1")
        await wasim.post("sessions/shop/typed", chat=MARIA, content=text, waId="M2")
        for method, path, body, status in calls(engine):
            pattern, url = split(path)
            got = await wasim.control.request(method, url, json=body)
            assert got.status_code == status, f"{method} {url}: {got.status_code} {got.text}"
            if got.content:
                checks.answer(method, pattern, status, got.json())


async def test_a_wrong_key_is_refused_in_waha_s_words(start, checks):
    async with start(apiKey="secret") as wasim:
        wrong = await wasim.control.get("/api/sessions", headers={"X-Api-Key": "guess"})
        in_query = await wasim.control.get("/api/sessions?x-api-key=secret", headers={"X-Api-Key": ""})
        ping = await wasim.control.get("/ping", headers={"X-Api-Key": ""})

    assert (wrong.status_code, wrong.json()) == (401, {"message": "Unauthorized", "statusCode": 401})
    checks.answer("GET", "/api/sessions", 401, wrong.json())
    assert (in_query.status_code, ping.status_code) == (200, 200)
