"""Facts that arrived before their message, kept until it comes."""

from sqlalchemy import Column, Index, Text, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

from persistence.metadata import belongs_to, tenant_table
from persistence.types import instant

early_facts = tenant_table(
    "early_facts",
    Column("channel_id", Uuid, nullable=False),
    Column("external_id", Text, nullable=False),
    # A digest of the fact, so that a repeated webhook adds no second row.
    Column("digest", Text, nullable=False),
    Column("fact", JSONB, nullable=False),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    belongs_to("channel_id", "channels"),
    UniqueConstraint("tenant_id", "channel_id", "external_id", "digest"),
    Index("ix_early_facts_created", "created_at"),
)
