"""Tenants and projects as published."""

from datetime import datetime

import strawberry

from domain.ai.usage import AiPurpose, AiUsage
from domain.identity import tenant as domain
from domain.ids import ProjectId, TenantId
from resolvers.identity import projects
from schema.fields import computed, edge, plain, represents
from schema.relay import Node, id_of


@strawberry.type(description="An organisation; nobody outside it sees anything of it.")
@represents(domain.Tenant)
class Tenant(Node):
    """A tenant."""

    id: strawberry.ID = id_of(TenantId)
    name: str = plain("What it is called.")
    created_at: datetime = plain("When it was set up.")


@strawberry.type(description="Calls of AI providers on one day.")
@represents(AiUsage)
class AiUsageOfDay:
    """A `domain.ai.usage.AiUsage`."""

    purpose: AiPurpose = plain("What they were called for.")
    calls: int = plain("How many calls that cost something, or nobody knows what.")
    cost_microusd: float = computed(
        lambda usage: usage.cost_microusd,
        "What they cost, in whole millionths of a US dollar, as far as prices are known; may exceed 32 bits.",
    )


@strawberry.type(description="A workspace of a tenant, which holds contacts, chats and channels.")
@represents(domain.Project)
class Project(Node):
    """A project."""

    id: strawberry.ID = id_of(ProjectId)
    name: str = plain("What it is called.")
    session_timeout_seconds: int = plain(
        "How much silence ends a session, in seconds, unless a channel or pipeline says otherwise."
    )
    ai_daily_budget_microusd: int | None = plain(
        "What AI providers may cost in a day of UTC, in millionths of a US dollar; null follows the installation."
    )
    ai_usage_today: list[AiUsageOfDay] = edge(
        projects.usage_today, "What was called today (in UTC), by purpose."
    )
    created_at: datetime = plain("When it was set up.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
