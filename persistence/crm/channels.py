"""Channels: table, mapping, repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Text, Uuid, func, select

from domain.crm.channel import Channel, ChannelKind, ChannelStatus, Engine
from domain.crm.enrichment_rules import EnrichmentRules
from domain.crm.grouping import GroupingRules
from domain.ids import ChannelId, ProjectId
from persistence.messaging.inbox import inbox_events
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, Phone, SealedBytes, instant

channels = tenant_table(
    "channels",
    Column("project_id", Uuid, nullable=False),
    Column("pipeline_id", Uuid),
    Column("name", Text, nullable=False),
    Column("carrier", EnumText(ChannelKind), nullable=False),
    Column("status", EnumText(ChannelStatus), nullable=False),
    Column("status_at", instant()),
    Column("engine", EnumText(Engine)),
    Column("waha_url", Text, nullable=False),
    Column("waha_session", Text, nullable=False),
    Column("waha_api_key", SealedBytes),
    Column("webhook_token", Text, nullable=False),
    Column("webhook_hmac_key", SealedBytes, nullable=False),
    Column("phone", Phone),
    Column("own_lid", Text),
    Column("qr_code", Text),
    Column("debounce_timeout_ms", Integer, nullable=False),
    Column("grouping", AsJSON(GroupingRules), nullable=False),
    Column("enrichment", AsJSON(EnrichmentRules), nullable=False),
    Column("agent_id", Uuid),
    Column("takeover_pause_seconds", Integer, nullable=False),
    Column("session_timeout_seconds", Integer),
    Column("session_warning_seconds", Integer),
    Column("allow_groups", Boolean, nullable=False),
    Column("last_error", Text),
    Column("deleted_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("pipeline_id", "pipelines"),
    belongs_to("agent_id", "agents"),
    Index("ix_channels_project", "tenant_id", "project_id", "created_at", "id"),
    # The token is the address of a webhook: it is looked up before the tenant is known and is random.
    Index("uq_channels_webhook_token", "webhook_token", unique=True),
    Index(
        "uq_channels_waha_session",
        "tenant_id",
        "waha_url",
        "waha_session",
        unique=True,
        postgresql_where="deleted_at IS NULL",
    ),
)

# Counters live apart from the aggregate: the lanes add to them without touching the channel's version.
channel_counters = tenant_table(
    "channel_counters",
    Column("messages_received", BigInteger, nullable=False),
    Column("messages_sent", BigInteger, nullable=False),
    Column("last_event_at", instant()),
    belongs_to("id", "channels"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """What went through a channel, and how many webhooks wait to be filed."""

    last_event_at: datetime | None = None
    messages_received: int = 0
    messages_sent: int = 0
    pending_events: int = 0


channel_collection = Collection(
    entity=Channel,
    table=channels,
    default_order=(Term("CREATED_AT"),),
    sort_keys={"CREATED_AT": SortKey(channels.c.created_at)},
    shown=channels.c.deleted_at.is_(None),
)


class Channels(Repository[Channel]):
    """The channels of a tenant."""

    aggregate = Channel
    table = channels

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Channel]:
        """Return a page of a project's channels."""
        return await channel_collection.page(
            self.session, channels.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many channels of a project there are, up to the limit of counting."""
        return await channel_collection.count(self.session, channels.c.project_id == project_id, listing)

    async def traffic(self, ids: Sequence[UUID]) -> dict[ChannelId, Traffic]:
        """Return the traffic of several channels, in one statement."""
        waiting = (
            select(inbox_events.c.channel_id, func.count().label("total"))
            .where(inbox_events.c.channel_id.in_(ids))
            .group_by(inbox_events.c.channel_id)
            .subquery()
        )
        counters = channel_counters.c
        rows = await self.session.execute(
            select(
                channels.c.id,
                counters.last_event_at,
                func.coalesce(counters.messages_received, 0),
                func.coalesce(counters.messages_sent, 0),
                func.coalesce(waiting.c.total, 0),
            )
            .select_from(channels)
            .outerjoin(
                channel_counters,
                (counters.tenant_id == channels.c.tenant_id) & (counters.id == channels.c.id),
            )
            .outerjoin(waiting, waiting.c.channel_id == channels.c.id)
            .where(channels.c.id.in_(ids))
        )
        return {
            ChannelId(id_): Traffic(
                last_event_at=last_event_at,
                messages_received=received,
                messages_sent=sent,
                pending_events=pending,
            )
            for id_, last_event_at, received, sent, pending in rows
        }
