"""The channel as published; its keys never are."""

from datetime import datetime

import strawberry

from domain.crm import channel as domain
from domain.crm.channel import ChannelKind, ChannelStatus, Engine
from domain.crm.enrichment import EnrichmentKind
from domain.crm.enrichment_rules import EnrichmentRules
from domain.crm.grouping import GroupingRules
from domain.ids import ChannelId
from domain.values import PhoneNumber
from resolvers.crm import channels as resolve
from schema.crm.pipeline import Pipeline
from schema.fields import computed, edge, plain, represents
from schema.identity.agent import Agent
from schema.relay import Node, id_of


@strawberry.type(description="How a channel does.")
class ChannelHealth:
    """A `resolvers.crm.channels.Health`."""

    status: ChannelStatus = computed(lambda health: health.channel.status, "Whether it is connected.")
    last_error: str | None = computed(
        lambda health: health.channel.last_error, "What went wrong last; null once it is connected."
    )
    last_event_at: datetime | None = computed(
        lambda health: health.traffic.last_event_at, "When WAHA last reported anything."
    )
    messages_received: int = computed(
        lambda health: health.traffic.messages_received, "How many messages came in so far."
    )
    messages_sent: int = computed(
        lambda health: health.traffic.messages_sent, "How many messages went out so far."
    )
    pending_events: int = computed(
        lambda health: health.traffic.pending_events, "How many of WAHA's reports wait to be filed."
    )


@strawberry.type(description="An import of messages from before the channel was connected.")
class HistoryImport:
    """The running or latest import of a channel."""

    started_at: datetime = plain("When it began.")
    ended_at: datetime | None = plain("When it ended; null while it runs.")
    messages_imported: int = plain("How many messages it filed so far.")


@strawberry.type(description="How a channel groups what people write in bursts.")
@represents(GroupingRules)
class Grouping:
    """A `domain.crm.grouping.GroupingRules`."""

    max_messages: int = plain("How many messages close a group.")
    max_duration_ms: int | None = plain(
        "How long a group lasts at most, in milliseconds; null means four windows, at least a minute."
    )
    enrichment_timeout_ms: int = plain("How long a group waits for what its files say, in milliseconds.")
    has_group_chats: bool = plain("Whether messages of WhatsApp groups are grouped.")
    is_extended_by_typing: bool = plain("Whether it waits on while somebody types.")
    is_cancelled_by_reply: bool | None = plain(
        "Whether our own reply cancels the group; null means if the channel has an agent."
    )


@strawberry.type(description="What is found out about the files that customers send to a channel.")
@represents(EnrichmentRules)
class ChannelEnrichment:
    """A `domain.crm.enrichment_rules.EnrichmentRules`."""

    kinds: list[EnrichmentKind] | None = plain("What is found out; null means all that the installation can.")
    language: str | None = plain("What customers mostly speak, in ISO 639-1; null lets providers find out.")


@strawberry.type(description="One WhatsApp account, reached through a WAHA session.")
@represents(domain.Channel)
class Channel(Node):
    """A channel."""

    id: strawberry.ID = id_of(ChannelId)
    name: str = plain("What people call it.")
    kind: ChannelKind = computed(lambda channel: channel.carrier, "What carries its messages.")
    status: ChannelStatus = plain("Whether it is connected.")
    engine: Engine | None = plain("The WhatsApp engine behind the WAHA server, once known.")
    waha_url: str = plain("Where the WAHA server is.")
    waha_session: str = plain("The session on the WAHA server.")
    phone: PhoneNumber | None = plain("The account's telephone number, once paired.")
    qr_code: str | None = plain("What the phone scans to pair; only while it waits for that.")
    debounce_timeout_ms: int = plain("How long to wait for further messages of a burst, in milliseconds.")
    grouping: Grouping = plain("How what people write in bursts is grouped.")
    enrichment: ChannelEnrichment = plain("What is found out about the files that customers send.")
    agent: Agent | None = edge(resolve.agent, "The agent of type AI that answers.")
    takeover_pause_seconds: int = plain(
        "How long the agent is silent in a chat in which a person replied, in seconds."
    )
    session_warning_seconds: int | None = plain(
        "How long before a session ends by silence session.expiring says so, in seconds; null for never."
    )
    session_timeout_seconds: int | None = plain(
        "How much silence ends a session, in seconds; null leaves it to the pipeline, then the project."
    )
    allow_groups: bool = plain("Whether messages of groups are filed.")
    pipeline: Pipeline | None = edge(resolve.pipeline, "The pipeline the channel feeds.")
    webhook_url: str = edge(resolve.webhook_url, "Where WAHA sends the channel's events.")
    health: ChannelHealth = edge(resolve.health, "How the channel does.")
    history_import: HistoryImport | None = edge(
        resolve.history_import, "The running or latest import of older messages; null if there was none."
    )
    created_at: datetime = plain("When the channel was set up.")
    updated_at: datetime = plain("When the channel last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
