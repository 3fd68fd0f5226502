"""Enrichments: table, mapping, repository, those that are due, and the results that are kept for repeated files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.crm.enrichment import (
    OPEN,
    Enrichment,
    EnrichmentDetails,
    EnrichmentKind,
    EnrichmentResult,
    EnrichmentStatus,
)
from domain.ids import EnrichmentId, MediaId, MessageId, TenantId
from persistence.bulk import Connection
from persistence.metadata import belongs_to, metadata, tenant_table
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

enrichments = tenant_table(
    "enrichments",
    Column("project_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("media_id", Uuid, nullable=False),
    Column("type", EnumText(EnrichmentKind), nullable=False),
    Column("status", EnumText(EnrichmentStatus), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("provider", Text),
    Column("model", Text),
    Column("text", Text),
    Column("language", Text),
    Column("details", AsJSON(EnrichmentDetails), nullable=False),
    Column("is_cached", Boolean, nullable=False),
    Column("cost_microusd", BigInteger),
    Column("duration_ms", Integer),
    Column("requested_at", instant(), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("due_at", instant()),
    Column("token", Uuid),
    Column("error", Text),
    Column("settled_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("message_id", "messages", on_delete="CASCADE"),
    Index("uq_enrichments_message", "tenant_id", "message_id", "type", unique=True),
    Index("ix_enrichments_media", "tenant_id", "media_id"),
    Index(
        "ix_enrichments_due",
        "type",
        text("priority DESC"),
        "due_at",
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

# Results by the content of files: whoever sends the same file again costs nothing. Tenants never share them.
enrichment_results = Table(
    "enrichment_results",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("type", EnumText(EnrichmentKind), nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    # A hash of what else was asked: the language, and the words that the provider was given.
    Column("asked", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", Text),
    Column("details", AsJSON(EnrichmentDetails), nullable=False),
    Column("created_at", instant(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "sha256", "type", "provider", "model", "asked"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.id"], deferrable=True, initially="DEFERRED"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DueEnrichment:
    """An enrichment that a worker may take now."""

    tenant_id: TenantId
    enrichment_id: EnrichmentId


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultKey:
    """What makes two questions the same: the file, what is to be found out, who is asked and how."""

    sha256: str
    type: EnrichmentKind
    provider: str
    model: str
    asked: str


class Enrichments(Repository[Enrichment]):
    """What is found out about the files of a tenant."""

    aggregate = Enrichment
    table = enrichments

    async def of_messages(self, ids: Sequence[MessageId]) -> dict[MessageId, list[Enrichment]]:
        """Return what there is about each of several messages, in one statement."""
        found = await self.session.scalars(
            select(Enrichment)
            .where(enrichments.c.message_id.in_(ids))
            .order_by(enrichments.c.message_id, enrichments.c.priority.desc(), enrichments.c.id)
        )
        grouped: dict[MessageId, list[Enrichment]] = defaultdict(list)
        for one in found:
            grouped[one.message_id].append(one)
        return grouped

    async def of_file(self, media_id: MediaId) -> list[Enrichment]:
        """Return, locked, what is asked about a file."""
        found = await self.session.scalars(
            select(Enrichment)
            .where(enrichments.c.media_id == media_id)
            .order_by(enrichments.c.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return list(found)

    async def take_locked(self, id_: EnrichmentId) -> Enrichment | None:
        """Return an enrichment locked, or None if it is gone or somebody else has it locked."""
        found = await self.session.scalars(
            select(Enrichment)
            .where(enrichments.c.id == id_)
            .with_for_update(key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        )
        return found.one_or_none()

    async def open_among(self, ids: Sequence[MessageId]) -> int:
        """Return how many enrichments of messages may still bring a text."""
        count = await self.session.scalar(
            select(func.count())
            .select_from(enrichments)
            .where(enrichments.c.message_id.in_(ids), enrichments.c.status.in_(OPEN))
        )
        return count or 0


async def due(
    system: "asyncpg.Pool[asyncpg.Record]",
    *,
    types: Sequence[EnrichmentKind],
    now: datetime,
    limit: int,
    last: Collection[TenantId] = (),
) -> list[DueEnrichment]:
    """Return enrichments of some kinds that can be taken now, the most urgent first.

    Those of the tenants in `last` only come when there are no others.
    """
    # Kind by kind, since the index has each in this order; a long queue is not sorted as a whole.
    query = """
        SELECT tenant_id, id FROM unnest($1::text[]) AS kind CROSS JOIN LATERAL (
          SELECT tenant_id, id, priority, due_at FROM enrichments
          WHERE due_at <= $2 AND type = kind AND tenant_id <> ALL($4::uuid[])
          ORDER BY priority DESC, due_at LIMIT $3) AS urgent
        ORDER BY priority DESC, due_at LIMIT $3
        """
    names = [one.value for one in types]
    rows = await system.fetch(query, names, now, limit, list(last))
    if not rows and last:
        rows = await system.fetch(query, names, now, limit, [])
    return [DueEnrichment(tenant_id=row["tenant_id"], enrichment_id=row["id"]) for row in rows]


async def put_off(connection: Connection, id_: EnrichmentId, *, until: datetime, now: datetime) -> None:
    """Let an enrichment that is due, and that nobody can even claim, wait so that it hides no other."""
    await connection.execute(
        "UPDATE enrichments SET due_at = $2 WHERE id = $1 AND due_at <= $3", id_, until, now
    )


async def waiting(system: "asyncpg.Pool[asyncpg.Record]") -> int:
    """Return how many enrichments wait for a worker or are with one."""
    count: int = await system.fetchval("SELECT count(*) FROM enrichments WHERE due_at IS NOT NULL")
    return count


async def follow(connection: Connection, twins: Iterable[tuple[UUID, UUID]]) -> None:
    """Give what is about messages that are about to go to those that stay, as pairs of (gone, kept).

    What the message that stays has itself goes with its twin.
    """
    pairs = list(twins)
    await connection.execute(_FOLLOW, [gone for gone, _ in pairs], [kept for _, kept in pairs])


async def follow_one(session: AsyncSession, *, gone: MessageId, kept: MessageId) -> None:
    """Give what is about one message that is about to go to the message that stays."""
    await session.execute(
        text(
            _FOLLOW.replace("$1::uuid[]", "CAST(:gone AS uuid[])").replace(
                "$2::uuid[]", "CAST(:kept AS uuid[])"
            )
        ),
        {"gone": [gone], "kept": [kept]},
    )


_FOLLOW = """
UPDATE enrichments e SET message_id = u.kept FROM unnest($1::uuid[], $2::uuid[]) AS u (gone, kept)
WHERE e.message_id = u.gone AND NOT EXISTS (
  SELECT FROM enrichments k WHERE k.tenant_id = e.tenant_id AND k.message_id = u.kept AND k.type = e.type)
"""


async def recall(session: AsyncSession, key: ResultKey) -> EnrichmentResult | None:
    """Return what the same question brought before; it costs nothing now."""
    columns = enrichment_results.c
    row = (
        await session.execute(
            select(columns.text, columns.language, columns.details).where(
                columns.sha256 == key.sha256,
                columns.type == key.type,
                columns.provider == key.provider,
                columns.model == key.model,
                columns.asked == key.asked,
            )
        )
    ).one_or_none()
    if row is None:
        return None
    return EnrichmentResult(
        text=row.text,
        provider=key.provider,
        model=key.model,
        language=row.language,
        details=row.details,
        cost_microusd=0,
        is_cached=True,
    )


async def remember(
    session: AsyncSession, tenant_id: TenantId, key: ResultKey, result: EnrichmentResult, *, at: datetime
) -> None:
    """Keep what a question brought, for the next time; the first answer stays."""
    await session.execute(
        insert(enrichment_results)
        .values(
            tenant_id=tenant_id,
            sha256=key.sha256,
            type=key.type,
            provider=key.provider,
            model=key.model,
            asked=key.asked,
            text=result.text,
            language=result.language,
            details=result.details,
            created_at=at,
        )
        .on_conflict_do_nothing()
    )
