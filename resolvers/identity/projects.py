"""Answers about workspaces: what they may spend on AI providers, and what they spent."""

from collections.abc import Awaitable

from domain.ai.usage import AiUsage
from domain.identity.tenant import Project
from resolvers.context import Context
from services.identity import tenants as service


def usage_today(project: Project, context: Context) -> Awaitable[list[AiUsage]]:
    """Return what the project spent today, by purpose."""
    return context.loaders.ai_usage.load(project.id)


async def set_ai_budget(
    context: Context,
    *,
    ai_daily_budget_microusd: int | None,
    expected_version: int | None = None,
) -> Project:
    """Set what AI providers may cost the viewer's workspace in a day."""
    return await context.write(
        service.set_ai_budget, microusd=ai_daily_budget_microusd, expected_version=expected_version
    )
