"""Channels: table, mapping, repository."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Text, Uuid

from domain.crm.channel import Channel, ChannelKind, ChannelStatus, Engine
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import EnumText, Phone, SealedBytes, instant

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
    Column("session_timeout_seconds", Integer),
    Column("allow_groups", Boolean, nullable=False),
    Column("last_error", Text),
    Column("deleted_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("pipeline_id", "pipelines"),
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


class Channels(Repository[Channel]):
    """The channels of a tenant."""

    aggregate = Channel
    table = channels
