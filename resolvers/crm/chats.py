"""Answers about chats."""

from collections.abc import Awaitable

from domain.crm.channel import Channel
from domain.crm.chat import Chat, ChatParticipant
from domain.crm.contact import Contact
from domain.crm.message import Message
from domain.crm.session import Session
from domain.identity.permission import Permission
from domain.ids import ChatId
from persistence.crm.chats import CHAT_PARTICIPANTS, chat_collection
from persistence.crm.messages import CHAT_MESSAGES
from persistence.crm.sessions import CHAT_SESSIONS
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.crm import chats as service


async def one(context: Context, *, id: str) -> Chat | None:  # noqa: A002 The API's word.
    """Return the chat with that id, or None."""
    key = private(ChatId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Chat]:
    """Return a page of the project's chats."""
    return await connections.browse(
        context, chat_collection, service.browse, count=service.count, arguments=arguments
    )


def channel(chat: Chat, context: Context) -> Awaitable[Channel | None]:
    """Return the channel the chat is on."""
    context.viewer.require(Permission.CHANNELS_READ)
    return context.loaders.channels.load(chat.channel_id)


def contact(chat: Chat | ChatParticipant, context: Context) -> Awaitable[Contact | None] | None:
    """Return the other person of an individual chat, or who takes part."""
    context.viewer.require(Permission.CONTACTS_READ)
    return None if chat.contact_id is None else context.loaders.contacts.load(chat.contact_id)


def participants(
    chat: Chat, context: Context, *, arguments: ListArguments
) -> Awaitable[Connection[ChatParticipant]]:
    """Return who takes part in the chat now."""
    context.viewer.require(Permission.CONTACTS_READ)
    return connections.follow(context, CHAT_PARTICIPANTS, chat.id, arguments=arguments)


def active_session(chat: Chat, context: Context) -> Awaitable[Session | None]:
    """Return the session that goes on in the chat."""
    context.viewer.require(Permission.SESSIONS_READ)
    return context.loaders.active_sessions.load(chat.id)


def messages(chat: Chat, context: Context, *, arguments: ListArguments) -> Awaitable[Connection[Message]]:
    """Return the chat's messages."""
    context.viewer.require(Permission.MESSAGES_READ)
    return connections.follow(context, CHAT_MESSAGES, chat.id, arguments=arguments)


def sessions(chat: Chat, context: Context, *, arguments: ListArguments) -> Awaitable[Connection[Session]]:
    """Return the chat's sessions."""
    context.viewer.require(Permission.SESSIONS_READ)
    return connections.follow(context, CHAT_SESSIONS, chat.id, arguments=arguments)


async def archive(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Chat:
    """Put a chat aside."""
    return await context.write(
        service.archive, chat_id=private(ChatId, id), expected_version=expected_version
    )


async def unarchive(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Chat:
    """Bring an archived chat back."""
    return await context.write(
        service.unarchive, chat_id=private(ChatId, id), expected_version=expected_version
    )


async def close(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Chat:
    """End work on a chat."""
    return await context.write(service.close, chat_id=private(ChatId, id), expected_version=expected_version)


async def reopen(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Chat:
    """Take up a closed chat again."""
    return await context.write(service.reopen, chat_id=private(ChatId, id), expected_version=expected_version)
