"""What lists of chats can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    ChatStatusFilter,
    ChatTypeFilter,
    DateTimeFilter,
    IDFilter,
    NullsOrder,
    OrderDirection,
    StringFilter,
)


@strawberry.input(
    description="Conditions on chats; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class ChatWhere:
    """What `chats` can be filtered by."""

    and_: list["ChatWhere"] | None = optional("All of these hold.", name="and")
    or_: list["ChatWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["ChatWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The chat's id.")
    type: ChatTypeFilter | None = optional("The type.")
    status: ChatStatusFilter | None = optional("The status.")
    channel_id: IDFilter | None = optional("The channel the chat is on.")
    contact_id: IDFilter | None = optional("The other person of an individual chat.")
    external_id: StringFilter | None = optional("The chat's id on WhatsApp.")
    last_message_at: DateTimeFilter | None = optional("When the newest message was sent.")
    created_at: DateTimeFilter | None = optional("When the chat was first seen.")


@strawberry.enum(description="What chats can be sorted by.")
class ChatOrderField(Enum):
    """The keys of a list of chats."""

    LAST_MESSAGE_AT = strawberry.enum_value(
        "LAST_MESSAGE_AT", description="When the newest message was sent."
    )
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When the chat was first seen.")


@strawberry.input(description="One key to sort chats by; LAST_MESSAGE_AT DESC if there is none.")
class ChatOrder:
    """One key and its direction."""

    field: ChatOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional(
        "Where rows without a value go; if nothing is said, they count as earliest."
    )
