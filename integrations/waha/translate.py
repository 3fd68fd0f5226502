"""From WAHA's webhooks to what the domain knows: one entry, one table."""

from collections.abc import Callable
from datetime import datetime

from domain.crm.inbound import ChannelStateChanged, Ignored, InboundEvent, Party, ReceivedMessage
from integrations.waha import facts, messages, presence
from integrations.waha.delivery import Delivery
from integrations.waha.fields import EMPTY, Node, decode, items, member, text
from integrations.waha.sessions import own_of, state_of
from integrations.waha.times import plausible


def to_domain(body: bytes | Node, *, received_at: datetime) -> InboundEvent:
    """Return what a webhook says.

    Bytes must hold a JSON object, or `MalformedPayload` is raised; strange content raises nothing, and events
    without a meaning here become `Ignored`. Times that are absent or absurd are replaced by `received_at`.
    """
    delivery = Delivery.of(decode(body) if isinstance(body, bytes) else body, received_at=received_at)
    translate = _TRANSLATIONS.get(delivery.event)
    return (
        Ignored(event=delivery.event, reason="not handled yet") if translate is None else translate(delivery)
    )


def listed(
    message: Node, *, own: Party | None, received_at: datetime, engine: str | None = None
) -> ReceivedMessage | Ignored:
    """Return a message out of WAHA's lists, which have the form of `message.any` without its envelope."""
    return messages.received(
        Delivery(
            event="message.any",
            payload=message,
            me=EMPTY,
            own=frozenset() if own is None else frozenset(own.addresses),
            engine=engine,
            created_at=None,
            received_at=received_at,
        )
    )


def _session_status(delivery: Delivery) -> InboundEvent:
    state = state_of(text(delivery.payload, "status"))
    if state is None:
        return Ignored(event=delivery.event, reason="unknown status")
    history = (
        plausible(member(entry, "timestamp"), received_at=delivery.received_at)
        for entry in items(delivery.payload, "statuses")
    )
    newest = max((at for at in history if at is not None), default=None)
    return ChannelStateChanged(
        state=state, changed_at=newest or delivery.time(), own=own_of(delivery.me), engine=delivery.engine
    )


_TRANSLATIONS: dict[str, Callable[[Delivery], InboundEvent]] = {
    "message": messages.received,
    "message.any": messages.received,
    "message.ack": facts.acknowledged,
    "message.ack.group": facts.acknowledged,
    "message.reaction": facts.reacted,
    "message.edited": facts.edited,
    "message.revoked": facts.revoked,
    "presence.update": presence.updated,
    "session.status": _session_status,
}

HANDLED = tuple(_TRANSLATIONS)
"""The events that change something here; WAHA should be asked for these."""
