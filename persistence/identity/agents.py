"""Agents: table, mapping, repository."""

from sqlalchemy import Boolean, Column, Index, Integer, Text, Uuid, select

from domain.ai.agent_settings import AgentSettings
from domain.identity.agent import Agent, AgentType
from domain.ids import ProjectId
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

agents = tenant_table(
    "agents",
    Column("project_id", Uuid, nullable=False),
    Column("type", EnumText(AgentType), nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("is_active", Boolean, nullable=False),
    Column("ai", AsJSON[AgentSettings](AgentSettings)),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    Index("ix_agents_project", "tenant_id", "project_id", "id"),
)


agent_collection = Collection(
    entity=Agent,
    table=agents,
    default_order=(Term("CREATED_AT"),),
    sort_keys={"CREATED_AT": SortKey(agents.c.created_at)},
    # SYSTEM marks jobs of the installation; they answer nobody.
    shown=agents.c.type != AgentType.SYSTEM,
)


class Agents(Repository[Agent]):
    """The agents of a tenant."""

    aggregate = Agent
    table = agents

    async def people(self, project_id: ProjectId) -> list[Agent]:
        """Return the persons of a project who answer, in the order of their names."""
        found = await self.session.scalars(
            select(Agent)
            .where(
                agents.c.project_id == project_id,
                agents.c.type == AgentType.HUMAN,
                agents.c.is_active,
            )
            .order_by(agents.c.name, agents.c.id)
        )
        return list(found)

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Agent]:
        """Return a page of a project's agents."""
        return await agent_collection.page(self.session, agents.c.project_id == project_id, listing, request)

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many agents of a project there are, up to the limit of counting."""
        return await agent_collection.count(self.session, agents.c.project_id == project_id, listing)
