"""Scheduled messages: table, mapping, repository, and when they are due."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Text, Uuid, and_, select, text

from domain.crm.scheduled_message import LatePolicy, ScheduledMessage, ScheduledMessageStatus
from domain.ids import ProjectId
from persistence.due import DueQueue
from persistence.filters import Filterable
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Branch, Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import ContentJSON, EnumText, Phone, instant

scheduled_messages = tenant_table(
    "scheduled_messages",
    Column("project_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid),
    Column("to", Phone),
    Column("content", ContentJSON, nullable=False),
    Column("reply_to_external_id", Text),
    Column("api_key_id", Uuid),
    Column("agent_id", Uuid),
    Column("client_message_id", Text),
    Column("send_at", instant(), nullable=False),
    Column("late", EnumText(LatePolicy), nullable=False),
    Column("expires_after_seconds", Integer),
    Column("status", EnumText(ScheduledMessageStatus), nullable=False),
    Column("due_at", instant()),
    Column("attempts", Integer, nullable=False),
    # No foreign key: a message can be found to be the copy of another and go.
    Column("message_id", Uuid),
    Column("failure_reason", Text),
    Column("settled_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("channel_id", "channels"),
    belongs_to("chat_id", "chats"),
    belongs_to("api_key_id", "api_keys"),
    belongs_to("agent_id", "agents"),
    Index(
        "uq_scheduled_messages_client_message_id",
        "tenant_id",
        "project_id",
        "client_message_id",
        unique=True,
        postgresql_where=text("client_message_id IS NOT NULL"),
    ),
    Index("ix_scheduled_messages_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    # The next one to a chat, or to a number without one.
    Index(
        "ix_scheduled_messages_waiting",
        "tenant_id",
        "chat_id",
        "to",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("ix_scheduled_messages_send", "tenant_id", "project_id", "send_at", "id"),
    Index("ix_scheduled_messages_chat", "tenant_id", "chat_id", "send_at", "id"),
)

SCHEDULED_DUE = DueQueue(name="scheduled_messages", table="scheduled_messages", column="due_at")
"""When scheduled messages are due."""

scheduled_message_collection = Collection(
    entity=ScheduledMessage,
    table=scheduled_messages,
    default_order=(Term("SEND_AT"),),
    sort_keys={"SEND_AT": SortKey(scheduled_messages.c.send_at)},
    fields={
        "id": Filterable(scheduled_messages.c.id, "ScheduledMessageId"),
        "status": Filterable(scheduled_messages.c.status),
        "chat_id": Filterable(scheduled_messages.c.chat_id, "ChatId"),
        "channel_id": Filterable(scheduled_messages.c.channel_id, "ChannelId"),
        "send_at": Filterable(scheduled_messages.c.send_at),
    },
)

CHAT_SCHEDULED = Branch("Chat.scheduledMessages", scheduled_message_collection, scheduled_messages.c.chat_id)


class ScheduledMessages(Repository[ScheduledMessage]):
    """The scheduled messages of a tenant."""

    aggregate = ScheduledMessage
    table = scheduled_messages

    async def page(
        self, project_id: ProjectId, listing: Listing, request: PageRequest
    ) -> Page[ScheduledMessage]:
        """Return a page of a project's scheduled messages."""
        return await scheduled_message_collection.page(
            self.session, scheduled_messages.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many scheduled messages a project has, up to the limit of counting."""
        return await scheduled_message_collection.count(
            self.session, scheduled_messages.c.project_id == project_id, listing
        )

    async def by_client_id(self, project_id: ProjectId, client_message_id: str) -> ScheduledMessage | None:
        """Return what a caller scheduled under an id of their own."""
        found = await self.session.scalars(
            select(ScheduledMessage).where(
                scheduled_messages.c.project_id == project_id,
                scheduled_messages.c.client_message_id == client_message_id,
            )
        )
        return found.one_or_none()

    async def next_due(self, scheduled: ScheduledMessage, now: datetime) -> UUID | None:
        """Return which one is to be sent next to where this one goes, as it is now."""
        if scheduled.chat_id is None:
            is_there = and_(
                scheduled_messages.c.chat_id.is_(None),
                scheduled_messages.c.to == scheduled.to,
                scheduled_messages.c.channel_id == scheduled.channel_id,
            )
        else:
            is_there = scheduled_messages.c.chat_id == scheduled.chat_id
        found: UUID | None = await self.session.scalar(
            select(scheduled_messages.c.id)
            .where(is_there, scheduled_messages.c.due_at <= now)
            .order_by(scheduled_messages.c.due_at, scheduled_messages.c.id)
            .limit(1)
        )
        return found
