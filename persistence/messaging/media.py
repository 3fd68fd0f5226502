"""The files of messages: which are still to be fetched from WAHA, and where the stored ones are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from sqlalchemy import BigInteger, Column, Index, SmallInteger, Text, Update, Uuid, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.crm.content import Media, MediaStatus
from domain.ids import ChannelId, MediaId, MessageId, ProjectId, TenantId
from persistence import bulk
from persistence.bulk import Connection
from persistence.crm.messages import messages
from persistence.metadata import belongs_to, tenant_table
from persistence.types import EnumText, instant

ERROR_LIMIT = 500

media = tenant_table(
    "media",
    Column("message_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("status", EnumText(MediaStatus), nullable=False),
    Column("mime_type", Text),
    Column("filename", Text),
    # In bytes; as announced until the file is stored.
    Column("size", BigInteger),
    Column("sha256", Text),
    # Where WAHA offered the file, and the addresses under which its engine knows the message. Never published.
    Column("url", Text),
    Column("chat_address", Text, nullable=False),
    Column("author_address", Text),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("available_at", instant(), nullable=False, server_default=func.now()),
    # While a worker fetches the file; when it passes, the worker died.
    Column("lease_until", instant()),
    Column("error", Text),
    Column("created_at", instant(), nullable=False),
    Column("stored_at", instant()),
    belongs_to("message_id", "messages", on_delete="CASCADE"),
    belongs_to("channel_id", "channels"),
    Index("ix_media_due", "available_at", postgresql_where=text("status = 'PENDING'")),
    Index("ix_media_message", "tenant_id", "message_id"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedFile:
    """A file to be fetched: the message it belongs to, and where WAHA has both."""

    tenant_id: TenantId
    message_id: MessageId
    channel_id: ChannelId
    media: Media
    chat_address: str
    author_address: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DueFile:
    """A file that a worker may fetch now."""

    tenant_id: TenantId
    media_id: MediaId


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """A file claimed for one attempt; `abandoned` says that the worker of the last attempt died."""

    media_id: MediaId
    message_id: MessageId
    channel_id: ChannelId
    url: str | None
    chat_address: str
    author_address: str | None
    attempts: int
    abandoned: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """What is known of a file that somebody asks for."""

    project_id: ProjectId
    status: MediaStatus
    mime_type: str | None
    filename: str | None
    sha256: str | None


async def want(connection: Connection, files: Sequence[WantedFile], *, at: datetime) -> int:
    """Let workers fetch files after the commit, once each; return how many are new."""
    rows = [
        {
            "tenant_id": one.tenant_id,
            "id": one.media.id,
            "message_id": one.message_id,
            "channel_id": one.channel_id,
            "status": MediaStatus.PENDING,
            "mime_type": one.media.mime_type,
            "filename": one.media.filename,
            "size": one.media.size,
            "url": one.media.url,
            "chat_address": one.chat_address,
            "author_address": one.author_address,
            "attempts": 0,
            "available_at": at,
            "created_at": at,
        }
        for one in files
    ]
    return await bulk.insert(connection, media, rows, on_conflict="ON CONFLICT (tenant_id, id) DO NOTHING")


async def follow(connection: Connection, twins: Iterable[tuple[MessageId, MessageId]]) -> None:
    """Give the files of messages that are about to go to the messages that stay, as pairs of (gone, kept)."""
    pairs = list(twins)
    await connection.execute(
        """
        UPDATE media SET message_id = u.kept FROM unnest($1::uuid[], $2::uuid[]) AS u (gone, kept)
        WHERE message_id = u.gone
        """,
        [gone for gone, _ in pairs],
        [kept for _, kept in pairs],
    )


async def follow_one(session: AsyncSession, *, gone: MessageId, kept: MessageId) -> None:
    """Give the files of one message that is about to go to the message that stays."""
    await session.execute(update(media).where(media.c.message_id == gone).values(message_id=kept))


async def due(system: "asyncpg.Pool[asyncpg.Record]", *, limit: int) -> list[DueFile]:
    """Return files that can be fetched now, the longest due first."""
    rows = await system.fetch(
        """
        SELECT tenant_id, id FROM media
        WHERE status = 'PENDING' AND available_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY available_at LIMIT $1
        """,
        limit,
    )
    return [DueFile(tenant_id=row["tenant_id"], media_id=row["id"]) for row in rows]


async def waiting(system: "asyncpg.Pool[asyncpg.Record]") -> int:
    """Return how many files are to be fetched."""
    count: int = await system.fetchval("SELECT count(*) FROM media WHERE status = 'PENDING'")
    return count


async def claim(session: AsyncSession, media_id: MediaId, *, lease: timedelta) -> Fetch | None:
    """Claim a file for one attempt, or return None if it is not due any more or another worker has it."""
    row = (
        await session.execute(
            text(
                """
                WITH due AS (
                  SELECT id, lease_until IS NOT NULL AS was_leased FROM media
                  WHERE id = :id AND status = 'PENDING' AND available_at <= clock_timestamp()
                    AND (lease_until IS NULL OR lease_until < clock_timestamp())
                  FOR UPDATE SKIP LOCKED)
                UPDATE media SET lease_until = clock_timestamp() + :lease, attempts = attempts + 1
                FROM due WHERE media.id = due.id
                RETURNING media.id, message_id, channel_id, url, chat_address, author_address, attempts,
                  created_at, due.was_leased
                """
            ),
            {"id": media_id, "lease": lease},
        )
    ).one_or_none()
    if row is None:
        return None
    return Fetch(
        media_id=row.id,
        message_id=row.message_id,
        channel_id=row.channel_id,
        url=row.url,
        chat_address=row.chat_address,
        author_address=row.author_address,
        attempts=row.attempts,
        abandoned=row.was_leased,
        created_at=row.created_at,
    )


async def hold(session: AsyncSession, fetch: Fetch, *, lease: timedelta) -> None:
    """Keep the claim of an attempt that goes on."""
    await session.execute(_of(fetch).values(lease_until=func.clock_timestamp() + lease))


async def message_of(session: AsyncSession, media_id: MediaId) -> MessageId | None:
    """Return the message that a file belongs to by now; messages that turn out to be one hand theirs over."""
    found: MessageId | None = await session.scalar(select(media.c.message_id).where(media.c.id == media_id))
    return found


async def store(session: AsyncSession, fetch: Fetch, stored: Media, *, sha256: str, at: datetime) -> bool:
    """Note that the file is kept; return False if another attempt has settled it."""
    return await _settle(
        session,
        fetch,
        status=MediaStatus.STORED,
        mime_type=stored.mime_type,
        filename=stored.filename,
        size=stored.size,
        sha256=sha256,
        error=None,
        stored_at=at,
    )


async def give_up(session: AsyncSession, fetch: Fetch, *, error: str) -> bool:
    """Note that there will be no file; return False if another attempt has settled it."""
    return await _settle(session, fetch, status=MediaStatus.FAILED, error=error[:ERROR_LIMIT])


async def postpone(session: AsyncSession, fetch: Fetch, *, error: str, until: datetime) -> None:
    """Try again at a later time, unless another attempt has begun meanwhile."""
    await session.execute(_of(fetch).values(available_at=until, lease_until=None, error=error[:ERROR_LIMIT]))


async def find(session: AsyncSession, media_id: MediaId) -> KeptFile | None:
    """Return what is known of a file of the transaction's tenant."""
    columns = (messages.c.project_id, media.c.status, media.c.mime_type, media.c.filename, media.c.sha256)
    row = (
        await session.execute(
            select(*columns)
            .join_from(media, messages, messages.c.id == media.c.message_id)
            .where(media.c.id == media_id)
        )
    ).one_or_none()
    return (
        None
        if row is None
        else KeptFile(
            project_id=row.project_id,
            status=row.status,
            mime_type=row.mime_type,
            filename=row.filename,
            sha256=row.sha256,
        )
    )


async def _settle(session: AsyncSession, fetch: Fetch, **values: object) -> bool:
    settled = await session.execute(_of(fetch).values(lease_until=None, **values).returning(media.c.id))
    return settled.one_or_none() is not None


def _of(fetch: Fetch) -> Update:
    """Return a change of the row that only takes place while this attempt is the latest."""
    return update(media).where(
        media.c.id == fetch.media_id,
        media.c.status == MediaStatus.PENDING,
        media.c.attempts == fetch.attempts,
    )
