"""What the system role looks up and clears away across tenants."""

from datetime import datetime

import asyncpg

from domain.crm.channel import ChannelStatus
from domain.ids import ChannelId, ChatId, TenantId


async def channels_in(
    system: "asyncpg.Pool[asyncpg.Record]", status: ChannelStatus
) -> list[tuple[TenantId, ChannelId]]:
    """Return the channels that are in a state."""
    rows = await system.fetch(
        "SELECT tenant_id, id FROM channels WHERE status = $1 AND deleted_at IS NULL ORDER BY updated_at LIMIT 200",
        status.value,
    )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def prune_archive(system: "asyncpg.Pool[asyncpg.Record]", *, before: datetime, limit: int) -> int:
    """Delete some of the raw webhooks that were processed before an instant; return how many."""
    status = await system.execute(
        """
        DELETE FROM inbox_archive WHERE (tenant_id, id) IN (
          SELECT tenant_id, id FROM inbox_archive WHERE processed_at < $1 ORDER BY processed_at LIMIT $2)
        """,
        before,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])


async def unnamed_groups(
    system: "asyncpg.Pool[asyncpg.Record]", *, now: datetime, limit: int
) -> list[tuple[TenantId, ChatId]]:
    """Return groups whose subject WhatsApp is to be asked for."""
    rows = await system.fetch(
        "SELECT tenant_id, id FROM chats WHERE subject_due_at <= $1 ORDER BY subject_due_at LIMIT $2",
        now,
        limit,
    )
    return [(row["tenant_id"], row["id"]) for row in rows]
