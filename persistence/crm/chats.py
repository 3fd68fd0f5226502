"""Chats and their participants: tables, mapping, repository."""

from sqlalchemy import Column, Index, Integer, Text, UniqueConstraint, Uuid

from domain.crm.chat import Chat, ChatParticipant, ChatStatus, ChatType, ParticipantRole
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import EnumText, instant

chats = tenant_table(
    "chats",
    Column("project_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("type", EnumText(ChatType), nullable=False),
    Column("status", EnumText(ChatStatus), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("contact_id", Uuid),
    Column("subject", Text),
    Column("last_message_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("channel_id", "channels"),
    belongs_to("contact_id", "contacts"),
    UniqueConstraint("tenant_id", "channel_id", "external_id"),
    UniqueConstraint("tenant_id", "channel_id", "contact_id"),
    Index("ix_chats_last_message", "tenant_id", "project_id", "last_message_at", "id"),
    Index("ix_chats_created", "tenant_id", "project_id", "created_at", "id"),
    Index("ix_chats_contact", "tenant_id", "contact_id", "last_message_at", "id"),
)

chat_participants = tenant_table(
    "chat_participants",
    Column("chat_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("role", EnumText(ParticipantRole), nullable=False),
    Column("joined_at", instant(), nullable=False),
    Column("left_at", instant()),
    belongs_to("chat_id", "chats"),
    belongs_to("contact_id", "contacts"),
    Index(
        "uq_chat_participants_present",
        "tenant_id",
        "chat_id",
        "contact_id",
        unique=True,
        postgresql_where="left_at IS NULL",
    ),
    Index("ix_chat_participants_joined", "tenant_id", "chat_id", "joined_at", "id"),
    Index("ix_chat_participants_contact", "tenant_id", "contact_id"),
)


class Chats(Repository[Chat]):
    """The chats of a tenant."""

    aggregate = Chat
    table = chats

    def welcome(self, participant: ChatParticipant) -> None:
        """Store a participation when the transaction commits."""
        self.session.add(participant)
