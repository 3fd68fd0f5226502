"""What is said about messages: acknowledgements, reactions, edits, revocations."""

from domain.crm.inbound import (
    Ignored,
    MessageKey,
    Party,
    ReceivedAck,
    ReceivedEdit,
    ReceivedReaction,
    ReceivedRevoke,
)
from domain.values import WhatsAppAddress
from integrations.waha.delivery import Delivery
from integrations.waha.fields import Node, child, flag, member, text
from integrations.waha.identity import author, chat_of, peer, side_of
from integrations.waha.message_id import MessageId, address, bare
from integrations.waha.messages import ack_of


def acknowledged(delivery: Delivery) -> ReceivedAck | Ignored:
    """Return the acknowledgement of a message, in a group too; WAHA's null level says nothing."""
    payload = delivery.payload
    ack = ack_of(payload)
    if ack is None:
        return Ignored(event=delivery.event, reason="unknown ack")
    message_id = MessageId.of(member(payload, "id"))
    key = _key(
        delivery, payload, external_id=_external(message_id), from_me=side_of(payload), target=message_id
    )
    if isinstance(key, Ignored):
        return key
    # The payload's own time, where there is one, is that of the message.
    return ReceivedAck(key=key, ack=ack, acked_at=delivery.time(member(child(payload, "_data"), "Timestamp")))


def reacted(delivery: Delivery) -> ReceivedReaction | Ignored:
    """Return a reaction; the id in it names the message from our point of view."""
    payload = delivery.payload
    reaction = child(payload, "reaction")
    target = MessageId.of(member(reaction, "messageId"))
    key = _key(
        delivery,
        payload,
        external_id=_external(target),
        from_me=None if target is None else target.from_me,
        target=target,
    )
    if isinstance(key, Ignored):
        return key
    reactor = None if side_of(payload) else _writer(delivery, payload, key.chat)
    if reactor is None and not side_of(payload):
        return Ignored(event=delivery.event, reason="no reactor")
    return ReceivedReaction(
        key=key,
        reactor=reactor,
        emoji=text(reaction, "text") or "",
        reacted_at=delivery.time(member(payload, "timestamp")),
    )


def edited(delivery: Delivery) -> ReceivedEdit | Ignored:
    """Return a new wording; only the author can edit, so the edit is on the message's side."""
    payload = delivery.payload
    raw = child(payload, "_data")
    action = bare(member(payload, "id"))
    protocol = child(raw, "Message", "protocolMessage")
    external_id = (
        bare(member(payload, "editedMessageId")) or bare(member(child(protocol, "key"), "ID")) or action
    )
    from_me = side_of(payload)
    wrote = None if from_me else author(payload, own=delivery.own)
    key = _key(delivery, payload, external_id=external_id, from_me=from_me, target=None, wrote=wrote)
    if isinstance(key, Ignored):
        return key
    # WEBJS reports the edited message itself, whose time is that of the first wording.
    times = (member(payload, "timestamp"),) if action != external_id else ()
    return ReceivedEdit(
        key=key,
        text=text(payload, "body"),
        edited_at=delivery.time(member(raw, "latestEditSenderTimestampMs"), *times),
    )


def revoked(delivery: Delivery) -> ReceivedRevoke | Ignored:
    """Return a deletion for everyone: by the author, or in a group by an admin."""
    payload = delivery.payload
    after, before = child(payload, "after"), child(payload, "before")
    action = after or before
    raw = child(action, "_data") or child(payload, "_data")
    protocol = child(raw, "Message", "protocolMessage", "key")
    external_id = (
        bare(member(payload, "revokedMessageId"))
        or bare(member(protocol, "ID"))
        or bare(member(before, "id"))
        or bare(member(after, "id"))
    )
    chat = chat_of(action, from_me=side_of(action), own=delivery.own)
    from_me, wrote = _revoked_side(delivery, before=before, action=action, protocol=protocol, chat=chat)
    key = _key(delivery, action, external_id=external_id, from_me=from_me, target=None, wrote=wrote)
    if isinstance(key, Ignored):
        return key
    by = address(member(raw, "revokeSender"))
    times = (member(after, "timestamp"),) if bare(member(after, "id")) != external_id else ()
    return ReceivedRevoke(
        key=key,
        by_me=bool(side_of(action)) if by is None else by in delivery.own,
        revoked_at=delivery.time(*times),
    )


def _revoked_side(
    delivery: Delivery, *, before: Node, action: Node, protocol: Node, chat: WhatsAppAddress | None
) -> tuple[bool | None, Party | None]:
    if before:
        side = side_of(before)
        return side, None if side else author(before, own=delivery.own)
    if chat is None or chat.is_person:
        # In an individual chat nobody but the author can delete for everyone.
        return side_of(action), None
    wrote = address(member(protocol, "participant"))
    if wrote is not None and wrote.is_person:
        ours = wrote in delivery.own
        return ours, None if ours else Party(address=wrote)
    if flag(protocol, "fromMe"):
        side = side_of(action)
        return side, None if side else author(action, own=delivery.own)
    return None, None


def _key(
    delivery: Delivery,
    payload: Node,
    *,
    external_id: str | None,
    from_me: bool | None,
    target: MessageId | None,
    wrote: Party | None = None,
) -> MessageKey | Ignored:
    chat = chat_of(payload, from_me=side_of(payload), own=delivery.own)
    if chat is None and target is not None:
        chat = target.chat
    if external_id is None or chat is None:
        missing = "id" if external_id is None else "chat"
        return Ignored(event=delivery.event, reason=f"no message {missing}")
    if chat in delivery.own:
        return Ignored(event=delivery.event, reason="note to self")
    author_address = None if target is None or from_me else target.participant
    if wrote is None and author_address is not None and author_address not in delivery.own:
        wrote = Party(address=author_address)
    return MessageKey(
        chat=chat,
        external_id=external_id,
        from_me=from_me,
        peer=peer(chat, payload, from_me=side_of(payload), own=delivery.own),
        author=None if chat.is_person else wrote,
    )


def _writer(delivery: Delivery, payload: Node, chat: WhatsAppAddress) -> Party | None:
    if chat.is_person:
        return peer(chat, payload, from_me=False, own=delivery.own, named=True)
    return author(payload, own=delivery.own, named=True)


def _external(message_id: MessageId | None) -> str | None:
    return None if message_id is None else message_id.external_id
