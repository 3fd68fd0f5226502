"""Summaries of sessions: table, mapping, repository, and which sessions wait for theirs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Integer, Text, Uuid, select

from domain.ai.session_summary import Sentiment, SessionSummary
from domain.ids import ContactId, SessionId
from persistence.due import DueQueue
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

session_summaries = tenant_table(
    "session_summaries",
    Column("project_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    Column("sentiment", EnumText(Sentiment), nullable=False),
    Column("topics", AsJSON[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("next_steps", AsJSON[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cost_microusd", BigInteger),
    Column("ended_at", instant(), nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    # A summary goes with its session, as when the session is joined to another.
    belongs_to("id", "sessions", on_delete="CASCADE"),
    belongs_to("project_id", "projects"),
    belongs_to("contact_id", "contacts"),
    Index("ix_session_summaries_contact", "tenant_id", "contact_id", "ended_at", "id"),
)

SUMMARIES_DUE = DueQueue(name="summaries", table="sessions", column="summary_due_at")


class SessionSummaries(Repository[SessionSummary]):
    """The summaries of a tenant's sessions."""

    aggregate = SessionSummary
    table = session_summaries

    async def latest_of(
        self, contact_id: ContactId, *, limit: int, besides: SessionId | None = None
    ) -> list[SessionSummary]:
        """Return the summaries of a contact's sessions that ended last, oldest first."""
        rows = await self.session.scalars(
            select(SessionSummary)
            .where(
                session_summaries.c.contact_id == contact_id,
                session_summaries.c.id.is_distinct_from(besides),
            )
            .order_by(session_summaries.c.ended_at.desc(), session_summaries.c.id.desc())
            .limit(limit)
        )
        return list(rows)[::-1]

    async def of_sessions(self, ids: Sequence[UUID]) -> dict[UUID, SessionSummary]:
        """Return the summaries of several sessions, by the session's id."""
        return await self.find_many(ids)
