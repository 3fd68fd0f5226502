"""Messages: table, mapping, repository."""

from sqlalchemy import Boolean, Column, Index, Integer, Text, Uuid, text

from domain.crm.content import ContentKind
from domain.crm.message import (
    Message,
    MessageDirection,
    MessageEdit,
    MessageOrigin,
    MessageStatus,
    Reaction,
)
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import AsJSON, ContentJSON, EnumText, instant

messages = tenant_table(
    "messages",
    Column("project_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("session_id", Uuid),
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


class Messages(Repository[Message]):
    """The messages of a tenant."""

    aggregate = Message
    table = messages
