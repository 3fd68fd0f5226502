"""Who answers bursts in this installation, and sums up sessions: agents, where a provider of models is set up."""

from collections.abc import Sequence
from uuid import UUID

from domain.crm.message_group import MessageGroup
from domain.ids import TenantId
from jobs import agent_summaries, agents
from jobs.message_groups import Answer
from jobs.timer import Act
from ventros.wiring import Parts


def answer_of(parts: Parts) -> Answer | None:
    """Return what answers bursts; None without a provider."""
    if parts.chat_model is None:
        return None
    model, settings = parts.chat_model, parts.settings

    async def answer(group: MessageGroup, token: UUID) -> bool:
        return await agents.answer(
            parts.database,
            group,
            token,
            chat_model=model,
            prices=settings.prices,
            daily_budget_microusd=settings.ai_daily_budget_microusd,
        )

    return answer


def summary_of(parts: Parts) -> Act | None:
    """Return what sums up sessions; None without a provider."""
    if parts.chat_model is None:
        return None
    model, settings = parts.chat_model, parts.settings

    async def summarize(tenant_id: TenantId, ids: Sequence[UUID]) -> Sequence[UUID]:
        await agent_summaries.summarize(
            parts.database,
            tenant_id,
            ids,
            chat_model=model,
            prices=settings.prices,
            daily_budget_microusd=settings.ai_daily_budget_microusd,
        )
        return ids

    return summarize


def ending_of(parts: Parts) -> Act:
    """Return what ends runs that were abandoned."""

    async def end(tenant_id: TenantId, ids: Sequence[UUID]) -> Sequence[UUID]:
        await agents.end_abandoned(parts.database, tenant_id, ids)
        return ids

    return end
