"""What lists of sessions can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    DateTimeFilter,
    IDFilter,
    IntFilter,
    NullsOrder,
    OrderDirection,
    SessionEndReasonFilter,
    SessionStatusFilter,
)


@strawberry.input(
    description="Conditions on sessions; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class SessionWhere:
    """What `sessions` can be filtered by."""

    and_: list["SessionWhere"] | None = optional("All of these hold.", name="and")
    or_: list["SessionWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["SessionWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The session's id.")
    status: SessionStatusFilter | None = optional("The status.")
    end_reason: SessionEndReasonFilter | None = optional("Why it ended.")
    chat_id: IDFilter | None = optional("The chat it is part of.")
    contact_id: IDFilter | None = optional("The person it is with.")
    channel_id: IDFilter | None = optional("The channel it is on.")
    assignee_id: IDFilter | None = optional("Who is in charge.")
    message_count: IntFilter | None = optional("How many messages it has.")
    started_at: DateTimeFilter | None = optional("When its first message was sent.")
    ended_at: DateTimeFilter | None = optional("When it ended.")
    last_activity_at: DateTimeFilter | None = optional("When its newest message was sent.")


@strawberry.enum(description="What sessions can be sorted by.")
class SessionOrderField(Enum):
    """The keys of a list of sessions."""

    STARTED_AT = strawberry.enum_value("STARTED_AT", description="When the first message was sent.")
    LAST_ACTIVITY_AT = strawberry.enum_value(
        "LAST_ACTIVITY_AT", description="When the newest message was sent."
    )


@strawberry.input(description="One key to sort sessions by; STARTED_AT DESC if there is none.")
class SessionOrder:
    """One key and its direction."""

    field: SessionOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional(
        "Where rows without a value go; if nothing is said, they count as earliest."
    )
