"""Answers about messages."""

from collections.abc import Awaitable
from dataclasses import dataclass

from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.content import MessageContent
from domain.crm.message import Message, Reaction
from domain.crm.session import Session
from domain.identity.agent import Agent, AgentType
from domain.identity.permission import Permission
from domain.ids import AgentId, ChannelId, ChatId, ContactId, MessageId
from domain.values import PhoneNumber
from integrations.waha.message_id import bare
from persistence.crm.messages import message_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.crm import message_queries as queries
from services.crm import messages as service


@dataclass(frozen=True, slots=True)
class SystemActor:
    """The installation itself, or our account without a known person, as an author."""

    name: str = "System"


SYSTEM = SystemActor()
Actor = Contact | Agent | SystemActor


async def one(context: Context, *, id: str) -> Message | None:  # noqa: A002 The API's word.
    """Return the message with that id, or None."""
    key = private(MessageId, id)
    return (await context.read(queries.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Message]:
    """Return a page of the project's messages."""
    return await connections.browse(
        context, message_collection, queries.browse, count=queries.count, arguments=arguments
    )


async def by_external_id(context: Context, *, channel_id: str, external_id: str) -> Message | None:
    """Return the message that WhatsApp knows under this id, bare or in WAHA's full form."""
    channel = private(ChannelId, channel_id)
    found = bare(external_id)
    if found is None:
        return None
    return await context.read(queries.by_external_id, channel_id=channel, external_id=found)


def chat(message: Message, context: Context) -> Awaitable[Chat | None]:
    """Return the chat the message is in."""
    context.viewer.require(Permission.CHATS_READ)
    return context.loaders.chats.load(message.chat_id)


def session(message: Message, context: Context) -> Awaitable[Session | None] | None:
    """Return the session the message was counted in."""
    context.viewer.require(Permission.SESSIONS_READ)
    return None if message.session_id is None else context.loaders.sessions.load(message.session_id)


def contact(message: Message | Reaction, context: Context) -> Awaitable[Contact | None] | None:
    """Return the person who wrote, was written to, or reacted."""
    context.viewer.require(Permission.CONTACTS_READ)
    return None if message.contact_id is None else context.loaders.contacts.load(message.contact_id)


def author(message: Message, context: Context) -> Awaitable[Actor] | Actor:
    """Return who wrote: the contact of an inbound message, the agent of ours, else the system."""
    if message.is_inbound:
        context.viewer.require(Permission.CONTACTS_READ)
        return SYSTEM if message.contact_id is None else _contact_or_system(message.contact_id, context)
    return SYSTEM if message.agent_id is None else agent_or_system(message.agent_id, context)


def reply_to(message: Message, context: Context) -> Awaitable[Message | None] | None:
    """Return the message this one answers, if it is known."""
    if message.reply_to_external_id is None:
        return None
    return context.loaders.replied.load((message.chat_id, message.reply_to_external_id))


async def send(
    context: Context,
    *,
    content: MessageContent,
    chat_id: str | None = None,
    to: PhoneNumber | None = None,
    channel_id: str | None = None,
    reply_to_id: str | None = None,
    client_message_id: str | None = None,
) -> Message:
    """Write a message; a worker hands it to WhatsApp."""
    return await context.write(
        service.send,
        chat_id=None if chat_id is None else private(ChatId, chat_id),
        to=to,
        channel_id=None if channel_id is None else private(ChannelId, channel_id),
        content=content,
        reply_to_id=None if reply_to_id is None else private(MessageId, reply_to_id),
        client_message_id=client_message_id,
    )


async def agent_or_system(agent_id: AgentId, context: Context) -> Actor:
    """Return an agent as an author; a job of the installation is the system."""
    agent = await context.loaders.agents.load(agent_id)
    if agent is None:
        return SYSTEM
    return SystemActor(agent.name) if agent.type is AgentType.SYSTEM else agent


async def _contact_or_system(contact_id: ContactId, context: Context) -> Actor:
    return await context.loaders.contacts.load(contact_id) or SYSTEM
