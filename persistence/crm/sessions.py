"""Sessions: table, mapping, repository."""

from sqlalchemy import Column, Index, Integer, Uuid

from domain.crm.session import Session, SessionEndReason, SessionStatus
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import EnumText, instant

sessions = tenant_table(
    "sessions",
    Column("project_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("pipeline_id", Uuid),
    Column("status", EnumText(SessionStatus), nullable=False),
    Column("end_reason", EnumText(SessionEndReason)),
    Column("started_at", instant(), nullable=False),
    Column("last_activity_at", instant(), nullable=False),
    Column("ended_at", instant()),
    Column("timeout_seconds", Integer, nullable=False),
    Column("timeout_at", instant(), nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("contact_message_count", Integer, nullable=False),
    Column("assignee_id", Uuid),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("channel_id", "channels"),
    belongs_to("chat_id", "chats"),
    belongs_to("contact_id", "contacts"),
    belongs_to("pipeline_id", "pipelines"),
    belongs_to("assignee_id", "agents"),
    Index(
        "uq_sessions_active",
        "tenant_id",
        "channel_id",
        "contact_id",
        unique=True,
        postgresql_where="status = 'ACTIVE'",
    ),
    Index("ix_sessions_due", "timeout_at", postgresql_where="status = 'ACTIVE'"),
    Index("ix_sessions_started", "tenant_id", "project_id", "started_at", "id"),
    Index("ix_sessions_last_activity", "tenant_id", "project_id", "last_activity_at", "id"),
    Index("ix_sessions_contact", "tenant_id", "contact_id", "channel_id", "started_at"),
    Index("ix_sessions_chat", "tenant_id", "chat_id", "started_at", "id"),
)


class Sessions(Repository[Session]):
    """The sessions of a tenant."""

    aggregate = Session
    table = sessions
