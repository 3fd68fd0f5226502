"""Received webhooks: the inbox they wait in, the archive they end in, and the dead ones."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from persistence.metadata import metadata
from persistence.types import instant


def _webhook_columns() -> tuple[Column[object], ...]:
    return (
        Column("tenant_id", Uuid, nullable=False),
        Column("channel_id", Uuid, nullable=False),
        Column("event_key", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("occurred_at", instant(), nullable=False),
        Column("received_at", instant(), nullable=False),
        Column("body", LargeBinary, nullable=False),
    )


inbox_events = Table(
    "inbox_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    *_webhook_columns(),
    Column("lane", Integer, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("available_at", instant(), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "channel_id", "event_key"),
    Index("ix_inbox_events_id", "id"),
    Index("ix_inbox_events_lane", "tenant_id", "lane", "id"),
)

inbox_archive = Table(
    "inbox_archive",
    metadata,
    Column("id", BigInteger, nullable=False),
    *_webhook_columns(),
    Column("processed_at", instant(), nullable=False, server_default=func.now()),
    # What came of it: FILED, IGNORED, PARKED (the channel takes no such chats) or REPEATED.
    Column("outcome", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "channel_id", "event_key"),
    Index("ix_inbox_archive_processed", "processed_at"),
)

inbox_dead = Table(
    "inbox_dead",
    metadata,
    Column("id", BigInteger, nullable=False),
    *_webhook_columns(),
    Column("dead_at", instant(), nullable=False, server_default=func.now()),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)
