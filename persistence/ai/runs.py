"""Runs of agents: table, mapping, repository, and what they add up to in a day."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Text, Uuid, func, select, text

from domain.ai.run import AiRun, RunOutcome, RunStep, ToolRecord
from domain.ids import ChatId, ContactId, MessageGroupId, ProjectId
from persistence.due import DueQueue
from persistence.filters import Filterable
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Branch, Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

ai_runs = tenant_table(
    "ai_runs",
    Column("project_id", Uuid, nullable=False),
    Column("group_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    # Kept without a foreign key: sessions that are joined to others go, what was spent on them stays.
    Column("session_id", Uuid),
    Column("agent_id", Uuid, nullable=False),
    Column("model", Text),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("cost_microusd", BigInteger, nullable=False),
    Column("is_cost_known", Boolean, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("step_count", Integer, nullable=False),
    Column("steps", AsJSON[tuple[RunStep, ...]](tuple[RunStep, ...]), nullable=False),
    Column("tool_calls", AsJSON[tuple[ToolRecord, ...]](tuple[ToolRecord, ...]), nullable=False),
    Column("reply_count", Integer, nullable=False),
    Column("outcome", EnumText(RunOutcome)),
    Column("reason", Text),
    Column("error", Text),
    Column("started_at", instant(), nullable=False),
    Column("finished_at", instant()),
    Column("due_at", instant()),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("group_id", "message_groups", on_delete="CASCADE"),
    belongs_to("agent_id", "agents"),
    Index("uq_ai_runs_group", "tenant_id", "group_id", unique=True),
    Index("ix_ai_runs_started", "tenant_id", "project_id", "started_at", "id"),
    Index("ix_ai_runs_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_ai_runs_contact", "tenant_id", "contact_id", "started_at"),
    Index("ix_ai_runs_session", "tenant_id", "session_id", "started_at"),
)

ai_run_collection = Collection(
    entity=AiRun,
    table=ai_runs,
    default_order=(Term("STARTED_AT", descending=True),),
    sort_keys={"STARTED_AT": SortKey(ai_runs.c.started_at)},
    fields={
        "id": Filterable(ai_runs.c.id, "AiRunId"),
        "group_id": Filterable(ai_runs.c.group_id, "MessageGroupId"),
        "chat_id": Filterable(ai_runs.c.chat_id, "ChatId"),
        "contact_id": Filterable(ai_runs.c.contact_id, "ContactId"),
        "session_id": Filterable(ai_runs.c.session_id, "SessionId"),
        "agent_id": Filterable(ai_runs.c.agent_id, "AgentId"),
        "channel_id": Filterable(ai_runs.c.channel_id, "ChannelId"),
        "model": Filterable(ai_runs.c.model),
        "outcome": Filterable(ai_runs.c.outcome),
        "cost_microusd": Filterable(ai_runs.c.cost_microusd),
        "started_at": Filterable(ai_runs.c.started_at),
        "finished_at": Filterable(ai_runs.c.finished_at),
    },
)

RUNS_DUE = DueQueue(name="ai_runs", table="ai_runs", column="due_at")

SESSION_RUNS = Branch("Session.aiRuns", ai_run_collection, ai_runs.c.session_id)


class AiRuns(Repository[AiRun]):
    """The runs of a tenant's agents."""

    aggregate = AiRun
    table = ai_runs

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[AiRun]:
        """Return a page of a project's runs."""
        return await ai_run_collection.page(
            self.session, ai_runs.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many runs of a project there are, up to the limit of counting."""
        return await ai_run_collection.count(self.session, ai_runs.c.project_id == project_id, listing)

    async def of_group(self, group_id: MessageGroupId) -> AiRun | None:
        """Return, locked, the run over a burst."""
        found = await self.session.scalars(
            select(AiRun)
            .where(ai_runs.c.group_id == group_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return found.one_or_none()

    async def of_groups(self, group_ids: Sequence[UUID]) -> dict[MessageGroupId, AiRun]:
        """Return the runs over several bursts, by the burst."""
        rows = await self.session.scalars(select(AiRun).where(ai_runs.c.group_id.in_(group_ids)))
        return {run.group_id: run for run in rows}

    async def started_for(self, contact_id: ContactId, *, since: datetime) -> int:
        """Return how many runs a contact has caused since then, leaving out those that the budget forbade."""
        found = await self.session.scalar(
            select(func.count())
            .select_from(ai_runs)
            .where(
                ai_runs.c.contact_id == contact_id,
                ai_runs.c.started_at >= since,
                ai_runs.c.outcome.is_distinct_from(RunOutcome.BUDGET),
            )
        )
        return int(found or 0)

    async def was_over_budget(self, contact_id: ContactId, chat_id: ChatId, *, since: datetime) -> bool:
        """Whether the budget has forbidden a run in a chat since then."""
        found = await self.session.scalar(
            select(ai_runs.c.id)
            .where(
                ai_runs.c.contact_id == contact_id,
                ai_runs.c.chat_id == chat_id,
                ai_runs.c.started_at >= since,
                ai_runs.c.outcome == RunOutcome.BUDGET,
            )
            .limit(1)
        )
        return found is not None
