"""The burst of messages as published."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.crm import message_group as domain
from domain.crm.content import ContentKind
from domain.crm.message_group import GroupCancelReason, GroupStatus
from domain.ids import MessageGroupId
from resolvers.ai import runs as about_runs
from resolvers.crm import message_groups as resolve
from schema.crm.channel import Channel
from schema.crm.chat import Chat
from schema.crm.contact import Contact
from schema.crm.session import Session
from schema.fields import computed, edge, plain, represents
from schema.relay import Node, id_of

if TYPE_CHECKING:
    from schema.ai.run import AiRun
    from schema.crm.message import Message

_Message = Annotated["Message", strawberry.lazy("schema.crm.message")]


@strawberry.type(description="What one message of a burst says.")
@represents(domain.GroupPart)
class MessageGroupPart:
    """A `domain.crm.message_group.GroupPart`."""

    message: _Message | None = edge(resolve.part_message, "The message.")
    kind: ContentKind = computed(lambda part: ContentKind(part.kind), "What it contains.")
    sent_at: datetime = plain("When it was sent.")
    text: str = plain("Its words and what its file says; a marker such as [audio] if nobody could tell.")


@strawberry.type(
    description="What somebody wrote in one burst: gathered until they pause, then worked on as one input."
)
@represents(domain.MessageGroup)
class MessageGroup(Node):
    """A burst."""

    id: strawberry.ID = id_of(MessageGroupId)
    status: GroupStatus = plain("How far it came.")
    cancel_reason: GroupCancelReason | None = plain("Why nothing follows from it, if it is CANCELLED.")
    chat: Chat = edge(resolve.chat, "The chat it was written in.")
    channel: Channel = edge(resolve.channel, "The channel it came through.")
    contact: Contact | None = edge(resolve.contact, "Who wrote it; null in WhatsApp groups.")
    session: Session | None = edge(resolve.session, "The session it is part of.")
    messages: list[_Message] = edge(
        resolve.messages, "Its messages in the order they were written, at most some hundred."
    )
    message_count: int = plain("How many messages it has.")
    text: str | None = plain("All of it as one text, once it is worked on.")
    parts: list[MessageGroupPart] = plain("What each message says, once the group is worked on.")
    ai_run: Annotated["AiRun", strawberry.lazy("schema.ai.run")] | None = edge(
        about_runs.of_group, "What an AI agent did about it, if one is in charge."
    )
    opened_at: datetime = plain("When its first message was filed.")
    expires_at: datetime | None = computed(
        resolve.expires_at, "When the pause is long enough, while PENDING."
    )
    deadline_at: datetime = plain("When it ends at the latest.")
    flushed_at: datetime | None = plain("When the window ended and work on it began.")
    settled_at: datetime | None = plain("When it was completed, failed or cancelled.")
    attempts: int = plain("How often a worker began to work on it.")
    error: str | None = plain("What went wrong last.")
    created_at: datetime = plain("When the group was filed.")
    updated_at: datetime = plain("When the group last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
