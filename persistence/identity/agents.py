"""Agents: table, mapping, repository."""

from sqlalchemy import Boolean, Column, Index, Integer, Text, Uuid

from domain.identity.agent import Agent, AgentType
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import EnumText, instant

agents = tenant_table(
    "agents",
    Column("project_id", Uuid, nullable=False),
    Column("type", EnumText(AgentType), nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    Index("ix_agents_project", "tenant_id", "project_id", "id"),
)


class Agents(Repository[Agent]):
    """The agents of a tenant."""

    aggregate = Agent
    table = agents
