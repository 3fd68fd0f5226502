"""Who is typing: WAHA's `presence.update`, of which only typing and recording matter here."""

from domain.crm.inbound import Ignored, ReceivedTyping
from integrations.waha.delivery import Delivery
from integrations.waha.fields import items, member, text
from integrations.waha.identity import peer
from integrations.waha.message_id import address

_WRITING = {"typing", "recording"}


def updated(delivery: Delivery) -> ReceivedTyping | Ignored:
    """Return that somebody else writes in a chat; coming online, going and pausing change nothing."""
    chat = address(member(delivery.payload, "id"))
    if chat is None or chat in delivery.own:
        return Ignored(event=delivery.event, reason="no chat")
    writing = [
        one
        for one in items(delivery.payload, "presences")
        if text(one, "lastKnownPresence") in _WRITING
        and address(member(one, "participant")) not in delivery.own
    ]
    if not writing:
        return Ignored(event=delivery.event, reason="nobody types")
    return ReceivedTyping(chat=chat, peer=peer(chat, delivery.payload, from_me=False, own=delivery.own))
