"""What went through a channel, counted beside it so that lanes never touch the channel's version."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ids import ChannelId, TenantId
from persistence.bulk import Connection


async def count_events(
    connection: Connection,
    tenant_id: TenantId,
    channels: Iterable[ChannelId],
    *,
    received: Mapping[ChannelId, int],
    sent: Mapping[ChannelId, int],
    at: datetime,
) -> None:
    """Add to the counters of some channels. The last statement of a batch, because its rows are shared by lanes."""
    ids = sorted(channels)
    if not ids:
        return
    await connection.execute(
        """
        INSERT INTO channel_counters AS c (tenant_id, id, messages_received, messages_sent, last_event_at)
        SELECT $1, u.* , $5 FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS u
        ON CONFLICT (tenant_id, id) DO UPDATE SET
          messages_received = c.messages_received + excluded.messages_received,
          messages_sent = c.messages_sent + excluded.messages_sent,
          last_event_at = greatest(c.last_event_at, excluded.last_event_at)
        """,
        tenant_id,
        ids,
        [received.get(id_, 0) for id_ in ids],
        [sent.get(id_, 0) for id_ in ids],
        at,
    )


async def count_sent(
    session: AsyncSession, tenant_id: TenantId, channel_id: ChannelId, *, at: datetime
) -> None:
    """Count one message that WhatsApp took."""
    await session.execute(
        text(
            """
            INSERT INTO channel_counters AS c (tenant_id, id, messages_received, messages_sent, last_event_at)
            VALUES (:tenant, :channel, 0, 1, :at)
            ON CONFLICT (tenant_id, id) DO UPDATE SET messages_sent = c.messages_sent + 1
            """
        ),
        {"tenant": tenant_id, "channel": channel_id, "at": at},
    )
