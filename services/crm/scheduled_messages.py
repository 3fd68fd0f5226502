"""What can be done with scheduled messages: left, changed and cancelled by people; sent by workers at their time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.crm import outgoing
from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.contact import identities_of
from domain.crm.content import MessageContent
from domain.crm.scheduled_message import Author, Lateness, ScheduledMessage
from domain.errors import (
    AlreadyExists,
    ChannelOffline,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    InvalidState,
    NotFound,
    Required,
)
from domain.identity.permission import Permission
from domain.ids import ApiKeyId, ChannelId, ChatId, MessageId, ScheduledMessageId, type_id
from domain.values import PhoneNumber, WhatsAppAddress
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.crm import messages
from services.scope import find_own, lock_own
from services.viewer import Viewer

_GONE = {
    "chatId": "The chat is gone.",
    "channelId": "The channel is gone.",
    "replyToId": "The message that it answers is gone.",
}


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, ScheduledMessage]:
    """Return those of the scheduled messages that the viewer can see, by id."""
    viewer.require(Permission.MESSAGES_READ)
    return await find_own(reader.scheduled_messages, viewer, ids)


async def browse(
    reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest
) -> Page[ScheduledMessage]:
    """Return a page of the project's scheduled messages."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.scheduled_messages.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many scheduled messages the whole list has, up to the limit of counting."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.scheduled_messages.count(viewer.project_id, listing)


async def schedule(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    chat_id: ChatId | None,
    to: PhoneNumber | None,
    channel_id: ChannelId | None,
    content: MessageContent,
    reply_to_id: MessageId | None,
    client_message_id: str | None,
    send_at: datetime,
    lateness: Lateness,
) -> ScheduledMessage:
    """Leave a message to be sent at `send_at` to a chat, or to a phone number on a channel.

    A repeated `client_message_id` with the same content returns what the first call left; with another content it
    raises `AlreadyExists`. Refuses everything that `messages.send` would refuse now.
    """
    viewer.require(Permission.MESSAGES_SEND)
    content = outgoing.checked(content)
    if client_message_id is not None:
        await uow.lock(f"client schedule {viewer.project_id} {client_message_id}")
        known = await uow.scheduled_messages.by_client_id(viewer.project_id, client_message_id)
        if known is not None:
            return _repeated(known, content)
    chat, channel = await _destination(uow, viewer, chat_id=chat_id, to=to, channel_id=channel_id)
    if chat is not None:
        chat.refuse_if_closed()
    if channel.status in messages.NEVER_CONNECTED:
        raise ChannelOffline(
            f"The channel {channel.name!r} is {channel.status.value}; connect it with channelConnect.",
            field=["channelId"],
        )
    return uow.scheduled_messages.add(
        ScheduledMessage.schedule(
            tenant_id=viewer.tenant_id,
            project_id=viewer.project_id,
            channel_id=channel.id,
            chat_id=None if chat is None else chat.id,
            to=to,
            content=content,
            reply_to_external_id=await _quoted(uow, chat, reply_to_id),
            author=await _author(uow, viewer),
            client_message_id=client_message_id,
            send_at=send_at,
            lateness=lateness,
            at=uow.now,
        )
    )


async def update(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    scheduled_message_id: ScheduledMessageId,
    send_at: datetime | None,
    content: MessageContent | None,
    expected_version: int | None,
) -> ScheduledMessage:
    """Set another time or content; None leaves it as it is, and the viewer becomes the author.

    Raises `NotFound`, `VersionConflict`, `InvalidState` for one that is settled, or what breaks a rule.
    """
    viewer.require(Permission.MESSAGES_SEND)
    scheduled = await lock_own(
        uow.scheduled_messages, viewer, scheduled_message_id, expected_version=expected_version
    )
    scheduled.change(send_at=send_at, content=content, author=await _author(uow, viewer), at=uow.now)
    return scheduled


async def cancel(
    uow: UnitOfWork, viewer: Viewer, *, scheduled_message_id: ScheduledMessageId, expected_version: int | None
) -> ScheduledMessage:
    """Do not send it. Raises `NotFound`, `VersionConflict`, or `InvalidState` for one that is settled."""
    viewer.require(Permission.MESSAGES_SEND)
    scheduled = await lock_own(
        uow.scheduled_messages, viewer, scheduled_message_id, expected_version=expected_version
    )
    scheduled.cancel(at=uow.now)
    return scheduled


async def claim(
    uow: UnitOfWork, viewer: Viewer, *, scheduled_message_id: ScheduledMessageId
) -> ScheduledMessage | None:
    """Return one that is to be sent now, until the end of the transaction by nobody else; None if it is not.

    Those to the same chat go one after another, in the order of their times.

    The row is not locked, because whoever works on chats locks the contact first, then the chat, then all else:
    what changes it meanwhile is found when it is stored, and nothing will have been sent.
    """
    viewer.require(Permission.MESSAGES_SEND)
    scheduled = await uow.scheduled_messages.find(scheduled_message_id)
    if scheduled is None or not scheduled.is_due(uow.now):
        return None
    where = scheduled.chat_id or f"{scheduled.to} on {scheduled.channel_id}"
    if not await uow.try_lock(f"scheduled messages to {where}"):
        return None
    is_next = await uow.scheduled_messages.next_due(scheduled, uow.now) == scheduled.id
    return scheduled if is_next else None


async def send(uow: UnitOfWork, viewer: Viewer, *, scheduled: ScheduledMessage) -> None:
    """Queue the message of a claimed one as its author would, with the rights that the author has now.

    Raises what `messages.send` raises, `Forbidden` for an author who may not send any more, and `InvalidState` for
    one that is too late or whose author was deactivated. Raises `Conflict`, at the commit, if it changed meanwhile.
    """
    viewer.require(Permission.MESSAGES_SEND)
    if scheduled.is_too_late(uow.now):
        raise InvalidState(
            f"Too late: nobody could send it within {scheduled.expires_after_seconds} seconds of its time."
        )
    is_to_chat = scheduled.chat_id is not None
    message = await messages.send(
        uow,
        await _viewer(uow, scheduled),
        chat_id=scheduled.chat_id,
        to=None if is_to_chat else scheduled.to,
        channel_id=None if is_to_chat else scheduled.channel_id,
        content=scheduled.content,
        reply_to_id=await _answered(uow, scheduled),
        # Whatever happens, there is one message of each scheduled one.
        client_message_id=type_id("sch", scheduled.id),
    )
    scheduled.confirm(message_id=message.id, chat_id=message.chat_id, at=uow.now)


async def note_failure(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    scheduled_message_id: ScheduledMessageId,
    version: int,
    error: Exception,
) -> ScheduledMessage | None:
    """Note that sending that version failed, for good or until later; None if it changed meanwhile."""
    viewer.require(Permission.MESSAGES_SEND)
    scheduled = await uow.scheduled_messages.get_for_update(scheduled_message_id)
    if not scheduled.is_waiting or scheduled.version != version:
        return None
    # Two who met over the same chat or number try again.
    if isinstance(error, DomainError) and not isinstance(error, Conflict | AlreadyExists):
        scheduled.fail(_reason(error), at=uow.now)
    else:
        scheduled.put_off(type(error).__name__, at=uow.now)
    return scheduled


def _repeated(known: ScheduledMessage, content: MessageContent) -> ScheduledMessage:
    if known.content != content:
        raise AlreadyExists(
            "Another message was scheduled with this clientMessageId; use a new one.",
            field=["clientMessageId"],
        )
    return known


async def _destination(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    chat_id: ChatId | None,
    to: PhoneNumber | None,
    channel_id: ChannelId | None,
) -> tuple[Chat | None, Channel]:
    """Return the chat, locked, if there is one, and the channel. No chat is opened before something is sent."""
    if chat_id is not None:
        if to is not None or channel_id is not None:
            raise Invalid("Give either chatId, or to and channelId.", field=["chatId"])
        chat = await _lock_chat(uow, viewer, chat_id)
        if chat is None:
            raise NotFound("There is no chat with this id.", field=["chatId"])
        return chat, await messages.find_channel(uow, viewer, chat.channel_id)
    if to is None or channel_id is None:
        raise Required("Give chatId, or to and channelId.", field=["chatId"])
    channel = await messages.find_channel(uow, viewer, channel_id)
    contact = await uow.contacts.by_identity(viewer.project_id, identities_of(WhatsAppAddress.of_phone(to)))
    known = None if contact is None else await uow.chats.with_contact(channel.id, contact.id)
    return None if known is None else await _lock_chat(uow, viewer, known.id), channel


async def _lock_chat(uow: UnitOfWork, viewer: Viewer, chat_id: ChatId) -> Chat | None:
    """Return a chat of the project that cannot go before the end of the transaction."""
    chat = await uow.chats.find(chat_id)
    if chat is None or chat.project_id != viewer.project_id:
        return None
    try:
        if chat.contact_id is not None:
            await uow.contacts.get_for_update(chat.contact_id)
        return await uow.chats.get_for_update(chat_id)
    except NotFound:
        # It became one with another chat while this transaction waited.
        return None


async def _quoted(uow: UnitOfWork, chat: Chat | None, reply_to_id: MessageId | None) -> str | None:
    if reply_to_id is None:
        return None
    if chat is None:
        raise NotFound("There is no message with this id in the chat.", field=["replyToId"])
    return await messages.find_quoted(uow, chat, reply_to_id)


async def _answered(uow: UnitOfWork, scheduled: ScheduledMessage) -> MessageId | None:
    external_id = scheduled.reply_to_external_id
    if external_id is None or scheduled.chat_id is None:
        return None
    found = await uow.messages.by_chat_and_external_id([(scheduled.chat_id, external_id)])
    if not found:
        raise NotFound("There is no such message in the chat.", field=["replyToId"])
    return next(iter(found.values())).id


async def _author(uow: UnitOfWork, viewer: Viewer) -> Author:
    """Return who answers for what the viewer schedules; an agent of ours has no key."""
    key = await uow.api_keys.find(viewer.id)
    return Author(api_key_id=None if key is None else ApiKeyId(key.id), agent_id=viewer.agent_id)


async def _viewer(uow: UnitOfWork, scheduled: ScheduledMessage) -> Viewer:
    """Return the author with the rights of this moment. Raises `Forbidden` or `InvalidState` if there are none."""
    if scheduled.agent_id is not None:
        agent = await uow.agents.find(scheduled.agent_id)
        if agent is None or not agent.is_active:
            raise InvalidState("The agent who scheduled it was deactivated.")
    name, permissions = "scheduled messages", frozenset({Permission.MESSAGES_SEND})
    if scheduled.api_key_id is not None:
        key = await uow.api_keys.find(scheduled.api_key_id)
        if key is None or not key.is_usable(uow.now):
            raise Forbidden("The API key that it was scheduled with was revoked, or has expired.")
        name, permissions = key.name, frozenset(key.scopes)
    return Viewer(
        id=scheduled.api_key_id or scheduled.id,
        name=name,
        tenant_id=scheduled.tenant_id,
        project_id=scheduled.project_id,
        permissions=permissions,
        agent_id=scheduled.agent_id,
    )


def _reason(error: DomainError) -> str:
    """Return why it failed, without advice on an input that nobody wrote."""
    if isinstance(error, NotFound) and error.field:
        return _GONE.get(error.field[0], error.message)
    return error.message
