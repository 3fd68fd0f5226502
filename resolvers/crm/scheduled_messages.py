"""Answers about messages that are to be sent later."""

from collections.abc import Awaitable
from datetime import datetime

from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.content import MessageContent
from domain.crm.message import Message
from domain.crm.scheduled_message import Lateness, LatePolicy, ScheduledMessage
from domain.identity.permission import Permission
from domain.ids import ChannelId, ChatId, MessageId, ScheduledMessageId
from domain.values import PhoneNumber
from persistence.crm.scheduled_messages import CHAT_SCHEDULED, scheduled_message_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.crm.messages import SYSTEM, Actor, agent_or_system
from resolvers.ids import private
from services.crm import scheduled_messages as service


async def one(context: Context, *, id: str) -> ScheduledMessage | None:  # noqa: A002 The API's word.
    """Return the scheduled message with that id, or None."""
    key = private(ScheduledMessageId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[ScheduledMessage]:
    """Return a page of the project's scheduled messages."""
    return await connections.browse(
        context, scheduled_message_collection, service.browse, count=service.count, arguments=arguments
    )


def of_chat(
    chat: Chat, context: Context, *, arguments: ListArguments
) -> Awaitable[Connection[ScheduledMessage]]:
    """Return the scheduled messages of a chat."""
    context.viewer.require(Permission.MESSAGES_READ)
    return connections.follow(context, CHAT_SCHEDULED, chat.id, arguments=arguments)


def chat(scheduled: ScheduledMessage, context: Context) -> Awaitable[Chat | None] | None:
    """Return the chat it goes to, if there is one yet."""
    context.viewer.require(Permission.CHATS_READ)
    return None if scheduled.chat_id is None else context.loaders.chats.load(scheduled.chat_id)


def channel(scheduled: ScheduledMessage, context: Context) -> Awaitable[Channel | None]:
    """Return the channel it goes through."""
    context.viewer.require(Permission.CHANNELS_READ)
    return context.loaders.channels.load(scheduled.channel_id)


def author(scheduled: ScheduledMessage, context: Context) -> Awaitable[Actor] | Actor:
    """Return who scheduled it, or changed it last."""
    return SYSTEM if scheduled.agent_id is None else agent_or_system(scheduled.agent_id, context)


def message(scheduled: ScheduledMessage, context: Context) -> Awaitable[Message | None] | None:
    """Return the message it became."""
    return None if scheduled.message_id is None else context.loaders.messages.load(scheduled.message_id)


def reply_to(scheduled: ScheduledMessage, context: Context) -> Awaitable[Message | None] | None:
    """Return the message it answers."""
    if scheduled.chat_id is None or scheduled.reply_to_external_id is None:
        return None
    return context.loaders.replied.load((scheduled.chat_id, scheduled.reply_to_external_id))


async def schedule(
    context: Context,
    *,
    content: MessageContent,
    send_at: datetime,
    chat_id: str | None = None,
    to: PhoneNumber | None = None,
    channel_id: str | None = None,
    reply_to_id: str | None = None,
    client_message_id: str | None = None,
    late: LatePolicy | None = None,
    expires_after_seconds: int | None = None,
) -> ScheduledMessage:
    """Leave a message to be sent later."""
    return await context.write(
        service.schedule,
        chat_id=None if chat_id is None else private(ChatId, chat_id),
        to=to,
        channel_id=None if channel_id is None else private(ChannelId, channel_id),
        content=content,
        reply_to_id=None if reply_to_id is None else private(MessageId, reply_to_id),
        client_message_id=client_message_id,
        send_at=send_at,
        lateness=Lateness(policy=late or LatePolicy.SEND_LATE, expires_after_seconds=expires_after_seconds),
    )


async def update(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    send_at: datetime | None = None,
    content: MessageContent | None = None,
    expected_version: int | None = None,
) -> ScheduledMessage:
    """Set another time or content."""
    return await context.write(
        service.update,
        scheduled_message_id=private(ScheduledMessageId, id),
        send_at=send_at,
        content=content,
        expected_version=expected_version,
    )


async def cancel(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> ScheduledMessage:
    """Do not send it."""
    return await context.write(
        service.cancel,
        scheduled_message_id=private(ScheduledMessageId, id),
        expected_version=expected_version,
    )
