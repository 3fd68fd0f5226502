"""WAHA webhooks as GOWS writes them, one function per event."""

import itertools
from dataclasses import dataclass, field

import msgspec

OWN = "5511999990000"
START = 1_784_000_000
"""2026-07-14 03:33:20 UTC, in seconds."""

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody on WhatsApp."""

    phone: str = "5511999990001"
    lid: str = "200000000000001"
    name: str = "Maria Teste"


MARIA = Person()
JOAO = Person(phone="5511999990002", lid="200000000000002", name="João Exemplo")


@dataclass(frozen=True, kw_only=True)
class Script:
    """Makes webhooks with ids that are its own; `session` is the WAHA session they come from."""

    session: str = "crm-demo"
    number: int = field(default_factory=lambda: next(_numbers))
    _events: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def message(
        self,
        wa_id: str,
        *,
        text: str = "Oi",
        by: Person = MARIA,
        at: int = 0,
        address: str = "phone",
        tell_both: bool = False,
        from_me: bool = False,
        source: str = "app",
        ack: int | None = None,
        group: str | None = None,
        event: str = "message.any",
        body: dict[str, object] | None = None,
    ) -> bytes:
        """Return a new message. `address` is phone or lid; `tell_both` adds the other form."""
        phone, lid = f"{by.phone}@s.whatsapp.net", f"{by.lid}@lid"
        used, other = (phone, lid) if address == "phone" else (lid, phone)
        shown = f"{by.phone}@c.us" if address == "phone" else lid
        chat = group or shown
        full = f"{str(from_me).lower()}_{chat}_{wa_id}"
        if group is not None:
            full += f"_{OWN}@c.us" if from_me else f"_{shown}"
        info = {
            "Chat": group or used,
            "Sender": f"{OWN}@s.whatsapp.net" if from_me else used,
            "SenderAlt": other if tell_both and not from_me else "",
            "RecipientAlt": other if tell_both and from_me else "",
            "IsFromMe": from_me,
            "IsGroup": group is not None,
            "PushName": "Loja" if from_me else by.name,
            "ID": wa_id,
        }
        return self._event(
            event,
            {
                "id": full,
                "timestamp": START + at,
                "from": chat,
                "fromMe": from_me,
                "source": source,
                "body": text,
                "to": None,
                "participant": (None if from_me else shown) if group else None,
                "hasMedia": False,
                "media": None,
                "ack": (1 if from_me else 2) if ack is None else ack,
                "replyTo": None,
                "_data": {"Info": info, "Message": body or {"conversation": text}},
            },
            at=at,
        )

    def ack(
        self, wa_id: str, level: int, *, to: Person = MARIA, at: int = 0, address: str = "phone"
    ) -> bytes:
        """Return an acknowledgement of one of our messages."""
        chat = f"{to.phone}@c.us" if address == "phone" else f"{to.lid}@lid"
        return self._event(
            "message.ack",
            {
                "id": f"true_{chat}_{wa_id}",
                "from": chat,
                "to": None,
                "participant": None,
                "fromMe": True,
                "ack": level,
                "ackName": "x",
            },
            at=at,
        )

    def reaction(
        self, wa_id: str, emoji: str, *, by: Person = MARIA, at: int = 0, to_ours: bool = True
    ) -> bytes:
        """Return a reaction of somebody."""
        chat = f"{by.phone}@c.us"
        return self._event(
            "message.reaction",
            {
                "id": f"false_{chat}_R{self.number}{next(self._events):06}",
                "timestamp": START + at,
                "from": chat,
                "fromMe": False,
                "source": "app",
                "to": None,
                "participant": None,
                "reaction": {"text": emoji, "messageId": f"{str(to_ours).lower()}_{chat}_{wa_id}"},
            },
            at=at,
        )

    def edit(self, wa_id: str, text: str, *, by: Person = MARIA, at: int = 0, from_me: bool = False) -> bytes:
        """Return a new wording."""
        chat = f"{by.phone}@c.us"
        return self._event(
            "message.edited",
            {
                "id": f"{str(from_me).lower()}_{chat}_E{self.number}{next(self._events):06}",
                "timestamp": START + at,
                "from": chat,
                "fromMe": from_me,
                "source": "app",
                "body": text,
                "editedMessageId": wa_id,
            },
            at=at,
        )

    def revoke(self, wa_id: str, *, by: Person = MARIA, at: int = 0, from_me: bool = False) -> bytes:
        """Return a deletion for everyone."""
        chat = f"{by.phone}@c.us"
        return self._event(
            "message.revoked",
            {
                "after": {
                    "id": f"{str(from_me).lower()}_{chat}_D{self.number}{next(self._events):06}",
                    "timestamp": START + at,
                    "from": chat,
                    "fromMe": from_me,
                },
                "before": None,
                "revokedMessageId": wa_id,
            },
            at=at,
        )

    def status(self, status: str, *, at: int = 0) -> bytes:
        """Return a change of the session's state."""
        return self._event(
            "session.status",
            {
                "name": self.session,
                "status": status,
                "statuses": [{"status": status, "timestamp": (START + at) * 1000}],
            },
            at=at,
        )

    def _event(self, event: str, payload: dict[str, object], *, at: int) -> bytes:
        return msgspec.json.encode(
            {
                "id": f"evt_{self.number:04}{next(self._events):010}",
                "timestamp": (START + at) * 1000 + 412,
                "event": event,
                "session": self.session,
                "me": {"id": f"{OWN}@c.us", "pushName": "Loja", "lid": "100000000000000@lid"},
                "payload": payload,
                "engine": "GOWS",
                "environment": {"version": "2026.7.1", "engine": "GOWS"},
            }
        )
