"""What the simulator emits equals recorded and documented payloads, made-up keys and hashes apart."""

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "../shared/waha/samples"
MARIA = "5511999990001"
JOAO = "5511999990002"
GROUP = "120363000000000001@g.us"
MADE_UP = {
    *("fileSHA256", "fileEncSHA256", "mediaKey", "directPath", "URL", "mediaKeyTimestamp", "waveform"),
    *("fileSha256", "fileEncSha256", "url", "fileLength", "JPEGThumbnail", "jpegThumbnail", "height"),
    *("width", "seconds", "messageSecret", "conversionData", "timestampMS", "timestampMs", "Timestamp"),
    *("filehash", "encFilehash", "size", "deprecatedMms3Url", "duration", "thumbnail", "pageCount"),
    *("sequenceNumber", "token", "contextInfo.expiration", "receiptTimestamp", "readTimestamp"),
}


def differences(ours: object, theirs: object, path: str = "") -> list[str]:
    """Where two payloads differ; fields of which both have some value count as equal when made up."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted(ours.keys() | theirs.keys()):
            where = f"{path}.{key}"
            if key in MADE_UP and path.startswith("._data"):
                continue
            if key not in ours or key not in theirs:
                found.append(f"{where} only in {'theirs' if key in theirs else 'ours'}")
            else:
                found += differences(ours[key], theirs[key], where)
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            d
            for i, pair in enumerate(zip(ours, theirs, strict=True))
            for d in differences(*pair, f"{path}[{i}]")
        ]
    return [] if ours == theirs else [f"{path}: {ours!r} is not {theirs!r}"]


def text(body, **more):
    return {"kind": "text", "text": body, **more}


AD = {"ctwaClid": "AfDEMOctwaClidExample0001"}
HELLO = "Olá! Tenho interesse e queria mais informações."
CARD = {"fullName": "João Exemplo", "phoneNumber": "+55 11 99999-0002", "whatsappId": "5511999990002"}
PLACE = {
    "kind": "location",
    "latitude": -23.561414,
    "longitude": -46.655881,
    "name": "Loja Exemplo",
    "address": "Av. Exemplo, 1000",
    "url": "https://example.com",
}
POLL = {"kind": "poll", "name": "Qual horário?", "options": ["Manhã", "Tarde"]}
IN = "sessions/shop/incoming"

# Sample file, control call, its arguments beside waId and timestamp.
MESSAGES = [
    ("message-gows-text", {"content": text("Oi, bom dia! Vocês atendem hoje?")}),
    ("message-gows-text_lid_with_alt", {"content": text("Mensagem com LID"), "form": "lid"}),
    ("message-gows-text_lid_unresolved", {"person": "200000000000099@lid", "content": text("Número oculto")}),
    ("message-gows-image_caption", {"content": {"kind": "image", "caption": "Foto do produto"}}),
    ("message-gows-image_no_caption", {"content": {"kind": "image"}}),
    ("message-gows-video_caption", {"content": {"kind": "video", "caption": "Vídeo"}}),
    ("message-gows-voice", {"content": {"kind": "voice"}}),
    ("message-gows-document", {"content": {"kind": "document", "filename": "contrato.pdf"}}),
    ("message-gows-location", {"content": PLACE}),
    ("message-gows-contact", {"content": {"kind": "contacts", "contacts": [CARD]}}),
    ("message-gows-poll_creation", {"content": POLL}),
    (
        "message-gows-event_invitation",
        {"content": {"kind": "event", "name": "Consulta", "description": "Retorno", "startTime": 1784086400}},
    ),
    ("message-gows-ad_referral", {"content": text(HELLO, referral=AD)}),
    (
        "message-gows-group_text_lid",
        {"person": JOAO, "chat": GROUP, "form": "lid", "content": text("Bom dia, grupo")},
    ),
    ("message-gows-group_text_pn", {"chat": GROUP, "content": text("Bom dia, grupo")}),
    ("message-noweb-text", {"content": text("Oi, bom dia! Vocês atendem hoje?")}),
    ("message-noweb-text_lid_with_alt", {"content": text("Mensagem com LID"), "form": "lid"}),
    (
        "message-noweb-group_text_lid",
        {"person": JOAO, "chat": GROUP, "form": "lid", "content": text("Bom dia, grupo")},
    ),
    ("message-noweb-group_text_pn", {"chat": GROUP, "content": text("Bom dia, grupo")}),
    ("message-noweb-image_view_once", {"content": {"kind": "image", "viewOnce": True}}),
    ("message-noweb-voice", {"content": {"kind": "voice"}}),
    ("message-noweb-contact", {"content": {"kind": "contacts", "contacts": [CARD]}}),
    ("message-noweb-poll_creation", {"content": POLL}),
    ("message-noweb-ad_referral", {"content": text(HELLO, referral=AD)}),
    (
        "message-noweb-order",
        {"content": {"kind": "order", "itemCount": 2}},
    ),
    (
        "message-noweb-reply_text",
        {"content": text("Sim, confirmo"), "replyTo": "3EB0ADC3FEA78C0C1671"},
    ),
    ("message-noweb-text_empty_body", {"content": {"kind": "unsupported"}}),
    ("message-webjs-text", {"content": text("Oi, bom dia! Vocês atendem hoje?")}),
    ("message-webjs-text_lid", {"content": text("Mensagem com LID"), "form": "lid"}),
    (
        "message-webjs-group_text",
        {"person": JOAO, "chat": GROUP, "form": "lid", "content": text("Bom dia, grupo")},
    ),
    ("message-webjs-image_caption", {"content": {"kind": "image", "caption": "Foto do produto"}}),
    ("message-webjs-document", {"content": {"kind": "document", "filename": "contrato.pdf"}}),
    ("message-webjs-poll_creation", {"content": POLL}),
    (
        "message-webjs-reply_text",
        {"content": text("Sim, confirmo"), "replyTo": "3EB0ADC3FEA78C0C1671"},
    ),
]


def sample(name: str) -> dict:
    file = SAMPLES / f"{name}.json"
    if not file.exists():
        pytest.skip(f"WAHA's sample bodies are not at {SAMPLES.resolve()}")
    return json.loads(file.read_text())


SETTINGS = {
    "session": {
        "name": "crm-demo",
        "lid": "100000000000000",
        "metadata": {"tenant.id": "tenant-0001", "channel.id": "channel-0001"},
    },
    "baseUrl": "http://localhost:3000",
    "autoAcks": False,
}


async def populate(wasim):
    await wasim.post("people", phone=MARIA, lid="200000000000001", name="Maria Teste")
    await wasim.post("people", phone=JOAO, lid="200000000000002", name="João Exemplo")
    await wasim.post("people", lid="200000000000099", name="Contato Oculto")
    await wasim.post(
        "sessions/crm-demo/groups", id=GROUP, subject="Grupo", members=[{"person": MARIA}, {"person": JOAO}]
    )
    quoted = {"content": text("Confirma para amanhã?"), "waId": "3EB0ADC3FEA78C0C1671"}
    await wasim.post("sessions/crm-demo/typed", chat=MARIA, **quoted)


@pytest.mark.parametrize("engine", ["gows", "noweb", "webjs"])
async def test_incoming_messages_equal_the_samples(start, receiver, engine):
    chosen = [(name, args) for name, args in MESSAGES if f"-{engine}-" in name]
    expected = {name: sample(name) for name, _ in chosen}
    async with start(engine.upper(), events=["message"], **SETTINGS) as wasim:
        await populate(wasim)
        for name, args in chosen:
            payload = expected[name]["payload"]
            wa_id = payload["id"].split("_")[2]
            call = {"person": MARIA, "waId": wa_id, "timestamp": payload["timestamp"], **args}
            await wasim.post("sessions/crm-demo/incoming", **call)
        await wasim.post("settle")

    bodies = {post.payload["id"]: post.body for post in receiver.posts}
    found = []
    for name, body in expected.items():
        ours = bodies[body["payload"]["id"]]
        found += [f"{name} {d}" for d in differences(ours["payload"], body["payload"])]
        assert (
            differences(
                {**ours, "payload": 0, "id": 0, "timestamp": 0},
                {**body, "payload": 0, "id": 0, "timestamp": 0},
            )
            == []
        )
    assert found == []


# Sample file, the message it acts on (control call and arguments), the action and its arguments.
MINE = ("typed", {"chat": MARIA, "content": text("Catálogo")})
THEIRS = ("incoming", {"person": MARIA, "content": text("Oi")})
OWN_IN_GROUP = ("typed", {"chat": GROUP, "content": text("Aviso")})
JOAO_IN_GROUP = ("incoming", {"person": JOAO, "chat": GROUP, "content": text("Oi")})
ACTIONS = [
    ("message.ack-gows-device", MINE, "ack", {"ack": 2}),
    ("message.ack-gows-read", MINE, "ack", {"ack": 3}),
    ("message.ack-gows-played", MINE, "ack", {"ack": 4}),
    ("message.ack-gows-error", MINE, "ack", {"ack": -1}),
    ("message.ack-noweb-server", MINE, "ack", {"ack": 1}),
    ("message.ack-noweb-device", MINE, "ack", {"ack": 2}),
    ("message.ack.group-noweb-delivered_as_server", OWN_IN_GROUP, "ack", {"ack": 2, "person": MARIA}),
    ("message.ack.group-noweb-read", OWN_IN_GROUP, "ack", {"ack": 3, "person": MARIA}),
    ("message.ack.group-webjs-read", OWN_IN_GROUP, "ack", {"ack": 3, "person": MARIA}),
    ("message.reaction-gows-added", MINE, "react", {"emoji": "👍", "person": MARIA}),
    ("message.reaction-gows-from_me", THEIRS, "react", {"emoji": "❤️"}),
    ("message.reaction-gows-group", OWN_IN_GROUP, "react", {"emoji": "🙏", "person": MARIA}),
    ("message.reaction-noweb-added", MINE, "react", {"emoji": "👍", "person": MARIA}),
    ("message.reaction-noweb-removed", MINE, "react", {"emoji": "", "person": MARIA}),
    ("message.reaction-webjs-added", MINE, "react", {"emoji": "🙏", "person": MARIA}),
    ("message.edited-gows-text", THEIRS, "edit", {"text": "Texto corrigido"}),
    ("message.edited-noweb-text", THEIRS, "edit", {"text": "Texto corrigido"}),
    ("message.revoked-gows-group_admin", JOAO_IN_GROUP, "revoke", {"person": MARIA}),
    ("message.revoked-noweb-by_contact", THEIRS, "revoke", {}),
    ("presence.update-gows-typing", THEIRS, "presence", {"person": MARIA, "state": "typing"}),
    ("presence.update-noweb-group_typing", THEIRS, "presence", {"person": MARIA, "chat": GROUP}),
]


def target_of(payload: dict) -> str:
    """The bare id of the message that a sample acts on."""
    for name in ("editedMessageId", "revokedMessageId"):
        if name in payload:
            return payload[name]
    return (payload.get("reaction", {}).get("messageId") or payload["id"] + "_-_TARGET").split("_")[2]


@pytest.mark.parametrize("case", ACTIONS, ids=[case[0] for case in ACTIONS])
async def test_actions_equal_the_samples(start, receiver, case):
    name, message, action, arguments = case
    expected = sample(name)["payload"]
    event, engine, *_ = name.split("-")
    verb, call = message
    target = target_of(expected)
    async with start(engine.upper(), events=[event], **SETTINGS) as wasim:
        await populate(wasim)
        await wasim.post(f"sessions/crm-demo/{verb}", waId=target, timestamp=1784000500, **call)
        about = {} if action == "presence" else {"message": target}
        done = await wasim.post(f"sessions/crm-demo/{action}", **about, **arguments)
        await wasim.post("settle")

    [post] = receiver.posts
    theirs = (expected.get("after") or expected)["id"].split("_")
    if action in ("react", "edit", "revoke"):
        ours = json.loads(post.raw.decode().replace(done["waId"], theirs[2]))["payload"]
    else:
        ours = post.payload
    for payload in (ours, expected):
        for part in (
            payload,
            payload.get("after") or {},
            payload.get("_data") or {},
            payload.get("after", {}).get("_data", {}),
        ):
            for stamp in ("timestamp", "messageTimestamp"):
                part.pop(stamp, None)
            part.get("Info", {}).pop("Timestamp", None)
    assert differences(ours, expected) == []
