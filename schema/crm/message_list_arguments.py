"""What lists of messages can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    BooleanFilter,
    ContentKindFilter,
    DateTimeFilter,
    IDFilter,
    MessageDirectionFilter,
    MessageOriginFilter,
    MessageStatusFilter,
    NullsOrder,
    OrderDirection,
    StringFilter,
)


@strawberry.input(
    description="Conditions on messages; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class MessageWhere:
    """What `messages` can be filtered by."""

    and_: list["MessageWhere"] | None = optional("All of these hold.", name="and")
    or_: list["MessageWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["MessageWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The message's id.")
    chat_id: IDFilter | None = optional("The chat it is in.")
    session_id: IDFilter | None = optional("The session it was counted in.")
    contact_id: IDFilter | None = optional("The person who wrote or was written to.")
    channel_id: IDFilter | None = optional("The channel it went through.")
    agent_id: IDFilter | None = optional("The agent who wrote it.")
    direction: MessageDirectionFilter | None = optional("Which side wrote it.")
    origin: MessageOriginFilter | None = optional("How it came to be known.")
    status: MessageStatusFilter | None = optional("How far it came.")
    content_kind: ContentKindFilter | None = optional("What it contains.")
    external_id: StringFilter | None = optional("WhatsApp's bare message id.")
    client_message_id: StringFilter | None = optional("The sender's own id.")
    text: StringFilter | None = optional("The body or caption in its latest wording.")
    is_forwarded: BooleanFilter | None = optional("Whether it was forwarded.")
    sent_at: DateTimeFilter | None = optional("When it was sent.")
    created_at: DateTimeFilter | None = optional("When it was filed.")


@strawberry.enum(description="What messages can be sorted by.")
class MessageOrderField(Enum):
    """The keys of a list of messages."""

    SENT_AT = strawberry.enum_value("SENT_AT", description="When the message was sent.")


@strawberry.input(description="One key to sort messages by; SENT_AT ASC if there is none.")
class MessageOrder:
    """One key and its direction."""

    field: MessageOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional(
        "Where rows without a value go; if nothing is said, they count as earliest."
    )
