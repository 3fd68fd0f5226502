"""Answers about bursts of messages."""

from collections.abc import Awaitable
from datetime import datetime

from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.message import Message
from domain.crm.message_group import GroupPart, MessageGroup
from domain.crm.session import Session
from domain.identity.permission import Permission
from domain.ids import MessageGroupId
from persistence.crm.message_groups import CHAT_GROUPS, message_group_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.crm import message_groups as service


async def one(context: Context, *, id: str) -> MessageGroup | None:  # noqa: A002 The API's word.
    """Return the group with that id, or None."""
    key = private(MessageGroupId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[MessageGroup]:
    """Return a page of the project's groups."""
    return await connections.browse(
        context, message_group_collection, service.browse, count=service.count, arguments=arguments
    )


def of_chat(chat: Chat, context: Context, *, arguments: ListArguments) -> Awaitable[Connection[MessageGroup]]:
    """Return the groups of a chat."""
    context.viewer.require(Permission.MESSAGES_READ)
    return connections.follow(context, CHAT_GROUPS, chat.id, arguments=arguments)


def of_message(message: Message, context: Context) -> Awaitable[MessageGroup | None] | None:
    """Return the group a message is part of."""
    return None if message.group_id is None else context.loaders.message_groups.load(message.group_id)


def chat(group: MessageGroup, context: Context) -> Awaitable[Chat | None]:
    """Return the chat the group was written in."""
    context.viewer.require(Permission.CHATS_READ)
    return context.loaders.chats.load(group.chat_id)


def channel(group: MessageGroup, context: Context) -> Awaitable[Channel | None]:
    """Return the channel the group came through."""
    context.viewer.require(Permission.CHANNELS_READ)
    return context.loaders.channels.load(group.channel_id)


def contact(group: MessageGroup, context: Context) -> Awaitable[Contact | None] | None:
    """Return who wrote the group, in an individual chat."""
    context.viewer.require(Permission.CONTACTS_READ)
    return None if group.contact_id is None else context.loaders.contacts.load(group.contact_id)


def session(group: MessageGroup, context: Context) -> Awaitable[Session | None] | None:
    """Return the session the group is part of."""
    context.viewer.require(Permission.SESSIONS_READ)
    return None if group.session_id is None else context.loaders.sessions.load(group.session_id)


async def messages(group: MessageGroup, context: Context) -> list[Message]:
    """Return the messages of the group, in the order they were written."""
    found = await context.loaders.messages.load_many(group.message_ids)
    return sorted((one for one in found if one is not None), key=lambda one: (one.sent_at, one.id))


def expires_at(group: MessageGroup) -> datetime | None:
    """Return when the window ends, while it lasts."""
    return group.expires_at if group.is_pending else None


def part_message(part: GroupPart, context: Context) -> Awaitable[Message | None]:
    """Return the message a part is from."""
    return context.loaders.messages.load(part.message_id)


async def flush(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> MessageGroup:
    """Wait for no further message."""
    return await context.write(
        service.flush, group_id=private(MessageGroupId, id), expected_version=expected_version
    )


async def cancel(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> MessageGroup:
    """Let nothing follow from a group."""
    return await context.write(
        service.cancel, group_id=private(MessageGroupId, id), expected_version=expected_version
    )
