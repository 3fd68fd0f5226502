"""Claiming waiting webhooks, lane by lane, and settling them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from domain.ids import ChannelId, TenantId
from persistence.bulk import Connection

LANES_PER_BATCH, EVENTS_PER_LANE = 32, 50
ATTEMPTS = 8
TOO_SLOW: tuple[type[Exception], ...] = (asyncpg.QueryCanceledError,)
"""Raised when a statement takes too long: that is its own fault, or that of what it waits for."""

_LOCK_CLASS = 77


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingWebhook:
    """A webhook claimed for this transaction."""

    id: int
    channel_id: ChannelId
    event_key: str
    kind: str
    lane: int
    occurred_at: datetime
    received_at: datetime
    attempts: int
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Lanes of one tenant that this transaction alone works on, and their oldest webhooks in order."""

    tenant_id: TenantId
    lanes: tuple[int, ...]
    webhooks: tuple[WaitingWebhook, ...]


async def claim(connection: Connection) -> Claim | None:
    """Claim lanes of the tenant that has waited longest and has a free one, as the system role; None if none has.

    The advisory locks belong to the transaction: they vanish with it, also when the process dies.
    """
    # Queue tables go from empty to full faster than their statistics follow.
    await connection.execute("SET LOCAL enable_seqscan = off")
    waiting = await connection.fetch(
        """
        SELECT tenant_id, array_agg(lane ORDER BY first) AS lanes FROM (
          SELECT tenant_id, lane, min(id) AS first FROM (
            SELECT tenant_id, lane, id FROM inbox_events WHERE available_at <= now() ORDER BY id LIMIT 2000) head
          GROUP BY 1, 2) lane GROUP BY 1 ORDER BY min(first)
        """
    )
    for row in waiting:
        tenant_id: TenantId = row["tenant_id"]
        free = await connection.fetch(
            "SELECT lane FROM unnest($1::int[]) AS lane WHERE pg_try_advisory_xact_lock($2, lane) LIMIT $3",
            row["lanes"],
            _LOCK_CLASS,
            LANES_PER_BATCH,
        )
        if free:
            taken = await _take(connection, tenant_id, tuple(lane["lane"] for lane in free))
            # Another worker may have emptied them since they were seen.
            if taken.webhooks:
                return taken
    return None


async def archive(connection: Connection, outcomes: Sequence[tuple[int, str]]) -> None:
    """Move settled webhooks from the inbox to the archive, each with what came of it."""
    await connection.execute(
        """
        WITH settled AS (
          DELETE FROM inbox_events USING unnest($1::bigint[], $2::text[]) AS u (event_id, outcome)
          WHERE inbox_events.id = u.event_id RETURNING inbox_events.*, u.outcome)
        INSERT INTO inbox_archive
          (tenant_id, id, channel_id, event_key, kind, occurred_at, received_at, body, outcome)
        SELECT tenant_id, id, channel_id, event_key, kind, occurred_at, received_at, body, outcome FROM settled
        ON CONFLICT DO NOTHING
        """,
        [event_id for event_id, _ in outcomes],
        [outcome for _, outcome in outcomes],
    )


async def postpone(connection: Connection, webhook: WaitingWebhook, *, error: str) -> bool:
    """Try a failed webhook again later, twice as late each time; after the last attempt call it dead.

    Returns whether it is dead. Either way the lane goes on.
    """
    if webhook.attempts + 1 < ATTEMPTS:
        await connection.execute(
            "UPDATE inbox_events SET attempts = attempts + 1, "
            "available_at = now() + make_interval(secs => power(2, attempts + 1)) WHERE id = $1",
            webhook.id,
        )
        return False
    await connection.execute(
        """
        WITH dead AS (DELETE FROM inbox_events WHERE id = $1 RETURNING *)
        INSERT INTO inbox_dead (tenant_id, id, channel_id, event_key, kind, occurred_at, received_at, body, error)
        SELECT tenant_id, id, channel_id, event_key, kind, occurred_at, received_at, body, $2 FROM dead
        """,
        webhook.id,
        error[:2000],
    )
    return True


async def depth(system: "asyncpg.Pool[asyncpg.Record]") -> tuple[int, float]:
    """Return how many webhooks wait, and for how many seconds the oldest has."""
    row = await system.fetchrow(
        "SELECT count(*) AS waiting, coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0) AS age "
        "FROM inbox_events"
    )
    return (row["waiting"], float(row["age"])) if row is not None else (0, 0.0)


async def _take(connection: Connection, tenant_id: TenantId, lanes: tuple[int, ...]) -> Claim:
    webhooks = await connection.fetch(
        """
        SELECT e.* FROM unnest($2::int[]) AS l (lane) CROSS JOIN LATERAL (
          SELECT id, channel_id, event_key, kind, lane, occurred_at, received_at, attempts, body
          FROM inbox_events
          WHERE tenant_id = $1 AND inbox_events.lane = l.lane AND available_at <= now() ORDER BY id LIMIT $3) e
        ORDER BY e.occurred_at, e.id
        """,
        tenant_id,
        list(lanes),
        EVENTS_PER_LANE,
    )
    return Claim(
        tenant_id=tenant_id,
        lanes=lanes,
        webhooks=tuple(WaitingWebhook(**dict(row.items())) for row in webhooks),
    )
