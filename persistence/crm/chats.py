"""Chats and their participants: tables, mapping, repository."""

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    exists,
    literal,
    or_,
    select,
    text,
)

from domain.crm.chat import Chat, ChatParticipant, ChatStatus, ChatType, ParticipantRole
from domain.ids import ChannelId, ContactId, ProjectId
from persistence.crm.contacts import contacts, search_contacts
from persistence.filters import Filterable, contains
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Branch, Collection, Listing, Page, PageRequest, SortKey, Term, or_earliest
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
    Column("subject_due_at", instant()),
    Column("automation_resumes_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("channel_id", "channels"),
    belongs_to("contact_id", "contacts"),
    UniqueConstraint("tenant_id", "channel_id", "external_id"),
    UniqueConstraint("tenant_id", "channel_id", "contact_id"),
    Index("ix_chats_created", "tenant_id", "project_id", "created_at", "id"),
    Index("ix_chats_contact", "tenant_id", "contact_id", "last_message_at", "id"),
    Index("ix_chats_subject_due", "subject_due_at", postgresql_where=text("subject_due_at IS NOT NULL")),
)
# Chats without messages sort as if their last one came before all others.
Index(
    "ix_chats_last_message",
    chats.c.tenant_id,
    chats.c.project_id,
    or_earliest(chats.c.last_message_at),
    chats.c.id,
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


def search_chats(query: str) -> ColumnElement[bool]:
    """Return whether the subject, or the name or number of the other person, holds the text."""
    person = select(literal(1)).select_from(contacts)
    person = person.where(
        contacts.c.tenant_id == chats.c.tenant_id, contacts.c.id == chats.c.contact_id, search_contacts(query)
    )
    return or_(contains(chats.c.subject, query), exists(person))


chat_collection = Collection(
    entity=Chat,
    table=chats,
    default_order=(Term("LAST_MESSAGE_AT", descending=True),),
    sort_keys={
        "LAST_MESSAGE_AT": SortKey(chats.c.last_message_at, is_optional=True),
        "CREATED_AT": SortKey(chats.c.created_at),
    },
    fields={
        "id": Filterable(chats.c.id, "ChatId"),
        "type": Filterable(chats.c.type),
        "status": Filterable(chats.c.status),
        "channel_id": Filterable(chats.c.channel_id, "ChannelId"),
        "contact_id": Filterable(chats.c.contact_id, "ContactId"),
        "external_id": Filterable(chats.c.external_id),
        "last_message_at": Filterable(chats.c.last_message_at),
        "created_at": Filterable(chats.c.created_at),
    },
    search=search_chats,
)

participant_collection = Collection(
    entity=ChatParticipant,
    table=chat_participants,
    default_order=(Term("JOINED_AT"),),
    sort_keys={"JOINED_AT": SortKey(chat_participants.c.joined_at)},
    shown=chat_participants.c.left_at.is_(None),
)

CONTACT_CHATS = Branch("Contact.chats", chat_collection, chats.c.contact_id)
CHAT_PARTICIPANTS = Branch("Chat.participants", participant_collection, chat_participants.c.chat_id)


class Chats(Repository[Chat]):
    """The chats of a tenant."""

    aggregate = Chat
    table = chats

    def welcome(self, participant: ChatParticipant) -> None:
        """Store a participation when the transaction commits."""
        self.session.add(participant)

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Chat]:
        """Return a page of a project's chats."""
        return await chat_collection.page(self.session, chats.c.project_id == project_id, listing, request)

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many chats of a project there are, up to the limit of counting."""
        return await chat_collection.count(self.session, chats.c.project_id == project_id, listing)

    async def at_address(self, channel_id: ChannelId, external_id: str) -> Chat | None:
        """Return the chat that goes by an address on a channel."""
        found = await self.session.scalars(
            select(Chat).where(chats.c.channel_id == channel_id, chats.c.external_id == external_id)
        )
        return found.one_or_none()

    async def with_contact(self, channel_id: ChannelId, contact_id: ContactId) -> Chat | None:
        """Return the individual chat with a contact on a channel."""
        found = await self.session.scalars(
            select(Chat).where(chats.c.channel_id == channel_id, chats.c.contact_id == contact_id)
        )
        return found.one_or_none()
