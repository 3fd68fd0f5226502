"""Facts that arrived before their message, kept until it comes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Column, Index, Text, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

from domain.crm.inbound import Fact
from domain.ids import ChannelId, TenantId, new_id
from persistence.bulk import Connection, insert
from persistence.metadata import belongs_to, tenant_table
from persistence.types import instant

early_facts = tenant_table(
    "early_facts",
    Column("channel_id", Uuid, nullable=False),
    Column("external_id", Text, nullable=False),
    # A digest of the fact, so that a repeated webhook adds no second row.
    Column("digest", Text, nullable=False),
    # The chat as the event named it, so that facts can be looked up again when an address becomes known.
    Column("chat_key", Text, nullable=False),
    Column("fact", JSONB, nullable=False),
    Column("created_at", instant(), nullable=False, server_default=func.now()),
    belongs_to("channel_id", "channels"),
    UniqueConstraint("tenant_id", "channel_id", "external_id", "digest"),
    Index("ix_early_facts_chat", "tenant_id", "channel_id", "chat_key"),
    Index("ix_early_facts_created", "created_at"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyFact:
    """A stored fact that still waits."""

    id: UUID
    channel_id: ChannelId
    fact: Fact


async def load(
    connection: Connection,
    *,
    messages: Sequence[tuple[ChannelId, str]],
    chats: Sequence[tuple[ChannelId, str]],
) -> list[EarlyFact]:
    """Return facts about messages with these WhatsApp ids, or about chats that went by these addresses.

    Contacts are a project's, so that an address tied to one on a channel is tied on all channels of the project.
    """
    if not messages and not chats:
        return []
    rows = await connection.fetch(
        """
        SELECT id, channel_id, fact FROM early_facts WHERE id IN (
          SELECT f.id FROM unnest($1::uuid[], $2::text[]) AS u (channel, external)
          JOIN early_facts f ON f.channel_id = u.channel AND f.external_id = u.external
          UNION SELECT f.id FROM unnest($3::uuid[], $4::text[]) AS u (channel, chat)
          JOIN channels c ON c.id = u.channel JOIN channels o ON o.project_id = c.project_id
          JOIN early_facts f ON f.channel_id = o.id AND f.chat_key = u.chat)
        ORDER BY id
        """,
        [channel for channel, _ in messages],
        [external for _, external in messages],
        [channel for channel, _ in chats],
        [chat for _, chat in chats],
    )
    return [
        EarlyFact(
            id=row["id"], channel_id=row["channel_id"], fact=decode_fact(msgspec.json.decode(row["fact"]))
        )
        for row in rows
    ]


async def keep(
    connection: Connection, tenant_id: TenantId, waiting: Sequence[tuple[ChannelId, Fact]], *, at: datetime
) -> None:
    """Keep facts until their message comes; a repeated fact is kept once."""
    rows = []
    for channel_id, fact in waiting:
        encoded = msgspec.json.encode(encode_fact(fact))
        rows.append(
            {
                "tenant_id": tenant_id,
                "id": new_id(),
                "channel_id": channel_id,
                "external_id": fact.key.external_id,
                "digest": hashlib.sha256(encoded).hexdigest(),
                "chat_key": str(fact.key.chat),
                "fact": msgspec.Raw(encoded),
                "created_at": at,
            }
        )
    await insert(connection, early_facts, rows, on_conflict="ON CONFLICT DO NOTHING")


async def forget(connection: Connection, ids: Sequence[UUID]) -> None:
    """Remove facts that were applied."""
    if ids:
        await connection.execute("DELETE FROM early_facts WHERE id = ANY($1::uuid[])", list(ids))


async def expire(system: "asyncpg.Pool[asyncpg.Record]", *, before: datetime) -> int:
    """Remove facts whose message never came; return how many."""
    status = await system.execute("DELETE FROM early_facts WHERE created_at < $1", before)
    return int(status.rsplit(" ", 1)[-1])


def encode_fact(fact: Fact) -> dict[str, object]:
    """Return a fact as plain JSON values, tagged with its type."""
    values: dict[str, object] = msgspec.to_builtins(fact)
    return {"type": type(fact).__name__} | values


def decode_fact(values: dict[str, object]) -> Fact:
    """Return the fact of plain JSON values."""
    fact: Fact = msgspec.convert(values, _FACTS[str(values["type"])])
    return fact


_FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in get_args(Fact)}
