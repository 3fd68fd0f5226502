"""What is said to and by the mutations of channels and pipelines."""

import strawberry

from domain.crm.enrichment import EnrichmentKind
from resolvers.crm import channels as resolve
from resolvers.crm import pipelines
from schema.crm.channel import Channel
from schema.crm.pipeline import Pipeline
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="How to group what people write in bursts. Null stands for the default.")
class GroupingInput:
    """How to group bursts."""

    max_messages: int | None = optional("How many messages close a group, 1 to 200; 50 by default.")
    max_duration_ms: int | None = optional(
        "How long a group lasts at most, 1,000 to 900,000 ms; by default four windows, at least a minute."
    )
    enrichment_timeout_ms: int | None = optional(
        "How long a group waits for what its files say, 0 to 300,000 ms; 30,000 by default."
    )
    has_group_chats: bool | None = optional(
        "Whether messages of WhatsApp groups are grouped; false by default."
    )
    is_extended_by_typing: bool | None = optional(
        "Whether to wait on while somebody types; false by default. WAHA has to report presences."
    )
    is_cancelled_by_reply: bool | None = optional(
        "Whether our own reply cancels the group; by default if the channel has an agent."
    )


@strawberry.input(
    description="What to find out about the files that customers send. Null stands for the default."
)
class ChannelEnrichmentInput:
    """What to find out about files."""

    kinds: list[EnrichmentKind] | None = optional(
        "What is found out; an empty list turns it off. By default all that the installation can."
    )
    language: str | None = optional(
        "What customers mostly speak, in two letters of ISO 639-1, such as pt; by default providers find out."
    )


@strawberry.input(description="Which WhatsApp account to set up, and where its WAHA session is.")
class ChannelCreateInput:
    """Which WhatsApp account to set up, and where its WAHA session is."""

    name: str = plain("What people call it, up to 200 characters.")
    waha_url: str = plain("Where the WAHA server is, such as https://waha.example.org.")
    waha_session: str = plain("The session on the WAHA server, up to 64 characters.")
    waha_api_key: str | None = optional("The WAHA server's API key; kept encrypted and never shown.")
    debounce_timeout_ms: int | None = optional("How long to wait for the rest of a burst, 0 to 300,000 ms.")
    grouping: GroupingInput | None = optional("How to group what people write in bursts.")
    enrichment: ChannelEnrichmentInput | None = optional(
        "What to find out about the files that customers send."
    )
    agent_id: strawberry.ID | None = optional("The agent of type AI that answers.")
    takeover_pause_seconds: int | None = optional(
        "How long the agent is silent in a chat in which a person replied, 0 to 2,592,000 s; 3,600 by default."
    )
    session_timeout_seconds: int | None = optional("How much silence ends a session, 60 to 86,400 s.")
    session_warning_seconds: int | None = optional(
        "How long before that end the event session.expiring says so, 1 to 86,400 s; never by default."
    )
    allow_groups: bool | None = optional("Whether messages of groups are filed.")
    pipeline_id: strawberry.ID | None = optional("The pipeline the channel feeds.")


@strawberry.input(description="What to change. Absent fields stay as they are.")
class ChannelUpdateInput:
    """What to change. Absent fields stay as they are."""

    id: strawberry.ID = plain("The channel.")
    name: str | None = optional("What people call it, up to 200 characters; cannot be cleared.")
    debounce_timeout_ms: int | None = optional("How long to wait for the rest of a burst, 0 to 300,000 ms.")
    grouping: GroupingInput | None = optional("How to group what people write in bursts.")
    enrichment: ChannelEnrichmentInput | None = optional(
        "What to find out about the files that customers send."
    )
    agent_id: strawberry.ID | None = optional("The agent of type AI that answers; null for none.")
    takeover_pause_seconds: int | None = optional(
        "How long the agent is silent in a chat in which a person replied, 0 to 2,592,000 s."
    )
    session_timeout_seconds: int | None = optional(
        "How much silence ends a session, 60 to 86,400 s; null for the pipeline's."
    )
    session_warning_seconds: int | None = optional(
        "How long before that end the event session.expiring says so, 1 to 86,400 s; null for never."
    )
    allow_groups: bool | None = optional("Whether messages of groups are filed; cannot be cleared.")
    pipeline_id: strawberry.ID | None = optional("The pipeline the channel feeds; null for none.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Which channel to connect to WhatsApp.")
class ChannelConnectInput:
    """Which channel to connect to WhatsApp."""

    id: strawberry.ID = plain("The channel.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Which pipeline to set up.")
class PipelineCreateInput:
    """Which pipeline to set up."""

    name: str = plain("What people call it, up to 200 characters; unique in the project.")
    session_timeout_seconds: int | None = optional("How much silence ends a session, 60 to 86,400 s.")


@strawberry.type(description="What came of setting up a channel.")
class ChannelCreatePayload:
    """The answer."""

    channel: Channel | None = plain("The channel.", default=None)
    webhook_hmac_key: str | None = plain(
        "Signs the channel's webhooks (HMAC-SHA512), to set up a WAHA server by hand; never shown again.",
        default=None,
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of changing a channel.")
class ChannelUpdatePayload:
    """The answer."""

    channel: Channel | None = plain("The channel as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of asking for a connection.")
class ChannelConnectPayload:
    """The answer."""

    channel: Channel | None = plain("The channel, ACTIVATING.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of setting up a pipeline.")
class PipelineCreatePayload:
    """The answer."""

    pipeline: Pipeline | None = plain("The pipeline.", default=None)
    user_errors: list[UserError] = user_errors()


channel_create = mutation(
    resolve.create,
    "Sets up a channel; channelConnect connects it.",
    takes=ChannelCreateInput,
    gives=ChannelCreatePayload,
    show=lambda new: {"channel": new.channel, "webhook_hmac_key": new.webhook_hmac_key},
)
channel_update = mutation(
    resolve.update,
    "Changes a channel's settings. Sessions that go on keep their timeout.",
    takes=ChannelUpdateInput,
    gives=ChannelUpdatePayload,
    show=lambda channel: {"channel": channel},
)
channel_connect = mutation(
    resolve.connect,
    "Asks for a connection to WhatsApp; status, qrCode and health tell how it goes.",
    takes=ChannelConnectInput,
    gives=ChannelConnectPayload,
    show=lambda channel: {"channel": channel},
)
pipeline_create = mutation(
    pipelines.create,
    "Sets up a pipeline.",
    takes=PipelineCreateInput,
    gives=PipelineCreatePayload,
    show=lambda pipeline: {"pipeline": pipeline},
)
