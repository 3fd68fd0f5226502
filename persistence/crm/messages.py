"""Messages: table, mapping, repository."""

from collections.abc import Sequence

from sqlalchemy import Boolean, Column, Index, Integer, Text, Uuid, select, text, tuple_

from domain.crm.content import ContentKind
from domain.crm.message import (
    Message,
    MessageDirection,
    MessageEdit,
    MessageOrigin,
    MessageStatus,
    Reaction,
)
from domain.ids import ChannelId, ChatId, ProjectId
from persistence.filters import Filterable, contains
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Branch, Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, ContentJSON, EnumText, instant

messages = tenant_table(
    "messages",
    Column("project_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("session_id", Uuid),
    Column("group_id", Uuid),
    Column("contact_id", Uuid),
    Column("agent_id", Uuid),
    Column("direction", EnumText(MessageDirection), nullable=False),
    Column("origin", EnumText(MessageOrigin), nullable=False),
    Column("status", EnumText(MessageStatus), nullable=False),
    Column("content_kind", EnumText(ContentKind), nullable=False),
    Column("content", ContentJSON, nullable=False),
    Column("text", Text),
    Column("external_id", Text),
    Column("client_message_id", Text),
    Column("reply_to_external_id", Text),
    Column("is_forwarded", Boolean, nullable=False),
    Column("mentions", AsJSON[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("reactions", AsJSON[tuple[Reaction, ...]](tuple[Reaction, ...]), nullable=False),
    Column("edits", AsJSON[tuple[MessageEdit, ...]](tuple[MessageEdit, ...]), nullable=False),
    Column("edited_at", instant()),
    Column("revoked_at", instant()),
    Column("sent_at", instant(), nullable=False),
    Column("delivered_at", instant()),
    Column("read_at", instant()),
    Column("played_at", instant()),
    Column("failed_at", instant()),
    Column("failure_reason", Text),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("channel_id", "channels"),
    belongs_to("chat_id", "chats"),
    belongs_to("session_id", "sessions"),
    belongs_to("group_id", "message_groups"),
    belongs_to("contact_id", "contacts"),
    belongs_to("agent_id", "agents"),
    # Identity on WhatsApp. The sender takes part, because whoever sends a message chooses its id.
    Index(
        "uq_messages_key",
        "tenant_id",
        "chat_id",
        "external_id",
        "direction",
        "contact_id",
        unique=True,
        postgresql_where=text("external_id IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    ),
    Index("ix_messages_chat", "tenant_id", "chat_id", "sent_at", "id"),
    Index("ix_messages_session", "tenant_id", "session_id", "sent_at", "id"),
    Index("ix_messages_project", "tenant_id", "project_id", "sent_at", "id"),
    Index("ix_messages_contact", "tenant_id", "contact_id", "sent_at", "id"),
    Index("ix_messages_external_id", "tenant_id", "channel_id", "external_id"),
    Index(
        "uq_messages_client_message_id",
        "tenant_id",
        "project_id",
        "client_message_id",
        unique=True,
        postgresql_where=text("client_message_id IS NOT NULL"),
    ),
)


message_collection = Collection(
    entity=Message,
    table=messages,
    default_order=(Term("SENT_AT"),),
    sort_keys={"SENT_AT": SortKey(messages.c.sent_at)},
    fields={
        "id": Filterable(messages.c.id, "MessageId"),
        "chat_id": Filterable(messages.c.chat_id, "ChatId"),
        "session_id": Filterable(messages.c.session_id, "SessionId"),
        "contact_id": Filterable(messages.c.contact_id, "ContactId"),
        "channel_id": Filterable(messages.c.channel_id, "ChannelId"),
        "agent_id": Filterable(messages.c.agent_id, "AgentId"),
        "direction": Filterable(messages.c.direction),
        "origin": Filterable(messages.c.origin),
        "status": Filterable(messages.c.status),
        "content_kind": Filterable(messages.c.content_kind),
        "external_id": Filterable(messages.c.external_id),
        "client_message_id": Filterable(messages.c.client_message_id),
        "text": Filterable(messages.c.text),
        "is_forwarded": Filterable(messages.c.is_forwarded),
        "sent_at": Filterable(messages.c.sent_at),
        "created_at": Filterable(messages.c.created_at),
    },
    search=lambda query: contains(messages.c.text, query),
)

CHAT_MESSAGES = Branch("Chat.messages", message_collection, messages.c.chat_id)
SESSION_MESSAGES = Branch("Session.messages", message_collection, messages.c.session_id)


class Messages(Repository[Message]):
    """The messages of a tenant."""

    aggregate = Message
    table = messages

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Message]:
        """Return a page of a project's messages."""
        return await message_collection.page(
            self.session, messages.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many messages of a project there are, up to the limit of counting."""
        return await message_collection.count(self.session, messages.c.project_id == project_id, listing)

    async def by_external_id(self, channel_id: ChannelId, external_id: str) -> Message | None:
        """Return the earliest message of a channel with WhatsApp's id; only hostile senders repeat ids."""
        found = await self.session.scalars(
            select(Message)
            .where(messages.c.channel_id == channel_id, messages.c.external_id == external_id)
            .order_by(messages.c.sent_at, messages.c.id)
            .limit(1)
        )
        return found.one_or_none()

    async def by_chat_and_external_id(
        self, keys: Sequence[tuple[ChatId, str]]
    ) -> dict[tuple[ChatId, str], Message]:
        """Return the earliest message with each of several ids in their chats, in one statement."""
        rows = await self.session.scalars(
            select(Message)
            .where(tuple_(messages.c.chat_id, messages.c.external_id).in_(keys))
            .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        )
        return {(message.chat_id, str(message.external_id)): message for message in rows}

    async def by_client_id(self, project_id: ProjectId, client_message_id: str) -> Message | None:
        """Return the message a caller sent under an id of their own."""
        found = await self.session.scalars(
            select(Message).where(
                messages.c.project_id == project_id, messages.c.client_message_id == client_message_id
            )
        )
        return found.one_or_none()

    async def twin_of(self, message: Message, external_id: str) -> Message | None:
        """Return another of our messages in the chat that claims the same WhatsApp id: an echo filed apart."""
        found = await self.session.scalars(
            select(Message).where(
                messages.c.chat_id == message.chat_id,
                messages.c.external_id == external_id,
                messages.c.direction == message.direction,
                messages.c.id != message.id,
            )
        )
        return found.first()

    async def has_confirmed(self, chat_id: ChatId) -> bool:
        """Whether WhatsApp ever took or brought a message of the chat."""
        statuses = [status for status in MessageStatus if status.rank >= MessageStatus.SENT.rank]
        found = await self.session.scalars(
            select(messages.c.id)
            .where(messages.c.chat_id == chat_id, messages.c.status.in_([MessageStatus.RECEIVED, *statuses]))
            .limit(1)
        )
        return found.first() is not None
