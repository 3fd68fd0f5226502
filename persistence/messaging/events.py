"""The outbox that transactions write, and the log that one mover copies it to, in order."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from persistence.metadata import metadata
from persistence.types import instant


def _event_columns() -> tuple[Column[object], ...]:
    return (
        Column("event_id", Uuid, nullable=False),
        Column("tenant_id", Uuid, nullable=False),
        Column("project_id", Uuid),
        Column("aggregate_type", Text, nullable=False),
        Column("aggregate_id", Uuid, nullable=False),
        Column("aggregate_version", Integer, nullable=False),
        Column("event_type", Text, nullable=False),
        Column("schema_version", SmallInteger, nullable=False),
        Column("payload", JSONB, nullable=False),
        # Correlation id, and who caused the event.
        Column("headers", JSONB, nullable=False),
        # 0 real time, 1 bulk such as imports.
        Column("class", SmallInteger, nullable=False, server_default="0"),
        Column("created_at", instant(), nullable=False, server_default=func.clock_timestamp()),
    )


outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    *_event_columns(),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_outbox_id", "id"),
    # The application may write the outbox but not read it, so it cannot ask for the row back.
    implicit_returning=False,
)

event_position = Sequence("event_position", metadata=metadata)

event_log = Table(
    "event_log",
    metadata,
    Column("position", BigInteger, nullable=False),
    *_event_columns(),
    # The tenant's previous position, by which a follower notices a hole; 0 for its first event.
    Column("tenant_prev", BigInteger, nullable=False),
    Column("logged_at", instant(), nullable=False, server_default=func.clock_timestamp()),
    # Positions are unique by construction: one mover draws them from one sequence.
    PrimaryKeyConstraint("tenant_id", "position"),
    Index("ix_event_log_position", "position"),
    Index("ix_event_log_aggregate", "tenant_id", "aggregate_id", "position"),
    postgresql_partition_by="RANGE (position)",
)

sink_offsets = Table(
    "sink_offsets",
    metadata,
    Column("sink", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", instant(), nullable=False, server_default=func.now()),
)
