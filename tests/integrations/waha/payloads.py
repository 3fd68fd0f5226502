"""Small webhook bodies of our own making, one builder per engine, in the form real servers use."""

from datetime import UTC, datetime

import msgspec

from domain.crm.content import ContactCard, Media

NOW = datetime(2026, 7, 14, 5, 0, tzinfo=UTC)
SECONDS = 1784000063
AT = datetime.fromtimestamp(SECONDS, UTC)
OWN, OWN_LID = "5511999990000@c.us", "100000000000000@lid"
MARIA, MARIA_LID = "5511999990001@c.us", "200000000000001@lid"
JOAO, JOAO_LID = "5511999990002@c.us", "200000000000002@lid"
GROUP = "120363000000000001@g.us"
ID = "3AB3AF560FFAF071918D"


def body(event: str, payload: object, *, engine: str = "GOWS", **fields: object) -> dict:
    return {
        "id": "evt_01k0demo008sydzcp81c9agfs5",
        "timestamp": SECONDS * 1000 + 412,
        "event": event,
        "session": "crm",
        "me": {"id": OWN, "pushName": "Loja", "lid": OWN_LID, "jid": "5511999990000:7@s.whatsapp.net"},
        "payload": payload,
        "engine": engine,
        **fields,
    }


def jid(address: str) -> str:
    return address.replace("@c.us", "@s.whatsapp.net")


def gows(
    message: dict | None,
    *,
    chat: str = MARIA,
    from_me: bool = False,
    author: str | None = None,
    alternate: str = "",
    text: str | None = None,
    **fields: object,
) -> dict:
    side, tail = ("true" if from_me else "false"), (f"_{author}" if author else "")
    info = {
        "Chat": jid(chat),
        "Sender": jid(author or (OWN if from_me else chat)),
        "IsFromMe": from_me,
        "SenderAlt": "" if from_me else jid(alternate),
        "RecipientAlt": jid(alternate) if from_me else "",
        "PushName": "Loja" if from_me else "Maria",
        "Timestamp": "2026-07-14T00:34:23-03:00",
    }
    return {
        "id": f"{side}_{chat}_{ID}{tail}",
        "timestamp": SECONDS,
        "from": chat,
        "fromMe": from_me,
        "source": "app",
        "body": text,
        "to": author,
        "participant": author,
        "hasMedia": False,
        "media": None,
        "ack": 1 if from_me else 2,
        "_data": {"Info": info, "Message": message},
        **fields,
    }


def noweb(
    message: dict | None, *, text: str | None = None, key: dict | None = None, **fields: object
) -> dict:
    raw_key = {"remoteJid": jid(MARIA), "fromMe": False, "id": ID, **(key or {})}
    return {
        "id": f"false_{MARIA}_{ID}",
        "timestamp": SECONDS,
        "from": MARIA,
        "fromMe": False,
        "source": "app",
        "body": text,
        "hasMedia": False,
        "_data": {"key": raw_key, "messageTimestamp": SECONDS, "pushName": "Maria", "message": message},
        **fields,
    }


def webjs(kind: str, *, text: str | None = "", raw: dict | None = None, **fields: object) -> dict:
    return {
        "id": f"false_{MARIA}_{ID}",
        "timestamp": SECONDS,
        "from": MARIA,
        "to": OWN,
        "fromMe": False,
        "source": "app",
        "body": text,
        "hasMedia": False,
        "_data": {
            "id": {"fromMe": False, "remote": MARIA, "id": ID},
            "type": kind,
            "notifyName": "Maria",
            **(raw or {}),
        },
        **fields,
    }


def encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


URL = "http://waha:3000/api/files/crm/3A.bin"
OFFERED = {"url": URL, "mimetype": "image/jpeg", "filename": None}
VCARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:João\r\nitem1.TEL;waid=5511999990002:+55 11 99999-\r\n 0002\r\nTEL:tel:+1 2\r\nEND:VCARD"
JOAO_CARD = ContactCard(name="João", phones=("+55 11 99999-0002", "+1 2"), vcard=VCARD)


def media(**fields: object) -> Media:
    return Media(url=URL, mime_type="image/jpeg", **fields)


def with_file(message: dict, *, text: str | None = None, mime: str = "image/jpeg", **fields: object) -> dict:
    return gows(message, text=text, hasMedia=True, media=OFFERED | {"mimetype": mime, **fields})
