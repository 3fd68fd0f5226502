"""What lists of scheduled messages can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    DateTimeFilter,
    IDFilter,
    NullsOrder,
    OrderDirection,
    ScheduledMessageStatusFilter,
)


@strawberry.input(
    description="Conditions on scheduled messages; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class ScheduledMessageWhere:
    """What `scheduledMessages` can be filtered by."""

    and_: list["ScheduledMessageWhere"] | None = optional("All of these hold.", name="and")
    or_: list["ScheduledMessageWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["ScheduledMessageWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The scheduled message's id.")
    status: ScheduledMessageStatusFilter | None = optional("The status.")
    chat_id: IDFilter | None = optional("The chat it goes to.")
    channel_id: IDFilter | None = optional("The channel it goes through.")
    send_at: DateTimeFilter | None = optional("When it is to be sent.")


@strawberry.enum(description="What scheduled messages can be sorted by.")
class ScheduledMessageOrderField(Enum):
    """The keys of a list of scheduled messages."""

    SEND_AT = strawberry.enum_value("SEND_AT", description="When it is to be sent.")


@strawberry.input(description="One key to sort scheduled messages by; SEND_AT ASC if there is none.")
class ScheduledMessageOrder:
    """One key and its direction."""

    field: ScheduledMessageOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional("Where rows without a value go; no key of this list has any.")
