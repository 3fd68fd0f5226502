"""What lists of message groups can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    DateTimeFilter,
    GroupCancelReasonFilter,
    GroupStatusFilter,
    IDFilter,
    NullsOrder,
    OrderDirection,
)


@strawberry.input(
    description="Conditions on message groups; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class MessageGroupWhere:
    """What `messageGroups` can be filtered by."""

    and_: list["MessageGroupWhere"] | None = optional("All of these hold.", name="and")
    or_: list["MessageGroupWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["MessageGroupWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The group's id.")
    status: GroupStatusFilter | None = optional("The status.")
    cancel_reason: GroupCancelReasonFilter | None = optional("Why nothing follows from it.")
    chat_id: IDFilter | None = optional("The chat it was written in.")
    contact_id: IDFilter | None = optional("Who wrote it.")
    channel_id: IDFilter | None = optional("The channel it came through.")
    session_id: IDFilter | None = optional("The session it is part of.")
    opened_at: DateTimeFilter | None = optional("When its first message was filed.")


@strawberry.enum(description="What message groups can be sorted by.")
class MessageGroupOrderField(Enum):
    """The keys of a list of groups."""

    OPENED_AT = strawberry.enum_value("OPENED_AT", description="When the first message was filed.")


@strawberry.input(description="One key to sort message groups by; OPENED_AT DESC if there is none.")
class MessageGroupOrder:
    """One key and its direction."""

    field: MessageGroupOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional("Where rows without a value go; no key of this list has any.")
