"""New messages: `message` and `message.any`, of every engine."""

from domain.crm.content import MessageContent
from domain.crm.inbound import Ignored, MessageKey, ReceivedMessage
from domain.crm.message import Ack
from integrations.waha import plain, proto, web
from integrations.waha.content import Nothing
from integrations.waha.delivery import Delivery
from integrations.waha.fields import Node, as_number, child, flag, items, member, number, text
from integrations.waha.identity import author, chat_of, peer, side_of
from integrations.waha.message_id import MessageId, address, bare

_SOURCES = {"app": True, "api": False}
_ACKS = {float(ack.value): ack for ack in Ack}
_ACK_NAMES = {ack.name: ack for ack in Ack}
_MENTIONS_LIMIT = 1024


def received(delivery: Delivery) -> ReceivedMessage | Ignored:
    """Return the new message, unless nothing in it could be shown."""
    payload = delivery.payload
    key = key_of(delivery)
    if isinstance(key, Ignored):
        return key
    content = content_of(payload)
    if isinstance(content, Nothing):
        return Ignored(event=delivery.event, reason=content.reason)
    raw = child(payload, "_data")
    context = proto.context_info(raw)
    return ReceivedMessage(
        key=key,
        content=content,
        sent_at=delivery.time(
            member(payload, "timestamp"),
            member(child(raw, "Info"), "Timestamp"),
            member(raw, "messageTimestamp"),
            member(raw, "t"),
        ),
        from_phone=_SOURCES.get(text(payload, "source") or ""),
        ack=ack_of(payload) if key.from_me else None,
        reply_to_external_id=_reply_to(payload, raw, context),
        is_forwarded=_is_forwarded(raw, context),
        mentions=_mentions(raw, context),
    )


def key_of(delivery: Delivery) -> MessageKey | Ignored:
    """Return the message's key, or why it has none."""
    payload = delivery.payload
    from_me = bool(side_of(payload))
    message_id = MessageId.of(member(payload, "id"))
    chat = chat_of(payload, from_me=from_me, own=delivery.own)
    if message_id is None or chat is None:
        missing = "id" if message_id is None else "chat"
        return Ignored(event=delivery.event, reason=f"no message {missing}")
    if chat in delivery.own:
        return Ignored(event=delivery.event, reason="note to self")
    inbound = not from_me
    return MessageKey(
        chat=chat,
        external_id=message_id.external_id,
        from_me=from_me,
        peer=peer(chat, payload, from_me=from_me, own=delivery.own, named=inbound),
        author=author(payload, own=delivery.own, named=inbound) if inbound and not chat.is_person else None,
    )


def content_of(payload: Node) -> MessageContent | Nothing:
    """Return what a message says, read from the engine's own record if there is one."""
    raw = child(payload, "_data")
    if isinstance(member(raw, "type"), str):
        return web.read(payload, raw)
    if proto.is_record(raw):
        return proto.read(payload, raw)
    return plain.read(payload)


def ack_of(payload: Node) -> Ack | None:
    """Return the acknowledgement level of a payload, None when WAHA does not know it."""
    level = as_number(member(payload, "ack"))
    if level is None:
        return _ACK_NAMES.get(text(payload, "ackName") or "")
    return _ACKS.get(float(level))


def _reply_to(payload: Node, raw: Node, context: Node) -> str | None:
    told = child(payload, "replyTo")
    return bare(member(told, "id")) or bare(text(context, "stanzaId")) or bare(text(raw, "quotedStanzaID"))


def _is_forwarded(raw: Node, context: Node) -> bool:
    return (
        flag(context, "isForwarded") or flag(raw, "isForwarded") or bool(number(context, "forwardingScore"))
    )


def _mentions(raw: Node, context: Node) -> tuple[str, ...]:
    told = items(context, "mentionedJid") or items(raw, "mentionedJidList")
    found = (address(value) for value in told[:_MENTIONS_LIMIT])
    return tuple(dict.fromkeys(str(one) for one in found if one is not None and one.is_person))
