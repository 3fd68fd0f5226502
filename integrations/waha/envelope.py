"""The envelope of a webhook: what must be known before the body is stored, read cheaply."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from domain.clock import SystemClock
from domain.values import AddressKind
from integrations.waha.fields import MalformedPayload, Node, child, clean, compact, decode, member, text
from integrations.waha.identity import chat_of, own_addresses, peer_alternate, side_of
from integrations.waha.message_id import address
from integrations.waha.times import plausible

__all__ = ["CHANNEL_LANE", "Envelope", "MalformedPayload", "read"]

CHANNEL_LANE = "session"
"""The lane of events that belong to no conversation, such as `session.status`."""

_EVENT_LIMIT, _SESSION_LIMIT, _KEY_LIMIT, _ENGINE_LIMIT = 100, 200, 200, 32
_CARRIERS = ("after", "before", "poll", "vote", "group")
_ADDRESSES = ("id", "chatId", "from")
_CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The scalars of a webhook.

    `event_key` is the same for every delivery of one event. `occurred_at` is None when the body gives no usable
    time; the time of reception then stands in. `chat_key` is the same for all events about one conversation, so
    that they can be worked on in order; the phone form wins where an event has both forms of a person's address.
    """

    event: str
    session: str
    event_key: str
    engine: str | None
    occurred_at: datetime | None
    chat_key: str


def read(raw: bytes, *, received_at: datetime | None = None) -> Envelope:
    """Return the scalars of a webhook body, or raise `MalformedPayload`; `received_at` defaults to now."""
    body = decode(raw)
    event = member(body, "event")
    if not isinstance(event, str) or not event or len(event) > _EVENT_LIMIT:
        raise MalformedPayload("The body has no `event` with the name of an event.")
    event = clean(event)
    session = (text(body, "session") or "")[:_SESSION_LIMIT]
    payload = child(body, "payload")
    return Envelope(
        event=event,
        session=session,
        event_key=_event_key(body, event=event, session=session),
        engine=engine_of(body),
        occurred_at=_occurred_at(body, event=event, received_at=received_at or _CLOCK.now()),
        chat_key=_chat_key(body, payload, event=event),
    )


def engine_of(body: Node) -> str | None:
    """Return the name of the engine; before 2026 only the environment said it."""
    engine = text(body, "engine") or text(child(body, "environment"), "engine")
    return None if engine is None or len(engine) > _ENGINE_LIMIT else engine.upper()


def _event_key(body: Node, *, event: str, session: str) -> str:
    told = member(body, "id")
    if isinstance(told, str) and told.isprintable() and 0 < len(told.strip()) <= len(told) <= _KEY_LIMIT:
        return told
    digest = hashlib.sha256("\n".join((session, event, compact(member(body, "payload")))).encode())
    return digest.hexdigest()


def _occurred_at(body: Node, *, event: str, received_at: datetime) -> datetime | None:
    payload = child(body, "payload")
    times = [
        member(payload, "timestamp"),
        member(child(payload, "after"), "timestamp"),
        member(body, "timestamp"),
    ]
    if event.startswith("message.ack"):
        # The payload of WEBJS is the acknowledged message with its own time.
        times.reverse()
    found = (plausible(value, received_at=received_at) for value in times)
    return next((at for at in found if at is not None), None)


def _chat_key(body: Node, payload: Node, *, event: str) -> str:
    if event == "session.status":
        return CHANNEL_LANE
    own = own_addresses(body)
    for carrier in (payload, *(child(payload, name) for name in _CARRIERS)):
        from_me = side_of(carrier)
        chat = chat_of(carrier, from_me=from_me, own=own)
        if chat is not None and chat.kind is AddressKind.LID:
            raw = child(carrier, "_data") or child(payload, "_data")
            chat = peer_alternate(chat, raw, from_me=from_me, own=own) or chat
        if chat is not None:
            return str(chat)
    told = (member(node, name) for node in (payload, child(payload, "group")) for name in _ADDRESSES)
    found = (address(value) for value in told if isinstance(value, str) and "@" in value)
    return next((str(one) for one in found if one is not None), CHANNEL_LANE)
