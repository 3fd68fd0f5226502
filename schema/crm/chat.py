"""The chat as published."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.crm import chat as domain
from domain.crm.chat import ChatStatus, ChatType, ParticipantRole
from domain.ids import ChatId, ParticipantId
from resolvers.crm import chats as resolve
from resolvers.crm import message_groups as about_groups
from resolvers.crm import scheduled_messages as about_scheduled
from schema.crm.channel import Channel
from schema.crm.contact import Contact
from schema.crm.message_list_arguments import MessageWhere
from schema.crm.scheduled_message_list_arguments import ScheduledMessageWhere
from schema.fields import connection, edge, plain, represents
from schema.relay import Connection, Node, id_of

if TYPE_CHECKING:
    from schema.crm.message import Message
    from schema.crm.message_group import MessageGroup
    from schema.crm.scheduled_message import ScheduledMessage
    from schema.crm.session import Session


@strawberry.type(description="A contact who takes part in a chat.")
class ChatParticipant:
    """A participation."""

    id: strawberry.ID = id_of(ParticipantId, "The participation's id.")
    contact: Contact | None = edge(resolve.contact, "Who takes part.")
    role: ParticipantRole = plain("What they may do.")
    joined_at: datetime = plain("Since when they are known to take part.")


@strawberry.type(
    description="A conversation on one channel: with one person, a group, or a WhatsApp channel."
)
@represents(domain.Chat)
class Chat(Node):
    """A chat."""

    id: strawberry.ID = id_of(ChatId)
    type: ChatType = plain("What kind of conversation it is.")
    status: ChatStatus = plain("Whether people work on it.")
    subject: str | None = plain("What a group or WhatsApp channel is called; null for individual chats.")
    external_id: str = plain("The chat's id on WhatsApp, as WAHA writes it.")
    channel: Channel = edge(resolve.channel, "The channel the chat is on.")
    contact: Contact | None = edge(resolve.contact, "The other person of an individual chat.")
    participants: Connection[ChatParticipant] = connection(
        resolve.participants, "Who takes part now, in the order they joined."
    )
    active_session: Annotated["Session", strawberry.lazy("schema.crm.session")] | None = edge(
        resolve.active_session, "The session that goes on."
    )
    last_message_at: datetime | None = plain("When the newest message was sent.")
    messages: Connection[Annotated["Message", strawberry.lazy("schema.crm.message")]] = connection(
        resolve.messages,
        "The messages by the time they were sent; last: 5 are the newest five, oldest first.",
        where=MessageWhere,
    )
    sessions: Connection[Annotated["Session", strawberry.lazy("schema.crm.session")]] = connection(
        resolve.sessions, "The sessions in the chat, the latest first."
    )
    message_groups: Connection[Annotated["MessageGroup", strawberry.lazy("schema.crm.message_group")]] = (
        connection(about_groups.of_chat, "The bursts written in the chat, the latest first.")
    )
    scheduled_messages: Connection[
        Annotated["ScheduledMessage", strawberry.lazy("schema.crm.scheduled_message")]
    ] = connection(
        about_scheduled.of_chat,
        "What was written to be sent later, by the time it is or was to be sent.",
        where=ScheduledMessageWhere,
    )
    automation_resumes_at: datetime | None = plain(
        "Until when agents are silent here because a person took over; null if nobody did."
    )
    created_at: datetime = plain("When the chat was first seen.")
    updated_at: datetime = plain("When the chat last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
