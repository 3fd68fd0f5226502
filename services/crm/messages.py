"""Writing messages: stored at once, handed to WhatsApp by a worker afterwards."""

from dataclasses import replace

from domain.crm import outgoing
from domain.crm.channel import Channel, ChannelStatus
from domain.crm.chat import Chat, ChatType
from domain.crm.contact import Contact, IdentitySource, NameSource, identities_of
from domain.crm.content import MessageContent, media_of, with_media
from domain.crm.message import Message, MessageOrigin
from domain.crm.session import Session, file_message, resolve_timeout
from domain.errors import AlreadyExists, ChannelOffline, Invalid, NotFound, Required, within
from domain.identity.agent import AgentType
from domain.identity.permission import Permission
from domain.ids import ChannelId, ChatId, MediaId, MessageId, new_id
from domain.values import PhoneNumber, WhatsAppAddress
from persistence.unit_of_work import UnitOfWork
from services.crm.inbound_groups import step_back
from services.crm.message_groups import let_next
from services.viewer import Viewer

NEVER_CONNECTED = frozenset({ChannelStatus.INACTIVE, ChannelStatus.ERROR})
"""Channels through which nothing can be sent, however long it waits."""


async def send(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    chat_id: ChatId | None,
    to: PhoneNumber | None,
    channel_id: ChannelId | None,
    content: MessageContent,
    reply_to_id: MessageId | None,
    client_message_id: str | None,
    origin: MessageOrigin = MessageOrigin.API,
) -> Message:
    """Queue a message to a chat, or to a phone number on a channel, and return it.

    A repeated `client_message_id` with the same content returns the message of the first call; with another
    content it raises `AlreadyExists`. Also raises `NotFound`, `InvalidState` for a closed chat, `ChannelOffline` for
    a channel that is not connected, and what `domain.crm.outgoing.checked` raises. While a connected channel is
    merely interrupted, the message waits.
    """
    viewer.require(Permission.MESSAGES_SEND)
    content = outgoing.checked(content)
    if client_message_id is not None:
        within(client_message_id, field="clientMessageId", limit=outgoing.CLIENT_MESSAGE_ID_LIMIT)
        await uow.lock(f"client message {viewer.project_id} {client_message_id}")
        if (known := await uow.messages.by_client_id(viewer.project_id, client_message_id)) is not None:
            return _replayed(known, content)
    chat, channel = await _destination(uow, viewer, chat_id=chat_id, to=to, channel_id=channel_id)
    chat.refuse_if_closed()
    if channel.status in NEVER_CONNECTED:
        raise ChannelOffline(
            f"The channel {channel.name!r} is {channel.status.value}; connect it with channelConnect.",
            field=["channelId"],
        )
    if (media := media_of(content)) is not None:
        content = with_media(content, replace(media, id=MediaId(new_id())))
    message = Message.compose(
        tenant_id=viewer.tenant_id,
        project_id=viewer.project_id,
        channel_id=channel.id,
        chat_id=chat.id,
        contact_id=chat.contact_id,
        session_id=None,
        agent_id=viewer.agent_id,
        origin=origin,
        content=content,
        client_message_id=client_message_id,
        reply_to_external_id=None if reply_to_id is None else await find_quoted(uow, chat, reply_to_id),
        at=uow.now,
    )
    if chat.contact_id is not None:
        message.session_id = (await _session(uow, viewer, chat, channel, message)).id
        contact = await uow.contacts.get_for_update(chat.contact_id)
        contact.interact(uow.now, at=uow.now)
    if origin is MessageOrigin.API:
        await _step_back(uow, viewer, chat, channel)
    chat.file(message.sent_at, at=uow.now)
    uow.messages.add(message)
    await uow.queue(message_id=message.id, channel_id=channel.id, chat_id=chat.id)
    return message


async def find_channel(uow: UnitOfWork, viewer: Viewer, channel_id: ChannelId) -> Channel:
    """Return a channel of the project to send through. Raises `NotFound`."""
    viewer.require(Permission.MESSAGES_SEND)
    channel = await uow.channels.find(channel_id)
    if channel is None or channel.project_id != viewer.project_id or channel.deleted_at is not None:
        raise NotFound("There is no channel with this id.", field=["channelId"])
    return channel


async def find_quoted(uow: UnitOfWork, chat: Chat, reply_to_id: MessageId) -> str:
    """Return the id on WhatsApp of a message of the chat. Raises `NotFound`, or `Invalid` if it has none yet."""
    quoted = await uow.messages.find(reply_to_id)
    if quoted is None or quoted.chat_id != chat.id:
        raise NotFound("There is no message with this id in the chat.", field=["replyToId"])
    if quoted.external_id is None:
        raise Invalid("WhatsApp does not know that message yet; wait until it is SENT.", field=["replyToId"])
    return quoted.external_id


async def _step_back(uow: UnitOfWork, viewer: Viewer, chat: Chat, channel: Channel) -> None:
    """Let people go first: what one of them answers, no agent answers too."""
    if not channel.cancels_on_reply and channel.agent_id is None:
        return
    author = None if viewer.agent_id is None else await uow.agents.find(viewer.agent_id)
    if author is None or author.type is AgentType.HUMAN:
        await uow.session.flush()
        groups = await uow.message_groups.open_in(chat.id)
        step_back(channel, chat, groups, sent_at=uow.now, at=uow.now)
        for group in groups:
            if group.is_settled:
                await let_next(uow, group)


def _replayed(known: Message, content: MessageContent) -> Message:
    if (known.content_kind, known.content.text) != (content.kind, content.text):
        raise AlreadyExists(
            "Another message was sent with this clientMessageId; use a new one.", field=["clientMessageId"]
        )
    return known


async def _destination(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    chat_id: ChatId | None,
    to: PhoneNumber | None,
    channel_id: ChannelId | None,
) -> tuple[Chat, Channel]:
    if chat_id is not None:
        if to is not None or channel_id is not None:
            raise Invalid("Give either chatId, or to and channelId.", field=["chatId"])
        chat = await uow.chats.find(chat_id)
        if chat is None or chat.project_id != viewer.project_id:
            raise NotFound("There is no chat with this id.", field=["chatId"])
        if chat.contact_id is not None:
            # Everybody locks the contact first and the chat after, as the lanes do.
            await uow.contacts.get_for_update(chat.contact_id)
        return await uow.chats.get_for_update(chat_id), await find_channel(uow, viewer, chat.channel_id)
    if to is None or channel_id is None:
        raise Required("Give chatId, or to and channelId.", field=["chatId"])
    channel = await find_channel(uow, viewer, channel_id)
    return await _chat_with(uow, viewer, channel, to), channel


async def _chat_with(uow: UnitOfWork, viewer: Viewer, channel: Channel, phone: PhoneNumber) -> Chat:
    """Return the chat with a number, opened if new; the worker asks WhatsApp whether the number exists."""
    address = WhatsAppAddress.of_phone(phone)
    spellings = identities_of(address)
    contact = await uow.contacts.by_identity(viewer.project_id, spellings)
    if contact is None:
        # Like the lanes, take the number only when nobody has it, and before any contact.
        await uow.contacts.claim(viewer.project_id, spellings)
        contact = await uow.contacts.by_identity(viewer.project_id, spellings)
    if contact is None:
        contact = uow.contacts.add(
            Contact.create(
                tenant_id=viewer.tenant_id,
                project_id=viewer.project_id,
                name=str(phone),
                source=NameSource.ADDRESS,
                at=uow.now,
            )
        )
        uow.contacts.link(contact.identify(address, source=IdentitySource.MANUAL, at=uow.now))
        await uow.session.flush()
    else:
        contact = await uow.contacts.get_for_update(contact.id)
        while contact.merged_into_id is not None:
            # It turned out to be somebody else while this transaction waited for it.
            contact = await uow.contacts.get_for_update(contact.merged_into_id)
        contact.restore(at=uow.now)
    chat = await uow.chats.with_contact(channel.id, contact.id)
    if chat is not None:
        return await uow.chats.get_for_update(chat.id)
    return uow.chats.add(
        Chat.open(
            tenant_id=viewer.tenant_id,
            project_id=viewer.project_id,
            channel_id=channel.id,
            type=ChatType.INDIVIDUAL,
            external_id=str(address),
            contact_id=contact.id,
            at=uow.now,
        )
    )


async def _session(
    uow: UnitOfWork, viewer: Viewer, chat: Chat, channel: Channel, message: Message
) -> Session:
    assert chat.contact_id is not None  # noqa: S101 The caller asked.
    contact_id = chat.contact_id
    group = await uow.sessions.around(channel.id, contact_id, message.sent_at)
    project = await uow.projects.find(viewer.project_id)
    pipeline = await uow.pipelines.find(channel.pipeline_id) if channel.pipeline_id else None

    def start() -> Session:
        return uow.sessions.add(
            Session.start(
                tenant_id=viewer.tenant_id,
                project_id=viewer.project_id,
                channel_id=channel.id,
                chat_id=chat.id,
                contact_id=contact_id,
                pipeline_id=channel.pipeline_id,
                started_at=message.sent_at,
                timeout_seconds=resolve_timeout(
                    channel=channel.session_timeout_seconds,
                    pipeline=pipeline.session_timeout_seconds if pipeline else None,
                    project=project.session_timeout_seconds if project else None,
                ),
                warning_seconds=channel.session_warning_seconds,
                at=uow.now,
            )
        )

    session = file_message(group, message.sent_at, from_contact=False, start=start, at=uow.now)
    await uow.sessions.remove_joined(group)
    return session
