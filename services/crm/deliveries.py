"""The steps of handing a message to WhatsApp, each a transaction; the calls to WAHA happen between them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.content import MessageContent
from domain.crm.message import Message, MessageStatus
from domain.identity.permission import Permission
from domain.ids import ChatId, MessageId
from domain.values import WhatsAppAddress
from persistence.crm import enrichments
from persistence.crm.channel_counters import count_sent
from persistence.messaging import media, outgoing
from persistence.messaging.outgoing import Delivery
from persistence.unit_of_work import UnitOfWork
from services.viewer import Viewer

LEASE = timedelta(seconds=180)
"""Longer than any call to WAHA may take, so that a lease that passes means the worker died."""

GIVE_UP_AFTER = timedelta(hours=24)
"""How long a message waits for WAHA to come back, and how long an unknown outcome is looked into."""

_LOOKS = (5, 15, 60, 300, 1800)
_LONGEST_PAUSE = 300
_DONE = {MessageStatus.CANCELLED, MessageStatus.FAILED} | {
    status for status in MessageStatus if status.rank >= MessageStatus.SENT.rank
}


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One message on its way, with everything a call to WAHA needs.

    `is_first` says that nothing was ever exchanged in the chat, so that the number has to be checked.
    """

    delivery: Delivery
    message_id: MessageId
    chat_id: ChatId
    channel: Channel
    address: WhatsAppAddress
    content: MessageContent
    reply_to: str | None
    status: MessageStatus
    external_id: str | None
    is_first: bool
    composed_at: datetime


async def claim(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId) -> Errand | None:
    """Claim the next thing to do in a chat, or None if nothing is due or another worker has it."""
    viewer.require(Permission.MESSAGES_SEND)
    delivery = await outgoing.claim(uow.session, chat_id, lease=LEASE)
    if delivery is None:
        return None
    message = await uow.messages.get_for_update(delivery.message_id)
    chat = await uow.chats.find(message.chat_id)
    channel = await uow.channels.find(message.channel_id)
    address = WhatsAppAddress.parse(chat.external_id) if chat else None
    if chat is None or channel is None or address is None:
        message.fail("The chat has no address on WhatsApp.", at=uow.now)
        await outgoing.settle(uow.session, delivery.message_id)
        return None
    if message.status in _DONE:
        await outgoing.settle(uow.session, delivery.message_id)
        return None
    return Errand(
        delivery=delivery,
        message_id=message.id,
        chat_id=chat.id,
        channel=channel,
        address=address,
        content=message.content,
        reply_to=await _quoted(uow, channel, chat, message),
        status=message.status,
        external_id=message.external_id,
        is_first=await _is_first(uow, chat),
        composed_at=message.created_at,
    )


async def begin(uow: UnitOfWork, viewer: Viewer, *, errand: Errand, external_id: str | None) -> None:
    """Note, before the call, that it is about to be made, and under which id."""
    viewer.require(Permission.MESSAGES_SEND)
    message = await uow.messages.get_for_update(errand.message_id)
    message.begin_sending(external_id, at=uow.now)


async def confirm(
    uow: UnitOfWork, viewer: Viewer, *, errand: Errand, external_id: str | None, sent_at: datetime | None
) -> None:
    """Note that WhatsApp took the message. If its echo was filed apart meanwhile, the two become one."""
    viewer.require(Permission.MESSAGES_SEND)
    message = await uow.messages.get_for_update(errand.message_id)
    if external_id is not None and message.external_id is None:
        twin = await uow.messages.twin_of(message, external_id)
        if twin is not None:
            message.absorb(twin, at=uow.now)
            await media.follow_one(uow.session, gone=twin.id, kept=message.id)
            await enrichments.follow_one(uow.session, gone=twin.id, kept=message.id)
            await uow.session.delete(twin)
            await uow.session.flush()
            if twin.session_id is not None and (session := await uow.sessions.find(twin.session_id)):
                session.uncount(at=uow.now)
    if not message.is_sent:
        # Else whoever filed the echo or a tick has counted it.
        await count_sent(uow.session, errand.channel.tenant_id, errand.channel.id, at=uow.now)
    message.confirm(external_id, sent_at=sent_at, at=uow.now)
    await outgoing.settle(uow.session, errand.message_id)


async def refuse(uow: UnitOfWork, viewer: Viewer, *, errand: Errand, reason: str) -> None:
    """Note that WhatsApp or WAHA refused the message for good."""
    viewer.require(Permission.MESSAGES_SEND)
    message = await uow.messages.get_for_update(errand.message_id)
    message.fail(reason, at=uow.now)
    await outgoing.settle(uow.session, errand.message_id)


async def retry_later(
    uow: UnitOfWork, viewer: Viewer, *, errand: Errand, reason: str, after: float | None
) -> None:
    """Put the message back, because the call certainly had no effect; after a day it fails.

    `after` is the pause in seconds the service asked for.
    """
    viewer.require(Permission.MESSAGES_SEND)
    if uow.now - errand.composed_at > GIVE_UP_AFTER:
        await refuse(uow, viewer, errand=errand, reason=reason)
        return
    pause = after or min(2**errand.delivery.attempts, _LONGEST_PAUSE)
    await outgoing.postpone(uow.session, errand.message_id, until=uow.now + timedelta(seconds=pause))


async def lose_sight(uow: UnitOfWork, viewer: Viewer, *, errand: Errand) -> None:
    """Note that nobody knows whether the call had its effect. The message is looked for, never sent blindly."""
    viewer.require(Permission.MESSAGES_SEND)
    message = await uow.messages.get_for_update(errand.message_id)
    message.lose_sight(at=uow.now)
    await outgoing.lose_sight(
        uow.session, errand.message_id, at=uow.now, look_at=uow.now + timedelta(seconds=_LOOKS[0])
    )


async def look_later(uow: UnitOfWork, viewer: Viewer, *, errand: Errand) -> None:
    """Look for the message again later, or leave it UNCONFIRMED for good; an echo may still settle it."""
    viewer.require(Permission.MESSAGES_SEND)
    since = errand.delivery.unconfirmed_at or uow.now
    if uow.now - since > GIVE_UP_AFTER:
        await outgoing.settle(uow.session, errand.message_id)
        return
    pause = _LOOKS[min(errand.delivery.attempts, len(_LOOKS) - 1)]
    await outgoing.postpone(uow.session, errand.message_id, until=uow.now + timedelta(seconds=pause))


async def send_again(uow: UnitOfWork, viewer: Viewer, *, errand: Errand) -> None:
    """Send the message after all under its own id, because WhatsApp certainly does not have it."""
    viewer.require(Permission.MESSAGES_SEND)
    await outgoing.send_again(uow.session, errand.message_id)


async def readdress(uow: UnitOfWork, viewer: Viewer, *, errand: Errand, address: WhatsAppAddress) -> None:
    """Write to the chat under the address WhatsApp gives the number, unless another chat goes by it.

    That chat is with the same person. They become one as soon as an event names both addresses.
    """
    viewer.require(Permission.MESSAGES_SEND)
    chat = await uow.chats.get_for_update(errand.chat_id)
    if await uow.chats.at_address(chat.channel_id, str(address)) is None:
        chat.readdress(str(address), at=uow.now)


async def _quoted(uow: UnitOfWork, channel: Channel, chat: Chat, message: Message) -> str | None:
    """Return the id to quote: bare where the engine finds messages by it, else with side and chat."""
    external_id = message.reply_to_external_id
    if external_id is None or (channel.engine is not None and channel.engine.takes_message_ids):
        return external_id
    key = (chat.id, external_id)
    quoted = (await uow.messages.by_chat_and_external_id([key])).get(key)
    side = "false" if quoted is None or quoted.is_inbound else "true"
    return f"{side}_{chat.external_id}_{external_id}"


async def _is_first(uow: UnitOfWork, chat: Chat) -> bool:
    """Whether WhatsApp never confirmed this chat's address: nothing but unsent messages of ours is in it."""
    return chat.contact_id is not None and not await uow.messages.has_confirmed(chat.id)
