"""Sessions: table, mapping, repository."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Uuid, select, text, update

from domain.crm.escalation import Escalation
from domain.crm.session import LONGEST_TIMEOUT_SECONDS, Session, SessionEndReason, SessionStatus
from domain.ids import ChannelId, ChatId, ContactId, ProjectId, SessionId
from persistence.due import DueQueue
from persistence.filters import Filterable
from persistence.metadata import belongs_to, metadata, tenant_table
from persistence.paging import Branch, Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

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
    Column("warning_seconds", Integer),
    Column("warned_at", instant()),
    Column("due_at", instant()),
    Column("message_count", Integer, nullable=False),
    Column("contact_message_count", Integer, nullable=False),
    Column("assignee_id", Uuid),
    Column("escalation", AsJSON[Escalation](Escalation)),
    Column("summary_due_at", instant()),
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
    Index("ix_sessions_due", "due_at", postgresql_where="due_at IS NOT NULL"),
    Index("ix_sessions_summary_due", "summary_due_at", postgresql_where="summary_due_at IS NOT NULL"),
    Index("ix_sessions_started", "tenant_id", "project_id", "started_at", "id"),
    Index("ix_sessions_last_activity", "tenant_id", "project_id", "last_activity_at", "id"),
    Index("ix_sessions_contact", "tenant_id", "contact_id", "channel_id", "started_at"),
    Index("ix_sessions_chat", "tenant_id", "chat_id", "started_at", "id"),
)

SESSIONS_DUE = DueQueue(name="sessions", table="sessions", column="due_at")

session_collection = Collection(
    entity=Session,
    table=sessions,
    default_order=(Term("STARTED_AT", descending=True),),
    sort_keys={
        "STARTED_AT": SortKey(sessions.c.started_at),
        "LAST_ACTIVITY_AT": SortKey(sessions.c.last_activity_at),
    },
    fields={
        "id": Filterable(sessions.c.id, "SessionId"),
        "status": Filterable(sessions.c.status),
        "end_reason": Filterable(sessions.c.end_reason),
        "chat_id": Filterable(sessions.c.chat_id, "ChatId"),
        "contact_id": Filterable(sessions.c.contact_id, "ContactId"),
        "channel_id": Filterable(sessions.c.channel_id, "ChannelId"),
        "assignee_id": Filterable(sessions.c.assignee_id, "AgentId"),
        "message_count": Filterable(sessions.c.message_count),
        "started_at": Filterable(sessions.c.started_at),
        "ended_at": Filterable(sessions.c.ended_at),
        "last_activity_at": Filterable(sessions.c.last_activity_at),
    },
)

CONTACT_SESSIONS = Branch("Contact.sessions", session_collection, sessions.c.contact_id)
CHAT_SESSIONS = Branch("Chat.sessions", session_collection, sessions.c.chat_id)


class Sessions(Repository[Session]):
    """The sessions of a tenant."""

    aggregate = Session
    table = sessions

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Session]:
        """Return a page of a project's sessions."""
        return await session_collection.page(
            self.session, sessions.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many sessions of a project there are, up to the limit of counting."""
        return await session_collection.count(self.session, sessions.c.project_id == project_id, listing)

    async def active_in(self, chat_ids: Sequence[UUID]) -> dict[ChatId, Session]:
        """Return the session that goes on in each of several chats, the one with the latest activity."""
        rows = await self.session.scalars(
            select(Session)
            .where(sessions.c.chat_id.in_(chat_ids), sessions.c.status == SessionStatus.ACTIVE)
            .order_by(sessions.c.last_activity_at, sessions.c.id)
        )
        return {session.chat_id: session for session in rows}

    async def first_response_seconds(self, ids: Sequence[UUID]) -> dict[SessionId, int]:
        """Return the whole seconds from the contact's first message to our first answer, where there is one."""
        rows = await self.session.execute(
            text(
                """
                SELECT session.id, floor(extract(epoch FROM answer.sent_at - question.sent_at))::integer
                FROM unnest(cast(:ids AS uuid[])) AS session (id)
                CROSS JOIN LATERAL (
                    SELECT sent_at FROM messages
                    WHERE session_id = session.id AND direction = 'INBOUND' ORDER BY sent_at, id LIMIT 1
                ) question
                CROSS JOIN LATERAL (
                    SELECT sent_at FROM messages
                    WHERE session_id = session.id AND direction = 'OUTBOUND' AND sent_at >= question.sent_at
                    ORDER BY sent_at, id LIMIT 1
                ) answer
                """
            ),
            {"ids": list(ids)},
        )
        return dict(rows.all())

    async def around(self, channel_id: ChannelId, contact_id: ContactId, moment: datetime) -> list[Session]:
        """Return, locked, the active session and those that a message of that time may belong to."""
        reach = timedelta(seconds=LONGEST_TIMEOUT_SECONDS)
        found = await self.session.scalars(
            select(Session)
            .where(
                sessions.c.channel_id == channel_id,
                sessions.c.contact_id == contact_id,
                (sessions.c.status == SessionStatus.ACTIVE)
                | (
                    (sessions.c.started_at <= moment + reach)
                    & (sessions.c.last_activity_at >= moment - reach)
                ),
            )
            .order_by(sessions.c.id)
            .with_for_update(key_share=True)
        )
        return list(found)

    async def remove_joined(self, group: Sequence[Session]) -> None:
        """Remove sessions that were joined to another, after moving their messages there."""
        await self.session.flush()
        for gone in (one for one in group if one.merged_into_id is not None):
            await self.session.execute(
                update(metadata.tables["messages"])
                .where(metadata.tables["messages"].c.session_id == gone.id)
                .values(session_id=gone.merged_into_id)
            )
            await self.session.execute(
                update(metadata.tables["message_groups"])
                .where(metadata.tables["message_groups"].c.session_id == gone.id)
                .values(session_id=gone.merged_into_id)
            )
            await self.session.delete(gone)

    async def lock_if_free(self, id_: SessionId) -> Session | None:
        """Return the session locked, or None if it is gone or somebody else works on it."""
        found = await self.session.scalars(
            select(Session).where(sessions.c.id == id_).with_for_update(key_share=True, skip_locked=True)
        )
        return found.one_or_none()
