"""Answers about sessions."""

from collections.abc import Awaitable

from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.message import Message
from domain.crm.session import Session, SessionEndReason
from domain.identity.agent import Agent
from domain.identity.permission import Permission
from domain.ids import AgentId, SessionId
from persistence.crm.messages import SESSION_MESSAGES
from persistence.crm.sessions import session_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.crm import sessions as service


async def one(context: Context, *, id: str) -> Session | None:  # noqa: A002 The API's word.
    """Return the session with that id, or None."""
    key = private(SessionId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Session]:
    """Return a page of the project's sessions."""
    return await connections.browse(
        context, session_collection, service.browse, count=service.count, arguments=arguments
    )


def chat(session: Session, context: Context) -> Awaitable[Chat | None]:
    """Return the chat the session is part of."""
    context.viewer.require(Permission.CHATS_READ)
    return context.loaders.chats.load(session.chat_id)


def contact(session: Session, context: Context) -> Awaitable[Contact | None]:
    """Return the person the session is with."""
    context.viewer.require(Permission.CONTACTS_READ)
    return context.loaders.contacts.load(session.contact_id)


def channel(session: Session, context: Context) -> Awaitable[Channel | None]:
    """Return the channel the session is on."""
    context.viewer.require(Permission.CHANNELS_READ)
    return context.loaders.channels.load(session.channel_id)


def assignee(session: Session, context: Context) -> Awaitable[Agent | None] | None:
    """Return who is in charge of the session."""
    return None if session.assignee_id is None else context.loaders.agents.load(session.assignee_id)


def first_response_seconds(session: Session, context: Context) -> Awaitable[int | None]:
    """Return how long the first answer took."""
    return context.loaders.first_responses.load(session.id)


def messages(
    session: Session, context: Context, *, arguments: ListArguments
) -> Awaitable[Connection[Message]]:
    """Return the session's messages."""
    context.viewer.require(Permission.MESSAGES_READ)
    return connections.follow(context, SESSION_MESSAGES, session.id, arguments=arguments)


async def close(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    reason: SessionEndReason = SessionEndReason.MANUAL_CLOSE,
    expected_version: int | None = None,
) -> Session:
    """End a session."""
    return await context.write(
        service.close,
        session_id=private(SessionId, id),
        reason=reason,
        expected_version=expected_version,
    )


async def assign(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    agent_id: str,
    expected_version: int | None = None,
) -> Session:
    """Put an agent in charge of a session."""
    return await context.write(
        service.assign,
        session_id=private(SessionId, id),
        agent_id=private(AgentId, agent_id),
        expected_version=expected_version,
    )
