"""Messages that wait for a worker to hand them to WhatsApp; a row leaves when the outcome is settled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from sqlalchemy import BigInteger, Column, Identity, Index, SmallInteger, Uuid, delete, func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.crm.message import MessageStatus
from domain.ids import ChannelId, ChatId, MessageId, TenantId
from persistence.metadata import belongs_to, tenant_table
from persistence.types import instant

outgoing = tenant_table(
    "outgoing",
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("available_at", instant(), nullable=False, server_default=func.now()),
    # While a worker talks to WAHA; when it passes, the worker died and the outcome is unknown.
    Column("lease_until", instant()),
    # Set once the outcome is unknown: from then on the row is only reconciled, never sent again.
    Column("unconfirmed_at", instant()),
    belongs_to("id", "messages"),
    belongs_to("chat_id", "chats"),
    belongs_to("channel_id", "channels"),
    Index("ix_outgoing_available", "available_at"),
    Index("ix_outgoing_chat", "tenant_id", "chat_id", "position"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DueChat:
    """A chat with a message to send or to look after."""

    tenant_id: TenantId
    chat_id: ChatId


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message claimed for one attempt.

    `abandoned` says that a worker died while it talked to WAHA, so that the outcome is unknown. `unconfirmed_at` is
    set once the outcome is unknown.
    """

    message_id: MessageId
    channel_id: ChannelId
    attempts: int
    abandoned: bool
    unconfirmed_at: datetime | None


async def due_chats(system: "asyncpg.Pool[asyncpg.Record]", *, limit: int) -> list[DueChat]:
    """Return chats in which `claim` would find something, the one that waited longest first.

    A message behind one that has to wait does not count: chats that cannot go on would hide all others.
    """
    rows = await system.fetch(
        """
        SELECT tenant_id, chat_id FROM outgoing o
        WHERE available_at <= now() AND (lease_until IS NULL OR lease_until < now())
          AND (unconfirmed_at IS NOT NULL OR NOT EXISTS (
            SELECT FROM outgoing h WHERE h.tenant_id = o.tenant_id AND h.chat_id = o.chat_id
              AND h.unconfirmed_at IS NULL AND h.position < o.position))
        GROUP BY 1, 2 ORDER BY min(position) LIMIT $1
        """,
        limit,
    )
    return [DueChat(tenant_id=row["tenant_id"], chat_id=row["chat_id"]) for row in rows]


async def waiting(system: "asyncpg.Pool[asyncpg.Record]") -> int:
    """Return how many messages wait to be sent or settled."""
    count: int = await system.fetchval("SELECT count(*) FROM outgoing")
    return count


async def claim(session: AsyncSession, chat_id: ChatId, *, lease: timedelta) -> Delivery | None:
    """Claim what is due in a chat: first what needs confirming, else the oldest message, never two at once."""
    row = (
        await session.execute(
            text(
                """
                WITH due AS (
                  SELECT o.id, o.lease_until IS NOT NULL AS was_leased FROM outgoing o
                  WHERE o.chat_id = :chat AND o.available_at <= clock_timestamp()
                    AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())
                    AND (o.unconfirmed_at IS NOT NULL OR o.position = (
                      SELECT min(position) FROM outgoing h WHERE h.chat_id = :chat AND h.unconfirmed_at IS NULL))
                  ORDER BY o.unconfirmed_at IS NULL, o.position LIMIT 1 FOR UPDATE SKIP LOCKED)
                UPDATE outgoing SET lease_until = clock_timestamp() + :lease, attempts = attempts + 1
                FROM due WHERE outgoing.id = due.id
                RETURNING outgoing.id, channel_id, attempts, unconfirmed_at, due.was_leased,
                  (SELECT status FROM messages m WHERE m.id = outgoing.id) AS status
                """
            ),
            {"chat": chat_id, "lease": lease},
        )
    ).one_or_none()
    if row is None:
        return None
    return Delivery(
        message_id=row.id,
        channel_id=row.channel_id,
        attempts=row.attempts,
        abandoned=row.was_leased and row.status == MessageStatus.SENDING.value,
        unconfirmed_at=row.unconfirmed_at,
    )


async def settle(session: AsyncSession, message_id: MessageId) -> None:
    """Forget a message whose outcome is known."""
    await session.execute(delete(outgoing).where(outgoing.c.id == message_id))


async def postpone(session: AsyncSession, message_id: MessageId, *, until: datetime) -> None:
    """Send again, or look again, at a later time."""
    await session.execute(
        update(outgoing).where(outgoing.c.id == message_id).values(available_at=until, lease_until=None)
    )


async def lose_sight(
    session: AsyncSession, message_id: MessageId, *, at: datetime, look_at: datetime
) -> None:
    """Note that the outcome is unknown: from now on the message is looked for, not sent."""
    await session.execute(
        update(outgoing)
        .where(outgoing.c.id == message_id)
        .values(unconfirmed_at=at, available_at=look_at, lease_until=None, attempts=0)
    )


async def send_again(session: AsyncSession, message_id: MessageId) -> None:
    """Send a message after all, because WhatsApp certainly does not have it."""
    await session.execute(
        update(outgoing)
        .where(outgoing.c.id == message_id)
        .values(unconfirmed_at=None, available_at=func.clock_timestamp(), lease_until=None)
    )
