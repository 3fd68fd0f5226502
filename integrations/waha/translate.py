"""From WAHA's webhooks to what the domain knows: one entry, one table."""

from collections.abc import Callable, Mapping
from datetime import datetime

from domain.crm.inbound import ChannelStateChanged, Ignored, InboundEvent, Party, SessionState
from integrations.waha import facts, messages
from integrations.waha.delivery import Delivery
from integrations.waha.fields import decode, items, member, text
from integrations.waha.message_id import address
from integrations.waha.times import plausible

_STATES = {state.value: state for state in SessionState} | {
    # The user is still asked for the passkey; only the question changed.
    "PASSKEY_CONFIRMATION_REQUIRED": SessionState.PASSKEY_REQUIRED,
}


def to_domain(body: bytes | Mapping[str, object], *, received_at: datetime) -> InboundEvent:
    """Return what a webhook says.

    Bytes must hold a JSON object, or `MalformedPayload` is raised; strange content raises nothing, and events
    without a meaning here become `Ignored`. Times that are absent or absurd are replaced by `received_at`.
    """
    delivery = Delivery.of(decode(body) if isinstance(body, bytes) else body, received_at=received_at)
    translate = _TRANSLATIONS.get(delivery.event)
    return (
        Ignored(event=delivery.event, reason="not handled yet") if translate is None else translate(delivery)
    )


def _session_status(delivery: Delivery) -> InboundEvent:
    status = text(delivery.payload, "status") or ""
    state = _STATES.get(status)
    if state is None:
        return Ignored(event=delivery.event, reason="unknown status")
    history = (
        plausible(member(entry, "timestamp"), received_at=delivery.received_at)
        for entry in items(delivery.payload, "statuses")
    )
    newest = max((at for at in history if at is not None), default=None)
    return ChannelStateChanged(
        state=state, changed_at=newest or delivery.time(), own=_own(delivery), engine=delivery.engine
    )


def _own(delivery: Delivery) -> Party | None:
    known, alternate = address(member(delivery.me, "id")), address(member(delivery.me, "lid"))
    if known is None or not known.is_person:
        return None
    differs = alternate is not None and alternate.is_person and alternate != known
    return Party(
        address=known, alternate=alternate if differs else None, push_name=text(delivery.me, "pushName")
    )


_TRANSLATIONS: dict[str, Callable[[Delivery], InboundEvent]] = {
    "message": messages.received,
    "message.any": messages.received,
    "message.ack": facts.acknowledged,
    "message.ack.group": facts.acknowledged,
    "message.reaction": facts.reacted,
    "message.edited": facts.edited,
    "message.revoked": facts.revoked,
    "session.status": _session_status,
}

HANDLED = tuple(_TRANSLATIONS)
"""The events that change something here; WAHA should be asked for these."""
