"""What each project spent on AI providers, by day and purpose."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Uuid,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ai.usage import AiPurpose, AiUsage, usage_day
from domain.ids import ProjectId, TenantId
from persistence.metadata import belongs_to, metadata
from persistence.types import EnumText

ai_usage = Table(
    "ai_usage",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=False),
    # In UTC.
    Column("day", Date, nullable=False),
    Column("purpose", EnumText(AiPurpose), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("cost_microusd", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "project_id", "day", "purpose"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"], deferrable=True, initially="DEFERRED"),
    belongs_to("project_id", "projects"),
)


async def spend(
    session: AsyncSession,
    *,
    tenant_id: TenantId,
    project_id: ProjectId,
    purpose: AiPurpose,
    cost_microusd: int | None,
    at: datetime,
    calls: int = 1,
) -> None:
    """Count calls of a provider and what they cost; None is a cost that nobody knows and counts as nothing.

    The row stays locked until the commit, so this comes last in a transaction.
    """
    row = insert(ai_usage).values(
        tenant_id=tenant_id,
        project_id=project_id,
        day=usage_day(at),
        purpose=purpose,
        calls=calls,
        cost_microusd=cost_microusd or 0,
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[ai_usage.c.tenant_id, ai_usage.c.project_id, ai_usage.c.day, ai_usage.c.purpose],
            set_={
                "calls": ai_usage.c.calls + row.excluded.calls,
                "cost_microusd": ai_usage.c.cost_microusd + row.excluded.cost_microusd,
            },
        )
    )


async def spent(session: AsyncSession, *, project_id: ProjectId, at: datetime) -> int:
    """Return what a project spent on the day of that instant so far, in micro-USD, for all purposes."""
    total: int = (
        await session.scalar(
            select(func.coalesce(func.sum(ai_usage.c.cost_microusd), 0)).where(
                ai_usage.c.project_id == project_id, ai_usage.c.day == usage_day(at)
            )
        )
        or 0
    )
    return int(total)


async def usage(
    session: AsyncSession, *, project_ids: Sequence[ProjectId], at: datetime
) -> dict[ProjectId, list[AiUsage]]:
    """Return the calls and costs of projects on the day of that instant, by purpose, in one statement."""
    rows = await session.execute(
        select(ai_usage)
        .where(ai_usage.c.project_id.in_(project_ids), ai_usage.c.day == usage_day(at))
        .order_by(ai_usage.c.project_id, ai_usage.c.purpose)
    )
    found: dict[ProjectId, list[AiUsage]] = {id_: [] for id_ in project_ids}
    for row in rows:
        found[row.project_id].append(
            AiUsage(day=row.day, purpose=row.purpose, calls=row.calls, cost_microusd=row.cost_microusd)
        )
    return found
