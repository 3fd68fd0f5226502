"""Storing received webhooks, many in one commit, and finding the channel a webhook is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from domain.ids import ChannelId, TenantId
from domain.values import Sealed


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookAddress:
    """The channel behind a webhook's token, with what is needed to check its signature."""

    tenant_id: TenantId
    channel_id: ChannelId
    waha_session: str
    hmac_key: Sealed


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedWebhook:
    """One webhook as it came. `lane` is equal for all events of one conversation; `body` are the exact bytes."""

    tenant_id: TenantId
    channel_id: ChannelId
    event_key: str
    kind: str
    lane: int
    occurred_at: datetime
    received_at: datetime
    body: bytes


async def find_webhook(system: "asyncpg.Pool[asyncpg.Record]", token: str) -> WebhookAddress | None:
    """Return the channel behind a token, or None."""
    row = await system.fetchrow(
        "SELECT tenant_id, id, waha_session, webhook_hmac_key FROM channels "
        "WHERE webhook_token = $1 AND deleted_at IS NULL",
        token,
    )
    if row is None:
        return None
    return WebhookAddress(
        tenant_id=row["tenant_id"],
        channel_id=row["id"],
        waha_session=row["waha_session"],
        hmac_key=row["webhook_hmac_key"],
    )


async def store(system: "asyncpg.Pool[asyncpg.Record]", webhooks: Sequence[ReceivedWebhook]) -> int:
    """Store webhooks durably in one statement and return how many were new.

    Webhooks that wait already, or were processed before, are left out: WAHA repeats what it could not deliver.
    The rows are sorted, because two writers that insert the same keys in different orders would deadlock.
    """
    rows = sorted(webhooks, key=lambda one: (one.tenant_id, one.channel_id, one.event_key))
    columns = list(
        zip(
            *(
                (
                    one.tenant_id,
                    one.channel_id,
                    one.event_key,
                    one.kind,
                    one.lane,
                    one.occurred_at,
                    one.received_at,
                    one.body,
                )
                for one in rows
            ),
            strict=True,
        )
    )
    status = await system.execute(
        """
        INSERT INTO inbox_events (tenant_id, channel_id, event_key, kind, lane, occurred_at, received_at, body)
        SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[],
                               $7::timestamptz[], $8::bytea[])
          AS u (tenant_id, channel_id, event_key, kind, lane, occurred_at, received_at, body)
        WHERE NOT EXISTS (
          SELECT FROM inbox_archive a
          WHERE a.tenant_id = u.tenant_id AND a.channel_id = u.channel_id AND a.event_key = u.event_key)
        ON CONFLICT (tenant_id, channel_id, event_key) DO NOTHING
        """,
        *columns,
    )
    return int(status.rsplit(" ", 1)[-1])
