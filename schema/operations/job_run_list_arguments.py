"""What lists of job runs can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    DateTimeFilter,
    IDFilter,
    IntFilter,
    JobStatusFilter,
    NullsOrder,
    OrderDirection,
    StringFilter,
)


@strawberry.input(
    description="Conditions on job runs; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class JobRunWhere:
    """What `jobRuns` can be filtered by."""

    and_: list["JobRunWhere"] | None = optional("All of these hold.", name="and")
    or_: list["JobRunWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["JobRunWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The run's id.")
    name: StringFilter | None = optional("The kind of job.")
    queue: StringFilter | None = optional("The queue.")
    status: JobStatusFilter | None = optional("The status.")
    subject_id: StringFilter | None = optional("The global id of what it works on.")
    attempts: IntFilter | None = optional("How often it was begun.")
    enqueued_at: DateTimeFilter | None = optional("When it was left for a worker.")
    started_at: DateTimeFilter | None = optional("When the newest attempt began.")
    finished_at: DateTimeFilter | None = optional("When it ended for good.")


@strawberry.enum(description="What job runs can be sorted by.")
class JobRunOrderField(Enum):
    """The keys of a list of job runs."""

    STARTED_AT = strawberry.enum_value("STARTED_AT", description="When the newest attempt began.")
    ENQUEUED_AT = strawberry.enum_value("ENQUEUED_AT", description="When it was left for a worker.")


@strawberry.input(description="One key to sort job runs by; STARTED_AT DESC, those not begun first, if none.")
class JobRunOrder:
    """One key and its direction."""

    field: JobRunOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional(
        "Where rows without a value go; if nothing is said, they count as earliest."
    )
