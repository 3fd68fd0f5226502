"""What lists of runs can be filtered and sorted by."""

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
    RunOutcomeFilter,
    StringFilter,
)


@strawberry.input(
    description="Conditions on runs; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class AiRunWhere:
    """What `aiRuns` can be filtered by."""

    and_: list["AiRunWhere"] | None = optional("All of these hold.", name="and")
    or_: list["AiRunWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["AiRunWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The run's id.")
    group_id: IDFilter | None = optional("The burst that was worked on.")
    chat_id: IDFilter | None = optional("The chat of the burst.")
    contact_id: IDFilter | None = optional("Who wrote the burst.")
    session_id: IDFilter | None = optional("The session of the burst.")
    agent_id: IDFilter | None = optional("Who worked.")
    channel_id: IDFilter | None = optional("The channel of the burst.")
    model: StringFilter | None = optional("The model that answered last.")
    outcome: RunOutcomeFilter | None = optional("How it ended.")
    cost_microusd: IntFilter | None = optional("What is known of the cost.")
    started_at: DateTimeFilter | None = optional("When it began.")
    finished_at: DateTimeFilter | None = optional("When it ended.")


@strawberry.enum(description="What runs can be sorted by.")
class AiRunOrderField(Enum):
    """The keys of a list of runs."""

    STARTED_AT = strawberry.enum_value("STARTED_AT", description="When the run began.")


@strawberry.input(description="One key to sort runs by; STARTED_AT DESC if there is none.")
class AiRunOrder:
    """One key and its direction."""

    field: AiRunOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional(
        "Where rows without a value go; if nothing is said, they count as earliest."
    )
